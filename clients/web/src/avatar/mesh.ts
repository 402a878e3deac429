// The face as it moves: shapes are added, and the head is turned on its neck, on the processor. Of some 23 000 vertices
// that costs two milliseconds, and normals are those of the moved face: a smile's folds catch the light. Of a plain one
// the light is put into the vertices' colours here, and the normals need not leave.

import { BufferAttribute, BufferGeometry, DynamicDrawUsage, Euler, Matrix4, Vector3 } from "three";
import { lit } from "./light";
import type { FaceModel, Part } from "./pack";

/** Where the head turns on the neck, cm. */
export const PIVOT = new Vector3(0, -4.5, -1.6);

/** How much of the head's movement a place has: all above the jaw, none where the neck leaves the collar. */
export function headShare(y: number, z: number): number {
  const height = y + 0.55 * Math.max(0, z - 1);
  const share = Math.min(1, Math.max(0, (height + 13) / 7.5));
  return share * share * (3 - 2 * share);
}

export class FaceMesh {
  readonly places: BufferAttribute;
  readonly normals: BufferAttribute;
  /** Colours of its vertices: what they are without light, and, of a plain face, with it. */
  readonly tint: Float32Array;
  readonly colours: BufferAttribute;
  readonly head = new Matrix4();
  private readonly shaped: Float32Array;
  private readonly shares: Float32Array;
  private readonly weights: Float32Array;
  private readonly corners: Uint16Array[];

  constructor(
    readonly model: FaceModel,
    private readonly plain = false,
  ) {
    const count = model.rest.length / 3;
    this.tint = new Float32Array(model.rest.length).fill(1);
    this.colours = new BufferAttribute(this.plain ? new Float32Array(this.tint) : this.tint, 3);
    if (plain) this.colours.setUsage(DynamicDrawUsage);
    this.shaped = new Float32Array(model.rest);
    this.places = new BufferAttribute(new Float32Array(model.rest), 3).setUsage(DynamicDrawUsage);
    this.normals = new BufferAttribute(new Float32Array(model.rest.length), 3).setUsage(DynamicDrawUsage);
    this.shares = Float32Array.from({ length: count }, (_, i) =>
      headShare(model.rest[3 * i + 1], model.rest[3 * i + 2]),
    );
    this.weights = new Float32Array(model.shapes.length);
    const inner = new Set(
      (["gums", "teeth", "shade", "lashes"] as Part[]).flatMap((part) => [...(model.parts.get(part) ?? [])]),
    );
    for (const vertex of inner) this.shares[vertex] = 1;
    this.corners = [...model.parts.values()];
    this.move(new Float32Array(model.shapes.length), new Euler(), new Vector3());
  }

  /** One part's triangles over the places that all parts share. */
  geometry(part: Part, keep: (corner: number) => boolean = () => true): BufferGeometry {
    const all = this.model.parts.get(part) ?? new Uint16Array();
    const kept: number[] = [];
    for (let i = 0; i < all.length; i += 3)
      if (keep(all[i]) || keep(all[i + 1]) || keep(all[i + 2])) kept.push(all[i], all[i + 1], all[i + 2]);
    const made = new BufferGeometry();
    made.setIndex(new BufferAttribute(Uint16Array.from(kept), 1));
    made.setAttribute("position", this.places);
    if (!this.plain) made.setAttribute("normal", this.normals);
    return made;
  }

  /** Show a face: weights of the model's shapes in its order, how the head is turned, and moved (cm). */
  move(weights: Float32Array, turn: Euler, shift: Vector3): void {
    const { shapes, rest } = this.model;
    if (weights.some((weight, i) => weight !== this.weights[i])) {
      this.weights.set(weights);
      this.shaped.set(rest);
      for (let i = 0; i < shapes.length; i++) {
        const weight = weights[i];
        if (Math.abs(weight) < 1e-4) continue;
        const { vertices, moves } = shapes[i];
        for (let k = 0; k < vertices.length; k++) {
          const to = 3 * vertices[k];
          this.shaped[to] += weight * moves[3 * k];
          this.shaped[to + 1] += weight * moves[3 * k + 1];
          this.shaped[to + 2] += weight * moves[3 * k + 2];
        }
      }
    }
    this.head.makeRotationFromEuler(turn);
    const moved = PIVOT.clone().applyMatrix4(this.head);
    this.head.setPosition(PIVOT.x - moved.x + shift.x, PIVOT.y - moved.y + shift.y, PIVOT.z - moved.z + shift.z);
    this.turned();
    this.faced();
    if (this.plain) lit(this.normals.array as Float32Array, this.tint, this.colours.array as Float32Array);
    this.places.needsUpdate = this.normals.needsUpdate = this.colours.needsUpdate = true;
  }

  private turned(): void {
    const [from, to, m] = [this.shaped, this.places.array as Float32Array, this.head.elements];
    for (let i = 0, v = 0; i < from.length; i += 3, v++) {
      const [x, y, z, share] = [from[i], from[i + 1], from[i + 2], this.shares[v]];
      to[i] = x + share * (m[0] * x + m[4] * y + m[8] * z + m[12] - x);
      to[i + 1] = y + share * (m[1] * x + m[5] * y + m[9] * z + m[13] - y);
      to[i + 2] = z + share * (m[2] * x + m[6] * y + m[10] * z + m[14] - z);
    }
  }

  private faced(): void {
    const [p, n] = [this.places.array as Float32Array, this.normals.array as Float32Array];
    n.fill(0);
    for (const corners of this.corners) {
      for (let i = 0; i < corners.length; i += 3) {
        const [a, b, c] = [3 * corners[i], 3 * corners[i + 1], 3 * corners[i + 2]];
        const [ux, uy, uz] = [p[b] - p[a], p[b + 1] - p[a + 1], p[b + 2] - p[a + 2]];
        const [vx, vy, vz] = [p[c] - p[a], p[c + 1] - p[a + 1], p[c + 2] - p[a + 2]];
        const [x, y, z] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
        n[a] += x;
        n[a + 1] += y;
        n[a + 2] += z;
        n[b] += x;
        n[b + 1] += y;
        n[b + 2] += z;
        n[c] += x;
        n[c + 1] += y;
        n[c + 2] += z;
      }
    }
    for (let i = 0; i < n.length; i += 3) {
      const long = Math.hypot(n[i], n[i + 1], n[i + 2]) || 1;
      n[i] /= long;
      n[i + 1] /= long;
      n[i + 2] /= long;
    }
  }
}
