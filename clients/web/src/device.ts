// A microphone or a camera that may go and come back: unplugged, held back by the system, its driver or the browser's
// sound service dead. It is asked for again when devices change and, ever less often, by the clock.

/** `held`: it is there, and the system lets nothing of it through. `refused`: the browser does not allow it any more. */
export type Presence = "off" | "asking" | "here" | "held" | "gone" | "refused";

export interface Owner {
  /** It is there, for the first time or again. */
  here(stream: MediaStream, again: boolean): Promise<void> | void;
  /** Nothing comes of it; `why` begins with a verb. */
  gone(why: string): void;
}

const AT_ONCE_MS = 100;
/** Between attempts for the first seconds, in which what was pulled out by mistake, or a service that died, is back. */
const FIRST_MS = 150;
const BRISK_MS = 10_000;
/** Then ever longer; where there is none an attempt costs next to nothing, others may wake a driver each time. */
const SLOWER = 1.2;
const MOST_MS = { none: 800, other: 5000 };
/** For which one that is held back is left alone, at first and at most: twice as long each time. */
const HELD_MS = { first: 3200, most: 20_000 };
/** Whether a browser or its user has forbidden a device. */
export const notAllowed = (error: unknown): boolean =>
  error instanceof DOMException && error.name === "NotAllowedError";

export class Device {
  presence: Presence = "off";
  private stream: MediaStream | null = null;
  private listed = false;
  private asking = false;
  private news = false;
  private timer = 0;
  private wait = FIRST_MS;
  private patience = HELD_MS.first;
  private lost = 0;
  private readonly changed = (): void => void this.look();

  constructor(
    private readonly asked: MediaStreamConstraints,
    private readonly owner: Owner,
  ) {}

  /** What the device calls itself; "" where it does not. */
  get label(): string {
    return this.stream?.getTracks()[0].label ?? "";
  }

  /** Ask for it the first time. Throws what the browser says where it cannot be had; who is `patient` gets it later, if
   * it comes by and the browser allows it. */
  async open(patient = false): Promise<void> {
    this.presence = "asking";
    navigator.mediaDevices.addEventListener("devicechange", this.changed);
    try {
      await this.ask(false);
    } catch (error) {
      if (patient && !notAllowed(error)) {
        this.presence = "gone";
        this.lost = performance.now();
        this.later(this.wait);
      } else this.close();
      throw error;
    }
  }

  close(): void {
    this.presence = "off";
    navigator.mediaDevices?.removeEventListener("devicechange", this.changed);
    this.drop();
  }

  /** Its owner finds that nothing comes of it: let go of it and ask anew. */
  lose(why: string): void {
    if (this.presence === "off" || this.presence === "gone") return;
    this.drop();
    this.presence = "gone";
    this.lost = performance.now();
    this.wait = FIRST_MS;
    this.owner.gone(why);
    this.later(AT_ONCE_MS);
  }

  private drop(): void {
    window.clearTimeout(this.timer);
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = track.onmute = track.onunmute = null;
      track.stop();
    }
    this.stream = null;
  }

  private async ask(again: boolean): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia(this.asked);
    this.drop();
    this.stream = stream;
    const track = stream.getTracks()[0];
    if (this.presence === "off") return this.drop(); // closed while it was asked for
    track.onended = () => this.lose("is gone");
    track.onmute = () => this.hold();
    track.onunmute = () => {
      window.clearTimeout(this.timer);
      this.presence = "here";
      this.patience = HELD_MS.first;
      void this.owner.here(stream, true);
    };
    this.presence = "here";
    this.listed = await this.inList(track);
    if (this.stream !== stream) return;
    await this.owner.here(stream, again);
    if (track.readyState === "ended") this.lose("is gone");
    else if (track.muted) this.hold();
    else this.patience = HELD_MS.first;
  }

  /** The system lets nothing through: it may come back by itself, or only when it is opened anew. */
  private hold(): void {
    if (this.presence !== "here") return;
    this.presence = "held";
    this.owner.gone("is held back by the system");
    this.later(this.patience);
    this.patience = Math.min(HELD_MS.most, 2 * this.patience);
  }

  private later(ms: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.again(), ms);
  }

  private get waits(): boolean {
    return this.presence === "gone" || this.presence === "held";
  }

  private async again(): Promise<void> {
    if (!this.waits || this.asking) return;
    this.asking = true;
    this.news = false;
    try {
      await this.ask(true);
    } catch (error) {
      if (!this.waits) return; // closed meanwhile
      if (notAllowed(error)) {
        this.presence = "refused"; // asking over and over would be a nuisance
        this.owner.gone("is not allowed any more; press Stop and allow it again");
        return;
      }
      if (this.presence !== "gone") this.lost = performance.now();
      this.presence = "gone";
      this.later(this.news ? 0 : this.wait); // what came while it was asked for counts as well
      const none = error instanceof DOMException && error.name === "NotFoundError";
      if (performance.now() - this.lost > BRISK_MS)
        this.wait = Math.min(none ? MOST_MS.none : MOST_MS.other, this.wait * SLOWER);
    } finally {
      this.asking = false;
    }
  }

  /** Devices came or went: this one may be back, or have gone without a word. */
  private async look(): Promise<void> {
    if (this.waits) {
      this.lost = performance.now(); // what has just been plugged in may not open at once
      this.wait = FIRST_MS;
      this.news = true;
      this.later(0);
    } else if (this.presence === "here" && this.stream && this.listed) {
      const stream = this.stream;
      if (!(await this.inList(stream.getTracks()[0])) && this.stream === stream) this.lose("is gone");
    }
  }

  private async inList(track: MediaStreamTrack): Promise<boolean> {
    const id = track.getSettings().deviceId;
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    return id !== undefined && all.some((each) => each.deviceId === id);
  }
}
