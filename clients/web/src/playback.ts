// Poses by the time of what they answer: kept as they come, shown a small delay later, in between by interpolation.

/** A pose at `at` (ms of this page: when the newest input behind it was captured). */
export interface Pose {
  at: number;
  arrived: number;
  values: Float32Array;
}

/** How a stream's values lie between two poses: each number on its own, or four at a time as rotations. */
export type Mix = (a: Float32Array, b: Float32Array, share: number, out: Float32Array) => void;

export function mixNumbers(a: Float32Array, b: Float32Array, share: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i] + share * (b[i] - a[i]);
}

/** Unit quaternions, the shorter way round. */
export function mixRotations(a: Float32Array, b: Float32Array, share: number, out: Float32Array): void {
  for (let i = 0; i + 3 < out.length; i += 4) {
    const dot = a[i] * b[i] + a[i + 1] * b[i + 1] + a[i + 2] * b[i + 2] + a[i + 3] * b[i + 3];
    const sign = dot < 0 ? -1 : 1;
    let long = 0;
    for (let k = i; k < i + 4; k++) {
      out[k] = (1 - share) * a[k] + sign * share * b[k];
      long += out[k] * out[k];
    }
    long = Math.sqrt(long) || 1;
    for (let k = i; k < i + 4; k++) out[k] /= long;
  }
}

const MOST = 64;
const REFRESH_MS = 1000 / 60;
const LEAST_DELAY = 5;
const MOST_DELAY = 400;

/** The poses of one stream of `period` ms. */
export class Playback {
  /** ms from an input's capture until its pose is shown; follows what arrives. */
  delay: number;
  /** From picture to picture, ms. Evenness costs time, and pictures that are no quicker than poses cannot show it: then
   * a pose is shown as it comes, and with pictures in between it is held back less. */
  pictures = 0;
  private poses: Pose[] = [];
  private late: number[] = [];
  private shownAt = Number.NEGATIVE_INFINITY;
  private out: Float32Array | null = null;

  constructor(
    private readonly period: number,
    private readonly mix: Mix = mixNumbers,
  ) {
    this.delay = period + 20;
  }

  /** Keep a pose. One that is older than the newest is of no use. */
  add(pose: Pose): void {
    const newest = this.poses.at(-1);
    if (!Number.isFinite(pose.at) || (newest && pose.at <= newest.at)) return;
    this.poses.push(pose);
    if (this.poses.length > MOST) this.poses.shift();
    // The next pose has to be here when this one has been reached: a period, and what it was on its way.
    this.late.push(pose.arrived - pose.at + this.period);
    if (this.late.length > 60) this.late.shift();
    const sorted = [...this.late].sort((a, b) => a - b);
    const soonest = sorted[0] - this.period;
    const even = sorted[Math.floor(0.95 * (sorted.length - 1))] + 2;
    const shows = Math.min(1, Math.max(0, (this.period - this.pictures) / Math.max(1, this.period - REFRESH_MS)));
    const wanted = soonest + shows * (even - soonest);
    const kept = Math.min(MOST_DELAY, Math.max(LEAST_DELAY, wanted));
    this.delay += (kept - this.delay) * (kept > this.delay ? 0.3 : 0.05); // up at once, down slowly: no stutter
  }

  /** The pose to show at `now` (ms of this page), or null before there is one; what `reached` is told are the poses
   * whose time has come since the last call. The array is the same each time. */
  at(now: number, reached?: (pose: Pose) => void): Float32Array | null {
    const newest = this.poses.at(-1);
    if (!newest) return null;
    const time = now - this.delay;
    if (this.out?.length !== newest.values.length) this.out = new Float32Array(newest.values);
    for (const pose of this.poses) if (pose.at > this.shownAt && pose.at <= time) reached?.(pose);
    this.shownAt = Math.max(this.shownAt, time);
    const next = this.poses.findIndex((pose) => pose.at > time);
    if (next < 0) this.out.set(newest.values);
    else if (next === 0) this.out.set(this.poses[0].values);
    else {
      const [a, b] = [this.poses[next - 1], this.poses[next]];
      this.mix(a.values, b.values, (time - a.at) / (b.at - a.at), this.out);
      if (next > 1) this.poses.splice(0, next - 1);
    }
    return this.out;
  }

  /** How old the newest pose is, ms since it came. */
  age(now: number): number {
    return now - (this.poses.at(-1)?.arrived ?? Number.NEGATIVE_INFINITY);
  }
}
