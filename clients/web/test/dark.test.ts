// When a camera's picture is dark all over, by the means of its parts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { darkAllOver } from "../src/dark";

/** A picture of 12 x 16 parts, each of a colour. */
const parts = (of: (part: number) => readonly number[]): Uint8ClampedArray =>
  Uint8ClampedArray.from({ length: 4 * 192 }, (_, at) => [...of(at >> 2), 255][at % 4]);

test("black, and the even grey of a covered sensor that is turned up, are dark", () => {
  assert.ok(darkAllOver(parts(() => [0, 0, 0])));
  assert.ok(darkAllOver(parts((part) => [40 + (part % 5), 42, 38])));
});

test("what has any difference in it, in one colour even, or light all over, is not", () => {
  assert.ok(!darkAllOver(parts((part) => [10, 10, part < 20 ? 60 : 10]))); // a lamp in a corner
  assert.ok(!darkAllOver(parts((part) => [part % 2 ? 20 : 4, 10, 10])));
  assert.ok(!darkAllOver(parts(() => [10, 10, 90])));
  assert.ok(!darkAllOver(parts(() => [128, 128, 128])));
});
