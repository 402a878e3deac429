// The avatar's own speech from a sound file: told to the engine as it is said, and heard as late as the lips are shown.

import type { Outlet } from "./senses";
import { Sound } from "./sound";

const NS = 1e6;

export class Speech {
  private sound: Sound | null = null;

  constructor(
    private readonly outlet: Outlet,
    private readonly changed: (speaking: boolean) => void,
  ) {}

  /** Say a recording; `lateMs`: how late poses are shown after the sound they belong to. Throws for one that does not
   * decode. */
  async say(data: ArrayBuffer, lateMs: number): Promise<void> {
    this.stop();
    this.sound = new Sound(({ samples, at, heard }) =>
      this.outlet.push("audio/self", heard ? samples : null, Math.round(at * NS)),
    );
    this.changed(true);
    try {
      await this.sound.recording(data, lateMs / 1000, () => this.stop());
    } catch {
      this.stop();
      throw new Error("this file is no sound that the browser can read");
    }
  }

  stop(): void {
    if (!this.sound) return;
    this.sound.stop();
    this.sound = null;
    this.outlet.push("audio/self", null, Math.round(performance.now() * NS));
    this.changed(false);
  }
}
