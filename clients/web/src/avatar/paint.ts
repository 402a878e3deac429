// What is painted on the avatar, by code: skin with lips and brows, irises, lashes, cloth. No picture is shipped.

import { CanvasTexture, RepeatWrapping, SRGBColorSpace } from "three";
import type { FaceModel, Point } from "./pack";
import { chance } from "./random";

/** The face is painted as seen from the front: this much of it, cm. */
export const FRONT = { left: -11, right: 11, low: -13, high: 13 };
export const HAIR_COLOUR = "#57392a";
const SIZE = 1024;

type Brush = CanvasRenderingContext2D;

function canvas(width: number, height: number): Brush {
  const made = document.createElement("canvas");
  [made.width, made.height] = [width, height];
  return made.getContext("2d", { willReadFrequently: true }) as Brush;
}

function texture(brush: Brush, colour = true): CanvasTexture {
  const made = new CanvasTexture(brush.canvas);
  if (colour) made.colorSpace = SRGBColorSpace;
  made.anisotropy = 8;
  return made;
}

const px = (x: number): number => ((x - FRONT.left) / (FRONT.right - FRONT.left)) * SIZE;
const py = (y: number): number => ((FRONT.high - y) / (FRONT.high - FRONT.low)) * SIZE;
const scale = (cm: number): number => (cm / (FRONT.right - FRONT.left)) * SIZE;

function spot(brush: Brush, x: number, y: number, wide: number, high: number, colour: string, strength: number): void {
  brush.save();
  brush.translate(px(x), py(y));
  brush.scale(scale(wide), scale(high));
  const fade = brush.createRadialGradient(0, 0, 0, 0, 0, 1);
  fade.addColorStop(0, `rgba(${colour},${strength})`);
  fade.addColorStop(0.5, `rgba(${colour},${strength * 0.55})`);
  fade.addColorStop(1, `rgba(${colour},0)`);
  brush.fillStyle = fade;
  brush.fillRect(-1, -1, 2, 2);
  brush.restore();
}

/** Draw the path as a line that fades to its sides: several lines over each other, each wider and lighter. */
function soft(brush: Brush, colour: string, strength: number, wide: number): void {
  brush.lineJoin = brush.lineCap = "round";
  for (let layer = 1; layer <= 6; layer++) {
    brush.strokeStyle = `rgba(${colour},${strength})`;
    brush.lineWidth = scale((wide * layer) / 6);
    brush.stroke();
  }
}

function curve(brush: Brush, points: readonly Point[], closed: boolean): void {
  const at = (i: number): Point =>
    points[closed ? (i + points.length) % points.length : Math.min(points.length - 1, Math.max(0, i))];
  brush.beginPath();
  brush.moveTo(px(at(0)[0]), py(at(0)[1]));
  const last = closed ? points.length : points.length - 1;
  for (let i = 0; i < last; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    brush.bezierCurveTo(
      px(b[0] + (c[0] - a[0]) / 6),
      py(b[1] + (c[1] - a[1]) / 6),
      px(c[0] - (d[0] - b[0]) / 6),
      py(c[1] - (d[1] - b[1]) / 6),
      px(c[0]),
      py(c[1]),
    );
  }
}

function brow(brush: Brush, line: readonly Point[], random: () => number): void {
  const inner = Math.abs(line[0][0]) < Math.abs(line[line.length - 1][0]) ? line : [...line].reverse();
  const side = Math.sign(inner[2][0]);
  for (let hair = 0; hair < 900; hair++) {
    const along = random();
    const at = along * (inner.length - 1);
    const [a, b] = [inner[Math.floor(at)], inner[Math.min(inner.length - 1, Math.floor(at) + 1)]];
    const part = at - Math.floor(at);
    const thick = 0.36 * (0.55 + 0.45 * Math.min(1, along * 5)) * (1 - along ** 3 * 0.75);
    const across = (random() + random() - 1) * thick;
    const [x, y] = [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]) - 0.22 + across];
    // Hairs rise near the nose and lie outwards at the tail.
    const lean = (0.95 - 1.25 * along) * (across > 0 ? 0.55 : 1) + 0.3 * (random() - 0.5);
    const long = (0.42 + 0.3 * random()) * (1 - 0.35 * along);
    const [dx, dy] = [side * long * Math.cos(lean), long * Math.sin(lean)];
    const [red, green, blue] = [44 + 22 * random(), 29 + 14 * random(), 22 + 10 * random()];
    brush.strokeStyle = `rgba(${red},${green},${blue},${0.14 + 0.28 * random()})`;
    brush.lineWidth = scale(0.028 + 0.022 * random());
    brush.beginPath();
    brush.moveTo(px(x), py(y));
    brush.quadraticCurveTo(px(x + dx * 0.5), py(y + dy * 0.5 + 0.05), px(x + dx), py(y + dy));
    brush.stroke();
  }
}

