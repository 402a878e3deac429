// On the sound's own thread: what the microphone gives, as 16-bit numbers, with the count of samples so far.

declare const currentFrame: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, made: new () => AudioWorkletProcessor): void;

/** 20 ms: whole blocks end where the 40 ms of a listener's frame end, which then waits for none. */
const BLOCK = 320;

class Capture extends AudioWorkletProcessor {
  private block = new Int16Array(BLOCK);
  private filled = 0;

  /** Called for every 128 samples; a microphone that is gone gives no channel, which is said as silence. */
  process(inputs: Float32Array[][]): boolean {
    const sound = inputs[0]?.[0];
    for (let i = 0; i < 128; i++) {
      const sample = sound ? sound[i] : 0;
      this.block[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.filled === BLOCK) {
        const done = this.block;
        this.port.postMessage({ samples: done, end: currentFrame + i + 1, heard: Boolean(sound) }, [done.buffer]);
        this.block = new Int16Array(BLOCK);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
