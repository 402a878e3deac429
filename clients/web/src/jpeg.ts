// On a thread of its own: packs pictures as JPEG for an engine that finds the face in them. (A page's own canvas does so
// only when the page has nothing else to do.)

import type { Asked } from "./tracker";

export interface Packed {
  failed?: string;
  /** The picture, or null where it could not be made small enough. */
  jpeg?: Uint8Array | null;
  at?: number;
}

/** The longer side of a picture that is sent, and how finely it is packed at first: 10 to 25 KB. */
const SIDE = 480;
const QUALITY = 0.7;
const WORST = 0.3;
/** Bytes that a message may hold (engine/network/messages.py), less its head. */
const MOST_BYTES = 64 * 1024 - 16;

const canvas = new OffscreenCanvas(1, 1);
const brush = canvas.getContext("2d", { alpha: false }) as OffscreenCanvasRenderingContext2D;
let quality = QUALITY;

async function packed(picture: ImageBitmap): Promise<Uint8Array | null> {
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  canvas.width = Math.round(scale * picture.width);
  canvas.height = Math.round(scale * picture.height);
  brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
  if (blob.size <= MOST_BYTES) return new Uint8Array(await blob.arrayBuffer());
  quality = Math.max(WORST, quality - 0.1);
  return null;
}

self.onmessage = async (event: MessageEvent<Asked>) => {
  const post = (told: Packed): void => (self as unknown as Worker).postMessage(told);
  try {
    post({ jpeg: await packed(event.data.picture), at: event.data.at });
  } catch (error) {
    post({ failed: `pictures cannot be packed (${(error as Error).message})` });
  }
};
