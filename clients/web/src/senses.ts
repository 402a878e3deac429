// What the visitor gives: voice and face, from devices or from the demo partner, on the way to the session there is.

import { Camera } from "./camera";
import { Partner } from "./partner";
import { type Block, decibels, Sound } from "./sound";

export interface Outlet {
  push(gives: string, numbers: Int16Array | Float32Array | null, atNs: number): void;
}

export type Source = "none" | "devices" | "voice" | "partner";

const NS = 1e6;
const SPEAKS_DB = -45;
const HANG_MS = 350;

export class Senses {
  source: Source = "none";
  /** Loudness of what was captured last, dB, and when somebody spoke last (ms of this page). */
  level = -90;
  spoke = Number.NEGATIVE_INFINITY;
  /** What is known of the face: whether one is seen, what finding it takes (ms), or why none is looked for. */
  face: boolean | null = null;
  took = Number.NaN;
  blind = "";
  private sound: Sound | null = null;
  private camera: Camera | null = null;
  private partner: Partner | null = null;

  constructor(
    private readonly outlet: Outlet,
    private readonly problem: (text: string) => void,
  ) {}

  get video(): HTMLVideoElement | null {
    return this.camera?.video ?? null;
  }

  /** Whether somebody speaks, by the voice's level alone. */
  speaks(now: number): boolean {
    return now - this.spoke < HANG_MS;
  }

  /** Begin to listen and, where `tracked` says that a face can be found, to look. Throws where there is no voice. */
  async devices(look: boolean, tracked: string): Promise<void> {
    this.stop();
    this.sound = new Sound((block) => this.hear(block));
    const stream = await this.sound.microphone().catch((error: unknown) => {
      this.stop();
      throw error;
    });
    stream.getAudioTracks()[0].onended = () => this.problem("the microphone is gone; plug it in and start again");
    this.source = look ? "devices" : "voice";
    this.blind = look ? tracked : "no camera asked for";
    if (!look || tracked) return;
    const camera = new Camera(
      (seen) => {
        this.face = seen.face !== null;
        this.took = seen.took;
        this.outlet.push("face/partner", seen.face, Math.round(seen.at * NS));
      },
      (why) => this.lose(`faces are not seen: ${why}`),
    );
    this.camera = camera;
    await camera
      .start()
      .catch((error: unknown) => this.lose(`no camera: ${(error as Error).message}; the voice counts alone`));
  }

  /** Let the built-in partner stand in. */
  async demo(): Promise<void> {
    this.stop();
    this.sound = new Sound((block) => this.hear(block));
    this.partner = new Partner(this.sound, (face, at) => {
      this.face = true;
      this.outlet.push("face/partner", face, Math.round(at * NS));
    });
    this.source = "partner";
    this.blind = "";
    await this.partner.start();
  }

  mute(muted: boolean): void {
    if (this.sound) this.sound.muted = muted;
  }

  async look(off: boolean): Promise<void> {
    await this.camera?.turn(off);
    this.face = null;
    this.outlet.push("face/partner", null, Math.round(performance.now() * NS));
  }

  get watching(): boolean {
    return this.camera !== null;
  }

  stop(): void {
    this.partner?.stop();
    this.camera?.stop();
    this.sound?.stop();
    this.partner = this.camera = this.sound = null;
    this.source = "none";
    this.face = null;
    this.level = -90;
  }

  private lose(why: string): void {
    this.camera?.stop();
    this.camera = null;
    this.face = null;
    this.blind = why;
    this.problem(why);
  }

  private hear(block: Block): void {
    this.level = block.heard ? decibels(block.samples) : -90;
    if (this.level > SPEAKS_DB) this.spoke = performance.now();
    this.outlet.push("audio/partner", block.heard ? block.samples : null, Math.round(block.at * NS));
  }
}
