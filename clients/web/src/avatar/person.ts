// The avatar that comes with the page: head, eyes, hair and pullover, moved by the 58 numbers of a face.

import {
  BufferAttribute,
  Color,
  DoubleSide,
  Euler,
  Group,
  type Material,
  Mesh,
  MeshBasicMaterial,
  type MeshPhysicalMaterialParameters,
  Vector3,
} from "three";
import { pullover } from "./clothes";
import { Eyes } from "./eyes";
import { hair, scalp } from "./hair";
import { FaceMesh } from "./mesh";
import { surface } from "./material";
import type { FaceModel, Part } from "./pack";
import { FRONT, HAIR_COLOUR, lash, pores, skin } from "./paint";

/** A face by name: weights, and the head's angles (rad) and place (m). */
export type Face = (name: string) => number;

/** Something that shows faces. It is as large as people are, its neck's root near the origin. */
export interface Avatar {
  readonly root: Group;
  show(face: Face): void;
  dispose(): void;
}

const MOST_SHIFT = 6;
/** Vertices of a layer of lashes. */
const LASH = 114;
/** What a face at ease has beside nothing: the model's own neutral looks stern. */
const AT_EASE: { readonly [name: string]: number } = {
  mouthSmileLeft: 0.24,
  mouthSmileRight: 0.24,
  mouthDimpleLeft: 0.1,
  mouthDimpleRight: 0.1,
  cheekSquintLeft: 0.12,
  cheekSquintRight: 0.12,
  browInnerUp: 0.1,
};
/** What lets one see into the mouth; while it is shut nothing in it is drawn. */
const OPENING = [
  "jawOpen",
  "mouthFunnel",
  "mouthUpperUpLeft",
  "mouthUpperUpRight",
  "mouthLowerDownLeft",
  "mouthLowerDownRight",
  "mouthSmileLeft",
  "mouthSmileRight",
  "mouthStretchLeft",
  "mouthStretchRight",
  "mouthShrugUpper",
];

const NOSTRIL = new Color(0.16, 0.07, 0.06);
const within = (share: number): number => Math.min(1, Math.max(0, share));

/** How deep in a nostril a place of the neutral face (cm) is, 0 to 1: no light falls there. */
function nostril(x: number, y: number, z: number): number {
  if (z < 9) return 0;
  const wings = within((1.36 - Math.abs(x)) / 0.15);
  return wings * within((y + 0.7) / 0.12) * within((0.1 - y) / 0.2) * within((11.62 - z) / 0.35);
}

export class Person implements Avatar {
  readonly root = new Group();
  private readonly mesh: FaceMesh;
  private readonly head = new Group();
  private readonly bust = new Group();
  private readonly eyes: Eyes;
  private readonly mouth: Mesh[] = [];
  private readonly weights: Float32Array;
  private readonly shift = new Vector3();

  /** `plain`: surfaces that are quick to draw, for a machine without a graphics card. */
  constructor(
    model: FaceModel,
    private readonly plain: boolean,
  ) {
    this.mesh = new FaceMesh(model, plain);
    this.weights = new Float32Array(model.shapes.length);
    this.eyes = new Eyes(model, plain);
    const neutral = new Float32Array(this.mesh.normals.array);
    this.head.matrixAutoUpdate = false;
    this.head.add(this.eyes.group, hair(model, neutral, plain));
    this.bust.add(...this.surfaces(model, neutral), pullover(model.neck, "#3f5b66", plain), this.head);
    this.root.add(this.bust);
    this.root.scale.setScalar(0.01); // the model is in cm
  }

  show(face: Face): void {
    this.mesh.model.shapes.forEach(({ name }, i) => {
      this.weights[i] = Math.min(1.2, Math.max(0, face(name) + (AT_EASE[name] ?? 0)));
    });
    const turn = new Euler(face("headPitch"), face("headYaw"), face("headRoll"), "YXZ");
    const keep = (metres: number): number => Math.min(MOST_SHIFT, Math.max(-MOST_SHIFT, 100 * metres));
    this.shift.set(keep(face("headX")), keep(face("headY")), keep(face("headZ")));
    // Who leans moves the shoulders too: half of the way is theirs.
    this.bust.position.copy(this.shift).multiplyScalar(0.5);
    this.mesh.move(this.weights, turn, this.shift.multiplyScalar(0.5));
    this.head.matrix.copy(this.mesh.head);
    this.head.matrixWorldNeedsUpdate = true;
    this.eyes.look(face);
    const open = OPENING.reduce((sum, name) => sum + Math.max(0, face(name)), 0) > 0.05;
    for (const part of this.mouth) part.visible = open;
  }

  dispose(): void {
    this.root.traverse((each) => {
      if (!(each instanceof Mesh)) return;
      each.geometry.dispose();
      for (const one of [each.material].flat()) one.dispose();
    });
  }

