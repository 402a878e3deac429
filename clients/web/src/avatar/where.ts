// Where the eyes of somebody else's model are: files have any unit and any origin, but what blinks are the eyes.

import { Mesh, type Object3D, Vector3 } from "three";
import { arkitName } from "../channels";

/** What moves by less than this share of the most that moves is the cheek beside the lid. */
const LID = 0.3;
/** How far apart the lids of a model in metres are, at the least and at the most; and of people. */
const [NEAR, FAR, USUAL] = [0.03, 0.13, 0.064];

export interface Lids {
  /** Between the eyes, in the scene's space. */
  middle: Vector3;
  /** Metres to a unit of the scene. */
  size: number;
}

/** The middle of what a shape moves, weighed by how far, in the scene's space. */
function moved(mesh: Mesh, index: number): { at: Vector3; share: number } {
  const { position } = mesh.geometry.attributes;
  const moves = mesh.geometry.morphAttributes.position?.[index];
  const sum = { at: new Vector3(), share: 0 };
  if (!moves) return sum;
  const far = (i: number): number => new Vector3().fromBufferAttribute(moves, i).length();
  const all = Array.from({ length: moves.count }, (_, i) => far(i));
  const most = all.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < position.count; i++) {
    if (all[i] <= LID * most) continue;
    sum.at.addScaledVector(mesh.getVertexPosition(i, new Vector3()).applyMatrix4(mesh.matrixWorld), all[i]);
    sum.share += all[i];
  }
  return sum;
}

/** The lids of a model, by its shapes eyeBlinkLeft and eyeBlinkRight under any usual name; null where it lacks one. */
export function lids(scene: Object3D): Lids | null {
  const [left, right] = ["eyeBlinkLeft", "eyeBlinkRight"].map((wanted) => {
    const sum = { at: new Vector3(), share: 0 };
    scene.traverse((each) => {
      if (!(each instanceof Mesh) || !each.geometry.morphTargetsRelative) return;
      for (const [name, index] of Object.entries(each.morphTargetDictionary ?? {})) {
        if (arkitName(name) !== wanted) continue;
        const found = moved(each, index);
        sum.at.add(found.at);
        sum.share += found.share;
      }
    });
    return sum.share > 0 ? sum.at.divideScalar(sum.share) : null;
  });
  const apart = left && right ? left.distanceTo(right) : 0;
  if (!left || !right || apart < 1e-6) return null;
  return { middle: left.add(right).multiplyScalar(0.5), size: apart > NEAR && apart < FAR ? 1 : USUAL / apart };
}
