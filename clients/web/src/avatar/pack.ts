// The packed face model (clients/web/pack_face.py) as arrays.

export type Part = "skin" | "socket" | "gums" | "teeth" | "shade" | "lashes";

export interface Shape {
  name: string;
  /** Which vertices move, and how far (cm, three numbers for each). */
  vertices: Uint16Array;
  moves: Float32Array;
}

export type Point = [number, number, number];

export interface FaceModel {
  /** Places of the neutral face, cm. */
  rest: Float32Array;
  parts: Map<Part, Uint16Array>;
  shapes: Shape[];
  /** Texture places of the lashes, which are the last vertices. */
  lashUv: Float32Array;
  eyes: { [side: string]: [number, number, number, number] };
  marks: { [name: string]: Point[] };
  neck: Point[];
  credit: string;
}

interface Head {
  vertices: number;
  low: Point;
  size: number;
  step: number;
  parts: { [name: string]: { triangles: number } };
  lashes: number;
  shapes: { name: string; runs: number[]; vertices: number }[];
  eyes: FaceModel["eyes"];
  marks: FaceModel["marks"];
  neck: Point[];
  blocks: number[];
  credit: string;
}

/** Numbers of 16 bits whose low and high bytes stand apart, column by column, as rows. */
function rows(bytes: Uint8Array, count: number, columns: number, signed: boolean): Int32Array {
  const out = new Int32Array(count * columns);
  for (let i = 0; i < count * columns; i++) {
    const value = bytes[i] | (bytes[i + count * columns] << 8);
    out[(i % count) * columns + Math.floor(i / count)] = signed ? (value << 16) >> 16 : value;
  }
  return out;
}

/** Read the file. Throws where it is none. */
export function unpack(data: ArrayBuffer): FaceModel {
  const bytes = new Uint8Array(data);
  if (new TextDecoder().decode(bytes.subarray(0, 8)) !== "FACEPAK1") throw new Error("face.bin is no packed face");
  const length = new DataView(data).getUint32(8, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(12, 12 + length))) as Head;
  let at = 12 + length;
  let block = 0;
  const next = (): Uint8Array => {
    const found = bytes.subarray(at, at + head.blocks[block]);
    at += head.blocks[block++];
    return found;
  };
  const places = rows(next(), head.vertices, 3, false);
  const rest = Float32Array.from(places, (value, i) => head.low[i % 3] + (value / 65535) * head.size);
  const parts = new Map<Part, Uint16Array>();
  for (const [name, about] of Object.entries(head.parts)) {
    const corners = next();
    parts.set(name as Part, new Uint16Array(corners.slice().buffer, 0, 3 * about.triangles));
  }
  const lashUv = Float32Array.from(rows(next(), head.lashes, 2, false), (value) => value / 65535);
  const shapes = head.shapes.map(({ name, runs, vertices }) => {
    const moves = Float32Array.from(rows(next(), vertices, 3, true), (value) => value * head.step);
    const which = new Uint16Array(vertices);
    let filled = 0;
    for (let run = 0; run < runs.length; run += 2)
      for (let k = 0; k < runs[run + 1]; k++) which[filled++] = runs[run] + k;
    return { name, vertices: which, moves };
  });
  const { eyes, marks, neck, credit } = head;
  return { rest, parts, shapes, lashUv, eyes, marks, neck, credit };
}
