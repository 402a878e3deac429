// A whole person, moved by the joints of any announced skeleton: each bone is turned to point where its joints say.

import {
  CircleGeometry,
  Color,
  DoubleSide,
  Float32BufferAttribute,
  FrontSide,
  Group,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  Quaternion,
  type SkinnedMesh,
  Vector3,
} from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import type { Skeleton } from "../announced";
import { type Point, pointsOf } from "./joints";
import { surface } from "./material";

/** Bones of the figure in order, each from one point to the next. */
const LIMBS: readonly (readonly [string, Point, Point])[] = (["L", "R"] as const).flatMap((letter) => {
  const side = letter === "L" ? "left" : "right";
  const limb = (bone: string, from: string, to: string) =>
    [`Bip01_${letter}_${bone}`, `${side}${from}`, `${side}${to}`] as [string, Point, Point];
  return [
    limb("UpperArm", "Shoulder", "Elbow"),
    limb("Forearm", "Elbow", "Wrist"),
    limb("Hand", "Wrist", "Fingers"),
    limb("Thigh", "Hip", "Knee"),
    limb("Calf", "Knee", "Ankle"),
    limb("Foot", "Ankle", "Toes"),
  ];
});
const [SKIN, CLOTH, TROUSERS, SHOES, HAIR, EYES] = [
  "#d3a188",
  "#3f5b66",
  "#34383f",
  "#22201f",
  "#3a2720",
  "#43332c",
].map((each) => new Color(each));

/** Height of the blouse's hem, m. */
const HEM = 0.955;

interface Rest {
  world: Quaternion;
  at: Vector3;
}

/** The page's figure. `show` takes the places of a skeleton's joints. */
export class Body {
  readonly root = new Group();
  private readonly bones = new Map<string, Object3D>();
  private readonly rests = new Map<Object3D, Rest>();
  private readonly turned = new Map<Object3D, Quaternion>();
  private readonly hips: Object3D;
  private readonly legs: number;
  private readonly floor: Mesh;
  private middle: Vector3 | null = null;

  private constructor(
    private readonly figure: Object3D,
    plain: boolean,
  ) {
    figure.updateMatrixWorld(true);
    figure.traverse((each) => {
      this.bones.set(each.name, each);
      this.rests.set(each, {
        world: each.getWorldQuaternion(new Quaternion()),
        at: each.getWorldPosition(new Vector3()),
      });
      if ((each as SkinnedMesh).isSkinnedMesh) dress(each as SkinnedMesh, plain);
    });
    this.hips = this.bone("Bip01_Pelvis");
    this.legs = this.at("Bip01_Pelvis").y - this.at("Bip01_L_Foot").y;
    this.floor = new Mesh(
      new CircleGeometry(0.42, 40).rotateX(-Math.PI / 2),
      new MeshBasicMaterial({ color: 0, transparent: true, opacity: 0.14 }),
    );
    this.root.add(figure, this.floor);
  }

  static async load(address: string, plain: boolean): Promise<Body> {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the body's file does not come (${answer.status})`);
    const gltf = await new GLTFLoader().parseAsync(await answer.arrayBuffer(), "");
    return new Body(gltf.scene, plain);
  }

  /** Stand as the joints do: `values` are x, y, z of each in m, y up. */
  show(skeleton: Skeleton, values: Float32Array): void {
    const points = pointsOf(skeleton.joints);
    const place = (point: Point): Vector3 | null => {
      const at = points.get(point);
      return at === undefined ? null : new Vector3(values[3 * at], values[3 * at + 1], values[3 * at + 2]);
    };
    const [hips, chest, neck, head] = [place("hips"), place("chest"), place("neck"), place("head")];
    const [left, right, low, high] = [
      place("leftHip"),
      place("rightHip"),
      place("leftShoulder"),
      place("rightShoulder"),
    ];
    if (!hips || !left || !right) return;
    this.turned.clear();
    const trunk = chest ?? neck ?? hips.clone().add(new Vector3(0, 1, 0));
    const pelvis = frame(left.clone().sub(right), trunk.clone().sub(hips));
    const upper = low && high && neck ? frame(low.clone().sub(high), neck.clone().sub(chest ?? hips)) : pelvis;
    this.turn("Bip01_Pelvis", pelvis);
    this.turn("Bip01_Spine", pelvis.clone().slerp(upper, 0.35));
    this.turn("Bip01_Spine1", pelvis.clone().slerp(upper, 0.7));
    this.turn("Bip01_Spine2", upper);
    if (neck && head)
      this.point("Bip01_Neck", upper, this.at("Bip01_Head").sub(this.at("Bip01_Neck")), head.clone().sub(neck));
    for (const [bone, from, to] of LIMBS) {
      const [a, b] = [place(from), place(to)];
      if (!a || !b) continue;
      const child = this.bone(bone).children.find((each) => each.type === "Bone");
      if (!child) continue;
      const rest = (this.rests.get(child) as Rest).at.clone().sub(this.at(bone));
      this.point(
        bone,
        this.turned.get(this.bone(bone).parent as Object3D) ?? (/Thigh/.test(bone) ? pelvis : upper),
        rest,
        b.sub(a),
      );
    }
    // Legs of another length stand on the same floor: the way of the hips is as much longer or shorter.
    const [knee, ankle] = [place("leftKnee"), place("leftAnkle")];
    const long = knee && ankle ? left.distanceTo(knee) + knee.distanceTo(ankle) : this.legs;
    const size = this.legs / Math.max(0.1, long);
    const shift = new Vector3(0, hips.y * size - this.at("Bip01_Pelvis").y, 0);
    this.hips.position.copy(
      shift.add(this.at("Bip01_Pelvis")).applyMatrix4((this.hips.parent as Object3D).matrixWorld.clone().invert()),
    );
    this.apply(this.figure);
    // The picture follows who walks about, slowly; the shadow stays below.
    const walked = new Vector3(hips.x, 0, hips.z).multiplyScalar(size);
    this.middle = this.middle?.lerp(walked, 0.04) ?? walked.clone();
    this.floor.position.set(walked.x, 0.002, walked.z);
    this.figure.position.set(walked.x, 0, walked.z);
    this.root.position.set(-this.middle.x, 0, -this.middle.z);
  }

