// A visitor's own avatar: a VRM, through its presets, or any glTF with ARKit's shapes, mapped by name.

import type { VRM, VRMHumanBoneName } from "@pixiv/three-vrm";
import { VRMLoaderPlugin, VRMUtils } from "@pixiv/three-vrm";
import {
  Box3,
  Euler,
  Group,
  type Material,
  Mesh,
  MeshLambertMaterial,
  MeshStandardMaterial,
  type Object3D,
  Quaternion,
  Texture,
  Vector3,
} from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import { arkitName, EXPRESSIONS, presetWeight, VRM_PRESETS } from "../channels";
import { type Arm, armsOf, hang } from "./arms";
import { gaze } from "./eyes";
import type { Avatar, Face } from "./person";
import { lids } from "./where";

const LARGEST = 120 << 20;
/** Of a turn of the head the neck takes so much. */
const NECK = 0.4;
/** Where a figure's eyes come to be in the picture's space, m. */
const EYES = new Vector3(0, 0.03, 0.02);
/** Height of a person whom the picture is made for, from eyes to feet, m. */
const TALL = 1.6;

/** What there is of the picture above the eyes, and some room, m. */
const ROOM_ABOVE = 0.17;

/** How a figure is moved: which shapes it has, by name, and which bones. */
export interface Found {
  avatar: Avatar;
  /** For people: what was found in the file. */
  told: string;
}

/** Read a file. Throws an Error in words for one that is no such model. `plain`: surfaces that are quick to draw. */
export async function ownAvatar(file: File, plain: boolean): Promise<Found> {
  if (file.size > LARGEST) throw new Error(`${file.name} has ${Math.round(file.size / 2 ** 20)} MB; 120 at most`);
  const loader = new GLTFLoader();
  loader.register((parser) => new VRMLoaderPlugin(parser));
  const gltf = await loader.parseAsync(await file.arrayBuffer(), "").catch((error: unknown) => {
    throw new Error(`${file.name} is no glTF or VRM that can be read (${(error as Error).message})`);
  });
  const vrm = gltf.userData.vrm as VRM | undefined;
  if (vrm) {
    VRMUtils.rotateVRM0(vrm);
    return vrmAvatar(vrm, plain);
  }
  return gltfAvatar(gltf.scene, file.name, plain);
}

/** Put a figure so that its eyes, or the middle of its head, are where the camera looks; `size`: metres to a unit. */
function placed(figure: Object3D, eyes: Vector3, size: number, plain: boolean): Group {
  const root = new Group();
  figure.scale.multiplyScalar(size);
  figure.position.add(EYES.clone().addScaledVector(eyes, -size));
  root.add(figure);
  figure.traverse((each) => {
    each.frustumCulled = false;
    if (!(each instanceof Mesh)) return;
    each.castShadow = each.receiveShadow = true;
    if (plain) each.material = Array.isArray(each.material) ? each.material.map(plainly) : plainly(each.material);
    // A file that says nothing of metal means a mirror, by its format; who leaves it out means skin and cloth.
    for (const one of [each.material].flat())
      if (one instanceof MeshStandardMaterial && !one.metalnessMap) one.metalness = Math.min(0.2, one.metalness);
  });
  return root;
}

/** The same with less of light in it, which a machine without a graphics card draws in time. */
function plainly(material: Material): Material {
  if (!(material instanceof MeshStandardMaterial)) return material;
  const { name, color, map, vertexColors, side, transparent, opacity, alphaTest, depthWrite, emissive } = material;
  const kept = { name, color, map, vertexColors, side, transparent, opacity, alphaTest, depthWrite, emissive };
  return new MeshLambertMaterial({ ...kept, emissiveMap: material.emissiveMap });
}

function freed(root: Group): void {
  root.traverse((each) => {
    if (!(each instanceof Mesh)) return;
    each.geometry.dispose();
    for (const one of [each.material].flat()) {
      for (const value of Object.values(one)) if (value instanceof Texture) value.dispose();
      one.dispose();
    }
  });
}

