// The visitor's microphone, for as long as they want to be heard: while it is gone, late or held back the engine is told
// that nothing is heard, as time goes on, and the session lives.

import { Device } from "./device";
import { type Block, RATE, Sound } from "./sound";

/** How the microphone is: `late`, it is there and has given nothing but zeros (as a Bluetooth one that still connects);
 * `zeros`, it did, and gives zeros now; `stopped`, the browser holds all sound back. */
export type Hearing = "off" | "late" | "here" | "zeros" | "held" | "gone" | "refused" | "stopped";

const LOOK_MS = 40;
/** Without a block for so long the engine is told that nothing is heard, for a second at once at most. */
const QUIET_MS = 150;
const MOST_MS = 1000;
/** Exact zeros for so long are no silence: a real microphone has some noise. */
const ZEROS_MS = 5000;
/** A context that runs and gives nothing for so long is made anew. */
const DEAD_MS = 3000;
const RESUME_MS = 1000;
const LASTING: { [hearing: string]: { afterMs: number; text: string } } = {
  stopped: { afterMs: RESUME_MS, text: "the browser holds sound back: click the page, or press a key" },
  late: { afterMs: ZEROS_MS, text: "the microphone gives no sound yet: is it switched on, and the right one?" },
  zeros: { afterMs: 0, text: "the microphone gives only zeros: is it muted?" },
};

export class Ears {
  private sound: Sound;
  private muted = false;
  private readonly device: Device;
  private timer = 0;
  /** Up to when the engine was told of sound, and when the last block came, the last that was not all zeros, and the
   * last attempt to resume; ms of this page. */
  private told = performance.now();
  private came = performance.now();
  private alive = Number.NEGATIVE_INFINITY;
  private resumed = 0;
  private since = 0;
  private said = false;
  private before: Hearing = "off";
  private readonly touched = (): void => this.sound.resume();

  constructor(
    private readonly take: (block: Block) => void,
    private readonly say: (text: string) => void,
  ) {
    this.sound = new Sound((block) => this.hear(block));
    // Without noise suppression and gain control: the engine has its own front end, as for every voice.
    const audio = { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    this.device = new Device(
      { audio },
      {
        here: async (stream, again) => {
          this.alive = Number.NEGATIVE_INFINITY;
          await this.sound.microphone(stream);
          if (again) this.say(`the microphone is back (${this.device.label || "it has no name"})`);
        },
        gone: (why) => {
          this.sound.silence();
          this.say(`the microphone ${why}; nothing is heard until it is back`);
        },
      },
    );
  }

  /** Begin to listen. Throws what the browser says where it may not. */
  async open(): Promise<void> {
    await this.device.open();
    this.told = this.came = performance.now(); // whoever was asked may have taken their time
    this.timer = window.setInterval(() => this.look(), LOOK_MS);
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, this.touched);
  }

  close(): void {
    window.clearInterval(this.timer);
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, this.touched);
    this.device.close();
    this.sound.stop();
  }

  mute(muted: boolean): void {
    this.muted = this.sound.muted = muted;
  }

  get hearing(): Hearing {
    const { presence } = this.device;
    if (presence === "off" || presence === "asking") return "off";
    if (presence !== "here") return presence;
    const now = performance.now();
    if (this.sound.context.state !== "running" && now - this.came > QUIET_MS) return "stopped";
    if (now - this.alive < ZEROS_MS) return "here";
    return Number.isFinite(this.alive) ? "zeros" : "late";
  }

  private hear(block: Block): void {
    this.came = performance.now();
    if (block.heard && block.samples.some((each) => each !== 0)) this.alive = this.came;
    // What was told already, while blocks were missing, does not count twice.
    if (block.at <= this.told) return;
    this.told = block.at;
    this.take({ ...block, heard: block.heard && this.hearing === "here" });
  }

  private look(): void {
    const now = performance.now();
    if (now - this.came > QUIET_MS) {
      const passed = Math.min(now - this.told, MOST_MS);
      this.told = now;
      this.take({ samples: new Int16Array((RATE * passed) / 1000), at: now, ends: Number.NaN, heard: false });
    }
    const { state } = this.sound.context;
    if (state === "closed" || (state === "running" && now - this.came > DEAD_MS && !document.hidden)) this.anew(now);
    else if (state !== "running" && now - this.resumed > RESUME_MS) {
      this.resumed = now;
      this.sound.resume();
    }
    this.tell(now);
  }

  /** Say what no event tells, once each time, when it has lasted. */
  private tell(now: number): void {
    const { hearing } = this;
    if (hearing !== this.before) [this.before, this.since, this.said] = [hearing, now, false];
    const found = LASTING[hearing];
    if (this.said || !found || now - this.since < found.afterMs) return;
    this.said = true;
    this.say(found.text);
  }

  private anew(now: number): void {
    this.came = now;
    this.sound.stop();
    this.sound = new Sound((block) => this.hear(block));
    this.sound.muted = this.muted;
    this.device.lose("gives nothing");
  }
}
