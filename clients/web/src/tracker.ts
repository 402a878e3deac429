// On a thread of its own: MediaPipe finds the face in a picture; what leaves this thread are 58 numbers.

import { FaceLandmarker } from "@mediapipe/tasks-vision";
import { face58, RestPose } from "./face58";

export interface Asked {
  picture: ImageBitmap;
  at: number;
}

export interface Found {
  ready?: true;
  failed?: string;
  /** The 58 numbers, or null where no face is. */
  face?: Float32Array | null;
  at?: number;
  /** What finding it took, ms. */
  took?: number;
}

const rest = new RestPose();
const post = (found: Found): void => (self as unknown as Worker).postMessage(found);

async function start(): Promise<void> {
  const files = {
    wasmLoaderPath: new URL("assets/vision_wasm_internal.js", self.location.href).href,
    wasmBinaryPath: new URL("assets/vision_wasm_internal.wasm", self.location.href).href,
  };
  const landmarker = await FaceLandmarker.createFromOptions(files, {
    baseOptions: { modelAssetPath: new URL("assets/face_landmarker.task", self.location.href).href, delegate: "CPU" },
    runningMode: "VIDEO",
    numFaces: 1,
    outputFaceBlendshapes: true,
    outputFacialTransformationMatrixes: true,
  });
  let last = 0;
  self.onmessage = (event: MessageEvent<Asked>) => {
    const { picture, at } = event.data;
    const began = performance.now();
    last = Math.max(last + 1, Math.round(at)); // MediaPipe wants whole ms that grow
    const result = landmarker.detectForVideo(picture, last);
    picture.close();
    const [scores, matrix] = [result.faceBlendshapes[0], result.facialTransformationMatrixes[0]];
    if (!scores) rest.moveIn();
    const face = scores && matrix ? face58(scores.categories, matrix.data, rest, at) : null;
    post({ face, at, took: performance.now() - began });
  };
  post({ ready: true });
}

start().catch((error: unknown) => post({ failed: String(error instanceof Error ? error.message : error) }));
