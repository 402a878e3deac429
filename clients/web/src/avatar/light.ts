// The light on the stage: the lamps as they stand there, and what they give to a surface by the way it faces. Where no
// graphics card draws, that is summed here for each vertex, once a picture: for each point it would take half the time
// of a picture, and triangles are small.

import { BufferAttribute, type BufferGeometry, Color } from "three";

export interface Lamp {
  colour: string;
  strength: number;
  /** Where it stands, seen from the avatar. */
  from: readonly [number, number, number];
}

export const LAMPS: readonly Lamp[] = [
  { colour: "#fff0e2", strength: 2.1, from: [0.75, 0.85, 0.95] },
  { colour: "#dfe9ff", strength: 0.42, from: [-1.1, 0.25, 0.8] },
  { colour: "#ffffff", strength: 1.5, from: [-0.7, 0.7, -1.1] },
  { colour: "#ffe9d6", strength: 0.9, from: [0.9, 0.5, -0.9] },
];
export const ROOM = { above: "#fff4ea", below: "#8a6a5c", plain: 1.1, full: 0.4 };

/** What a colour gives of each light, as a diffuse surface does (Lambert). */
const share = (colour: string, strength: number): number[] =>
  new Color(colour).multiplyScalar(strength / Math.PI).toArray();
const [SKY, GROUND] = [share(ROOM.above, ROOM.plain), share(ROOM.below, ROOM.plain)];
const RAYS = LAMPS.map(({ colour, strength, from }) => {
  const long = Math.hypot(...from);
  return [...from.map((each) => each / long), ...share(colour, strength)];
});

/** Colours `out` of a surface of colours `tint` whose unit normals are `normals`; three numbers a vertex each. */
export function lit(normals: Float32Array, tint: Float32Array, out: Float32Array): void {
  for (let i = 0; i < normals.length; i += 3) {
    const [x, y, z] = [normals[i], normals[i + 1], normals[i + 2]];
    const up = 0.5 * y + 0.5;
    let r = GROUND[0] + up * (SKY[0] - GROUND[0]);
    let g = GROUND[1] + up * (SKY[1] - GROUND[1]);
    let b = GROUND[2] + up * (SKY[2] - GROUND[2]);
    for (const ray of RAYS) {
      const along = x * ray[0] + y * ray[1] + z * ray[2];
      if (along <= 0) continue;
      r += along * ray[3];
      g += along * ray[4];
      b += along * ray[5];
    }
    out[i] = r * tint[i];
    out[i + 1] = g * tint[i + 1];
    out[i + 2] = b * tint[i + 2];
  }
}

/** Put the light into the colours of a shape's vertices, for one that does not turn much. */
export function bake(shape: BufferGeometry): BufferGeometry {
  const normals = shape.getAttribute("normal").array as Float32Array;
  const tint = shape.getAttribute("color")?.array ?? new Float32Array(normals.length).fill(1);
  const out = new Float32Array(normals.length);
  lit(normals, tint as Float32Array, out);
  shape.setAttribute("color", new BufferAttribute(out, 3));
  return shape.deleteAttribute("normal");
}
