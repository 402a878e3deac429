// Eyeballs that turn: spheres with a painted iris, each in the head's frame.

import { Group, Mesh, SphereGeometry } from "three";
import { bake } from "./light";
import { surface } from "./material";
import type { FaceModel } from "./pack";
import { eyeball } from "./paint";

const IRIS = Math.asin(0.66 / 1.574);
/** How far an eye turns with a weight of 1, rad (ARKit's shapes go to about that). */
const REACH = { side: 0.6, up: 0.42, down: 0.5 };

/** How an eye is turned, rad: pitch > 0 looks down, yaw > 0 to the person's own left. */
export function gaze(side: "Left" | "Right", face: (name: string) => number): { pitch: number; yaw: number } {
  const outwards = face(`eyeLookOut${side}`) - face(`eyeLookIn${side}`);
  return {
    pitch: REACH.down * face(`eyeLookDown${side}`) - REACH.up * face(`eyeLookUp${side}`),
    yaw: (side === "Left" ? 1 : -1) * REACH.side * outwards,
  };
}

export class Eyes {
  readonly group = new Group();
  private readonly balls: { side: "Left" | "Right"; ball: Mesh }[] = [];

  constructor(model: FaceModel, plain: boolean) {
    const map = eyeball(IRIS / Math.PI);
    const about = { map, roughness: 0.3, clearcoat: 1, clearcoatRoughness: 0.1, envMapIntensity: 1.6 };
    const material = surface(plain, about, true);
    const shape = new SphereGeometry(1, plain ? 24 : 48, plain ? 20 : 40).rotateX(Math.PI / 2);
    if (plain) bake(shape);
    for (const side of ["Left", "Right"] as const) {
      const [x, y, z, radius] = model.eyes[side];
      const ball = new Mesh(shape, material);
      ball.position.set(x, y, z);
      ball.scale.setScalar(radius * 0.995);
      ball.rotation.order = "YXZ";
      this.balls.push({ side, ball });
      this.group.add(ball);
    }
  }

  /** Turn both as a face says by name. */
  look(face: (name: string) => number): void {
    for (const { side, ball } of this.balls) {
      const { pitch, yaw } = gaze(side, face);
      ball.rotation.set(pitch, yaw, 0);
    }
  }
}
