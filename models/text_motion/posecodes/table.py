"""The 70 groups of pose codes and their 392 codes: what each measures, where its bins end and how people name it.

Definition: PoseScript (Delmas et al., ECCV 2022) as CoMo (Huang et al., ECCV 2024) bins it; exactly one code of each
group is on in every frame. Order of the columns: angle, distance, relX, relY, relZ, relV, ground, and inside a kind the
order of the published parser (``posescript/captioning_data.py`` of CoMo), which decides what its files hold. Its own
list of labels (``utils/codebook.py``) agrees with the parser but for three groups of relY: 31, 32 and 33 are called
left ankle to neck, right ankle to neck and knees there, and hold knees, left ankle to neck and right ankle to neck.
Pairs of a hand and a shoulder, knee or foot stand in the order LL, LR, RR, RL in both (an older label list had RL
before RR and two groups too many). Labels here say what the columns hold.

"Right", "left", "behind" and "in front" are the body's own. Lengths are in metres, angles in degrees. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.body.skeleton import skeleton

Kind = Literal["angle", "distance", "relX", "relY", "relZ", "relV", "ground"]

JOINTS = skeleton("humanml3d").joints
VIRTUAL = ("l_middle", "r_middle", "l_hand", "r_hand", "torso")
"""Points that stand behind the joints: the second phalanx of the middle fingers, the hands, the middle of the trunk."""
POINTS = (*JOINTS, *VIRTUAL)


@dataclass(frozen=True)
class Group:
    """One group: a measure of a pose and the bins it falls into.

    ``template`` holds ways to name the group, separated by ``|``, each with one ``{}`` for a label; ``labels[i]`` holds
    names of bin i, likewise separated. ``joints`` are names in :data:`POINTS`. Bin i holds values up to and with
    ``thresholds[i]`` that fit no bin before, the last one whatever is above.
    """

    kind: Kind
    template: str
    joints: tuple[str, ...]
    thresholds: tuple[float, ...]
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many bins it has."""
        return len(self.thresholds) + 1

    def phrases(self, bin_: int) -> tuple[str, ...]:
        """Every way to say that the group is in a bin; the first is the one to show."""
        labels = self.labels[bin_].split("|")
        return tuple(name.replace("{}", label) for name in self.template.split("|") for label in labels)


def _degrees(bin_: int) -> str:
    """A bin of bends is called by its upper end: 80 to 90 degrees is "90", a straight limb is "180"."""
    names = {0: ["fully bent"], 8: ["at a right angle"], 17: ["straight"]}
    plain = [f"bent to {10 * bin_ + 10}", f"{10 * bin_ + 10}", f"bent to {10 * bin_ + 10} degrees"]
    return "|".join(names.get(bin_, []) + plain if bin_ == 17 else plain + names.get(bin_, []))


def _apart(bin_: int) -> str:
    names = {
        0: "together|touching|very close|within 10 cm",
        1: "close|10 to 20 cm apart|10 to 20 cm",
        9: "very wide|beyond 90 cm|over 90 cm apart",
    }
    span = f"{10 * bin_} to {10 * bin_ + 10} cm"
    return names.get(bin_, f"{span} apart|{span}")


_THRESHOLDS: dict[Kind, tuple[float, ...]] = {
    "angle": tuple(10.0 * step for step in range(1, 18)),
    "distance": tuple(step / 10 for step in range(1, 10)),
    "relX": (-0.15, 0.15),
    "relY": (-0.15, 0.15),
    "relZ": (-0.15, 0.15),
    "relV": (10.0, 80.0),
    "ground": (0.10,),
}
_LABELS: dict[Kind, tuple[str, ...]] = {
    "angle": tuple(_degrees(bin_) for bin_ in range(18)),
    "distance": tuple(_apart(bin_) for bin_ in range(10)),
    "relX": ("right of|to the right of", "beside|level sideways with", "left of|to the left of"),
    "relY": ("below", "level with|as high as", "above"),
    "relZ": ("behind", "as far forward as|level in depth with", "in front of"),
    "relV": ("vertical", "slanted", "horizontal"),
    "ground": ("on the ground|on the floor", "off the ground|off the floor|lifted"),
}
_PLURALS = {"hand": "hands", "elbow": "elbows", "knee": "knees", "foot": "feet", "shoulder": "shoulders"}


def _words(joint: str) -> str:
    side, _, part = joint.partition("_")
    return f"{ {'l': 'left', 'r': 'right'}[side] } {part}" if part else joint


def _between(kind: Kind, pairs: str) -> Iterator[Group]:
    """Groups of a kind that compare two points, from "first:second" pairs."""
    for pair in pairs.split():
        first, second = pair.split(":")
        if kind == "distance":
            template = f"{_words(first)} and {_words(second)} {{}}"
            if first[2:] == second[2:]:
                template = f"{_PLURALS[first[2:]]} {{}}|{template}"
        else:
            template = f"{_words(first)} {{}} {_words(second)}"
        yield Group(kind, template, (first, second), _THRESHOLDS[kind], _LABELS[kind])


