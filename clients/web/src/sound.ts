// Sound for the engine: from the microphone or a file through an AudioWorklet, as 16-bit numbers with times of capture.

export const RATE = 16000;

export interface Block {
  samples: Int16Array;
  /** When the last sample was captured, ms of this page. */
  at: number;
  /** The same on the clock of the sound's context, s; NaN where nothing was captured. */
  ends: number;
  /** Whether anything gave sound: false for a microphone that is gone or off. */
  heard: boolean;
}

/** When a sample of a sound clock was heard on the page's clock: the quickest message on its way counts, which the
 * others are late against; the line may rise slowly, as two clocks drift. */
export class SampleClock {
  private offset = Number.POSITIVE_INFINITY;
  private last = 0;

  constructor(
    private readonly rate: number,
    private readonly risePerS = 0.5,
  ) {}

  /** ms of this page when sample number `end` was there, of which one hears now. */
  at(end: number, now: number): number {
    const sound = (1000 * end) / this.rate;
    const risen = this.offset + (this.risePerS * (now - this.last)) / 1000;
    this.offset = Math.min(now - sound, risen);
    this.last = now;
    return sound + this.offset;
  }
}

/** Sound on its way to the engine. One context for all that is heard and played. */
export class Sound {
  muted = false;
  readonly context: AudioContext;
  private readonly ready: Promise<void>;
  private node: AudioWorkletNode | null = null;
  private source: AudioNode | null = null;
  private clock: SampleClock;
  private latency = 0;

  constructor(private readonly take: (block: Block) => void) {
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.clock = new SampleClock(this.context.sampleRate);
    // A context that was held stands still, and its samples with it: their times are learnt anew.
    this.context.onstatechange = () => {
      this.clock = new SampleClock(this.context.sampleRate);
    };
    this.ready = this.context.audioWorklet.addModule("worklet.js");
  }

  /** Listen to a microphone, in the place of what was listened to. */
  async microphone(stream: MediaStream): Promise<void> {
    const settings = stream.getAudioTracks()[0].getSettings() as MediaTrackSettings & { latency?: number };
    this.latency = 1000 * (settings.latency ?? 0);
    await this.listen(this.context.createMediaStreamSource(stream), null);
  }

  /** Listen to nothing: blocks go on, in which nothing was heard. */
  silence(): void {
    this.source?.disconnect();
    this.source = null;
  }

  /** Go on where the browser or the system has stopped it; it may want a key or a click first. */
  resume(): void {
    this.context.resume().catch(() => {}); // it is asked again
  }

  /** Listen to a recording instead, and let it be heard `lateS` seconds after it is told of. Returns when it began, in
   * s of the context's clock. `ended` is called at its end; without it the recording starts over and over. */
  async recording(data: ArrayBuffer | AudioBuffer, lateS = 0, ended?: () => void): Promise<number> {
    const buffer = data instanceof ArrayBuffer ? await this.context.decodeAudioData(data) : data;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.loop = ended === undefined;
    if (ended) source.onended = ended;
    this.latency = 0;
    await this.listen(source, lateS);
    const start = this.context.currentTime + 0.05;
    source.start(start);
    return start;
  }

  stop(): void {
    this.context.onstatechange = null;
    void this.context.close();
    this.source?.disconnect();
    if (this.source instanceof AudioBufferSourceNode) {
      this.source.onended = null;
      this.source.stop();
    }
    this.node?.port.close();
    this.node?.disconnect();
    this.source = this.node = null;
  }

  /** `lateS`: how long after it is heard here it is played; null: not at all. */
  private async listen(source: AudioNode, lateS: number | null): Promise<void> {
    await this.ready;
    this.resume(); // not waited for: without a sound device it may take for ever
    this.silence();
    this.clock = new SampleClock(this.context.sampleRate);
    this.node ??= this.capture();
    source.connect(this.node);
    if (lateS !== null) {
      // The loudspeaker is late by itself.
      const out = this.context.outputLatency || this.context.baseLatency || 0;
      const line = new DelayNode(this.context, { maxDelayTime: 1, delayTime: Math.min(1, Math.max(0, lateS - out)) });
      source.connect(line).connect(this.context.destination);
    }
    this.source = source;
  }

  private capture(): AudioWorkletNode {
    const node = new AudioWorkletNode(this.context, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = (event: MessageEvent<{ samples: Int16Array; end: number; heard: boolean }>) => {
      const { samples, end, heard } = event.data;
      const at = this.clock.at(end, performance.now()) - this.latency;
      this.take({
        samples,
        at,
        ends: end / this.context.sampleRate,
        heard: heard && this.source !== null && !this.muted,
      });
    };
    return node;
  }
}

/** Loudness of a block, dB below full scale; -90 for silence. */
export function decibels(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.max(-90, 10 * Math.log10(sum / samples.length / 32768 ** 2 + 1e-12));
}
