"""What Unity's Humanoid (and so VRM and the VMC protocol) calls the joints of a body: bones of ``HumanBodyBones``.

Avatars of those programs have no joints of ours, and their rigs differ, but their bones have these names. An
announcement tells which joint of a skeleton is which of them, so that no client needs a table of rigs.
"""

from __future__ import annotations

import functools

from engine.body.rigs import Rig, recognise
from engine.body.skeleton import Skeleton

LIMB_BONES = {
    "collar": "Shoulder",
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "middle": "MiddleProximal",
    "thigh": "UpperLeg",
    "shin": "LowerLeg",
    "foot": "Foot",
    "toe": "Toes",
    "eye": "Eye",
}
"""By part of a limb (:data:`engine.body.rig_names.LIMBS`), without its side."""
SPINE_BONES = ("Spine", "Chest", "UpperChest")
"""From above the hips on, as many as a body has."""
NECK_BONES = ("Neck",)
"""Between chest and head."""


def trunk_bones(rig: Rig, spine: tuple[str, ...] = SPINE_BONES, neck: tuple[str, ...] = NECK_BONES) -> dict[int, str]:
    """Names by joint from the hips to the head; those of ``spine`` and ``neck`` as far as there are joints for them."""
    found = dict(zip(rig.spine[1:], spine, strict=False))
    found |= dict(zip(rig.neck[1:-1], neck, strict=False))
    return found | {rig.neck[-1]: "Head", rig.hips: "Hips"}


@functools.cache
def humanoid(skeleton: Skeleton) -> dict[str, str]:
    """The joint by bone's name (``{"LeftUpperArm": "lShldr"}``); {} for markers and for what is no person's body."""
    rig = recognise(skeleton.joints, skeleton.parents)
    if rig is None:
        return {}
    bones = trunk_bones(rig)
    for part, joint in rig.parts.items():
        side, _, limb = part.partition(".")
        if limb in LIMB_BONES and joint not in bones:
            bones[joint] = ("Left" if side == "l" else "Right") + LIMB_BONES[limb]
    return {bone: skeleton.joints[joint] for joint, bone in bones.items()}