/** Skin of the face with lips, brows and all that makes it no single colour. */
export function skin(model: FaceModel): CanvasTexture {
  const brush = canvas(SIZE, SIZE);
  const random = chance(7);
  brush.fillStyle = "#d9a58c";
  brush.fillRect(0, 0, SIZE, SIZE);
  for (let i = 0; i < 420; i++) {
    const [x, y] = [FRONT.left + random() * 22, FRONT.low + random() * 26];
    const tone = random() < 0.5 ? "150,84,66" : "245,214,190";
    spot(brush, x, y, 0.15 + 0.9 * random() ** 2, 0.15 + 0.9 * random() ** 2, tone, 0.06);
  }
  spot(brush, 0, 9, 8, 4, "236,196,160", 0.35);
  spot(brush, 0, 1.3, 2.1, 2.4, "190,92,76", 0.3);
  for (const side of [-1, 1]) {
    spot(brush, 5 * side, -0.3, 3.8, 3, "196,92,78", 0.34);
    spot(brush, 9.4 * side, 2, 2, 3.6, "198,96,80", 0.4);
    spot(brush, 3.1 * side, 2.1, 2, 0.9, "128,74,84", 0.26);
    spot(brush, 3.1 * side, 4.75, 2.1, 0.9, "140,76,66", 0.3);
  }
  spot(brush, 0, -6.3, 3.4, 1.8, "176,104,88", 0.16);
  for (const eye of ["eyeLeft", "eyeRight"]) {
    curve(brush, model.marks[eye], true);
    soft(brush, "74,36,32", 0.14, 0.34);
  }
  const [outer, inner] = [model.marks.lipsOuter, model.marks.lipsInner];
  curve(brush, outer, true);
  brush.fillStyle = "rgba(166,72,72,0.62)";
  brush.fill();
  soft(brush, "172,84,80", 0.1, 0.42);
  curve(brush, inner.slice(0, 5), false);
  soft(brush, "92,30,34", 0.16, 0.26);
  for (let i = 0; i < 150; i++) {
    const x = (random() * 2 - 1) * 2.1;
    brush.strokeStyle = `rgba(${random() < 0.5 ? "120,44,48" : "226,150,146"},0.1)`;
    brush.lineWidth = scale(0.03);
    brush.beginPath();
    brush.moveTo(px(x), py(-3.5 + (random() < 0.5 ? 0.8 : -0.7) * (1 - Math.abs(x) / 3)));
    brush.lineTo(px(x * 0.96), py(-3.5));
    brush.stroke();
  }
  brow(brush, model.marks.browLeft, random);
  brow(brush, model.marks.browRight, random);
  return texture(brush);
}

/** Fine unevenness of skin, as a bump map. */
export function pores(): CanvasTexture {
  const brush = canvas(512, 512);
  const random = chance(3);
  brush.fillStyle = "#808080";
  brush.fillRect(0, 0, 512, 512);
  for (let i = 0; i < 9000; i++) {
    brush.fillStyle = random() < 0.6 ? "rgba(0,0,0,0.16)" : "rgba(255,255,255,0.12)";
    brush.beginPath();
    brush.ellipse(random() * 512, random() * 512, 1 + 2.2 * random(), 1 + 1.4 * random(), random() * 3, 0, 7);
    brush.fill();
  }
  const made = texture(brush, false);
  made.wrapS = made.wrapT = RepeatWrapping;
  made.repeat.set(5, 5);
  return made;
}

