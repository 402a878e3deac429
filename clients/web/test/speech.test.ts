// Words of the avatar's own speech: told once, in order, shortly before they are said, at the page's time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { due, type Word } from "../src/speech";

const line = (): Word[] => [
  ["Hello", 0.25, 0.5],
  ["there", 0.5, 1],
  ["you", 2, 2.25],
];

test("words that begin by then are told, once, at the page's time in ns", () => {
  const words = line();
  assert.deepEqual(due(words, 0.2, 1000), []);
  assert.deepEqual(due(words, 0.5, 1000), [
    ["Hello", 1250e6, 1500e6],
    ["there", 1500e6, 2000e6],
  ]);
  assert.deepEqual(due(words, 0.5, 1000), []);
  assert.deepEqual(due(words, 9, 1000), [["you", 3000e6, 3250e6]]);
  assert.deepEqual(due(words, 9, 1000), []);
});

test("nothing is due while it is not known when the sound began", () => {
  const words = line();
  assert.deepEqual(due(words, Number.NaN, Number.NaN), []);
  assert.equal(words.length, 3);
});

test("many at once come in parts", () => {
  const words: Word[] = Array.from({ length: 40 }, (_, i) => [`w${i}`, 0, 0.1]);
  const told = [due(words, 1, 0), due(words, 1, 0), due(words, 1, 0), due(words, 1, 0)];
  assert.deepEqual(
    told.map((each) => each.length),
    [16, 16, 8, 0],
  );
  assert.equal(told[1][0][0], "w16");
});
