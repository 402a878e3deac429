// From what MediaPipe finds in a picture to the 58 numbers of the engine, as engine/tracker.py and engine/rest_pose.py
// do it: expressions by name, the head relative to where it rests, learned from the past alone.

import { EXPRESSIONS } from "./channels";

export const REST_S = 30;
const REST_LIMIT = (25 * Math.PI) / 180;

export interface Score {
  categoryName: string;
  score: number;
}

/** Rows of a 3x3 matrix. */
export type Matrix3 = readonly [readonly number[], readonly number[], readonly number[]];

/** Ry(yaw) Rx(pitch) Rz(roll). */
export function rotation(pitch: number, yaw: number, roll: number): Matrix3 {
  const [cp, cy, cr] = [Math.cos(pitch), Math.cos(yaw), Math.cos(roll)];
  const [sp, sy, sr] = [Math.sin(pitch), Math.sin(yaw), Math.sin(roll)];
  return [
    [cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp],
    [cp * sr, cp * cr, -sp],
    [-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp],
  ];
}

/** Pitch, yaw and roll of a rotation: the inverse of `rotation` for |pitch| below a quarter turn. */
export function angles(r: Matrix3): [number, number, number] {
  const pitch = Math.asin(Math.min(1, Math.max(-1, -r[1][2])));
  return [pitch, Math.atan2(r[0][2], r[2][2]), Math.atan2(r[1][0], r[1][1])];
}

/** transpose(a) b */
function relative(a: Matrix3, b: Matrix3): Matrix3 {
  const row = (i: number): number[] => [0, 1, 2].map((j) => a[0][i] * b[0][j] + a[1][i] * b[1][j] + a[2][i] * b[2][j]);
  return [row(0), row(1), row(2)];
}

/** The nearest rotation to a matrix that is one but for scale and rounding: columns made upright one by one. */
function upright(m: readonly number[]): Matrix3 {
  const column = (i: number): number[] => [m[4 * i], m[4 * i + 1], m[4 * i + 2]]; // the matrix comes column by column
  const unit = (v: number[]): number[] => {
    const long = Math.hypot(...v) || 1;
    return v.map((each) => each / long);
  };
  const x = unit(column(0));
  const y0 = column(1);
  const dot = x[0] * y0[0] + x[1] * y0[1] + x[2] * y0[2];
  const y = unit(y0.map((each, i) => each - dot * x[i]));
  const z = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  return [
    [x[0], y[0], z[0]],
    [x[1], y[1], z[1]],
    [x[2], y[2], z[2]],
  ];
}

/** Where a head rests, and poses relative to it. `restS`: time constant in seconds; 0 keeps the camera's axis. */
export class RestPose {
  private rest = [0, 0, 0];
  private place: number[] | null = null;
  private lastMs: number | null = null;

  constructor(private readonly restS = REST_S) {}

  /** Somebody new, or elsewhere: the next pose is where the head rests. */
  moveIn(): void {
    this.place = null;
  }

  /** Pitch, yaw, roll (rad) and x, y, z (m) of MediaPipe's 4x4 matrix (16 numbers by columns, cm). */
  head(matrix: readonly number[], atMs: number): number[] {
    const turned = upright(matrix);
    const place = [matrix[12] / 100, matrix[13] / 100, matrix[14] / 100];
    this.place ??= place;
    const rested = this.place;
    const passedS = this.lastMs === null ? 0 : Math.min(Math.max(0, atMs - this.lastMs) / 1000, 0.5);
    this.lastMs = atMs;
    const out = [
      ...angles(relative(rotation(this.rest[0], this.rest[1], this.rest[2]), turned)),
      ...place.map((each, i) => each - rested[i]),
    ];
    if (this.restS > 0) {
      const share = 1 - Math.exp(-passedS / this.restS);
      const now = angles(turned);
      this.rest = this.rest.map((each, i) =>
        Math.min(REST_LIMIT, Math.max(-REST_LIMIT, each + share * (now[i] - each))),
      );
      this.place = rested.map((each, i) => each + share * (place[i] - each));
    }
    return out;
  }
}

/** The 58 numbers of one face: 52 weights by name (`tongueOut`, which MediaPipe has not, is 0) and its head. */
export function face58(
  scores: readonly Score[],
  matrix: readonly number[],
  rest: RestPose,
  atMs: number,
): Float32Array {
  const known = new Map(scores.map((each) => [each.categoryName.toLowerCase(), each.score]));
  const weights = EXPRESSIONS.map((name) => known.get(name.toLowerCase()) ?? 0);
  return Float32Array.from([...weights, ...rest.head(matrix, atMs)]);
}
