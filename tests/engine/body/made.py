"""A small dance to make files of, and what other programs call the joints of its skeleton."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.body.motion import Motion, forward_kinematics
from engine.body.skeleton import Skeleton, skeleton
from engine.body.solve import rotations_of
from engine.body.write import write_bvh

CMU = skeleton("cmu")
FRAMES = 30
SWINGS = {"Shldr": 0.8, "ForeArm": 0.6, "Thigh": 0.5, "Shin": 0.4, "neck": 0.2, "chest": 0.2, "abdomen": 0.2}
"""How far joints swing, radians; all others a little."""


def dance(body: Skeleton = CMU, frames: int = FRAMES, rate: float = 30.0) -> Motion:
    """A person who stands, swings arms and legs and turns about; end sites turn with their parents."""
    random = np.random.default_rng(5)
    axes = random.normal(size=(len(body.joints), 3))
    quaternions = np.zeros((frames, len(body.joints), 4), np.float32)
    quaternions[..., 3] = 1.0
    for joint, name in enumerate(body.joints):
        if name.endswith(".end"):
            continue
        wide = next((far for part, far in SWINGS.items() if name.endswith(part)), 0.1)
        axis = np.array([0.0, 1.0, 0.0]) if joint == 0 else axes[joint] / np.linalg.norm(axes[joint])
        half = wide / 2 * np.sin(np.arange(frames) * random.uniform(0.1, 0.3) + random.uniform(0, 6))
        quaternions[:, joint, :3], quaternions[:, joint, 3] = np.sin(half)[:, None] * axis, np.cos(half)
    rotations = rotations_of(quaternions)
    time = np.arange(frames) / rate
    root = np.stack([0.4 * np.sin(time), 0.9 + 0.02 * np.cos(4 * time), 0.3 * time], -1).astype(np.float32)
    return Motion(body, rate, forward_kinematics(body, root, rotations), rotations)


def text_of(folder: Path, motion: Motion) -> str:
    """The motion as a plain BVH file has it: centimetres, Y up."""
    write_bvh(motion, folder / "plain.bvh")
    return (folder / "plain.bvh").read_text("utf-8")


def renamed(text: str, names: dict[str, str]) -> str:
    """A file's joints by other names."""
    lines = []
    for line in text.split("\n"):
        head, _, name = line.partition("JOINT " if "JOINT " in line else "ROOT ")
        lines.append(line.replace(name, names.get(name, name)) if name and not head.strip() else line)
    return "\n".join(lines)


def both(middle: str, sided: str, left: str, right: str) -> dict[str, str]:
    """Names for all joints of ``cmu``: of hip, abdomen, chest, neck and head, and of collar, upper arm, forearm, hand,
    middle finger, buttock, thigh, shin, foot and eye, with ``*`` for the side."""
    names = dict(zip(("hip", "abdomen", "chest", "neck", "head"), middle.split("|"), strict=True))
    for own, side in (("l", left), ("r", right)):
        parts = ("Collar", "Shldr", "ForeArm", "Hand", "Mid1", "Buttock", "Thigh", "Shin", "Foot")
        *limbs, eye = sided.split("|")
        names |= {own + part: word.replace("*", side) for part, word in zip(parts, limbs, strict=True)}
        names["leftEye" if own == "l" else "rightEye"] = eye.replace("*", side)
    return names


