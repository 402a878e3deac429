// The camera, for as long as the visitor wants to be seen: its pictures go to whoever finds the face in them. While it
// is gone, held back or stands still the engine is told that nobody is seen.

import { Darkness } from "./dark";
import { Device, type Presence } from "./device";
import type { Finder } from "./finders";

const LEAST_MS = 1000 / 31;
/** Without a picture for so many times what lies between two, within these bounds, while the page itself has drawn so
 * many, it stands still, and is opened anew: a dead driver often says nothing, or seconds later. */
const MISSED = 12;
const [LEAST_STILL_MS, MOST_STILL_MS] = [1000, 3000];
const STILL_DRAWN = 6;
const GAIN = 0.1;
/** One that was opened anew and gives no first picture within so many times what the slowest took is opened again. */
const FIRST_TIMES = 3;
const FIRST_DRAWN = 2;
/** Where that was in vain, twice as long is waited each time, until it has given pictures for so long. */
const SOUND_MS = 10_000;

export class Camera {
  readonly video = document.createElement("video");
  off = false;
  private readonly device: Device;
  private busy = false;
  private last = 0;
  private came = performance.now();
  private drawn = 0;
  /** Whether a picture came since that was asked last. */
  private fresh = true;
  private waits = false;
  /** When it was opened last, what its slowest first picture took, what lies between two (ms), and how often of late it
   * was opened anew because none came. */
  private opened = 0;
  private slowest = 0;
  private between = 0;
  private vain = 0;
  private first = true;
  private readonly darkness = new Darkness();
  /** Whether next to nothing can be seen in its pictures, for a while now. */
  dark = false;

  constructor(
    private finder: Finder,
    private readonly unseen: () => void,
    private readonly say: (text: string) => void,
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" };
    this.device = new Device(
      { video },
      {
        here: (stream, again) => this.show(stream, again),
        gone: (why) => {
          this.unseen();
          this.say(`the camera ${why}; nobody is seen until it is back`);
        },
      },
    );
  }

  /** Begin to look, later where no camera is there yet. Throws what the browser says where it cannot look now. */
  start(): Promise<void> {
    return this.device.open(true);
  }

  /** Let another find the face from now on. */
  use(finder: Finder): void {
    this.finder.close();
    this.finder = finder;
  }

  /** Look away, or again; the camera's light goes off with it. */
  turn(off: boolean): void {
    this.off = off;
    this.came = performance.now();
    this.bright();
    const stream = this.video.srcObject as MediaStream | null;
    for (const track of stream?.getVideoTracks() ?? []) track.enabled = !off;
  }

  stop(): void {
    this.finder.close();
    this.device.close();
    this.video.srcObject = null;
  }

  get presence(): Presence {
    return this.device.presence;
  }

  /** Whether pictures still come; asked now and then, with the number of those that the page has drawn. */
  check(now: number, drawn: number): void {
    const idle = this.device.presence !== "here" || this.off || document.hidden; // a hidden page gets no pictures
    if (idle) this.came = this.opened = now;
    if (idle || this.fresh) {
      this.fresh = false;
      this.drawn = drawn;
      return;
    }
    const most = this.first
      ? FIRST_TIMES * this.slowest || MOST_STILL_MS
      : Math.min(MOST_STILL_MS, MISSED * this.between);
    const wait = Math.max(LEAST_STILL_MS, most) * 2 ** this.vain;
    const since = now - (this.first ? this.opened : this.came);
    if (since < wait || drawn - this.drawn <= (this.first ? FIRST_DRAWN : STILL_DRAWN)) return;
    this.vain = Math.min(this.vain + 1, 3);
    this.device.lose("gives no pictures");
  }

  private bright(): void {
    this.darkness.forget();
    this.dark = false;
  }

  private async show(stream: MediaStream, again: boolean): Promise<void> {
    this.came = this.opened = performance.now();
    this.first = true;
    this.bright();
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    this.turn(this.off);
    if (again) this.say(`the camera is back (${this.device.label || "it has no name"})`);
    await this.video.play().catch(() => {}); // interrupted by the next one; without pictures check() says so
    if (!this.waits) this.next();
  }

  private next(): void {
    if (this.device.presence === "off") {
      this.waits = false;
      return;
    }
    this.waits = true;
    this.video.requestVideoFrameCallback((now, about) => {
      this.next();
      if (this.device.presence !== "here" || this.off) return;
      const before = this.came;
      this.came = performance.now();
      this.fresh = true;
      if (this.first) this.slowest = Math.max(this.slowest, this.came - this.opened);
      else this.between += (this.came - before - this.between) * (this.between ? GAIN : 1);
      this.first = false;
      if (this.came - this.opened > SOUND_MS) this.vain = 0;
      this.look();
      // A picture that comes while one is looked at is left out: the newest counts, and nothing piles up.
      if (this.busy || now - this.last < LEAST_MS - 4) return;
      this.busy = true;
      this.last = now;
      const done = (): void => {
        this.busy = false;
      };
      this.finder.look(this.video, about.captureTime ?? now).then(done, done);
    });
  }

  private look(): void {
    const dark = this.darkness.look(this.video, this.came);
    if (dark && !this.dark) this.say("the camera's picture is dark: is it covered?");
    this.dark = dark;
  }
}