def _of(kind: Kind, named: dict[str, str]) -> Iterator[Group]:
    """Groups of a kind that describe one part of the body, from its names and points."""
    for names, points in named.items():
        template = "|".join(f"{name} {{}}" for name in names.split("|"))
        yield Group(kind, template, tuple(points.split()), _THRESHOLDS[kind], _LABELS[kind])


GROUPS: tuple[Group, ...] = (
    *_of(
        "angle",
        {
            "left knee": "l_hip l_knee l_ankle",
            "right knee": "r_hip r_knee r_ankle",
            "left elbow": "l_shoulder l_elbow l_wrist",
            "right elbow": "r_shoulder r_elbow r_wrist",
        },
    ),
    *_between(
        "distance",
        "l_elbow:r_elbow l_hand:r_hand l_knee:r_knee l_foot:r_foot "
        "l_hand:l_shoulder l_hand:r_shoulder r_hand:r_shoulder r_hand:l_shoulder l_hand:r_elbow r_hand:l_elbow "
        "l_hand:l_knee l_hand:r_knee r_hand:r_knee r_hand:l_knee "
        "l_hand:l_foot l_hand:r_foot r_hand:r_foot r_hand:l_foot",
    ),
    *_between("relX", "l_hand:r_hand neck:pelvis l_hand:l_shoulder r_hand:r_shoulder l_foot:l_hip r_foot:r_hip"),
    *_between(
        "relY",
        "l_shoulder:r_shoulder l_elbow:r_elbow l_hand:r_hand l_knee:r_knee l_ankle:neck r_ankle:neck "
        "l_hip:l_knee r_hip:r_knee l_hand:l_shoulder r_hand:r_shoulder l_foot:l_hip r_foot:r_hip "
        "l_wrist:neck r_wrist:neck l_hand:l_hip r_hand:r_hip",
    ),
    *_between(
        "relZ",
        "l_shoulder:r_shoulder l_elbow:r_elbow l_hand:r_hand l_knee:r_knee neck:pelvis "
        "l_hand:torso r_hand:torso l_foot:torso r_foot:torso",
    ),
    *_of(
        "relV",
        {
            "left thigh": "l_hip l_knee",
            "right thigh": "r_hip r_knee",
            "left shin|left calf": "l_knee l_ankle",
            "right shin|right calf": "r_knee r_ankle",
            "left upper arm": "l_shoulder l_elbow",
            "right upper arm": "r_shoulder r_elbow",
            "left forearm": "l_elbow l_wrist",
            "right forearm": "r_elbow r_wrist",
            "pelvis to left shoulder|left side of the back": "pelvis l_shoulder",
            "pelvis to right shoulder|right side of the back": "pelvis r_shoulder",
            "torso|trunk|back": "pelvis neck",
            "line between the hands|hands": "l_hand r_hand",
            "line between the feet|feet": "l_foot r_foot",
        },
    ),
    *_of("ground", {"left knee": "l_knee", "right knee": "r_knee", "left foot": "l_foot", "right foot": "r_foot"}),
)
KINDS: tuple[Kind, ...] = tuple(_THRESHOLDS)
"""In the order of the columns."""
SIZES: tuple[int, ...] = tuple(group.size for group in GROUPS)
STARTS: tuple[int, ...] = tuple(sum(SIZES[:number]) for number in range(len(SIZES)))
"""The first code of each group."""
CODES = sum(SIZES)
END, PAD = CODES, CODES + 1
"""Two more codes of a sequence: the motion is over; there is nothing here."""


def of_kind(kind: Kind) -> list[int]:
    """The numbers of a kind's groups, one after the other."""
    return [number for number, group in enumerate(GROUPS) if group.kind == kind]


def phrases() -> dict[str, tuple[int, int]]:
    """Every phrase that names a code, and the group and the bin it means."""
    return {
        phrase: (number, bin_)
        for number, group in enumerate(GROUPS)
        for bin_ in range(group.size)
        for phrase in group.phrases(bin_)
    }


def _mirrored() -> tuple[tuple[int, bool], ...]:
    """For each group, whose value it takes when left and right are exchanged, and whether the value changes sign."""
    number = {(group.kind, group.joints): at for at, group in enumerate(GROUPS)}
    swap = {"l_": "r_", "r_": "l_"}
    found = []
    for group in GROUPS:
        other = tuple(swap.get(joint[:2], joint[:2]) + joint[2:] for joint in group.joints)
        same, turned = number.get((group.kind, other)), number.get((group.kind, other[::-1]))
        source = same if same is not None else turned
        assert source is not None
        reversed_ = same is None and group.kind in ("relX", "relY", "relZ")
        found.append((source, reversed_ != (group.kind == "relX")))
    return tuple(found)


MIRRORED = _mirrored()
"""For each group the group whose bin it shows in the mirrored pose, and whether the bins are counted from the other
end."""
