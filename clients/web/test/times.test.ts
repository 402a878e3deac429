// Percentiles, jitter, the two clocks, and poses between frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Allowance } from "../src/session";
import { ClockOffset, Jitter, Recent } from "../src/latency";
import { mixNumbers, mixRotations, Playback } from "../src/playback";
import { decibels, SampleClock } from "../src/sound";

const near = (got: number, wanted: number, within = 1e-6): void =>
  assert.ok(Math.abs(got - wanted) <= within, `${got}, not ${wanted}`);

test("percentiles of the newest numbers alone", () => {
  const recent = new Recent(4);
  assert.ok(Number.isNaN(recent.percentile(0.5)));
  for (const each of [100, 1, 2, 3, 4]) recent.add(each);
  recent.add(Number.NaN);
  assert.equal(recent.count, 4);
  near(recent.percentile(0.5), 2.5);
  near(recent.percentile(1), 4);
  near(recent.percentile(0), 1);
});

test("jitter grows by a sixteenth of each difference", () => {
  const jitter = new Jitter();
  for (const each of [5, 5, 21]) jitter.add(each);
  near(jitter.value, 1);
});

test("the quickest exchange says how the clocks relate", () => {
  const clock = new ClockOffset();
  assert.ok(Number.isNaN(clock.toPage(5n)));
  const engine = (page: number): bigint => BigInt(Math.round((page + 5_000) * 1e6)) + 9_100_000_000_000_000_000n;
  clock.exchanged(engine(1_090), 1_000, 1_100); // 90 ms there, 10 back: 40 ms wrong
  near(clock.toPage(engine(2_000)), 1_960, 0.01);
  clock.exchanged(engine(1_202), 1_200, 1_204);
  near(clock.toPage(engine(2_000)), 2_000, 0.01);
  near(clock.tripMs, 4);
  clock.exchanged(engine(70_080), 70_000, 70_100); // a minute later the quick one no longer counts
  near(clock.tripMs, 100);
});

test("sound's clock keeps to the quickest message, and may drift", () => {
  const clock = new SampleClock(16_000, 0.5);
  near(clock.at(160, 1_010), 1_010);
  near(clock.at(320, 1_060), 1_020, 0.1); // 40 ms late on its way
  near(clock.at(16_160, 2_010), 2_010, 0.6);
});

test("decibels of a full square and of silence", () => {
  near(decibels(new Int16Array(100).fill(-32768)), 0, 0.01);
  assert.equal(decibels(new Int16Array(100)), -90);
});

const pose = (at: number, value: number, arrived = at + 10) => ({ at, arrived, values: Float32Array.of(value) });

test("between two poses it is between them; beyond the newest it waits there", () => {
  const played = new Playback(40);
  assert.equal(played.at(0), null);
  for (let i = 0; i < 200; i++) played.add(pose(1_000 + 40 * i, i));
  near(played.delay, 52, 3);
  const now = 1_000 + 40 * 190 + 20 + played.delay;
  near((played.at(now) as Float32Array)[0], 190.5, 1e-3);
  near((played.at(now + 10_000) as Float32Array)[0], 199);
});

test("each pose is told once, when its time has come", () => {
  const played = new Playback(40);
  const told: number[] = [];
  for (const at of [1_000, 1_040, 1_080]) played.add(pose(at, at));
  played.at(1_050 + played.delay, ({ at }) => told.push(at));
  assert.deepEqual(told, [1_000, 1_040]);
  played.at(1_090 + played.delay, ({ at }) => told.push(at));
  assert.deepEqual(told, [1_000, 1_040, 1_080]);
});

test("an older pose changes nothing, and one without a time is left out", () => {
  const played = new Playback(40);
  played.add(pose(1_000, 1));
  played.add(pose(900, 5));
  played.add(pose(Number.NaN, 7));
  near((played.at(5_000) as Float32Array)[0], 1);
});

test("the delay follows what comes late, within bounds", () => {
  const played = new Playback(40);
  for (let i = 0; i < 200; i++) played.add(pose(1_000 + 40 * i, i, 1_000 + 40 * i + 90));
  near(played.delay, 132, 3);
  for (let i = 200; i < 400; i++) played.add(pose(1_000 + 40 * i, i, 1_000 + 40 * i + 5_000));
  near(played.delay, 400, 3);
});

test("what pictures cannot show is not waited for", () => {
  const delays = [0, 16, 30, 40, 100].map((pictures) => {
    const played = new Playback(40);
    played.pictures = pictures;
    for (let i = 0; i < 400; i++) played.add(pose(1_000 + 40 * i, i, 1_000 + 40 * i + 20 + 30 * (i % 2)));
    return played.delay;
  });
  near(delays[0], 92, 3); // the latest of 50 ms, and a period
  near(delays[1], delays[0], 1e-9);
  assert.ok(delays[2] < delays[1] - 20 && delays[2] > delays[3] + 20);
  near(delays[3], 20, 3); // those that come soonest are shown at once, as all others
  near(delays[4], delays[3], 1e-9);
});

test("rotations go the shorter way and stay rotations", () => {
  const out = new Float32Array(4);
  mixRotations(Float32Array.of(0, 0, 0, 1), Float32Array.of(0, 0, -1, 0), 0.5, out);
  near(Math.hypot(...out), 1, 1e-6);
  near(Math.abs(out[2]), Math.SQRT1_2, 1e-6);
  mixRotations(Float32Array.of(0, 0, 0, 1), Float32Array.of(0, 0, 0, -1), 0.5, out);
  near(Math.abs(out[3]), 1, 1e-6);
  mixNumbers(Float32Array.of(0, 2, 4, 6), Float32Array.of(4, 2, 0, 6), 0.25, out);
  assert.deepEqual([...out], [1, 2, 3, 6]);
});

test("what a page has gathered while it stood still is not sent all at once", () => {
  const allowance = new Allowance(400);
  const sent = (at: number, many: number): number =>
    Array.from({ length: many }, () => allowance.take(at)).filter(Boolean).length;
  assert.equal(sent(10_000, 900), 400);
  assert.equal(sent(10_100, 900), 40);
  assert.equal(sent(10_050, 10), 0); // a clock that is set back gives nothing
  for (let at = 11_000; at < 14_000; at += 5) assert.equal(sent(at, 1), 1); // 200 a second
});
