// The avatar's own speech: sound is told to the engine as it is said, words shortly before they are, and it is heard as
// late as the lips are shown.

import { Sound } from "./sound";

const NS = 1e6;
/** s before a word begins when it is told: it is there in time, and little is told of what is then not said. */
const AHEAD_S = 0.3;
const MOST_AT_ONCE = 16;

/** A text, and when it begins and ends, s from the sound's start. */
export type Word = readonly [string, number, number];

export interface Mouth {
  push(gives: string, numbers: Int16Array | null, atNs: number): void;
  say(message: { [key: string]: unknown }): void;
}

/** Words as the engine wants them: those that begin before `untilS`, at the page's time; `zeroMs`: when the sound
 * began. They leave `words`, which is in order. */
export function due(words: Word[], untilS: number, zeroMs: number): [string, number, number][] {
  const next = words.findIndex(([, start]) => !(start <= untilS));
  const found = words.splice(0, Math.min(MOST_AT_ONCE, next < 0 ? words.length : next));
  const at = (seconds: number): number => Math.round((zeroMs + 1000 * seconds) * NS);
  return found.map(([text, start, end]) => [text, at(start), at(end)]);
}

export class Speech {
  private sound: Sound | null = null;

  constructor(
    private readonly mouth: Mouth,
    private readonly changed: (speaking: boolean) => void,
  ) {}

  /** Say a recording; `lateMs`: how late poses are shown after the sound they belong to; `words`: what is said in it,
   * in order, where the engine takes words. */
  async say(data: AudioBuffer, lateMs: number, words: readonly Word[] = []): Promise<void> {
    this.stop();
    const left = [...words];
    let began = Number.NaN;
    const sound = new Sound(({ samples, at, heard, ends }) => {
      this.mouth.push("audio/self", heard ? samples : null, Math.round(at * NS));
      const found = due(left, ends - began + AHEAD_S, at - 1000 * (ends - began));
      if (found.length) this.mouth.say({ words: found, owner: "self" });
    });
    this.sound = sound;
    this.changed(true);
    try {
      began = await sound.recording(data, lateMs / 1000, () => this.stop());
    } catch (error) {
      if (this.sound !== sound) return; // stopped, or another was begun, meanwhile
      this.stop();
      throw error;
    }
  }

  stop(): void {
    if (!this.sound) return;
    this.sound.stop();
    this.sound = null;
    this.mouth.push("audio/self", null, Math.round(performance.now() * NS));
    this.changed(false);
  }
}
