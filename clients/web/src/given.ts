// What the panel says of the visitor's microphone and camera, in words that fit.

import type { Hearing } from "./ears";
import type { Senses } from "./senses";

type Sight = Senses["sight"];

const HEARD: { readonly [hearing in Hearing]: string } = {
  off: "nothing yet",
  late: "no sound yet",
  here: "",
  zeros: "only zeros",
  held: "held back",
  gone: "gone",
  refused: "not allowed",
  stopped: "stopped",
};
const MICROPHONE: { readonly [hearing in Hearing]?: string } = {
  zeros: "microphone muted?",
  held: "no microphone",
  gone: "no microphone",
  refused: "no microphone",
  stopped: "sound is stopped",
};
const CAMERA: { readonly [sight in Sight]?: string } = {
  held: "camera held back",
  gone: "camera gone",
  refused: "camera not allowed",
};

const DARK = "picture is dark (camera covered?)";

/** Of the voice, beside its meter. */
export function heardWords(senses: Senses, now: number): string {
  const level = senses.speaks(now) ? "speaking" : senses.level < -85 ? "muted" : "silent";
  return HEARD[senses.hearing] || level;
}

/** Of the face; `lost`: the engine says that it is given none. */
export function seenWords(senses: Senses, lost: boolean): string {
  const { face, took, source, blind, sight, sending, away, dark } = senses;
  if (source === "none") return "no camera";
  if (blind) return "not looked for";
  const trouble = CAMERA[sight];
  if (trouble) return trouble;
  if (away) return "camera off";
  const sent = sending && source === "devices";
  if (dark && (sent ? lost : !face)) return `the ${DARK}`;
  if (sent) return lost ? "no face seen by the engine" : "found by the engine";
  if (face === null) return "waiting";
  const cost = Number.isFinite(took) ? ` (${took.toFixed(0)} ms)` : "";
  return face ? `found${cost}` : `no face seen${cost}`;
}

/** Of both, where something is wrong, for the state of the whole. */
export function troubleWords(senses: Senses): string[] {
  const camera = CAMERA[senses.sight] ?? (senses.dark && !senses.face ? DARK : undefined);
  return [MICROPHONE[senses.hearing], camera].filter((each) => each !== undefined);
}
