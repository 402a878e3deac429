// Arms of a figure that was dropped: whose names are known hang, a little bent; the rest stays as the file has it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bone, Box3, Group, Vector3 } from "three";
import { armsOf, hang } from "../src/avatar/arms";
import { ownAvatar } from "../src/avatar/own";

const at = (bone: { getWorldPosition(to: Vector3): Vector3 }): Vector3 => bone.getWorldPosition(new Vector3());

/** A rig in a T-pose whose bones point anywhere in their own axes; `turn` is the way it looks, `down` how far its arms
 * point down (rad). */
function rig(names: readonly string[], turn = 0, down = 0): { root: Group; bones: Bone[] } {
  const root = new Group();
  root.rotation.y = turn;
  const chest = new Bone();
  chest.name = "Spine";
  chest.position.y = 1.4;
  chest.rotation.set(0.4, -0.7, 0.2);
  root.add(chest);
  root.updateMatrixWorld(true);
  const bones = names.map((name, number) => {
    const bone = new Bone();
    bone.name = name.replace(/[:.]/g, ""); // as the loader has it
    bone.userData.name = name;
    const side = number < 3 ? 1 : -1;
    const far = 0.3 * (number % 3);
    const place = new Vector3(side * (0.18 + far * Math.cos(down)), 1.4 - far * Math.sin(down), 0);
    const parent = number % 3 ? (null as Bone | null) : chest;
    bone.userData.place = root.localToWorld(place);
    if (parent) parent.add(bone);
    return bone;
  });
  for (const number of [1, 2, 4, 5]) bones[number - 1].add(bones[number]);
  for (const [number, bone] of bones.entries()) {
    bone.quaternion.setFromAxisAngle(new Vector3(1, 2, 3).normalize(), 0.5 + number);
    (bone.parent as Bone).updateWorldMatrix(true, false);
    bone.position.copy((bone.parent as Bone).worldToLocal(bone.userData.place.clone()));
  }
  root.updateMatrixWorld(true);
  return { root, bones };
}

const STYLES: { readonly [style: string]: readonly string[] } = {
  plain: ["upperarm_l", "lowerarm_l", "hand_l", "upperarm_r", "lowerarm_r", "hand_r"],
  mixamo: ["LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightForeArm", "RightHand"].map((n) => `mixamorig:${n}`),
  biped: ["L UpperArm", "L Forearm", "L Hand", "R UpperArm", "R Forearm", "R Hand"].map((n) => `Bip01 ${n}`),
  vroid: ["L_UpperArm", "L_LowerArm", "L_Hand", "R_UpperArm", "R_LowerArm", "R_Hand"].map((n) => `J_Bip_${n}`),
  rigify: ["upper_arm.L", "forearm.L", "hand.L", "upper_arm.R", "forearm.R", "hand.R"].map((n) => `DEF-${n}`),
  unity: ["LeftUpperArm", "LeftLowerArm", "LeftHand", "RightUpperArm", "RightLowerArm", "RightHand"],
};

test("arms hang and are slightly bent forwards, whatever the names, the bones' axes and the way it looks", () => {
  for (const [style, names] of Object.entries(STYLES))
    for (const turn of [0, Math.PI, 2.1]) {
      const { root, bones } = rig(names, turn);
      const arms = armsOf(root);
      assert.ok(arms, style);
      assert.ok(hang(arms), style);
      for (const [first, side] of [
        [0, 1],
        [3, -1],
      ] as const) {
        const [shoulder, elbow, wrist] = [0, 1, 2].map((each) => root.worldToLocal(at(bones[first + each])));
        const upper = elbow.clone().sub(shoulder);
        const lower = wrist.clone().sub(elbow);
        assert.ok(Math.abs(upper.length() - 0.3) < 1e-6 && Math.abs(lower.length() - 0.3) < 1e-6, "no bone grows");
        const sunk = Math.asin(-upper.y / 0.3) * (180 / Math.PI);
        assert.ok(sunk > 65 && sunk < 75 && side * upper.x > 0.05 && Math.abs(upper.z) < 1e-6, `${style}: ${sunk}`);
        const bent = upper.angleTo(lower) * (180 / Math.PI);
        assert.ok(bent > 8 && bent < 25 && lower.z > 0.05, `${style}: ${bent}`);
      }
    }
});

test("arms that hang already, and an arm without a wrist, stay as the file has them", () => {
  const { root, bones } = rig(STYLES.plain, 0, 1.3);
  const arms = armsOf(root);
  assert.ok(arms && !hang(arms));
  assert.ok(at(bones[1]).distanceTo(bones[1].userData.place) < 1e-9);
  const handless = rig(["upperarm_l", "lowerarm_l", "stump_l", "upperarm_r", "lowerarm_r", "stump_r"]);
  const [, elbow] = handless.bones;
  const before = elbow.quaternion.clone();
  const found = armsOf(handless.root);
  assert.ok(found && found[0].hand === null && hang(found));
  assert.ok(elbow.quaternion.angleTo(before) < 1e-6 && at(elbow).y < 1.2);
});