_HIK = "*Shoulder|*Arm|*ForeArm|*Hand|*HandMiddle1|*HipJoint|*UpLeg|*Leg|*Foot|*Eye"
_BIPED = "Clavicle|UpperArm|Forearm|Hand|Finger2|Butt|Thigh|Calf|Foot|Eye"
_VRM = "Shoulder|UpperArm|LowerArm|Hand|Middle1|Seat|UpperLeg|LowerLeg|Foot|Eye"
RIGS: dict[str, dict[str, str]] = {
    "mixamo": both(
        "mixamorig:Hips|mixamorig:Spine|mixamorig:Spine1|mixamorig:Neck|mixamorig:Head",
        _HIK.replace("*", "mixamorig:*"),
        *("Left", "Right"),
    ),
    "motionbuilder": both(
        "Character1_Hips|Character1_Spine|Character1_Spine1|Character1_Neck|Character1_Head",
        _HIK.replace("*", "Character1_*"),
        *("Left", "Right"),
    ),
    "rokoko": both(
        "Hips|Spine1|Spine4|Neck|Head",
        "*Shoulder|*Arm|*ForeArm|*Hand|*InHandMiddle|*Seat|*Thigh|*Shin|*Foot|*Eye",
        *("Left", "Right"),
    ),
    "cmu of others": both(
        "Hips|lowerback|Chest|lowerneck|Head",
        "*Collar|*Shoulder|*Elbow|*Wrist|*Finger1|*Buttock|*Hip|*Knee|*Ankle|*Eye",
        *("Left", "Right"),
    ),
    "asf": both(
        "root|lowerback|thorax|lowerneck|head",
        "*clavicle|*humerus|*radius|*wrist|*fingers|*hipjoint|*femur|*tibia|*foot|*eye",
        *("l", "r"),
    ),
    "biovision 1": both(
        "Hips|Chest|Chest2|Neck|Head",
        "*Collar|*UpArm|*LowArm|*Hand|*Finger|*Seat|*UpLeg|*LowLeg|*Foot|*Eye",
        *("Left", "Right"),
    ),
    "kinect": both(
        "SpineBase|SpineMid|SpineShoulder|Neck|Head",
        "Collar*|Shoulder*|Elbow*|Wrist*|Hand*|Seat*|Hip*|Knee*|Ankle*|Eye*",
        *("Left", "Right"),
    ),
    "beat": both(
        "Hips|Spine|Spine1|Neck|Head",
        "*Shoulder|*Arm|*Arm1|*Hand|*HandM1|*Seat|*UpLeg|*Leg|*Foot|*Eye",
        *("L", "R"),
    ),
    "daz genesis": both(
        "hip|abdomenLower|chestUpper|neckLower|head",
        "*Collar|*ShldrBend|*ForearmBend|*Hand|*Mid1|*Seat|*ThighBend|*Shin|*Foot|*Eye",
        *("l", "r"),
    ),
    "optitrack": both(
        "Take:Hip|Take:Ab|Take:Chest|Take:Neck|Take:Head",
        "Take:*Shoulder|Take:*UArm|Take:*FArm|Take:*Hand|Take:*Mid1|Take:*Seat|Take:*Thigh|Take:*Shin|Take:*Foot|Take:*Eye",
        *("L", "R"),
    ),
    "deepmotion": both(
        "hips_JNT|spine_JNT|spine2_JNT|neck_JNT|head_JNT",
        "*_shoulder_JNT|*_arm_JNT|*_forearm_JNT|*_hand_JNT|*_handMiddle1_JNT|*_seat_JNT|*_upleg_JNT|*_leg_JNT|*_foot_JNT|"
        "*_eye_JNT",
        *("l", "r"),
    ),
    "poser's doubled names": both(
        "Hips (hip)|ToSpine (abdomen)|Chest (chest)|Neck (neck)|Head (head)",
        "*Collar (c)|*Shoulder (s)|*Elbow (e)|*Wrist (w)|*Fingers (f)|*Seat (b)|*Hip (t)|*Knee (k)|*Ankle (a)|*Eye (i)",
        *("Left", "Right"),
    ),
    "unity": both(
        "Hips|Spine|Chest|Neck|Head",
        "*Shoulder|*UpperArm|*LowerArm|*Hand|* Middle Proximal|*Seat|*UpperLeg|*LowerLeg|*Foot|*Eye",
        *("Left", "Right"),
    ),
    "xsens mvn": both(
        "Pelvis|L5|T8|Neck|Head",
        "*Shoulder|*UpperArm|*ForeArm|*Hand|*Middle|*Seat|*UpperLeg|*LowerLeg|*Foot|*Eye",
        *("Left", "Right"),
    ),
    "rigify": both(
        "spine|spine.001|spine.002|spine.004|spine.006",
        "shoulder.*|upper_arm.*|forearm.*|hand.*|f_middle.01.*|pelvis.*|thigh.*|shin.*|foot.*|eye.*",
        *("L", "R"),
    ),
    "rigify deform": both(
        "DEF-spine|DEF-spine.001|DEF-spine.002|DEF-spine.004|DEF-spine.006",
        "DEF-shoulder.*|DEF-upper_arm.*|DEF-forearm.*|DEF-hand.*|DEF-f_middle.01.*|DEF-pelvis.*|DEF-thigh.*|DEF-shin.*|"
        "DEF-foot.*|DEF-eye.*",
        *("L", "R"),
    ),
    "unreal": both(
        "pelvis|spine_01|spine_02|neck_01|head",
        "clavicle_*|upperarm_*|lowerarm_*|hand_*|middle_01_*|seat_*|thigh_*|calf_*|foot_*|eye_*",
        *("l", "r"),
    ),
    "biped": both(
        "Bip01 Pelvis|Bip01 Spine|Bip01 Spine1|Bip01 Neck|Bip01 Head",
        "|".join(f"Bip01 * {part}" for part in _BIPED.split("|")),
        *("L", "R"),
    ),
    "vrm": both(
        "J_Bip_C_Hips|J_Bip_C_Spine|J_Bip_C_Chest|J_Bip_C_Neck|J_Bip_C_Head",
        "|".join(f"J_Bip_*_{part}" for part in _VRM.split("|")),
        *("L", "R"),
    ),
    "smpl": both(
        "Pelvis|Spine1|Spine3|Neck|Head",
        "*_Collar|*_Shoulder|*_Elbow|*_Wrist|*_Hand|*_Seat|*_Hip|*_Knee|*_Ankle|*_Eye",
        *("L", "R"),
    ),
    "smpl-x": both(
        "pelvis|spine1|spine3|neck|head",
        "*_collar|*_shoulder|*_elbow|*_wrist|*_middle1|*_seat|*_hip|*_knee|*_ankle|*_eye_smplhf",
        *("left", "right"),
    ),
}
