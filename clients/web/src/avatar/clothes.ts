// A knitted pullover for the bust: from a rolled collar around the neck over the shoulders down, out of the picture.

import { BufferAttribute, BufferGeometry, DoubleSide, Mesh } from "three";
import { bake } from "./light";
import { surface } from "./material";
import type { FaceModel, Point } from "./pack";
import { knit } from "./paint";

/** A ring of cloth: half its width and depth, its height, and where its middle is (z), cm; `square`: how far it is from
 * an ellipse (2) to a rectangle. */
interface Ring {
  wide: number;
  deep: number;
  y: number;
  z: number;
  square: number;
}

const BODY: readonly Ring[] = [
  { wide: 10.4, deep: 7.8, y: -12.7, z: -2.2, square: 2 },
  { wide: 13.2, deep: 8.8, y: -14.3, z: -2.4, square: 2 },
  { wide: 15.6, deep: 9.6, y: -16.2, z: -2.5, square: 2.05 },
  { wide: 17.6, deep: 10.2, y: -18.5, z: -2.4, square: 2.1 },
  { wide: 19.0, deep: 10.7, y: -20.8, z: -2.2, square: 2.2 },
  { wide: 19.9, deep: 11.1, y: -23.6, z: -2.0, square: 2.3 },
  { wide: 20.5, deep: 11.5, y: -27, z: -1.8, square: 2.4 },
  { wide: 20.8, deep: 12, y: -32, z: -1.6, square: 2.5 },
  { wide: 20.9, deep: 12.3, y: -40, z: -1.4, square: 2.5 },
  { wide: 20.8, deep: 12.4, y: -52, z: -1.4, square: 2.5 },
];
/** The collar, from inside over its edge and down: how far out of the neck, and above its outline, cm. */
const COLLAR: readonly (readonly [number, number])[] = [
  [0.1, -0.6],
  [0.12, 0.5],
  [0.3, 1.05],
  [0.62, 1.2],
  [0.92, 0.95],
  [1.02, 0.3],
  [0.98, -0.35],
  [1.35, -0.75],
  [2.3, -1.15],
];

function around(ring: Ring, angle: number): Point {
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  const power = (value: number): number => Math.sign(value) * Math.abs(value) ** (2 / ring.square);
  // Shoulders slope: the sides of a ring hang lower than its front and back while it widens.
  const slope =
    Math.min(1, Math.max(0, (ring.y + 30) / 12)) *
    (-1.5 * s ** 2 + 0.9 * Math.max(0, -c) - 3.3 * Math.max(0, c) ** 1.5);
  return [ring.wide * power(s), ring.y + slope, ring.z + ring.deep * power(c)];
}

/** The pullover for a neck's outline. */
export function pullover(outline: FaceModel["neck"], colour: string, plain: boolean): Mesh {
  const half = outline.length / 2;
  const neck = [...outline.slice(half), ...outline.slice(0, half)]; // the seam is behind
  const rings: Point[][] = COLLAR.map(([out, up]) =>
    neck.map(([x, y, z]) => {
      const long = Math.hypot(x, z + 1.5);
      return [x * (1 + out / long), y + up, z + ((z + 1.5) * out) / long];
    }),
  );
  const edge = rings[rings.length - 1];
  const outer = BODY.map((ring) => neck.map((_, i) => around(ring, ((i + half) / neck.length) * 2 * Math.PI)));
  for (const share of [0.3, 0.62]) {
    rings.push(
      edge.map((from, i) => {
        const to = outer[0][i];
        const dip = -0.5 * Math.sin(share * Math.PI);
        return [0, 1, 2].map((k) => from[k] + share * (to[k] - from[k]) + (k === 1 ? dip : 0)) as Point;
      }),
    );
  }
  rings.push(...outer);
  const places: number[] = [];
  const uv: number[] = [];
  const index: number[] = [];
  const count = neck.length;
  let down = 0;
  rings.forEach((ring, r) => {
    if (r) down += Math.hypot(...[0, 1, 2].map((k) => ring[0][k] - rings[r - 1][0][k]));
    for (let i = 0; i <= count; i++) {
      places.push(...ring[i % count]);
      uv.push((i / count) * 60, down / 1.5);
      if (r && i < count) {
        const [a, b] = [(r - 1) * (count + 1) + i, r * (count + 1) + i];
        index.push(a, b, a + 1, a + 1, b, b + 1);
      }
    }
  });
  const made = new BufferGeometry();
  made.setIndex(index);
  made.setAttribute("position", new BufferAttribute(Float32Array.from(places), 3));
  made.setAttribute("uv", new BufferAttribute(Float32Array.from(uv), 2));
  made.computeVertexNormals();
  const bump = knit();
  if (plain) bake(made);
  const about = { color: colour, roughness: 0.92, bumpMap: bump, bumpScale: 2.2, side: DoubleSide } as const;
  const mesh = new Mesh(made, surface(plain, about, true));
  mesh.castShadow = mesh.receiveShadow = true;
  return mesh;
}
