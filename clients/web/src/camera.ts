// The camera, for the engine a source of faces: pictures go to a thread that makes 58 numbers of each and no further.

import type { Found } from "./tracker";

const LEAST_MS = 1000 / 31;

export interface Seen {
  face: Float32Array | null;
  /** When the picture was taken, ms of this page. */
  at: number;
  took: number;
}

export class Camera {
  readonly video = document.createElement("video");
  off = false;
  private worker: Worker | null = null;
  private stream: MediaStream | null = null;
  private busy = false;
  private last = 0;

  constructor(
    private readonly take: (seen: Seen) => void,
    private readonly failed: (why: string) => void,
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  /** Begin to look. Throws what the browser says where it may not. */
  async start(): Promise<void> {
    this.stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" },
    });
    this.stream.getVideoTracks()[0].onended = () => this.failed("the camera is gone");
    this.video.srcObject = this.stream;
    await this.video.play();
    const worker = new Worker("tracker.js");
    this.worker = worker;
    worker.onerror = (event) => this.failed(event.message || "the face tracker does not start");
    worker.onmessage = (event: MessageEvent<Found>) => {
      const found = event.data;
      if (found.failed) this.failed(found.failed);
      else if (found.ready) this.next();
      else {
        this.busy = false;
        if (!this.off) this.take({ face: found.face ?? null, at: found.at as number, took: found.took as number });
      }
    };
  }

  /** Look away, or again; the camera's light goes off with it. */
  async turn(off: boolean): Promise<void> {
    this.off = off;
    for (const track of this.stream?.getVideoTracks() ?? []) track.enabled = !off;
  }

  stop(): void {
    this.worker?.terminate();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.worker = this.stream = null;
    this.video.srcObject = null;
  }

  private next(): void {
    if (!this.worker) return;
    this.video.requestVideoFrameCallback((now, about) => {
      this.next();
      // A picture that comes while one is looked at is left out: the newest counts, and nothing piles up.
      if (this.busy || this.off || now - this.last < LEAST_MS - 4) return;
      this.busy = true;
      this.last = now;
      const at = about.captureTime ?? now;
      createImageBitmap(this.video).then(
        (picture) => this.worker?.postMessage({ picture, at }, [picture]),
        () => {
          this.busy = false;
        },
      );
    });
  }
}