  private bone(name: string): Object3D {
    const found = this.bones.get(name);
    if (!found) throw new Error(`the body has no bone ${name}`);
    return found;
  }

  private at(name: string): Vector3 {
    return (this.rests.get(this.bone(name)) as Rest).at.clone();
  }

  /** A bone is to be turned so about the world, from how it rests. */
  private turn(name: string, by: Quaternion): void {
    this.turned.set(this.bone(name), by);
  }

  /** A bone goes with `carried`, and then the shortest way until its rest's direction points along `to`. */
  private point(name: string, carried: Quaternion, rest: Vector3, to: Vector3): void {
    const from = rest.normalize().applyQuaternion(carried);
    this.turn(name, new Quaternion().setFromUnitVectors(from, to.normalize()).multiply(carried));
  }

  /** From turns about the world to each bone's own, parents first; what is not turned goes with its parent. */
  private apply(from: Object3D, carried = new Quaternion(), parent = new Quaternion()): void {
    const turn = this.turned.get(from) ?? carried;
    const world = turn.clone().multiply((this.rests.get(from) as Rest | undefined)?.world ?? new Quaternion());
    from.quaternion.copy(parent.clone().invert().multiply(world));
    for (const child of from.children) if (this.rests.has(child)) this.apply(child, turn, world);
  }
}

/** The turn from standing upright, facing z, to where the own left is along `left` and the spine along `up`. */
function frame(left: Vector3, up: Vector3): Quaternion {
  const y = up.normalize();
  const x = left.addScaledVector(y, -left.dot(y)).normalize();
  return new Quaternion().setFromRotationMatrix(new Matrix4().makeBasis(x, y, new Vector3().crossVectors(x, y)));
}

/** Colours by part, as the model comes without pictures: skin, a blouse to its hem, trousers, shoes, hair. */
function dress(mesh: SkinnedMesh, plain: boolean): void {
  const named = String([mesh.material].flat()[0].name);
  const joints = mesh.geometry.getAttribute("skinIndex");
  const weights = mesh.geometry.getAttribute("skinWeight");
  const places = Array.from({ length: joints.count }, (_, i) =>
    mesh.getVertexPosition(i, new Vector3()).applyMatrix4(mesh.matrixWorld),
  );
  const hair = headShape(places);
  const of = (i: number): Color => {
    const [, joint] = [0, 1, 2, 3]
      .map((k) => [weights.getComponent(i, k), joints.getComponent(i, k)])
      .sort((a, b) => b[0] - a[0])[0];
    const bone = mesh.skeleton.bones[joint].name;
    if (/opacity/.test(named)) return HAIR;
    if (/head/.test(named)) return /[LR]Eye$/.test(bone) ? EYES : hair(i) ? HAIR : SKIN;
    if (/Forearm|Hand|Finger|Head|Neck/.test(bone)) return SKIN;
    return /Foot|Toe/.test(bone) ? SHOES : places[i].y < HEM && /Thigh|Calf|Pelvis/.test(bone) ? TROUSERS : CLOTH;
  };
  const colours = places.flatMap((_, i) => of(i).toArray());
  mesh.geometry.setAttribute("color", new Float32BufferAttribute(colours, 3));
  mesh.material = surface(plain, {
    vertexColors: true,
    roughness: 0.75,
    side: /opacity/.test(named) ? DoubleSide : FrontSide,
  });
  mesh.frustumCulled = false;
  mesh.castShadow = mesh.receiveShadow = true;
}

/** Which vertices of a head grow hair: above the forehead and behind the ears, by the head's own measures. */
function headShape(places: readonly Vector3[]): (vertex: number) => boolean {
  const [top, front, back] = [
    Math.max(...places.map((p) => p.y)),
    Math.max(...places.map((p) => p.z)),
    Math.min(...places.map((p) => p.z)),
  ];
  const long = front - back;
  return (i) => {
    const [down, behind] = [(top - places[i].y) / long, (front - places[i].z) / long];
    return behind > 0.12 && down < Math.min(0.95, 0.25 + 1.35 * Math.max(0, behind - 0.3));
  };
}
