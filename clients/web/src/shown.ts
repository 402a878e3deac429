// From frames to what is drawn and measured: the newest session's streams, each played back by the time it answers.

import type { Announcement, Skeleton, Stream } from "./announced";
import type { ClockOffset } from "./latency";
import { Jitter, Recent } from "./latency";
import { mixNumbers, mixRotations, Playback } from "./playback";
import { decibels } from "./sound";
import type { Frame } from "./wire";

/** What of the frames is for the panel. */
export interface Measured {
  p50: number;
  p95: number;
  engine: number;
  jitter: number;
  missed: number;
  frames: number;
  mismatched: number;
}

/** By how much the level of what is heard falls in a second. */
const FALL_DB = 75;

export class Shown {
  /** What the model hears, dB; it falls slowly enough for the panel, which looks now and then, to see a short sound. */
  heardDb = -90;
  /** Whether the model is given a face. */
  seesFace: boolean | null = null;
  flags = 0;
  private readonly played = new Map<number, Playback>();
  private readonly last = new Map<number, number>();
  private readonly photons = new Recent(300);
  private readonly inside = new Recent(300);
  private readonly jitter = new Jitter();
  private missed = 0;
  private frames = 0;
  private mismatched = 0;
  private readonly index: Map<string, number>;
  readonly face: Stream | undefined;
  readonly joints: Stream | undefined;
  readonly rotations: Stream | undefined;

  constructor(
    private readonly told: Announcement,
    private readonly clock: ClockOffset,
  ) {
    const first = (codec: string): Stream | undefined =>
      [...told.streams.values()]
        .filter((each) => each.kind === "output" && each.codec === codec)
        .sort((a, b) => a.stream - b.stream)[0];
    [this.face, this.joints, this.rotations] = [first("arkit58"), first("joints"), first("quaternions")];
    this.index = new Map(this.face?.names.map((name, i) => [name, i]));
    for (const stream of [this.face, this.joints, this.rotations])
      if (stream)
        this.played.set(
          stream.stream,
          new Playback(1000 / stream.rate, stream.codec === "quaternions" ? mixRotations : mixNumbers),
        );
  }

  /** A frame has come. */
  take(frame: Frame, nowMs: number): void {
    const stream = this.told.streams.get(frame.stream);
    if (!stream || stream.layout !== frame.layout || stream.names.length !== frame.values.length) {
      this.mismatched++; // named otherwise than announced: its numbers would be read under another's names
      return;
    }
    if (stream.kind === "input") {
      if (stream.codec === "pcm" && stream.of === "partner")
        this.heardDb = Math.max(level(frame.values), this.heardDb - FALL_DB / stream.rate);
      if (stream.codec === "arkit58") this.seesFace = !(frame.flags & 8) && frame.values.some((each) => each !== 0);
      return;
    }
    const before = this.last.get(frame.stream);
    this.last.set(frame.stream, frame.seq);
    const at = this.clock.toPage(frame.captureNs);
    this.played.get(frame.stream)?.add({ at, arrived: nowMs, values: frame.values });
    if (stream !== (this.face ?? this.joints)) return;
    this.frames++;
    this.flags = frame.flags;
    if (before !== undefined) this.missed += Math.max(0, frame.seq - before - 1);
    this.inside.add(Number(frame.publishNs - frame.captureNs) / 1e6);
    if (Number.isFinite(at)) this.jitter.add(nowMs - this.clock.toPage(frame.publishNs));
  }

  /** The face to draw at `now`, by name; null while there is none. `refresh`: ms until what is drawn is seen. */
  faceAt(now: number, refresh: number): ((name: string) => number) | null {
    const values = this.at(this.face, now, refresh);
    return values && ((name) => values[this.index.get(name) ?? -1] ?? 0);
  }

  /** The numbers of a body's stream at `now`. */
  at(stream: Stream | undefined, now: number, refresh: number): Float32Array | null {
    const played = stream && this.played.get(stream.stream);
    const counts = stream === (this.face ?? this.joints);
    if (played) played.pictures = refresh;
    return played?.at(now, (pose) => counts && this.photons.add(now + refresh - pose.at)) ?? null;
  }

  /** ms since the newest frame came. */
  age(now: number): number {
    const stream = this.face ?? this.joints;
    return (stream && this.played.get(stream.stream)?.age(now)) ?? Number.POSITIVE_INFINITY;
  }

  /** Of the body's joints. */
  get skeleton(): Skeleton | undefined {
    return this.joints && this.told.skeletons.get(this.joints.skeleton);
  }

  /** How late poses are shown after what they answer, ms. */
  get delay(): number {
    const stream = this.face ?? this.joints;
    return (stream && this.played.get(stream.stream)?.delay) ?? 0;
  }

  measured(): Measured {
    return {
      p50: this.photons.percentile(0.5),
      p95: this.photons.percentile(0.95),
      engine: this.inside.percentile(0.5),
      jitter: this.frames > 1 ? this.jitter.value : Number.NaN,
      missed: this.missed,
      frames: this.frames,
      mismatched: this.mismatched,
    };
  }
}

function level(values: Float32Array): number {
  return decibels(Int16Array.from(values, (each) => Math.max(-32768, Math.min(32767, each * 32767))));
}

/** A face at rest, for an avatar that nothing moves yet. */
export const AT_REST = (_name: string): number => 0;
