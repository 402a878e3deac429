// Names of other systems, what a VRM's presets are of ARKit's weights, where the eyes look, and announcements.

import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement } from "../src/announced";
import { gaze } from "../src/avatar/eyes";
import { pointsOf } from "../src/avatar/joints";
import { headShare } from "../src/avatar/mesh";
import { arkitName, FACE, presetWeight } from "../src/channels";
import { step } from "../src/controls";

const face = (values: { [name: string]: number }) => (name: string) => values[name] ?? 0;

test("the same shape under other names", () => {
  assert.equal(FACE.length, 58);
  for (const name of [
    "eyeBlinkLeft",
    "EyeBlinkLeft",
    "eyeBlink_L",
    "blendShape1.eyeBlink_L",
    "Face:eye_blink_left",
    "eyeBlinkL",
  ])
    assert.equal(arkitName(name), "eyeBlinkLeft", name);
  assert.equal(arkitName("mouthRollLower"), "mouthRollLower");
  assert.equal(arkitName("mouthSmile_R"), "mouthSmileRight");
  assert.equal(arkitName("jawOpen"), "jawOpen");
  assert.equal(arkitName("browInnerUp"), "browInnerUp");
  assert.equal(arkitName("mouthLeft"), "mouthLeft");
  assert.equal(arkitName("Fcl_MTH_A"), undefined);
});

test("a VRM's presets from ARKit's weights", () => {
  assert.equal(presetWeight("blinkLeft", face({ eyeBlinkLeft: 0.7 })), 0.7);
  assert.equal(presetWeight("happy", face({ mouthSmileLeft: 0.6, mouthSmileRight: 0.8 })), 0.7);
  assert.equal(presetWeight("aa", face({ jawOpen: 1 })), 1);
  assert.equal(presetWeight("aa", face({ mouthPucker: 1 })), 0);
  assert.equal(presetWeight("unknown", face({ jawOpen: 1 })), 0);
});

test("eyes look where the weights say, each seen from the person", () => {
  assert.ok(gaze("Left", face({ eyeLookOutLeft: 1 })).yaw > 0.3);
  assert.ok(gaze("Right", face({ eyeLookInRight: 1 })).yaw > 0.3);
  assert.ok(gaze("Right", face({ eyeLookOutRight: 1 })).yaw < -0.3);
  assert.ok(gaze("Left", face({ eyeLookDownLeft: 1 })).pitch > 0.3);
  assert.ok(gaze("Left", face({ eyeLookUpLeft: 1 })).pitch < -0.3);
});

test("the head moves whole, the root of the neck not at all", () => {
  assert.equal(headShare(5, 8), 1);
  assert.ok(headShare(-8.3, 8) > 0.95);
  assert.equal(headShare(-14, 0), 0);
  assert.ok(headShare(-9, 0) > 0.1 && headShare(-9, 0) < 0.9);
});

const told = {
  session: {
    session: 1,
    bundle: "rules",
    rate: 25,
    streams: [{ stream: 0, name: "face", kind: "output", codec: "arkit58", of: "self", names: ["jawOpen"], layout: 7 }],
    controls: [{ name: "nod_rate", low: 0, high: 3, default: 1, value: 1, choices: [], about: "nods", follows: "" }],
    texts: { prompt: { text: "wave" } },
    skeletons: {
      cmu: {
        name: "cmu",
        joints: ["hip", "head"],
        parents: [-1, 0],
        rest: [
          [0, 0, 0],
          [0, 1, 0],
        ],
      },
    },
  },
  inputs: [{ input: 0, gives: "audio/partner", count: 0 }],
};

test("an announcement is read", () => {
  const read = announcement(told);
  assert.equal(read.streams.get(0)?.rate, 25);
  assert.equal(read.controls[0].high, 3);
  assert.equal(read.texts.get("prompt"), "wave");
  assert.equal(read.inputs.get("audio/partner")?.input, 0);
  assert.deepEqual(read.skeletons.get("cmu")?.parents, [-1, 0]);
});

test("one that does not fit is refused, naming what", () => {
  const broken = (change: (copy: typeof told) => void, names: RegExp): void => {
    const copy = structuredClone(told);
    change(copy);
    assert.throws(() => announcement(copy), names);
  };
  broken((copy) => ((copy.session as { rate: unknown }).rate = "x"), /rate/);
  broken((copy) => ((copy.session.streams[0] as { layout: unknown }).layout = null), /layout of stream face/);
  broken((copy) => (copy.session.skeletons.cmu.parents = [1, 0]), /skeleton cmu/);
  assert.throws(() => announcement(null), /object/);
});

test("a slider's steps meet round values", () => {
  for (const [length, wanted] of [
    [3, 0.01],
    [2, 0.01],
    [1, 0.01],
    [1.5, 0.01],
    [100, 1],
    [0.2, 0.001],
  ])
    assert.ok(Math.abs(step(length) - wanted) < 1e-12, `${length}`);
});

test("joints of many rigs stand for the same points", () => {
  const all = (joints: string[], wanted: { [point: string]: string }): void => {
    const found = pointsOf(joints);
    for (const [point, joint] of Object.entries(wanted))
      assert.equal(joints[found.get(point as never) ?? -1], joint, point);
  };
  all(
    [
      "hip",
      "abdomen",
      "chest",
      "neck",
      "head",
      "lCollar",
      "lShldr",
      "lForeArm",
      "lHand",
      "lMid1",
      "lButtock",
      "lThigh",
      "lShin",
      "lFoot",
      "lFoot.end",
    ],
    {
      hips: "hip",
      chest: "chest",
      leftShoulder: "lShldr",
      leftElbow: "lForeArm",
      leftWrist: "lHand",
      leftFingers: "lMid1",
      leftHip: "lThigh",
      leftKnee: "lShin",
      leftAnkle: "lFoot",
      leftToes: "lFoot.end",
    },
  );
  all(
    [
      "pelvis",
      "l_hip",
      "r_hip",
      "spine3",
      "r_knee",
      "r_ankle",
      "r_foot",
      "r_shoulder",
      "r_elbow",
      "r_wrist",
      "r_collar",
    ],
    {
      hips: "pelvis",
      rightHip: "r_hip",
      leftHip: "l_hip",
      rightKnee: "r_knee",
      rightAnkle: "r_ankle",
      rightToes: "r_foot",
      rightShoulder: "r_shoulder",
      rightElbow: "r_elbow",
      rightWrist: "r_wrist",
      chest: "spine3",
    },
  );
  all(
    [
      "mixamorig:Hips",
      "mixamorig:LeftShoulder",
      "mixamorig:LeftArm",
      "mixamorig:LeftForeArm",
      "mixamorig:LeftUpLeg",
      "mixamorig:LeftLeg",
      "mixamorig:LeftToeBase",
    ],
    {
      hips: "mixamorig:Hips",
      leftShoulder: "mixamorig:LeftArm",
      leftElbow: "mixamorig:LeftForeArm",
      leftHip: "mixamorig:LeftUpLeg",
      leftKnee: "mixamorig:LeftLeg",
      leftToes: "mixamorig:LeftToeBase",
    },
  );
});
