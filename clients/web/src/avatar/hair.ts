// Hair made by code: some thousand locks, each a thin band that lies on the head as a comb would leave it.

import { BufferAttribute, BufferGeometry, Color, DoubleSide, Mesh, Vector3 } from "three";
import { bake } from "./light";
import { surface } from "./material";
import type { FaceModel } from "./pack";
import { HAIR_COLOUR, locks } from "./paint";
import { chance } from "./random";

const [LOCKS, PLAIN_LOCKS] = [3400, 1400];
const [STEPS, PLAIN_STEPS] = [6, 4];
/** The hairline in the side view: from z (forward) to the height above which hair grows, cm. */
const LINE: readonly (readonly [number, number])[] = [
  [-12, -7],
  [-6.5, -6.4],
  [-4.2, -4.4],
  [-3, -1.5],
  [-2.4, 3.4],
  [-0.9, 5.8],
  [0.6, 2.2],
  [1.5, 2.4],
  [2.4, 4.6],
  [3.6, 7.4],
  [5.2, 8.6],
  [6.6, 9.7],
  [7.6, 10.6],
  [12, 11.6],
];

/** How much of a scalp a place of the neutral head is, 0 to 1, with a soft edge. */
export function scalp(x: number, y: number, z: number): number {
  let line = LINE[0][1];
  for (let i = 1; i < LINE.length; i++) {
    const [[z0, y0], [z1, y1]] = [LINE[i - 1], LINE[i]];
    if (z >= z0) line = y0 + (y1 - y0) * Math.min(1, (z - z0) / (z1 - z0));
  }
  if (z > 5) line += 0.35 * Math.max(0, 1 - Math.abs(x) / 3); // the middle of the forehead reaches higher
  const share = Math.min(1, Math.max(0, (y - line) / 0.9 + 0.4));
  const ear = Math.abs(x) > 8.1 && y < 6.6 && z > -4.2 ? 0 : 1;
  return ear * share * share * (3 - 2 * share);
}

interface Root {
  at: Vector3;
  up: Vector3;
}

/** Points of the skin where hair grows, evenly by area. */
function roots(model: FaceModel, normals: Float32Array, count: number, random: () => number): Root[] {
  const corners = model.parts.get("skin") as Uint16Array;
  const point = (from: Float32Array, i: number): Vector3 => new Vector3(from[3 * i], from[3 * i + 1], from[3 * i + 2]);
  const areas: number[] = [];
  const which: number[] = [];
  let sum = 0;
  for (let i = 0; i < corners.length; i += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => point(model.rest, corners[i + k]));
    if (scalp(a.x, a.y, a.z) < 0.3) continue;
    sum += b.sub(a).cross(c.sub(a)).length();
    areas.push(sum);
    which.push(i);
  }
  const found: Root[] = [];
  for (let n = 0, at = 0; n < count; n++) {
    const want = ((n + random()) / count) * sum; // in order of area: one way through the list
    while (at < areas.length - 1 && areas[at] < want) at++;
    const i = which[at];
    let [u, v] = [random(), random()];
    if (u + v > 1) [u, v] = [1 - u, 1 - v];
    const blend = (from: Float32Array): Vector3 =>
      point(from, corners[i])
        .multiplyScalar(1 - u - v)
        .addScaledVector(point(from, corners[i + 1]), u)
        .addScaledVector(point(from, corners[i + 2]), v);
    found.push({ at: blend(model.rest), up: blend(normals).normalize() });
  }
  return found;
}

/** Which way hair is combed at a place: from the forehead up, back and a little to the person's right; down behind. */
function combed(at: Vector3): Vector3 {
  const top = Math.min(1, Math.max(0, (at.y - 5) / 5));
  const behind = Math.min(1, Math.max(0, (-2 - at.z) / 6));
  return new Vector3(-0.32 * top * (1 - behind), -0.75 + 1.05 * top - 0.9 * behind, -1 + 0.75 * behind).normalize();
}

/** The head's surface as known from its scalp: the nearest known point, and the way out there. */
class Surface {
  private readonly cells = new Map<number, Root[]>();

  constructor(known: readonly Root[]) {
    for (const root of known) {
      const key = this.key(root.at, 0, 0, 0);
      const there = this.cells.get(key);
      if (there) there.push(root);
      else this.cells.set(key, [root]);
    }
  }