/** An eyeball by angle from its axis (downwards) and around it; `iris`: share of the height that the iris takes. */
export function eyeball(iris: number): CanvasTexture {
  const [wide, high] = [1024, 1024];
  const brush = canvas(wide, high);
  const random = chance(11);
  const edge = iris * high;
  brush.fillStyle = "#e9e3dd";
  brush.fillRect(0, 0, wide, high);
  const pink = brush.createLinearGradient(0, edge, 0, high * 0.5);
  pink.addColorStop(0, "rgba(214,160,150,0)");
  pink.addColorStop(1, "rgba(204,130,120,0.75)");
  brush.fillStyle = pink;
  brush.fillRect(0, edge, wide, high);
  for (let i = 0; i < 90; i++) {
    let [x, y] = [random() * wide, high * (0.3 + 0.2 * random())];
    brush.strokeStyle = `rgba(186,80,74,${0.06 + 0.1 * random()})`;
    brush.lineWidth = 1 + random();
    brush.beginPath();
    brush.moveTo(x, y);
    for (let step = 0; step < 7; step++) {
      x += (random() - 0.5) * 30;
      y -= 14 * random();
      brush.lineTo(x, y);
    }
    brush.stroke();
  }
  const tones = brush.createLinearGradient(0, 0, 0, edge);
  for (const [stop, tone] of [
    [0, "#3c2612"],
    [0.42, "#7c5426"],
    [0.62, "#6d6a3c"],
    [0.86, "#4c5a45"],
    [1, "#232a28"],
  ] as const)
    tones.addColorStop(stop, tone);
  brush.fillStyle = tones;
  brush.fillRect(0, 0, wide, edge);
  for (let i = 0; i < 1400; i++) {
    const x = random() * wide;
    const [from, to] = [edge * (0.34 + 0.25 * random()), edge * (0.6 + 0.38 * random())];
    brush.strokeStyle = random() < 0.55 ? `rgba(206,178,110,${0.1 * random() + 0.03})` : "rgba(24,18,10,0.13)";
    brush.lineWidth = 1 + 2.4 * random();
    brush.beginPath();
    brush.moveTo(x, from);
    brush.lineTo(x + (random() - 0.5) * 16, to);
    brush.stroke();
  }
  const limbus = brush.createLinearGradient(0, edge * 0.86, 0, edge * 1.12);
  for (const [stop, dark] of [
    [0, 0],
    [0.5, 0.85],
    [0.62, 0.6],
    [1, 0],
  ])
    limbus.addColorStop(stop, `rgba(22,24,24,${dark})`);
  brush.fillStyle = limbus;
  brush.fillRect(0, edge * 0.86, wide, edge * 0.26);
  const pupil = brush.createLinearGradient(0, edge * 0.34, 0, edge * 0.42);
  pupil.addColorStop(0, "rgba(4,3,3,1)");
  pupil.addColorStop(1, "rgba(4,3,3,0)");
  brush.fillStyle = "#040303";
  brush.fillRect(0, 0, wide, edge * 0.34);
  brush.fillStyle = pupil;
  brush.fillRect(0, edge * 0.34, wide, edge * 0.08);
  return texture(brush);
}

/** Four locks of hair beside each other: strands from the root (below) that end one after the other. */
export function locks(): CanvasTexture {
  const brush = canvas(256, 256);
  const random = chance(17);
  for (let lock = 0; lock < 4; lock++)
    for (let i = 0; i < 30; i++) {
      const x = lock * 64 + 3 + (58 * (i + random())) / 30;
      const light = Math.round(150 + 105 * random());
      const end = x + (lock * 64 + 32 - x) * (0.25 + 0.3 * random());
      const top = 110 * random() ** 2;
      brush.strokeStyle = `rgb(${light},${light},${light})`;
      brush.lineWidth = 1.3 + 1.5 * random();
      brush.beginPath();
      brush.moveTo(x, 256 - 46 * random() ** 2);
      brush.quadraticCurveTo(x + 5 * (random() - 0.5), 128, end, top);
      brush.stroke();
    }
  return texture(brush);
}

/** Lashes along a lid: roots below, tips above. */
export function lash(): CanvasTexture {
  const brush = canvas(512, 64);
  const random = chance(5);
  brush.lineCap = "round";
  for (let i = 0; i < 74; i++) {
    const x = 6 + ((i + random()) / 74) * 500;
    const [long, lean] = [36 + 24 * random(), (x - 200) / 9 + 14 * (random() - 0.5)];
    brush.strokeStyle = `rgba(255,255,255,${0.55 + 0.4 * random()})`;
    brush.lineWidth = 2.2 + random();
    brush.beginPath();
    brush.moveTo(x, 64);
    brush.quadraticCurveTo(x, 64 - long * 0.6, x + lean, 64 - long);
    brush.stroke();
  }
  brush.fillStyle = "rgba(255,255,255,0.75)";
  brush.fillRect(0, 56, 512, 8);
  return texture(brush);
}

/** Knitted cloth, as a bump map that repeats. */
export function knit(): CanvasTexture {
  const brush = canvas(64, 64);
  brush.fillStyle = "#5a5a5a";
  brush.fillRect(0, 0, 64, 64);
  brush.lineCap = "round";
  for (let column = 0; column < 4; column++)
    for (let row = -1; row < 5; row++)
      for (const side of [-1, 1]) {
        brush.strokeStyle = "#d8d8d8";
        brush.lineWidth = 6;
        brush.beginPath();
        brush.moveTo(column * 16 + 8 + side * 6, row * 16 - 2);
        brush.lineTo(column * 16 + 8 + side * 2, row * 16 + 13);
        brush.stroke();
      }
  const made = texture(brush, false);
  made.wrapS = made.wrapT = RepeatWrapping;
  return made;
}
