// The camera, for as long as the visitor wants to be seen: its pictures go to whoever finds the face in them. While it
// is gone, held back or stands still the engine is told that nobody is seen.

import { Device, type Presence } from "./device";
import type { Finder } from "./finders";

const LEAST_MS = 1000 / 31;
/** Without a picture for so long, while the page itself has drawn so many, it stands still; after so long it is opened
 * anew. */
const STILL_MS = 1500;
const STILL_DRAWN = 6;
const DEAD_MS = 3000;

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
  private still = false;
  private waits = false;

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
    const stream = this.video.srcObject as MediaStream | null;
    for (const track of stream?.getVideoTracks() ?? []) track.enabled = !off;
  }

  stop(): void {
    this.finder.close();
    this.device.close();
    this.video.srcObject = null;
  }

  get presence(): Presence | "still" {
    return this.device.presence === "here" && this.still ? "still" : this.device.presence;
  }

  /** Whether pictures still come; asked now and then, with the number of those that the page has drawn. */
  check(now: number, drawn: number): void {
    const idle = this.device.presence !== "here" || this.off || document.hidden; // a hidden page gets no pictures
    if (idle) this.came = now;
    if (idle || this.fresh) {
      this.fresh = this.still = false;
      this.drawn = drawn;
      return;
    }
    const still = now - this.came > STILL_MS && drawn - this.drawn > STILL_DRAWN;
    if (still && !this.still) {
      this.unseen();
      this.say("the camera gives no pictures; nobody is seen");
    }
    this.still = still;
    if (still && now - this.came > DEAD_MS) this.device.lose("gives no pictures");
  }

  private async show(stream: MediaStream, again: boolean): Promise<void> {
    this.came = performance.now();
    this.still = false;
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
      this.came = performance.now();
      this.fresh = true;
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
}