  nearest(at: Vector3): Root | null {
    let best: Root | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (let x = -1; x <= 1; x++)
      for (let y = -1; y <= 1; y++)
        for (let z = -1; z <= 1; z++)
          for (const one of this.cells.get(this.key(at, x, y, z)) ?? []) {
            const far = one.at.distanceToSquared(at);
            if (far < least) [best, least] = [one, far];
          }
    return best;
  }

  /** A cell of 1.4 cm, of a head of 60 of them at most. */
  private key(at: Vector3, x: number, y: number, z: number): number {
    const cell = (value: number, more: number): number => Math.floor(value / 1.4) + more + 32;
    return (cell(at.x, x) * 64 + cell(at.y, y)) * 64 + cell(at.z, z);
  }
}

/** The hair of a face model; `normals` are those of its neutral mesh. It belongs under the head's matrix. */
export function hair(model: FaceModel, normals: Float32Array, plain: boolean): Mesh {
  const random = chance(21);
  const steps = plain ? PLAIN_STEPS : STEPS;
  const head = new Surface(roots(model, normals, 1800, random));
  const places: number[] = [];
  const ways: number[] = [];
  const colours: number[] = [];
  const strands: number[] = [];
  const index: number[] = [];
  const base = new Color(HAIR_COLOUR).multiplyScalar(plain ? 1.5 : 1); // whose light has no room around it
  for (const root of roots(model, normals, plain ? PLAIN_LOCKS : LOCKS, random)) {
    const top = Math.min(1, Math.max(0, (root.at.y - 4) / 6));
    const byEar = Math.abs(root.at.x) > 7 && root.at.y < 6.5 && root.at.z > -4.5;
    const long = (byEar ? 0.9 : 1.7 + 3.6 * top * top) * (0.75 + 0.5 * random());
    const lift = byEar ? 0.1 : 0.12 + (0.25 + 0.75 * top) * random();
    const wide = (plain ? 0.65 : 0.42) + 0.35 * random();
    const strand = Math.floor(random() * 4) / 4;
    const shade = base.clone().multiplyScalar(0.65 + 0.8 * random() ** 1.5);
    const lean = (random() - 0.5) * 0.5;
    const at = root.at.clone();
    let up = root.up.clone();
    const first = places.length / 3;
    let grown = 0;
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      const way = combed(at).addScaledVector(up, -combed(at).dot(up)).normalize();
      const across = new Vector3().crossVectors(up, way).normalize();
      way.addScaledVector(across, 0.28 * Math.sin(lean * 6 + share * 2) * 0.6 + lean * 0.5).normalize();
      const height = lift * Math.sin(Math.min(1, share * 2.2 + 0.12) * Math.PI * 0.5) * (1 - 0.55 * share ** 2);
      const half = 0.5 * wide * (1 - 0.85 * share ** 1.6);
      for (const side of [-1, 1]) {
        const place = at
          .clone()
          .addScaledVector(up, height)
          .addScaledVector(across, side * half);
        const facing = up
          .clone()
          .addScaledVector(across, side * 0.75 + lean)
          .normalize();
        places.push(...place.toArray());
        ways.push(...facing.toArray());
        strands.push(strand + (side > 0 ? 0.25 : 0), share);
        const tone = 0.55 + 0.6 * Math.min(1, 2 * share);
        colours.push(shade.r * tone, shade.g * tone, shade.b * tone);
      }
      if (step === steps) break;
      const now = first + 2 * step;
      index.push(now, now + 1, now + 2, now + 1, now + 3, now + 2);
      at.addScaledVector(way, long / steps);
      grown += long / steps;
      const under = head.nearest(at);
      if (!under) continue;
      const off = at.clone().sub(under.at).dot(under.up);
      at.addScaledVector(under.up, -off * (grown < 0.3 ? 0.5 : 1)); // back onto the head, which is round
      up = up.lerp(under.up, 0.7).normalize();
    }
  }
  const made = new BufferGeometry();
  made.setIndex(index);
  made.setAttribute("position", new BufferAttribute(Float32Array.from(places), 3));
  made.setAttribute("normal", new BufferAttribute(Float32Array.from(ways), 3));
  made.setAttribute("color", new BufferAttribute(Float32Array.from(colours), 3));
  made.setAttribute("uv", new BufferAttribute(Float32Array.from(strands), 2));
  if (plain) bake(made);
  const about = {
    vertexColors: true,
    map: locks(),
    alphaTest: 0.42,
    roughness: 0.62,
    side: DoubleSide,
    envMapIntensity: 0.35,
    specularIntensity: 0.6,
  } as const;
  const mesh = new Mesh(made, surface(plain, about, true));
  mesh.castShadow = mesh.receiveShadow = true;
  return mesh;
}
