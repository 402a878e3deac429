// Who looks at the camera's pictures: a thread of this page that finds the face in them, so that no picture leaves it, or
// one that packs them for the engine, where the visitor wants that.

import type { Asked } from "./tracker";

export interface Finder {
  /** Look at a picture, taken at `at` ms of this page; done when the next one may come. */
  look(video: HTMLVideoElement, at: number): Promise<void>;
  /** From now on nothing of any picture is told or sent. */
  close(): void;
}

interface Told {
  ready?: true;
  failed?: string;
}

/** A thread that is given one picture after the other, and tells something of each. */
export class WorkerFinder<Answer extends Told> implements Finder {
  private readonly worker: Worker;
  private done: (() => void) | null = null;

  /** `waits`: whether the script says itself when it is ready. */
  constructor(
    script: string,
    private waits: boolean,
    take: (answer: Answer) => void,
    failed: (why: string) => void,
  ) {
    this.worker = new Worker(script);
    this.worker.onerror = (event) => failed(event.message || `${script} does not start`);
    this.worker.onmessage = (event: MessageEvent<Answer>) => {
      if (event.data.failed) failed(event.data.failed);
      else if (event.data.ready) this.waits = false;
      else {
        this.done?.();
        take(event.data);
      }
    };
  }

  async look(video: HTMLVideoElement, at: number): Promise<void> {
    if (this.waits) return;
    const picture = await createImageBitmap(video);
    await new Promise<void>((done) => {
      this.done = done;
      this.worker.postMessage({ picture, at } satisfies Asked, [picture]);
    });
  }

  close(): void {
    this.worker.onmessage = this.worker.onerror = null;
    this.worker.terminate();
    this.done?.();
  }
}
