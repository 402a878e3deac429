// Runs through the frames of a piece in a loop, by the clock and not by the screen's rate.

export const SPEEDS = [0.25, 0.5, 1, 2];

export class Player {
  // changed(at) is called whenever another moment is shown; at is a frame, not always whole while playing.
  constructor(changed) {
    Object.assign(this, { changed, frames: 1, rate: 30, speed: 1, playing: true, at: 0 });
    let before = performance.now();
    const tick = (now) => {
      const passed = Math.min(0.2, (now - before) / 1000);
      before = now;
      if (this.playing) this.seek((this.at + passed * this.rate * this.speed) % this.frames);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  seek(at) {
    this.at = Math.min(Math.max(at, 0), this.frames - 1e-6);
    this.changed(Math.min(this.at, this.frames - 1));
  }

  // One frame on or back from a whole frame, standing still.
  step(by) {
    this.playing = false;
    this.seek((Math.floor(this.at) + by + this.frames) % this.frames);
  }

  faster(by) {
    const now = SPEEDS.indexOf(this.speed);
    this.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, now + by))];
  }
}
