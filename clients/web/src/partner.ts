// The partner that comes with the engine, for those without microphone or camera: its voice is played, and its face is
// told as if a camera had seen it.

import type { Sound } from "./sound";

interface Track {
  rate: number;
  face: number[][];
}

/** Plays the partner until stopped; `take` gets its face and when it had it (ms of this page). */
export class Partner {
  private timer = 0;

  constructor(
    private readonly sound: Sound,
    private readonly take: (face: Float32Array, at: number) => void,
  ) {}

  async start(): Promise<void> {
    const track = (await (await fetch("partner.json")).json()) as Track;
    const began = await this.sound.recording(await (await fetch("partner.flac")).arrayBuffer());
    let next = 0;
    this.timer = window.setInterval(() => {
      // A face stands at the end of its 40 ms; all that are due are told, with their own times.
      const now = performance.now();
      const played = this.sound.context.currentTime - began;
      while ((next + 1) / track.rate <= played) {
        const at = now - 1000 * (played - (next + 1) / track.rate);
        this.take(Float32Array.from(track.face[next % track.face.length]), at);
        next++;
      }
    }, 1000 / track.rate);
  }

  stop(): void {
    window.clearInterval(this.timer);
  }
}