/** Between the eyes: where it blinks, or its bones of eyes are, or as far above the head's as the file says, or as
 * people's are, of whom eyes are a little below the middle between there and the `top`. */
function vrmEyes(vrm: VRM, top: number): Vector3 {
  const seen = lids(vrm.scene);
  if (seen) return seen.middle;
  const place = (name: "head" | "leftEye" | "rightEye"): Vector3 | undefined =>
    vrm.humanoid.getRawBoneNode(name)?.getWorldPosition(new Vector3());
  const [left, right] = [place("leftEye"), place("rightEye")];
  if (left && right) return left.add(right).multiplyScalar(0.5);
  const eyes = place("head") ?? new Vector3();
  eyes.y += vrm.lookAt?.offsetFromHeadBone.y || 0.45 * Math.max(0, top - eyes.y);
  return eyes;
}

function vrmAvatar(vrm: VRM, plain: boolean): Found {
  const bone = (name: VRMHumanBoneName): Object3D | null => vrm.humanoid.getNormalizedBoneNode(name);
  const [head, neck] = [bone("head"), bone("neck")];
  const expressions = vrm.expressionManager;
  const known = Object.keys(expressions?.expressionMap ?? {});
  const shapes = known.filter((name) => arkitName(name));
  // A model that has ARKit's own shapes (often called "perfect sync") is moved by them, others by presets.
  const whole = shapes.length > 30;
  vrm.scene.updateMatrixWorld(true);
  const top = new Box3().setFromObject(vrm.scene).max.y;
  const eyes = vrmEyes(vrm, top);
  // It is in metres; whose head is larger than people's, or its hair, is made as small as the picture.
  const size = top > eyes.y ? Math.min(1, ROOM_ABOVE / (top - eyes.y)) : 1;
  const [left, right] = (["left", "right"] as const).map((side): Arm | null => {
    const [upper, lower, hand] = (["UpperArm", "LowerArm", "Hand"] as const).map((part) => bone(`${side}${part}`));
    return upper && lower && { upper, lower, hand };
  });
  if (left && right) hang([left, right]);
  // A VRM of version 0 looks the other way in its own space: its x and z are the person's turned about.
  const way = vrm.meta.metaVersion === "0" ? -1 : 1;
  const root = placed(vrm.scene, eyes, size, plain);
  let last = performance.now();
  const show = (face: Face): void => {
    const now = performance.now();
    const set = (name: string, value: number): void => expressions?.setValue(name, value);
    if (whole) for (const name of shapes) set(name, face(arkitName(name) as string));
    else for (const preset of Object.keys(VRM_PRESETS)) set(preset, presetWeight(preset, face));
    if (!whole && !known.includes("blinkLeft")) set("blink", (face("eyeBlinkLeft") + face("eyeBlinkRight")) / 2);
    const turn = (share: number): [number, number, number] => [
      way * share * face("headPitch"),
      share * face("headYaw"),
      way * share * face("headRoll"),
    ];
    const [a, b] = neck ? [1 - NECK, NECK] : [1, 0];
    head?.rotation.set(...turn(a), "YXZ");
    neck?.rotation.set(...turn(b), "YXZ");
    const l = gaze("Left", face);
    const r = gaze("Right", face);
    if (vrm.lookAt) {
      vrm.lookAt.yaw = ((l.yaw + r.yaw) / 2) * (180 / Math.PI);
      vrm.lookAt.pitch = ((l.pitch + r.pitch) / 2) * (180 / Math.PI);
    }
    vrm.update(Math.min(0.1, (now - last) / 1000)); // hair and clothes swing
    last = now;
  };
  const by = whole ? `${shapes.length} ARKit shapes` : `${known.length} expressions by preset`;
  return {
    avatar: { root, show, dispose: () => VRMUtils.deepDispose(vrm.scene) },
    told: `VRM: ${by}${head ? ", its head turns" : ""}`,
  };
}

