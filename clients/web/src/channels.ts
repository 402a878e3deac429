// The 58 numbers of a face: names, order and signs of the engine (engine/channels.py), and the names that other systems
// have for them. Axes belong to the person: x to their own left, y up, z out of the face; radians and metres.

export const EXPRESSIONS: readonly string[] = [
  "browDownLeft",
  "browDownRight",
  "browInnerUp",
  "browOuterUpLeft",
  "browOuterUpRight",
  "cheekPuff",
  "cheekSquintLeft",
  "cheekSquintRight",
  "eyeBlinkLeft",
  "eyeBlinkRight",
  "eyeLookDownLeft",
  "eyeLookDownRight",
  "eyeLookInLeft",
  "eyeLookInRight",
  "eyeLookOutLeft",
  "eyeLookOutRight",
  "eyeLookUpLeft",
  "eyeLookUpRight",
  "eyeSquintLeft",
  "eyeSquintRight",
  "eyeWideLeft",
  "eyeWideRight",
  "jawForward",
  "jawLeft",
  "jawOpen",
  "jawRight",
  "mouthClose",
  "mouthDimpleLeft",
  "mouthDimpleRight",
  "mouthFrownLeft",
  "mouthFrownRight",
  "mouthFunnel",
  "mouthLeft",
  "mouthLowerDownLeft",
  "mouthLowerDownRight",
  "mouthPressLeft",
  "mouthPressRight",
  "mouthPucker",
  "mouthRight",
  "mouthRollLower",
  "mouthRollUpper",
  "mouthShrugLower",
  "mouthShrugUpper",
  "mouthSmileLeft",
  "mouthSmileRight",
  "mouthStretchLeft",
  "mouthStretchRight",
  "mouthUpperUpLeft",
  "mouthUpperUpRight",
  "noseSneerLeft",
  "noseSneerRight",
  "tongueOut",
];
export const HEAD: readonly string[] = ["headPitch", "headYaw", "headRoll", "headX", "headY", "headZ"];
export const FACE: readonly string[] = [...EXPRESSIONS, ...HEAD];

/** A name as ARKit, Live Link (`EyeBlinkLeft`) or a modeller (`blendShape1.eyeBlink_L`) writes it, in one form. */
export function plainName(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf(":")) + 1);
  const sides = last.replace(/[_\s-]?(l|r)$/i, (whole, side: string) =>
    /^[_\s-]/.test(whole) || /[a-z][LR]$/.test(last) ? (side.toLowerCase() === "l" ? "left" : "right") : whole,
  );
  return sides.replace(/[_\s-]/g, "").toLowerCase();
}

const BY_PLAIN_NAME = new Map(EXPRESSIONS.map((name) => [plainName(name), name]));

/** The ARKit name that a model's morph target has, or undefined. */
export function arkitName(morph: string): string | undefined {
  return BY_PLAIN_NAME.get(plainName(morph));
}

type Weights = { readonly [name: string]: number };

/** What a VRM's presets are of ARKit's weights: each a sum of weight times number, kept within 0 and 1. */
export const VRM_PRESETS: { readonly [preset: string]: Weights } = {
  blinkLeft: { eyeBlinkLeft: 1 },
  blinkRight: { eyeBlinkRight: 1 },
  happy: { mouthSmileLeft: 0.5, mouthSmileRight: 0.5 },
  sad: { mouthFrownLeft: 0.4, mouthFrownRight: 0.4, browInnerUp: 0.2 },
  angry: { browDownLeft: 0.35, browDownRight: 0.35, noseSneerLeft: 0.15, noseSneerRight: 0.15 },
  surprised: { eyeWideLeft: 0.3, eyeWideRight: 0.3, browOuterUpLeft: 0.2, browOuterUpRight: 0.2 },
  aa: { jawOpen: 1.2, mouthClose: -1, mouthFunnel: -0.4, mouthPucker: -0.4 },
  ih: { mouthStretchLeft: 0.5, mouthStretchRight: 0.5 },
  ou: { mouthPucker: 1 },
  oh: { mouthFunnel: 1 },
  ee: { mouthUpperUpLeft: 0.25, mouthUpperUpRight: 0.25, mouthLowerDownLeft: 0.25, mouthLowerDownRight: 0.25 },
};

/** The weight of a VRM preset for a face given by name. */
export function presetWeight(preset: string, face: (name: string) => number): number {
  let sum = 0;
  for (const [name, share] of Object.entries(VRM_PRESETS[preset] ?? {})) sum += share * face(name);
  return Math.min(1, Math.max(0, sum));
}