test("who has no arms that are known, or whose left cannot be told from the right, is left alone", () => {
  assert.equal(armsOf(rig(["a", "b", "c", "d", "e", "f"]).root), null);
  assert.equal(armsOf(rig(["upperarm_l", "lowerarm_l", "hand_l", "d", "e", "f"]).root), null);
  const loose = rig(STYLES.plain);
  loose.bones[1].removeFromParent();
  loose.root.add(loose.bones[1]); // an elbow that hangs on no shoulder
  assert.equal(armsOf(loose.root), null);
  const one = rig(STYLES.plain);
  for (const bone of [one.bones[0], one.bones[3]]) bone.position.set(0, 0, 0);
  one.root.updateMatrixWorld(true);
  const rests = one.bones.map((each) => each.quaternion.clone());
  const arms = armsOf(one.root);
  assert.ok(arms && !hang(arms));
  assert.ok(one.bones.every((each, i) => each.quaternion.equals(rests[i])));
});

type Limb = readonly [bone: string, parent: string, place: readonly [number, number, number]];

const side = (name: string, way: number): Limb[] => [
  [`${name}UpperArm`, "spine", [0.17 * way, 0.3, 0]],
  [`${name}LowerArm`, `${name}UpperArm`, [0.28 * way, 0, 0]],
  [`${name}Hand`, `${name}LowerArm`, [0.25 * way, 0, 0]],
  [`${name}UpperLeg`, "hips", [0.1 * way, -0.05, 0]],
  [`${name}LowerLeg`, `${name}UpperLeg`, [0, -0.4, 0]],
  [`${name}Foot`, `${name}LowerLeg`, [0, -0.4, 0]],
];
const BODY: readonly Limb[] = [
  ["hips", "", [0, 0.95, 0]],
  ["spine", "hips", [0, 0.15, 0]],
  ["head", "spine", [0, 0.4, 0]],
  ...side("left", 1),
  ...side("right", -1),
];

/** A VRM of bones, and a line `high` m from its head's upwards where that is given; one of version 0 looks the other way
 * in its own space. */
function vrm(version: 0 | 1, high = 0): File {
  const names = BODY.map(([name]) => name);
  const nodes = BODY.map(([name, , [x, y, z]]) => ({
    name,
    translation: version ? [x, y, z] : [-x, y, -z],
    children: BODY.flatMap(([, parent], child) => (parent === name ? [child] : [])),
  }));
  const licenseUrl = "https://vrm.dev/licenses/1.0/";
  const bones = Object.fromEntries(names.map((name, node) => [name, { node }]));
  const [key, told] = version
    ? [
        "VRMC_vrm",
        { specVersion: "1.0", meta: { name: "a", authors: ["b"], licenseUrl }, humanoid: { humanBones: bones } },
      ]
    : ["VRM", { meta: { title: "a" }, humanoid: { humanBones: names.map((bone, node) => ({ bone, node })) } }];
  const bare = nodes.map(({ children, ...node }) => ({
    ...node,
    ...(children.length ? { children } : {}),
    ...(high && node.name === "head" ? { mesh: 0 } : {}),
  }));
  const mesh = {
    meshes: [{ primitives: [{ attributes: { POSITION: 0 }, mode: 1 }] }],
    accessors: [{ bufferView: 0, componentType: 5126, count: 2, type: "VEC3", min: [0, 0, 0], max: [0, high, 0] }],
    bufferViews: [{ buffer: 0, byteLength: 24 }],
    buffers: [{ byteLength: 24 }],
  };
  const scene = { asset: { version: "2.0" }, scene: 0, scenes: [{ nodes: [0] }], nodes: bare, ...(high ? mesh : {}) };
  const about = JSON.stringify({ ...scene, extensionsUsed: [key], extensions: { [key as string]: told } });
  const text = about.padEnd(4 * Math.ceil(about.length / 4));
  const head = Uint32Array.of(0x46546c67, 2, 20 + text.length + 32, text.length, 0x4e4f534a);
  return new File([head, text, Uint32Array.of(24, 0x004e4942), Float32Array.of(0, 0, 0, 0, high, 0)], "a.vrm");
}

test("arms of a VRM of either version hang, to its own sides and forwards", async () => {
  for (const version of [0, 1] as const) {
    const { avatar, told } = await ownAvatar(vrm(version), true);
    assert.match(told, /^VRM/);
    avatar.show(() => 0);
    avatar.root.updateMatrixWorld(true);
    const bone = (name: string): Vector3 => at(avatar.root.getObjectByName(name) as Bone);
    for (const [side, way] of [
      ["left", 1],
      ["right", -1],
    ] as const) {
      const [shoulder, elbow, wrist] = ["UpperArm", "LowerArm", "Hand"].map((part) => bone(side + part));
      assert.ok(way * shoulder.x > 0.1, `version ${version}`); // it looks at the visitor
      assert.ok(shoulder.y - elbow.y > 0.25 && way * (elbow.x - shoulder.x) > 0.05, `version ${version}, ${side}`);
      assert.ok(elbow.y - wrist.y > 0.22 && wrist.z - elbow.z > 0.03, `version ${version}, ${side}`);
    }
  }
});

test("a VRM whose head is larger than people's is made as small as the picture, by what is above its eyes", async () => {
  const top = async (high: number): Promise<{ top: number; bones: number }> => {
    const { avatar } = await ownAvatar(vrm(1, high), true);
    avatar.root.updateMatrixWorld(true);
    const [head, hips] = ["head", "hips"].map((name) => at(avatar.root.getObjectByName(name) as Bone).y);
    return { top: new Box3().setFromObject(avatar.root).max.y, bones: head - hips };
  };
  const [usual, large] = [await top(0.2), await top(0.8)];
  assert.ok(Math.abs(usual.bones - 0.55) < 1e-6 && usual.top > 0.1 && usual.top < 0.2); // in metres, and left as it is
  assert.ok(Math.abs(large.top - 0.2) < 1e-3 && large.bones < 0.3);
});
