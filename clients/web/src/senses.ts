// What the visitor gives: voice and face, from devices or from the demo partner, on the way to the session there is.

import { Camera } from "./camera";
import { notAllowed } from "./device";
import { Ears, type Hearing } from "./ears";
import { type Finder, WorkerFinder } from "./finders";
import type { Packed } from "./jpeg";
import { Partner } from "./partner";
import { type Block, decibels, Sound } from "./sound";
import type { Found } from "./tracker";
import type { Numbers } from "./wire";

export interface Outlet {
  push(gives: string, numbers: Numbers | null, atNs: number, valid?: boolean): void;
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
  /** What is known of the face: whether one is seen (null where the engine finds it, or nobody knows yet), what finding
   * it takes (ms), or why none is looked for. */
  face: boolean | null = null;
  took = Number.NaN;
  blind = "";
  /** Whether pictures are sent to the engine instead of numbers. */
  sending = false;
  private untracked = "";
  private ears: Ears | null = null;
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

  /** Begin to listen and, where `look` is wanted, to look: in this page unless `untracked` says why it cannot, or in
   * the engine where pictures are sent. Throws where there is no voice. */
  async devices(look: boolean, untracked: string): Promise<void> {
    this.stop();
    const ears = new Ears(
      (block) => this.hear(block),
      (text) => this.problem(text),
    );
    this.ears = ears;
    await ears.open().catch((error: unknown) => {
      this.stop();
      throw error;
    });
    if (this.ears !== ears) return; // stopped while the browser asked
    this.source = look ? "devices" : "voice";
    this.untracked = untracked;
    if (look) await this.see();
    else this.blind = "no camera asked for";
  }

  /** Send pictures to the engine from now on, or find the face in this page again. */
  async send(sending: boolean): Promise<void> {
    this.sending = sending;
    this.nobody();
    if (this.source !== "devices") return;
    if (this.camera && !(this.untracked && !sending)) this.camera.use(this.finder());
    else {
      this.camera?.stop();
      this.camera = null;
      await this.see();
    }
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
    this.ears?.mute(muted);
    if (this.sound) this.sound.muted = muted;
  }

  look(off: boolean): void {
    this.camera?.turn(off);
    this.nobody();
  }

  get watching(): boolean {
    return this.camera !== null;
  }

  /** How the microphone is. */
  get hearing(): Hearing {
    return this.ears?.hearing ?? (this.partner ? "here" : "off");
  }

  /** How the camera is: where it is not "here", nobody is seen. */
  get sight(): Camera["presence"] {
    return this.camera?.presence ?? "off";
  }

  /** Whether the camera is switched off in the page, and whether next to nothing can be seen in its picture. */
  get away(): boolean {
    return this.camera?.off ?? false;
  }

  get dark(): boolean {
    return this.camera?.dark ?? false;
  }

  /** To be called now and then; `drawn`: pictures that this page has drawn. */
  check(now: number, drawn: number): void {
    this.camera?.check(now, drawn);
  }

  stop(): void {
    this.partner?.stop();
    this.camera?.stop();
    this.sound?.stop();
    this.ears?.close();
    this.partner = this.camera = this.sound = this.ears = null;
    this.source = "none";
    this.level = -90;
    this.nobody();
  }

  private async see(): Promise<void> {
    this.blind = this.sending ? "" : this.untracked;
    if (this.blind) return;
    const camera = new Camera(
      this.finder(),
      () => this.nobody(),
      (text) => this.problem(text),
    );
    this.camera = camera;
    await camera.start().catch((error: unknown) => {
      const why = `no camera: ${(error as Error).message}; the voice counts alone`;
      if (notAllowed(error)) this.lose(why);
      else this.problem(`${why} until there is one`);
    });
  }

  private finder(): Finder {
    const at = (ms?: number): number => Math.round((ms ?? performance.now()) * NS);
    const failed = (why: string): void => this.lose(`faces are not seen: ${why}`);
    const there = (): boolean => !this.camera?.off && this.sight === "here";
    if (this.sending) {
      const send = (packed: Packed): void => {
        if (packed.jpeg && there()) this.outlet.push("pictures/partner", packed.jpeg, at(packed.at));
      };
      return new WorkerFinder<Packed>("jpeg.js", false, send, failed);
    }
    const seen = (found: Found): void => {
      if (!there()) return;
      this.face = Boolean(found.face);
      this.took = found.took ?? Number.NaN;
      this.outlet.push("face/partner", found.face ?? null, at(found.at));
    };
    return new WorkerFinder<Found>("tracker.js", true, seen, failed);
  }

  /** Nobody is seen from now on. */
  private nobody(): void {
    this.face = null;
    this.outlet.push("face/partner", null, Math.round(performance.now() * NS));
  }

  private lose(why: string): void {
    this.camera?.stop();
    this.camera = null;
    this.nobody();
    this.blind = why;
    this.problem(why);
  }

  private hear(block: Block): void {
    this.level = block.heard ? decibels(block.samples) : -90;
    if (this.level > SPEAKS_DB) this.spoke = performance.now();
    this.outlet.push("audio/partner", block.samples, Math.round(block.at * NS), block.heard);
  }
}
