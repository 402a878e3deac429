// The 58 numbers of a picture: names, signs of the head, and the rest pose, as the engine's own tracker has them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EXPRESSIONS, FACE } from "../src/channels";
import { angles, face58, RestPose, rotation } from "../src/face58";

/** MediaPipe's matrix (by columns, cm) of a head turned so and at a place. */
function matrix(pitch: number, yaw: number, roll: number, place = [0, 0, -50], scale = 1): number[] {
  const r = rotation(pitch, yaw, roll);
  const columns = [0, 1, 2].flatMap((c) => [...[0, 1, 2].map((row) => scale * r[row][c]), 0]);
  return [...columns, ...place, 1];
}

const at = (face: Float32Array, name: string): number => face[FACE.indexOf(name)];
const near = (got: number, wanted: number, within = 1e-4): void =>
  assert.ok(Math.abs(got - wanted) < within, `${got}, not ${wanted}`);

test("a nod looks down, a turn to the own left is positive, a tilt to the own right too", () => {
  // Looking down: what points out of the face (z) points down. Own left is x. The crown (y) leans to the own right, -x.
  const out = (r: ReturnType<typeof rotation>, axis: number): number[] => [r[0][axis], r[1][axis], r[2][axis]];
  assert.ok(out(rotation(0.3, 0, 0), 2)[1] < -0.2);
  assert.ok(out(rotation(0, 0.3, 0), 2)[0] > 0.2);
  assert.ok(out(rotation(0, 0, 0.3), 1)[0] < -0.2);
  for (const [i, name] of ["headPitch", "headYaw", "headRoll"].entries()) {
    const turn = [0, 0, 0];
    turn[i] = 0.3;
    const face = face58([], matrix(turn[0], turn[1], turn[2]), new RestPose(0), 0);
    near(at(face, name), 0.3);
    for (const other of ["headPitch", "headYaw", "headRoll"]) if (other !== name) near(at(face, other), 0);
  }
});

test("angles come back from a rotation, whatever its scale", () => {
  const got = angles(rotation(0.4, -0.7, 0.2));
  for (const [i, wanted] of [0.4, -0.7, 0.2].entries()) near(got[i], wanted);
  const face = face58([], matrix(0.4, -0.7, 0.2, [0, 0, -40], 1.3), new RestPose(0), 0);
  near(at(face, "headYaw"), -0.7);
});

test("weights go by name, in the engine's order", () => {
  const scores = [
    { categoryName: "_neutral", score: 0.9 },
    { categoryName: "mouthSmileRight", score: 0.8 },
    { categoryName: "browDownLeft", score: 0.25 },
  ];
  const face = face58(scores, matrix(0, 0, 0), new RestPose(0), 0);
  assert.equal(face.length, 58);
  near(face[EXPRESSIONS.indexOf("mouthSmileRight")], 0.8);
  near(face[0], 0.25);
  near(at(face, "mouthSmileLeft"), 0);
  near(at(face, "tongueOut"), 0);
});

test("places are metres from where the head was first", () => {
  const rest = new RestPose(0);
  face58([], matrix(0, 0, 0, [10, 0, -50]), rest, 0);
  const face = face58([], matrix(0, 0, 0, [13, -2, -45]), rest, 40);
  near(at(face, "headX"), 0.03);
  near(at(face, "headY"), -0.02);
  near(at(face, "headZ"), 0.05);
  rest.moveIn();
  near(at(face58([], matrix(0, 0, 0, [30, 0, -50]), rest, 80), "headX"), 0);
});

test("a camera that stands askew is learned, from the past alone, and within bounds", () => {
  const rest = new RestPose(30);
  const first = rest.head(matrix(0.2, 0, 0), 0);
  near(first[0], 0.2);
  let last = first;
  for (let t = 40; t <= 60_000; t += 40) last = rest.head(matrix(0.2, 0, 0), t);
  near(last[0], 0.2 * Math.exp(-2), 0.003);
  const far = new RestPose(1);
  for (let t = 0; t <= 60_000; t += 40) last = far.head(matrix(0, 0.9, 0), t);
  near(last[1], 0.9 - (25 * Math.PI) / 180, 0.001);
});
