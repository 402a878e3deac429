// The packed face as it is shipped: it reads, and lids, lips, and head move where they should and nowhere else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Euler, Vector3 } from "three";
import { scalp } from "../src/avatar/hair";
import { FaceMesh } from "../src/avatar/mesh";
import { type FaceModel, unpack } from "../src/avatar/pack";
import { EXPRESSIONS } from "../src/channels";

const bytes = gunzipSync(readFileSync(process.env.FACE_PACK as string));
const read = (): FaceModel => unpack(new Uint8Array(bytes).buffer);
const model = read();

function moved(
  weights: { [name: string]: number },
  turn = new Euler(),
): { by: (vertex: number) => Vector3; mesh: FaceMesh } {
  const mesh = new FaceMesh(model);
  mesh.move(
    Float32Array.from(model.shapes, ({ name }) => weights[name] ?? 0),
    turn,
    new Vector3(),
  );
  const at = (from: ArrayLike<number>, vertex: number): Vector3 =>
    new Vector3(from[3 * vertex], from[3 * vertex + 1], from[3 * vertex + 2]);
  return { by: (vertex) => at(mesh.places.array, vertex).sub(at(model.rest, vertex)), mesh };
}

function nearest(x: number, y: number, z: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < 11248; i++) {
    const far = (model.rest[3 * i] - x) ** 2 + (model.rest[3 * i + 1] - y) ** 2 + (model.rest[3 * i + 2] - z) ** 2;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

const mark = (name: string, number: number): number => nearest(...model.marks[name][number]);

test("all shapes but the tongue's are there, under ARKit's names", () => {
  const names = new Set(model.shapes.map(({ name }) => name));
  assert.deepEqual(
    EXPRESSIONS.filter((name) => !names.has(name)),
    ["tongueOut"],
  );
  assert.equal(names.size, 51);
  assert.match(model.credit, /MIT/);
});

test("what is no packed face is refused", () => {
  assert.throws(() => unpack(new Uint8Array(64).buffer), /no packed face/);
});

test("a closed lid comes down on its own side alone", () => {
  const { by } = moved({ eyeBlinkLeft: 1 });
  assert.ok(by(mark("eyeLeft", 1)).y < -0.5);
  assert.ok(by(mark("eyeRight", 1)).length() < 0.02);
});

test("an open jaw takes the lower lip down and leaves the brows", () => {
  const { by } = moved({ jawOpen: 1 });
  assert.ok(by(mark("lipsOuter", 9)).y < -1.5);
  assert.ok(by(mark("browLeft", 2)).length() < 0.05);
});

test("a smile lifts the corners of the mouth and draws them apart", () => {
  const { by } = moved({ mouthSmileLeft: 1, mouthSmileRight: 1 });
  assert.ok(by(mark("lipsOuter", 6)).y > 0.3 && by(mark("lipsOuter", 6)).x > 0.2);
  assert.ok(by(mark("lipsOuter", 0)).y > 0.3 && by(mark("lipsOuter", 0)).x < -0.2);
});

test("a nod takes the nose down, a turn to the own left takes it there, and the collar stays", () => {
  const nose = nearest(0, 1, 13);
  const low = nearest(0, -14.5, 4);
  const nod = moved({}, new Euler(0.3, 0, 0, "YXZ"));
  assert.ok(nod.by(nose).y < -2);
  assert.ok(nod.by(low).length() < 0.2);
  assert.ok(moved({}, new Euler(0, 0.3, 0, "YXZ")).by(nose).x > 2);
});

test("normals are those of the moved face, of length one", () => {
  const { mesh } = moved({ mouthSmileLeft: 1 });
  const still = moved({}).mesh;
  let most = 0;
  for (let i = 0; i < mesh.normals.count; i++) {
    const normal = new Vector3(mesh.normals.getX(i), mesh.normals.getY(i), mesh.normals.getZ(i));
    assert.ok(normal.length() < 1.001);
    most = Math.max(
      most,
      normal.distanceTo(new Vector3(still.normals.getX(i), still.normals.getY(i), still.normals.getZ(i))),
    );
  }
  assert.ok(most > 0.3);
});

test("hair grows above the forehead and behind, and not on face, ears or neck", () => {
  assert.ok(scalp(0, 14, 2) > 0.9 && scalp(0, 5, -9) > 0.9);
  for (const [x, y, z] of [
    [0, 8, 10],
    [0, 0, 12],
    [9.5, 2, -1],
    [0, -9, -6],
    [4, 5, 9],
  ])
    assert.ok(scalp(x, y, z) < 0.1, `${x} ${y} ${z}`);
});
