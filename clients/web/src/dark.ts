// Whether a camera's picture is dark all over: a covered lens, a shutter, or no light. The engine says so of its own
// cameras by the same numbers (engine/sources/picture_checks.py).

const [ROWS, COLUMNS] = [12, 16];
const LOOK_MS = 500;
/** For so long nothing else came. */
const LASTS_MS = 2000;
/** Standard deviation between parts of a picture, and their mean, in the colour in which it is largest, of 255: drivers
 * turn a covered sensor up, so that it is grey and noisy, and alike all over. */
const [PLAIN, DARK] = [6, 60];

/** Whether next to nothing can be seen in a picture, given as the means of its parts (RGBA). */
export function darkAllOver(parts: Uint8ClampedArray): boolean {
  const count = parts.length / 4;
  return [0, 1, 2].every((colour) => {
    let [sum, squares] = [0, 0];
    for (let at = colour; at < parts.length; at += 4) {
      sum += parts[at];
      squares += parts[at] ** 2;
    }
    const mean = sum / count;
    return mean <= DARK && Math.sqrt(Math.max(0, squares / count - mean ** 2)) <= PLAIN;
  });
}

/** Looks at one picture now and then. */
export class Darkness {
  private looked = Number.NEGATIVE_INFINITY;
  private since = Number.NaN;
  private readonly brush: CanvasRenderingContext2D | null;

  constructor() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [COLUMNS, ROWS];
    this.brush = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    if (this.brush) this.brush.imageSmoothingQuality = "high"; // the mean of each part, so that noise is averaged out
  }

  /** Whether it has been dark for long, by the `video`'s picture at `now` ms. */
  look(video: HTMLVideoElement, now: number): boolean {
    if (this.brush && now - this.looked >= LOOK_MS) {
      this.looked = now;
      this.brush.drawImage(video, 0, 0, COLUMNS, ROWS);
      const dark = darkAllOver(this.brush.getImageData(0, 0, COLUMNS, ROWS).data);
      if (!dark) this.since = Number.NaN;
      else if (Number.isNaN(this.since)) this.since = now;
    }
    return now - this.since >= LASTS_MS;
  }

  /** Another camera, or none for a while. */
  forget(): void {
    this.since = Number.NaN;
  }
}
