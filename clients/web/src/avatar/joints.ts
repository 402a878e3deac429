// Which joint of an announced skeleton is which part of a person, by name: rigs call the same place by many names.

export const POINTS = [
  "hips",
  "chest",
  "neck",
  "head",
  "leftShoulder",
  "leftElbow",
  "leftWrist",
  "leftFingers",
  "leftHip",
  "leftKnee",
  "leftAnkle",
  "leftToes",
  "rightShoulder",
  "rightElbow",
  "rightWrist",
  "rightFingers",
  "rightHip",
  "rightKnee",
  "rightAnkle",
  "rightToes",
] as const;
export type Point = (typeof POINTS)[number];

/** Names of middle joints, and of those of a side without the side, as CMU, SMPL, Mixamo, Unity and BVH files write
 * them. Where a bone is named and not a place, the place is where it begins: a forearm begins at the elbow. */
const MIDDLE: readonly (readonly [Point, readonly string[]])[] = [
  ["hips", ["hip", "hips", "pelvis", "root"]],
  ["chest", ["chest", "spine3", "spine2", "upperchest", "spine1"]],
  ["neck", ["neck", "neck1"]],
  ["head", ["head"]],
];
const SIDED: readonly (readonly [string, readonly string[]])[] = [
  ["Shoulder", ["shldr", "upperarm", "arm", "shoulder"]],
  ["Elbow", ["forearm", "lowerarm", "elbow"]],
  ["Wrist", ["hand", "wrist"]],
  ["Fingers", ["mid1", "middle1", "handmiddle1", "fingers", "handend"]],
  ["Hip", ["thigh", "upleg", "upperleg", "hip"]],
  ["Knee", ["shin", "calf", "leg", "lowerleg", "knee"]],
  ["Ankle", ["foot", "ankle"]],
  ["Toes", ["toe", "toebase", "toes", "footend", "toe0"]],
];

/** The side that a name tells, and the rest of it in one form. */
export function sided(joint: string): { side: "left" | "right" | ""; rest: string } {
  const name = joint.slice(joint.lastIndexOf(":") + 1);
  const parts =
    name.match(/^(left|right)[_\s.-]*(.+)$/i) ?? name.match(/^([lr])[_\s.-]+(.+)$/i) ?? name.match(/^([lr])([A-Z].*)$/);
  const behind = name.match(/^(.+?)[_\s.-]+(left|right|[lr])$/i);
  const [side, rest] = parts ? [parts[1], parts[2]] : behind ? [behind[2], behind[1]] : ["", name];
  const plain = rest.replace(/[_\s.-]/g, "").toLowerCase();
  return { side: side ? (side[0].toLowerCase() === "l" ? "left" : "right") : "", rest: plain };
}

/** The number of the joint that stands for each point; points that a skeleton has not are left out. */
export function pointsOf(joints: readonly string[]): Map<Point, number> {
  const found = new Map<Point, number>();
  const known = joints.map(sided);
  const first = (side: string, names: readonly string[]): number => {
    for (const name of names) {
      const at = known.findIndex((each) => each.side === side && each.rest === name);
      if (at >= 0) return at;
    }
    return -1;
  };
  const put = (point: Point, at: number): void => {
    if (at >= 0) found.set(point, at);
  };
  for (const [point, names] of MIDDLE) put(point, first("", names));
  for (const side of ["left", "right"] as const)
    for (const [place, names] of SIDED) put(`${side}${place}` as Point, first(side, names));
  // Where the ankle is called so, what is called foot is further on: the ball of the foot.
  for (const side of ["left", "right"] as const) {
    const [ankle, foot] = [first(side, ["ankle"]), first(side, ["foot"])];
    if (ankle >= 0 && foot >= 0) {
      found.set(`${side}Ankle`, ankle);
      found.set(`${side}Toes`, foot);
    }
  }
  return found;
}
