// The card "Its own speech": a typed line that the engine's machine speaks, or a sound file in which it hears the words.

import { element, say } from "./panel";
import { RATE } from "./sound";
import { type Mouth, Speech, type Word } from "./speech";

/** Of /about.json: what the engine's machine can do. */
export interface Offered {
  voices: string[];
  hears: boolean;
}

const LONGEST_HEARD_S = 90;

export class Saying {
  private readonly speech: Speech;
  private turn = 0;

  /** `late`: how late poses are shown, ms; `heeded`: whether the model in use asks for its avatar's words. */
  constructor(
    mouth: Mouth,
    private readonly offered: Offered,
    private readonly token: () => string,
    private readonly late: () => number,
    private readonly heeded: () => boolean,
  ) {
    this.speech = new Speech(mouth, (speaking) => this.tell(speaking ? "speaking" : "", speaking));
    const line = element<HTMLInputElement>("speech-text");
    const voice = element<HTMLSelectElement>("speech-voice");
    voice.append(...offered.voices.map((name) => new Option(name, name)));
    voice.hidden = offered.voices.length < 2;
    element("speech-line").hidden = !offered.voices.length;
    element("speech-none").hidden = offered.voices.length > 0;
    element("speech-line").addEventListener("submit", (event) => {
      event.preventDefault();
      if (line.value.trim()) this.begin(() => this.line(line.value, voice.value));
    });
    const file = element<HTMLInputElement>("speech-file");
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) this.begin(async () => this.heard(await chosen.arrayBuffer()));
      file.value = ""; // the same one may be chosen again
    });
    element("speech-demo").addEventListener("click", () =>
      this.begin(async () => this.heard(await (await fetch("partner.flac")).arrayBuffer())),
    );
    element("speech-stop").addEventListener("click", () => this.stop());
  }

  /** Fall silent, also where something was still on its way. */
  stop(): void {
    this.turn++;
    this.speech.stop();
    this.tell("", false);
  }

  private tell(text: string, busy: boolean): void {
    say("speech-state", text);
    element<HTMLButtonElement>("speech-stop").disabled = !busy;
  }

  /** Say what `made` gives, unless something else was asked for meanwhile. */
  private begin(made: () => Promise<[AudioBuffer, Word[]]>): void {
    this.stop();
    const turn = this.turn;
    this.tell("a moment", true);
    made()
      .then(([sound, words]) => (turn === this.turn ? this.speech.say(sound, this.late(), words) : undefined))
      .catch((error: unknown) => turn === this.turn && this.tell(`not said: ${(error as Error).message}`, false));
  }

  private async line(text: string, voice: string): Promise<[AudioBuffer, Word[]]> {
    const told = await this.ask("say", JSON.stringify({ text, voice }));
    const sound = Uint8Array.from(atob(told.sound as string), (sign) => sign.charCodeAt(0));
    return [await decoded(sound.buffer), told.words as Word[]];
  }

  private async heard(data: ArrayBuffer): Promise<[AudioBuffer, Word[]]> {
    const sound = await decoded(data);
    if (!this.heeded() || !this.offered.hears || sound.duration > LONGEST_HEARD_S) return [sound, []];
    this.tell("listening for its words", true);
    return [sound, (await this.ask("hear", numbers(sound).buffer as ArrayBuffer)).words as Word[]];
  }

  private async ask(path: string, body: BodyInit): Promise<{ [key: string]: unknown }> {
    const token = this.token();
    const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(path, { method: "POST", body, headers });
    const told = (await answer.json().catch(() => ({}))) as { [key: string]: unknown };
    if (!answer.ok) throw new Error(String(told.error ?? `the engine answers ${answer.status}`));
    return told;
  }
}

/** A sound file at the engine's rate. Throws for one that is none. */
async function decoded(data: ArrayBuffer): Promise<AudioBuffer> {
  try {
    return await new OfflineAudioContext(1, 1, RATE).decodeAudioData(data);
  } catch {
    throw new Error("this file is no sound that the browser can read");
  }
}

/** A sound's channels together, as 16-bit numbers. */
function numbers(sound: AudioBuffer): Int16Array {
  const out = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const one = sound.getChannelData(channel);
    for (let i = 0; i < out.length; i++) out[i] += one[i] / sound.numberOfChannels;
  }
  return Int16Array.from(out, (each) => Math.round(32767 * Math.max(-1, Math.min(1, each))));
}