interface Target {
  influences: number[];
  index: number;
  name: string;
}

const BONES: { readonly [name: string]: RegExp } = {
  head: /(^|[^a-z])head($|_?0*1?$|[^a-z])/i,
  neck: /neck/i,
  eyeLeft: /(eye_?l(eft)?$|left_?eye$|leye$|l_?eye$)/i,
  eyeRight: /(eye_?r(ight)?$|right_?eye$|reye$|r_?eye$)/i,
};

function gltfAvatar(scene: Object3D, name: string, plain: boolean): Found {
  const targets: Target[] = [];
  const bones = new Map<string, Object3D>();
  scene.traverse((each) => {
    if (each instanceof Mesh && each.morphTargetDictionary && each.morphTargetInfluences)
      for (const [morph, index] of Object.entries(each.morphTargetDictionary)) {
        const arkit = arkitName(morph);
        if (arkit) targets.push({ influences: each.morphTargetInfluences, index, name: arkit });
      }
    if (!(each instanceof Mesh))
      for (const [bone, like] of Object.entries(BONES))
        if (!bones.has(bone) && like.test(each.name)) bones.set(bone, each);
  });
  const found = new Set(targets.map((each) => each.name)).size;
  if (!found && !bones.has("head"))
    throw new Error(
      `${name} has none of ARKit's ${EXPRESSIONS.length} shapes and no bone that is called head; nothing would move`,
    );
  scene.updateMatrixWorld(true);
  const arms = armsOf(scene);
  if (arms) hang(arms); // before it is measured: stretched out they make a figure wide
  const box = new Box3().setFromObject(scene);
  const long = box.getSize(new Vector3());
  const figure = long.y > 2.2 * long.x || bones.size > 1; // a whole person, and no head alone
  const middle = box.getCenter(new Vector3());
  const seen = lids(scene) ?? {
    middle: new Vector3(middle.x, figure ? box.min.y + 0.93 * long.y : middle.y, middle.z),
    size: figure ? TALL / (0.93 * long.y) : 0.3 / long.y,
  };
  const root = placed(scene, seen.middle, seen.size, plain);
  const head = bones.get("head") ?? (figure ? null : scene);
  const rests = new Map([...bones.values(), ...(head ? [head] : [])].map((each) => [each, world(each)]));
  const turn = (bone: Object3D | null | undefined, pitch: number, yaw: number, roll: number): void => {
    const rest = bone && rests.get(bone);
    if (!bone || !rest) return;
    // The turn is meant in the person's axes, whichever way the bone's own point: about the world, then in its parent.
    const about = new Quaternion().setFromEuler(new Euler(pitch, yaw, roll, "YXZ"));
    bone.quaternion.copy(rest.parent.clone().invert().multiply(about).multiply(rest.parent).multiply(rest.own));
  };
  const show = (face: Face): void => {
    for (const each of targets) each.influences[each.index] = face(each.name);
    const share = bones.has("neck") && bones.has("head") ? 1 - NECK : 1;
    const [pitch, yaw, roll] = [face("headPitch"), face("headYaw"), face("headRoll")];
    turn(head, share * pitch, share * yaw, share * roll);
    if (share < 1) turn(bones.get("neck"), NECK * pitch, NECK * yaw, NECK * roll);
    for (const side of ["Left", "Right"] as const) {
      const look = gaze(side, face);
      turn(bones.get(`eye${side}`), look.pitch, look.yaw, 0);
    }
  };
  const told = `glTF: ${found} of ${EXPRESSIONS.length} ARKit shapes, bones: ${[...bones.keys()].join(", ") || "none"}`;
  return { avatar: { root, show, dispose: () => freed(root) }, told };
}

/** How a bone is turned at rest: in its parent, and its parent in the world. */
function world(bone: Object3D): { own: Quaternion; parent: Quaternion } {
  const parent = bone.parent ? bone.parent.getWorldQuaternion(new Quaternion()) : new Quaternion();
  return { own: bone.quaternion.clone(), parent };
}
