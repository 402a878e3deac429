// The packed face as it is shipped: it reads, and lids, lips, and head move where they should and nowhere else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { BoxGeometry, BufferGeometry, Color, Euler, Float32BufferAttribute, Mesh, Vector3 } from "three";
import { scalp } from "../src/avatar/hair";
import { bake, LAMPS, lit, ROOM } from "../src/avatar/light";
import { FaceMesh } from "../src/avatar/mesh";
import { type FaceModel, unpack } from "../src/avatar/pack";
import { lids } from "../src/avatar/where";
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

test("light comes from where the lamps stand, through the surface's own colour", () => {
  const [up, tint, out] = [Float32Array.of(0, 1, 0), Float32Array.of(1, 0.5, 0), new Float32Array(3)];
  lit(up, tint, out);
  const sum = new Color(ROOM.above).multiplyScalar(ROOM.plain);
  for (const { colour, strength, from } of LAMPS)
    sum.add(new Color(colour).multiplyScalar(strength * new Vector3(...from).normalize().y));
  for (const [i, each] of [sum.r, 0.5 * sum.g, 0].entries()) assert.ok(Math.abs(out[i] - each / Math.PI) < 1e-6);
  lit(Float32Array.of(0, -1, 0), Float32Array.of(1, 1, 1), out); // from below there is the room alone
  assert.ok(Math.abs(out[2] - (new Color(ROOM.below).b * ROOM.plain) / Math.PI) < 1e-6);
  const box = bake(new BoxGeometry());
  const [top, bottom] = [8, 12].map((vertex) => box.getAttribute("color").getX(vertex));
  assert.ok(top > 2 * bottom && !box.hasAttribute("normal"));
});

test("a plain face carries its light in its colours, which follow the head; another leaves light to the card", () => {
  const plain = new FaceMesh(model, true);
  plain.tint.fill(0.5);
  const cheek = nearest(6, -1, 8);
  const shown = (turn: Euler): number => {
    plain.move(new Float32Array(model.shapes.length), turn, new Vector3());
    return plain.colours.getX(cheek);
  };
  const still = shown(new Euler());
  assert.ok(shown(new Euler(0, -0.5, 0)) > 0.0 && Math.abs(shown(new Euler(0, 1.2, 0)) - still) > 0.02);
  assert.ok(plain.colours.version > 0 && !plain.geometry("skin").hasAttribute("normal"));
  const { mesh } = moved({});
  assert.ok(mesh.colours.getX(cheek) === 1 && mesh.geometry("skin").hasAttribute("normal"));
});

test("the eyes of a model are where it blinks, whatever its unit and origin", () => {
  const unit = 10; // of a millimetre of the packed face's centimetres
  const shape = new BufferGeometry();
  const around = (side: number): number[] => [side * 3.2, 2, 8, side * 3.2, 2.4, 8, side * 9, 0, 2];
  shape.setAttribute("position", new Float32BufferAttribute([...around(1), ...around(-1)], 3));
  const still = [0, 0, 0];
  const lid = [0, -1, 0];
  const cheek = [0, -0.2, 0];
  shape.morphAttributes.position = [
    new Float32BufferAttribute([lid, lid, cheek, still, still, still].flat(), 3),
    new Float32BufferAttribute([still, still, still, lid, lid, cheek].flat(), 3),
  ];
  shape.morphTargetsRelative = true;
  const mesh = new Mesh(shape);
  mesh.morphTargetDictionary = { "face.eyeBlink_L": 0, EyeBlinkRight: 1 };
  mesh.morphTargetInfluences = [0, 0];
  mesh.scale.setScalar(unit);
  mesh.position.set(5, 0, 0);
  mesh.updateMatrixWorld(true);
  const found = lids(mesh);
  assert.ok(found && found.middle.distanceTo(new Vector3(5, 22, 80)) < 1e-4);
  assert.ok(Math.abs(found.size - 0.001) < 1e-6); // 64 units are the 64 mm between people's eyes
  mesh.scale.setScalar(0.012);
  mesh.updateMatrixWorld(true);
  assert.equal(lids(mesh)?.size, 1); // in metres already, and wide: it keeps its size
  mesh.morphTargetDictionary = { eyeBlinkLeft: 0 };
  assert.equal(lids(mesh), null);
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
