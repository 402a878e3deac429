// Frames as the engine sends them (engine/wire.py): a 56-byte header and float32 values, little-endian.

export const HEADER = 56;
export const FLAGS = [
  "held",
  "late",
  "silent",
  "no face",
  "degraded",
  "first",
  "bad input",
  "skipped",
  "unsound",
  "text pending",
] as const;
export const SKIPPED = 1 << 7;

/** One frame of one stream. Times are nanoseconds of the engine's clock, as bigint: they pass what a number holds. */
export interface Frame {
  session: number;
  stream: number;
  flags: number;
  stepUs: number;
  seq: number;
  captureNs: bigint;
  dueNs: bigint;
  publishNs: bigint;
  layout: number;
  values: Float32Array;
}

/** The frame of one message, or null where the bytes are none of this protocol version. */
export function decode(message: ArrayBuffer): Frame | null {
  if (message.byteLength < HEADER) return null;
  const view = new DataView(message);
  const count = view.getUint16(52, true);
  const magic = view.getUint32(0, false) === 0x52584e31; // RXN1
  if (!magic || view.getUint8(10) !== 1 || message.byteLength !== HEADER + 4 * count) return null;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = view.getFloat32(HEADER + 4 * i, true);
  return {
    session: view.getUint32(4, true),
    stream: view.getUint16(8, true),
    flags: view.getUint8(11) | (view.getUint16(54, true) << 8),
    stepUs: view.getUint32(12, true),
    seq: Number(view.getBigUint64(16, true)),
    captureNs: view.getBigInt64(24, true),
    dueNs: view.getBigInt64(32, true),
    publishNs: view.getBigInt64(40, true),
    layout: view.getUint32(48, true),
    values,
  };
}

/** What the flags of a frame say. */
export function flagWords(flags: number): string[] {
  const words: string[] = [];
  for (let bit = 0; bit < 24; bit++) if ((flags >> bit) & 1) words.push(FLAGS[bit] ?? `flag ${bit}`);
  return words;
}

/** Sound, a pose, or the bytes of a picture. */
export type Numbers = Int16Array | Float32Array | Uint8Array;

/** A record of a message to the engine (engine/network/messages.py): numbers of one input, and when the last of them
 * was captured, nanoseconds of this page's clock. Not `valid`: nothing was seen or heard, the numbers mean nothing. */
export function record(input: number, values: Numbers, atNs: number, valid = true): Uint8Array {
  const message = new Uint8Array(16 + values.byteLength);
  const view = new DataView(message.buffer);
  view.setUint8(0, values instanceof Int16Array ? 1 : values instanceof Uint8Array ? 3 : 2);
  view.setUint8(1, input);
  view.setUint8(2, valid ? 1 : 0);
  view.setUint32(4, values.length, true);
  view.setBigInt64(8, BigInt(Math.round(atNs)), true);
  const numbersAt = 16;
  if (values instanceof Uint8Array) {
    message.set(values, numbersAt);
    return message;
  }
  for (let i = 0; i < values.length; i++) {
    if (values instanceof Int16Array) view.setInt16(numbersAt + 2 * i, values[i], true);
    else view.setFloat32(numbersAt + 4 * i, values[i], true);
  }
  return message;
}

/** Several records as one message. */
export function joined(records: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(records.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of records) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}
