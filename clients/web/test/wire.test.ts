// Every message of the golden file is read as it says (the file is the engine's own, tests/wire_golden.json).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, flagWords, joined, record } from "../src/wire";

interface Golden {
  name: string;
  hex: string;
  session: number;
  stream: number;
  flags: number;
  step_us: number;
  seq: number;
  capture_ns: number;
  due_ns: number;
  publish_ns: number;
  layout: number;
  values: (number | string | null)[];
}

const file = process.env.WIRE_GOLDEN as string;
const text = readFileSync(file, "utf8");
const golden = JSON.parse(text.replace(/\bNaN\b/g, '"NaN"').replace(/-?\bInfinity\b/g, '"$&"')) as Golden[];

test("there is something to read", () => assert.ok(golden.length > 3));

for (const one of golden) {
  test(`golden: ${one.name}`, () => {
    const bytes = Buffer.from(one.hex, "hex");
    const frame = decode(new Uint8Array(bytes).buffer);
    assert.ok(frame);
    assert.equal(frame.session, one.session);
    assert.equal(frame.stream, one.stream);
    assert.equal(frame.flags, one.flags);
    assert.equal(frame.stepUs, one.step_us);
    assert.equal(frame.seq, one.seq);
    assert.equal(frame.layout, one.layout);
    for (const [got, said] of [
      [frame.captureNs, one.capture_ns],
      [frame.dueNs, one.due_ns],
      [frame.publishNs, one.publish_ns],
    ] as const)
      assert.equal(Number(got), said);
    assert.deepEqual(
      [...frame.values],
      one.values.map((value) => Math.fround(Number(value))),
    );
  });
}

test("a picture is its bytes behind a head of its kind", () => {
  const bytes = record(4, Uint8Array.of(255, 216, 7), 9);
  assert.deepEqual([...bytes.subarray(0, 8)], [3, 4, 1, 0, 3, 0, 0, 0]);
  assert.deepEqual([...bytes.subarray(8)], [9, 0, 0, 0, 0, 0, 0, 0, 255, 216, 7]);
});

test("what is no frame is refused", () => {
  const good = new Uint8Array(Buffer.from(golden[0].hex, "hex"));
  assert.ok(decode(good.slice().buffer));
  const bad = (change: (bytes: Uint8Array) => Uint8Array): void =>
    assert.equal(decode(change(good.slice()).slice().buffer), null);
  bad((bytes) => bytes.subarray(0, 40));
  bad((bytes) => bytes.subarray(0, bytes.length - 4));
  bad((bytes) => {
    bytes[0] ^= 1;
    return bytes;
  });
  bad((bytes) => {
    bytes[10] = 2;
    return bytes;
  });
});

test("flags are told in words", () => {
  assert.deepEqual(flagWords(1 | 4 | 512), ["held", "silent", "text pending"]);
  assert.deepEqual(flagWords(1 << 12), ["flag 12"]);
});

test("a record has its sixteen bytes, and then its numbers", () => {
  const sound = record(3, Int16Array.of(1, -2), 1234.4e6);
  const view = new DataView(sound.buffer);
  assert.deepEqual([...sound.subarray(0, 4)], [1, 3, 1, 0]);
  assert.equal(view.getUint32(4, true), 2);
  assert.equal(view.getBigInt64(8, true), 1234400000n);
  assert.deepEqual([view.getInt16(16, true), view.getInt16(18, true)], [1, -2]);
  const nothing = record(1, new Float32Array(58), 5, false);
  assert.deepEqual([...nothing.subarray(0, 4)], [2, 1, 0, 0]);
  assert.equal(nothing.length, 16 + 4 * 58);
  assert.equal(new DataView(record(0, Float32Array.of(0.5), 0).buffer).getFloat32(16, true), 0.5);
  assert.equal(joined([sound, nothing]).length, sound.length + nothing.length);
  assert.deepEqual([...joined([sound, nothing]).subarray(20, 24)], [2, 1, 0, 0]);
});
