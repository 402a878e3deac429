"""The table of names: what programs call the joints of a body, without prefix, side, case and separators.

Sources: the programs' own exports and documentation, and the rigs of public data sets. A line may hold several words
for one part; the first that a body has counts.
"""

from __future__ import annotations

LIMBS = ("collar", "shoulder", "elbow", "wrist", "middle", "socket", "thigh", "shin", "foot", "toe", "eye")
"""Parts of one side: collar bone, upper arm, forearm, hand, its middle finger; the joint between hips and thigh that
some rigs have, thigh, shin, foot, toe; eye. A joint is the first of them that its name may mean."""
NEEDED = ("shoulder", "elbow", "wrist", "thigh", "shin", "foot")
"""Parts on both sides without which a body is not told from others; beside them a neck or a head."""
RIGS: dict[str, dict[str, str]] = {
    # Mixamo, MotionBuilder (HIK), Rokoko, Perception Neuron, LaFAN, FAIR, BEAT, Cascadeur, DeepMotion, Auto-Rig Pro
    "MotionBuilder": {
        "collar": "shoulder clavicle",
        "shoulder": "arm armstretch",
        "elbow": "forearm arm1 forearmstretch",
        "wrist": "hand wrist",
        "middle": "handmiddle1 handmiddle inhandmiddle fingerbase handm1 handend",
        "socket": "hipjoint",
        "thigh": "upleg thigh thighstretch",
        "shin": "leg shin calf legstretch",
        "foot": "foot",
        "toe": "toebase toe toes footf",
    },
    # Biovision's own, later names: Xsens, Kinect, CMU by other converters
    "Biovision": {
        "collar": "collar clavicle",
        "shoulder": "shoulder",
        "elbow": "elbow",
        "wrist": "wrist hand",
        "middle": "fingers finger1 hand",
        "socket": "hipjoint",
        "thigh": "hip",
        "shin": "knee",
        "foot": "ankle foot",
        "toe": "toe toes foot",
    },
    # Biovision's first names
    "Biovision 1": {
        "collar": "collar",
        "shoulder": "uparm",
        "elbow": "lowarm",
        "wrist": "hand",
        "thigh": "upleg",
        "shin": "lowleg",
        "foot": "foot",
        "toe": "toe",
    },
    # Daz and Poser, CMU by cgspeed for them, iPi
    "Poser": {
        "collar": "collar clavicle",
        "shoulder": "shldr shldrbend shoulder",
        "elbow": "forearm forearmbend",
        "wrist": "hand",
        "middle": "mid1",
        "socket": "buttock",
        "thigh": "thigh thighbend",
        "shin": "shin",
        "foot": "foot",
        "toe": "toe",
    },
    # Unity Humanoid, VRM, Xsens MVN, MakeHuman
    "Unity": {
        "collar": "shoulder clavicle",
        "shoulder": "upperarm upperarm01",
        "elbow": "lowerarm forearm lowerarm01",
        "wrist": "hand wrist",
        "middle": "middleproximal finger31",
        "socket": "hipjoint pelvis",
        "thigh": "upperleg upperleg01",
        "shin": "lowerleg lowerleg01",
        "foot": "foot",
        "toe": "toes toe toebase toe11",
    },
    # Blender's Rigify, Unreal, 3ds Max Biped, Character Creator, OptiTrack
    "Rigify": {
        "collar": "shoulder clavicle",
        "shoulder": "upperarm uarm",
        "elbow": "forearm lowerarm farm",
        "wrist": "hand",
        "middle": "fmiddle01 palm02 middle01 mid1 finger2",
        "socket": "pelvis",
        "thigh": "thigh",
        "shin": "shin calf",
        "foot": "foot",
        "toe": "toe ball toe0 toebase",
    },
    # the names of CMU's own ASF files
    "Acclaim": {
        "collar": "clavicle",
        "shoulder": "humerus",
        "elbow": "radius",
        "wrist": "wrist",
        "middle": "fingers hand",
        "socket": "hipjoint",
        "thigh": "femur",
        "shin": "tibia",
        "foot": "foot",
        "toe": "toes",
    },
    # SMPL and SMPL-X, AIST++
    "SMPL": {
        "collar": "collar",
        "shoulder": "shoulder",
        "elbow": "elbow",
        "wrist": "wrist",
        "middle": "hand",
        "thigh": "hip",
        "shin": "knee",
        "foot": "ankle",
        "toe": "foot toe",
    },
}
COMMON = {"eye": "eye eyesmplhf", "middle": "middle1 middle finger"}
"""Words that mean the same in every rig."""
NECKS = {
    *("neck", "neck0", "neck1", "neck01", "lowerneck", "upperneck", "necklower", "neckupper", "necktwist01"),
    "spine004",
}
HEADS = {"head", "spine006"}
THIGHS = ("upleg", "thigh", "upperleg", "femur", "hip", "leg", "buttock", "hipjoint")
"""Words for the start of a leg in bodies of no known rig, the surest first."""