  private surfaces(model: FaceModel, normals: Float32Array): Mesh[] {
    const { rest } = model;
    const { plain } = this;
    const count = rest.length / 3;
    const uv = new Float32Array(2 * count);
    const { tint } = this.mesh;
    const [dark, one] = [new Color(HAIR_COLOUR).multiplyScalar(0.55), new Color()];
    const base = new Color("#d9a58c");
    for (let i = 0; i < count; i++) {
      const [x, y, z] = rest.subarray(3 * i, 3 * i + 3);
      uv[2 * i] = (x - FRONT.left) / (FRONT.right - FRONT.left);
      uv[2 * i + 1] = (y - FRONT.low) / (FRONT.high - FRONT.low);
      const share = scalp(x, y, z);
      one.setRGB(1, 1, 1).lerp(new Color(dark.r / base.r, dark.g / base.g, dark.b / base.b), share * 0.97);
      // Hollows are darker: below the jaw, ears' insides, nostrils.
      const under = 1 - 0.16 * Math.max(0, -normals[3 * i + 1]) * (y < -6 && z > 0 ? 1 : 0.4);
      one.multiplyScalar(under).lerp(NOSTRIL, nostril(x, y, z));
      tint.set(one.toArray(), 3 * i);
    }
    const [map, bump] = [skin(model), pores()];
    const look = (about: MeshPhysicalMaterialParameters): Material => surface(plain, about, true);
    const flesh = look({
      map,
      bumpMap: bump,
      bumpScale: 0.5,
      roughness: 0.56,
      vertexColors: true,
      envMapIntensity: 0.75,
      sheen: 0.2,
      sheenRoughness: 0.5,
      sheenColor: new Color("#ff9a7a"),
      specularIntensity: 0.55,
    });
    // Below its collar the pullover is what one sees: skin there would only come through it.
    const uncovered = (corner: number): boolean => {
      const [x, y, z] = rest.subarray(3 * corner, 3 * corner + 3);
      const turn = (Math.atan2(x, z + 1.5) / (2 * Math.PI) + 1) * model.neck.length;
      const [nx, ny, nz] = model.neck[Math.round(turn) % model.neck.length];
      return y > ny + 1.3 || (y > ny - 1.2 && Math.hypot(x, z + 1.5) < Math.hypot(nx, nz + 1.5) + 0.8);
    };
    const made: Mesh[] = [];
    const add = (part: Part, material: Mesh["material"], keep?: (corner: number) => boolean): Mesh => {
      const geometry = this.mesh.geometry(part, keep);
      geometry.setAttribute("uv", new BufferAttribute(uv, 2));
      geometry.setAttribute("color", this.mesh.colours);
      const mesh = new Mesh(geometry, material);
      mesh.frustumCulled = false;
      mesh.receiveShadow = true;
      made.push(mesh);
      return mesh;
    };
    add("skin", flesh, uncovered).castShadow = true;
    add("socket", look({ color: "#8d4640", roughness: 0.5, side: DoubleSide, envMapIntensity: 0.25 }));
    const gums = add("gums", look({ color: "#b2605c", roughness: 0.35, clearcoat: 0.4, envMapIntensity: 0.35 }));
    const teeth = add("teeth", look({ color: "#e6dccb", roughness: 0.25, clearcoat: 0.5, envMapIntensity: 0.5 }));
    this.mouth.push(gums, teeth);
    made.push(shade(this.mesh), lashes(this.mesh));
    return made;
  }
}

/** The lids' shadow on the eyes: dark at the edge of the openings, clear inside. */
function shade(mesh: FaceMesh): Mesh {
  const geometry = mesh.geometry("shade");
  const index = geometry.getIndex() as BufferAttribute;
  const edges = new Map<string, number>();
  for (let i = 0; i < index.count; i += 3)
    for (const [a, b] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ]) {
      const ends = [index.getX(i + a), index.getX(i + b)].sort((m, n) => m - n).join();
      edges.set(ends, (edges.get(ends) ?? 0) + 1);
    }
  const rim = new Set([...edges].filter(([, uses]) => uses === 1).flatMap(([ends]) => ends.split(",").map(Number)));
  const colours = new Float32Array(4 * mesh.places.count);
  for (const vertex of rim) colours[4 * vertex + 3] = 0.62;
  geometry.setAttribute("color", new BufferAttribute(colours, 4));
  const made = new Mesh(geometry, new MeshBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false }));
  made.frustumCulled = false;
  return made;
}

function lashes(mesh: FaceMesh): Mesh {
  const { lashUv } = mesh.model;
  // Of six layers at an eye, three above and three below, the lower two are left out: they look painted.
  const first = mesh.places.count - lashUv.length / 2;
  const geometry = mesh.geometry("lashes", (corner) => Math.floor((corner - first) / LASH) % 6 < 4);
  const uv = new Float32Array(2 * mesh.places.count);
  uv.set(lashUv, uv.length - lashUv.length);
  geometry.setAttribute("uv", new BufferAttribute(uv, 2));
  const made = new Mesh(
    geometry,
    new MeshBasicMaterial({ color: "#1c1210", map: lash(), side: DoubleSide, transparent: true, depthWrite: false }),
  );
  made.frustumCulled = false;
  return made;
}
