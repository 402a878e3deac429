// Arms of a figure that somebody dropped: rigs rest with them stretched out; at rest people's hang, a little bent.

import { type Object3D, Quaternion, Vector3 } from "three";
import { pointsOf } from "./joints";

export interface Arm {
  /** From shoulder to elbow, from there to the wrist, and where that is; without the last the elbow stays as it is. */
  upper: Object3D;
  lower: Object3D;
  hand: Object3D | null;
}

export type Arms = readonly [left: Arm, right: Arm];

/** Directions of a hanging upper arm, and of a forearm that is slightly bent: outwards, up and forwards of the person. */
const UPPER = new Vector3(0.34, -0.94, 0);
const LOWER = new Vector3(0.16, -0.96, 0.24);
/** Arms that point down by more than this (its sine) hang already, as their maker wanted them. */
const HANGS = -0.85;
/** What rigs write before all their names. */
const PREFIX = /^(mixamorig\d*[:_]?|bip\d*[\s_]+|j_bip_(c_)?|cc_base_|def-|org-)/i;

/** The arms of a rig by the names of its bones, as usual programs write them; null where one is not known. */
export function armsOf(scene: Object3D): Arms | null {
  const bones: Object3D[] = [];
  scene.traverse((each) => {
    if (each.type === "Bone") bones.push(each);
  });
  // A loader changes names that its paths could not hold, and keeps the file's own beside.
  const points = pointsOf(bones.map((each) => String(each.userData.name ?? each.name).replace(PREFIX, "")));
  const arm = (side: "left" | "right"): Arm | null => {
    const [upper, lower, hand] = (["Shoulder", "Elbow", "Wrist"] as const).map((place) => {
      const at = points.get(`${side}${place}`);
      return at === undefined ? null : bones[at];
    });
    if (!upper || !lower || !below(lower, upper)) return null;
    return { upper, lower, hand: hand && below(hand, lower) ? hand : null };
  };
  const [left, right] = [arm("left"), arm("right")];
  return left && right ? [left, right] : null;
}

function below(bone: Object3D, other: Object3D): boolean {
  for (let each = bone.parent; each; each = each.parent) if (each === other) return true;
  return false;
}

/** Let the arms hang, whichever way bones point and the figure looks (its matrices have to be up to date, and are
 * afterwards). False where they hang already, or where nobody can tell what is left and right of it. */
export function hang([left, right]: Arms): boolean {
  const [low, high] = [place(left.upper), place(right.upper)];
  const across = low.clone().sub(high).setY(0);
  if (across.length() < 0.2 * place(left.lower).distanceTo(low)) return false;
  across.normalize();
  const forward = across.clone().cross(new Vector3(0, 1, 0));
  const along = (way: Vector3, side: number): Vector3 =>
    new Vector3(0, way.y, 0).addScaledVector(across, side * way.x).addScaledVector(forward, way.z);
  let moved = false;
  for (const [arm, side] of [
    [left, 1],
    [right, -1],
  ] as const) {
    const rests = place(arm.lower).sub(place(arm.upper)).normalize();
    if (rests.y < HANGS) continue;
    point(arm.upper, arm.lower, along(UPPER, side));
    if (arm.hand) point(arm.lower, arm.hand, along(LOWER, side));
    moved = true;
  }
  return moved;
}

function place(bone: Object3D): Vector3 {
  return bone.getWorldPosition(new Vector3());
}

/** Turn a bone the shortest way until what hangs on it lies in a direction of the world. */
function point(bone: Object3D, next: Object3D, to: Vector3): void {
  const from = place(next).sub(place(bone));
  if (from.length() < 1e-9 || !bone.parent) return;
  const by = new Quaternion().setFromUnitVectors(from.normalize(), to.clone().normalize());
  const parent = bone.parent.getWorldQuaternion(new Quaternion());
  bone.quaternion.premultiply(parent.clone().invert().multiply(by).multiply(parent));
  bone.updateWorldMatrix(false, true);
}
