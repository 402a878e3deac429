"""Read pose codes off a body, batched and in the graph: joints to 70 measures, to bins, to 392 codes of 0 or 1.

Deterministic, in the body's own frame of each frame (the published parser adds noise and compares along the world's
axes, so its codes change when the body turns; :mod:`.literal` has that form). ``measures`` has gradients everywhere,
finite for straight limbs and joints in one place too. All functions take any leading shape and are pure.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.body.skeleton import skeleton
from models.bodies.heading import heading, turned_back
from models.text_motion.posecodes.table import CODES, GROUPS, KINDS, MIRRORED, POINTS, SIZES, Kind, of_kind

BODY = skeleton("humanml3d")
MIDDLE = 0.1367
"""Metres from the wrist to the second phalanx of the middle finger, along the forearm; the hand is half way."""
LEAST = 1e-6
"""Metres that a limb counts as at least, where it is divided by its length."""
NEAR_ONE = 1.0 - 1e-6
"""Largest cosine of an angle, so that its slope stays finite: 0.08 degrees from a straight limb."""
DEGREES = 180.0 / torch.pi


def _constant(values: object, dtype: torch.dtype = torch.int64) -> Tensor:
    return torch.tensor(values, dtype=dtype)


def _column(kind: Kind, end: int) -> Tensor:
    """The points at one end of a kind's groups."""
    return _constant([POINTS.index(GROUPS[number].joints[end]) for number in of_kind(kind)])


ENDS: dict[Kind, list[Tensor]] = {
    kind: [_column(kind, end) for end in range(len(GROUPS[of_kind(kind)[0]].joints))] for kind in KINDS
}
"""For each kind, which point stands at each place of its groups."""
_ELBOWS, _WRISTS = (_constant([POINTS.index(side + joint) for side in ("l_", "r_")]) for joint in ("elbow", "wrist"))
_WRISTS_TWICE = _WRISTS.repeat(2)
_TRUNK = _constant([POINTS.index(joint) for joint in ("pelvis", "neck", "spine3")])
_LINES = [torch.cat([ENDS[kind][end] for kind in ("distance", "relX", "relY", "relZ", "relV")]) for end in (0, 1)]
_COUNTS = [len(of_kind(kind)) for kind in ("distance", "relX", "relY", "relZ", "relV")]
_THRESHOLDS = torch.full((len(GROUPS), max(SIZES) - 1), -torch.inf, dtype=torch.float64)
for _number, _group in enumerate(GROUPS):
    _THRESHOLDS[_number, : _group.size - 1] = _constant(_group.thresholds, torch.float64)
_LAST = _constant([size - 1 for size in SIZES])
_GROUP_OF = _constant([number for number, size in enumerate(SIZES) for _ in range(size)])
_BIN_OF = _constant([bin_ for size in SIZES for bin_ in range(size)])
_SOURCES = _constant([source for source, _ in MIRRORED])
_SIGNS = _constant([-1 if turned else 1 for _, turned in MIRRORED])
_ENDS = _constant([SIZES[number] - 1 if turned else 0 for number, (_, turned) in enumerate(MIRRORED)])


def taken(points: Tensor, which: Tensor) -> Tensor:
    """Points (..., P, 3) number ``which`` (n,), as (..., n, 3)."""
    return points.index_select(-2, which.to(points.device))


def direction(line: Tensor) -> Tensor:
    """Lines (..., 3) at length 1; shorter than that where they are next to nothing."""
    return line / line.square().sum(-1, keepdim=True).clamp_min(LEAST**2).sqrt()


def points(joints: Tensor) -> Tensor:
    """The joints (..., 22, 3) and behind them the virtual ones, (..., 27, 3) in the order of :data:`table.POINTS`."""
    wrists = taken(joints, _WRISTS)
    ahead = direction(wrists - taken(joints, _ELBOWS)) * MIDDLE
    fingers = taken(joints, _WRISTS_TWICE) + torch.cat([ahead, ahead * 0.5], -2)
    return torch.cat([joints, fingers, taken(joints, _TRUNK).mean(-2, keepdim=True)], -2)


def measures(joints: Tensor) -> Tensor:
    """What each of the 70 groups measures, (..., 70), of bodies (..., 22, 3) in metres, wherever they stand and face.

    Angles and inclinations are in degrees (180 is a straight limb, 0 is vertical), all else in metres: distances, how
    far the first point is to the left of (relX), above (relY), in front of (relZ) the second, height over the lowest
    point of the body (ground).
    """
    placed = points(joints)
    first, middle, last = (taken(placed, end) for end in ENDS["angle"])
    bend = (direction(last - middle) * direction(first - middle)).sum(-1)
    lines = taken(placed, _LINES[0]) - taken(placed, _LINES[1])
    distance, sideways, up, ahead, inclined = lines.split(_COUNTS, -2)
    facing = heading(joints, BODY)[..., None, :]
    apart = distance.square().sum(-1).clamp_min(LEAST**2).sqrt()
    tilt = direction(inclined)[..., 1].abs()
    angles = torch.cat([bend, tilt], -1).clamp(-NEAR_ONE, NEAR_ONE).acos() * DEGREES
    bends, tilts = angles.split([bend.shape[-1], tilt.shape[-1]], -1)
    heights = placed[..., 1]
    ground = heights.index_select(-1, ENDS["ground"][0].to(heights.device)) - heights.amin(-1, keepdim=True)
    left = turned_back(sideways[..., ::2], facing)[..., 0]
    front = turned_back(ahead[..., ::2], facing)[..., 1]
    return torch.cat([bends, apart, left, up[..., 1], front, tilts, ground], -1)


def bins(measured: Tensor) -> Tensor:
    """The bin of each group, (..., 70) int64: the first whose threshold the measure (..., 70) does not pass, else the
    last, which holds NaN too."""
    thresholds = _THRESHOLDS.to(measured.device, measured.dtype)
    return _LAST.to(measured.device) - (measured[..., None] <= thresholds).sum(-1)


def khot(chosen: Tensor) -> Tensor:
    """Codes (..., 392) of 0 and 1 for bins (..., 70): one on in each group. A bin of -1 leaves its group dark."""
    return (chosen.index_select(-1, _GROUP_OF.to(chosen.device)) == _BIN_OF.to(chosen.device)).float()


def chosen(codes: Tensor) -> Tensor:
    """The inverse of :func:`khot`: the strongest bin (..., 70) of each group among codes or chances (..., 392)."""
    return torch.stack([part.argmax(-1) for part in codes[..., :CODES].split(list(SIZES), -1)], -1)


def mirrored(bins_: Tensor) -> Tensor:
    """Bins (..., 70) of the same pose with left and right exchanged; -1 (no bin asked for) stays -1."""
    source = bins_.index_select(-1, _SOURCES.to(bins_.device))
    turned = _SIGNS.to(bins_.device) * source + _ENDS.to(bins_.device)
    return torch.where(source < 0, source, turned)
