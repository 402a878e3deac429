// What the panel is told of frames: a short sound can be seen by who looks a few times a second, and fades.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Announcement } from "../src/announced";
import { ClockOffset } from "../src/latency";
import { Shown } from "../src/shown";

const HEARD = {
  stream: 9,
  name: "heard",
  kind: "input",
  codec: "pcm",
  of: "partner",
  layout: 3,
  skeleton: "",
  rate: 25,
};
const TOLD = { streams: new Map([[9, { ...HEARD, names: ["a", "b"] }]]), skeletons: new Map() };

test("a sound of one frame shows for a quarter of a second, and is gone after a second", () => {
  const shown = new Shown(TOLD as unknown as Announcement, new ClockOffset());
  const take = (value: number, seq: number): void =>
    shown.take(
      {
        stream: 9,
        layout: 3,
        seq,
        flags: 0,
        captureNs: 0n,
        publishNs: 0n,
        values: Float32Array.of(value, -value),
      } as never,
      0,
    );
  take(0, 0);
  assert.equal(shown.heardDb, -90);
  take(0.1, 1); // -20 dB
  assert.ok(Math.abs(shown.heardDb + 20) < 0.1);
  for (let seq = 2; seq < 8; seq++) take(0, seq);
  assert.ok(shown.heardDb > -45, `${shown.heardDb}`);
  for (let seq = 8; seq < 33; seq++) take(0, seq);
  assert.equal(shown.heardDb, -90);
  take(0.1, 33);
  assert.ok(Math.abs(shown.heardDb + 20) < 0.1);
});
