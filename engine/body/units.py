"""What a BVH file does not say: in which unit it is, and which way is up. Both are found from the body itself.

The unit: how tall the body is in the file's units follows from the lengths of its bones over the frames (so a crouching
dancer is as tall as a standing one) and from the proportions of the human body; of the units in use the one is taken
that makes it a person, likelier a tall child than a giant. Up: from the feet to the head over the frames; where that
is Z, the world is turned, and the rest pose with it if it lies as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.body.decode import BvhError
from engine.body.pose import Doubles, Posed
from engine.body.rigs import Rig
from engine.body.skeleton import Skeleton

TALL = 1.7
"""Metres: the person that a body is likeliest to be."""
LEG, ARM = 0.49, 0.33
"""Thigh and shin, upper arm and forearm, as shares of a person's height (Drillis & Contini 1966)."""
ACROSS = 1.2
"""The longest way through a body's bones, foot to hand say, as a share of its height."""
UNITS = {
    "cm": 0.01,
    "m": 1.0,
    "mm": 0.001,
    "in": 0.0254,
    "CMU": 0.0254 / 0.45,
    "dm": 0.1,
    "ft": 0.3048,
}
_USED = {"cm": 0.5, "m": 0.25, "mm": 0.08, "in": 0.08, "CMU": 0.08, "dm": 0.03, "ft": 0.005}
"""How often each is met."""
_SHORTER, _TALLER = 0.3, 0.12
"""Spread of people's heights around :data:`TALL`, in natural logarithms: children below, hardly anyone above."""
_NAMES = {
    "cm": "centimetres",
    "m": "metres",
    "mm": "millimetres",
    "in": "inches",
    "CMU": "CMU's own unit (1 inch / 0.45)",
    "dm": "decimetres",
    "ft": "feet",
}
_NEVER = 1e-3
"""Likelihood below which no unit in use makes the body a person."""


@dataclass(frozen=True)
class Unit:
    """``metres`` per unit of the file, and what is to be told about it ("" for centimetres that are plain)."""

    metres: float
    note: str


_ASIDE = {0: "X", 3: "-X", 4: "-Y", 5: "-Z"}
"""Directions in which nobody stands."""


def given_unit(unit: float | str) -> float:
    """Metres per unit of ``--unit``: a number or a name. Raises :class:`BvhError` naming what can be given."""
    if isinstance(unit, str) and unit in UNITS:
        return UNITS[unit]
    try:
        metres = float(unit)
    except ValueError:
        metres = 0.0
    if not 1e-6 <= metres <= 1e3:
        raise BvhError(f"unit {unit!r}: give metres per unit of the file, such as 0.01, or one of {', '.join(UNITS)}")
    return metres


def find_unit(tall: float) -> Unit:
    """The unit of a body that is ``tall`` in it."""
    if not tall > 0:
        return Unit(UNITS["cm"], "")
    likely = {name: _USED[name] * _person(tall * metres) for name, metres in UNITS.items()}
    first, second = sorted(likely, key=lambda name: -likely[name])[:2]
    if _person(tall * UNITS[first]) < _NEVER:
        return Unit(
            TALL / tall,
            f"unit unknown: a body {tall:.3g} units tall is a person in none; scaled to {TALL} m; --unit sets it",
        )
    metres = UNITS[first]
    sure = likely[second] < 0.2 * likely[first]
    if first == "cm" and sure:
        return Unit(metres, "")
    other = "" if sure else f"; {_NAMES[second]} ({tall * UNITS[second]:.2f} m) would be nearly as likely"
    return Unit(metres, f"unit found: {_NAMES[first]}, the body is {tall * metres:.2f} m tall{other}; --unit sets it")


def _person(metres: float) -> float:
    off = np.log(metres / TALL)
    return float(np.exp(-0.5 * (off / (_TALLER if off > 0 else _SHORTER)) ** 2))


def lengths(posed: Posed) -> Doubles:
    """How far each joint is from its parent (J,), the median over the frames; 0 of the root."""
    at = posed.positions[posed.sample()]
    if not len(at):
        at = posed.rest()[None]
    parents = np.array(posed.parents)
    away = np.median(np.linalg.norm(at - at[:, np.maximum(parents, 0)], axis=-1), axis=0)
    return np.asarray(np.where(parents < 0, 0.0, away))


def stature(posed: Posed, rig: Rig | None, skeleton: Skeleton | None) -> float:
    """How tall a standing body with these bones is, in the file's unit: by its limbs; where nobody knows which those
    are, by the bones that ``skeleton`` has too; else by its longest way from end to end."""
    bones = lengths(posed)
    if rig is not None:
        told = []
        for side in "lr":
            for share, below in ((LEG, ("shin", "foot")), (ARM, ("elbow", "wrist"))):
                told.append(sum(float(bones[rig.parts[f"{side}.{part}"]]) for part in below) / share)
        return float(np.median(told))
    if skeleton is not None and skeleton.is_tree:
        shared = [(n, skeleton.index(name)) for n, name in enumerate(posed.names) if name in skeleton.joints]
        own = sum(float(bones[number]) for number, joint in shared if posed.parents[number] >= 0)
        wanted = sum(
            float(np.linalg.norm(skeleton.rest[joint])) for number, joint in shared if posed.parents[number] >= 0
        )
        if own > 0 and wanted > 0:
            return TALL * own / wanted
    return _longest(bones, posed) / ACROSS


def _longest(bones: Doubles, posed: Posed) -> float:
    """The longest way from joint to joint. End sites, which are often made up, are not counted."""
    down = np.zeros(len(bones))
    longest = 0.0
    for joint in reversed(range(len(bones))):
        parent = posed.parents[joint]
        if parent < 0 or posed.ends[joint]:
            continue
        reach = down[joint] + bones[joint]
        longest = max(longest, float(down[parent] + reach))
        down[parent] = max(down[parent], reach)
    return longest


_UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Turns Z up to Y up; what faced -Y faces +Z."""


def upright(posed: Posed, rig: Rig | None, up: str | None) -> tuple[Posed, str]:
    """The body with Y up, and what is to be told. ``up``: "y" or "z" where a person says so. Raises :class:`BvhError`
    where the body stands in another direction, or its left is where its right should be."""
    if up not in (None, "y", "z"):
        raise BvhError(f"up {up!r}: give y or z")
    if rig is None:
        return (_turned(posed, True), "Z up turned upright") if up == "z" else (posed, "")
    lies, stands = _axis(_direction(posed.rest()[None], rig)), _axis(_direction(posed.positions[posed.sample()], rig))
    axis = up or _found(lies, stands, posed, rig)
    if axis not in ("y", "z"):
        raise BvhError(f"the body stands along {axis}: export it with Y or Z up, or say --up y or --up z")
    if axis == "z":
        posed = _turned(posed, lies == 2)
    _not_mirrored(posed, rig)
    return posed, "Z up turned upright; --up y leaves it" if axis == "z" and up is None else ""


def _found(lies: int, stands: int, posed: Posed, rig: Rig) -> str:
    """Which way is up, by the rest pose and the frames (as :func:`_axis` tells them)."""
    if stands == 1:
        return "y"
    if lies == 1 and stands != 4 and (stands != 2 or _on_the_ground(posed, rig)):
        return "y"  # whoever crawls or lies all through a take
    return _ASIDE.get(stands) or ("z" if 2 in (stands, lies) else "y")


def _on_the_ground(posed: Posed, rig: Rig) -> bool:
    """Whether a body that is long in Z lies on a floor at height Y = 0, rather than stand on one at Z = 0."""
    at = posed.positions[posed.sample()]
    tall = stature(posed, rig, None)
    low, high = np.median(at[..., 1].min(1)), np.median(at[..., 1].max(1))
    return bool(abs(low) < 0.1 * tall and high < 0.5 * tall and abs(np.median(at[..., 2].min(1))) > 0.2 * tall)


def _direction(positions: Doubles, rig: Rig) -> Doubles:
    """From the feet to the head (F, 3), of length 1."""
    feet = positions[:, [rig.parts["l.foot"], rig.parts["r.foot"]]].mean(1)
    away = positions[:, rig.neck[-1]] - feet
    return np.asarray(away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12))


def _axis(directions: Doubles) -> int:
    """0 to 2 for X to Z, 3 to 5 for their opposites: along which directions mostly are; -1 where along none."""
    usual = np.median(directions, axis=0) if len(directions) else np.zeros(3)
    largest = int(np.abs(usual).argmax())
    if abs(usual[largest]) < 0.75:
        return -1
    return largest if usual[largest] > 0 else largest + 3


def _turned(posed: Posed, rest: bool) -> Posed:
    """The world turned from Z up to Y up; with ``rest`` the rest pose and so every joint's own axes too."""
    turn, local = _UPRIGHT.astype(np.float32), posed.local.copy()
    if rest:
        local = np.asarray(turn @ local @ turn.T, np.float32)
    else:
        roots = [joint for joint, parent in enumerate(posed.parents) if parent < 0]
        local[:, roots] = turn @ local[:, roots]
    return replace(
        posed,
        positions=posed.positions @ _UPRIGHT.T,
        local=local,
        offsets=posed.offsets @ _UPRIGHT.T if rest else posed.offsets,
    )


def _not_mirrored(posed: Posed, rig: Rig) -> None:
    """Refuse a body whose toes point backwards from its own left and right: its axes are left-handed."""
    at = posed.positions[posed.sample()]
    toes = [tip for tip in rig.tips if tip is not None]
    if not len(at) or len(toes) < 2:
        return
    across = at[:, rig.parts["l.thigh"]] - at[:, rig.parts["r.thigh"]]
    up = _direction(at, rig)
    ahead = np.cross(across, up)
    steps = at[:, toes] - at[:, [rig.parts["l.foot"], rig.parts["r.foot"]]]
    step = steps.mean(1)
    size = np.linalg.norm(ahead, axis=-1) * np.linalg.norm(step, axis=-1)
    agree = np.einsum("ti,ti->t", ahead, step) / np.maximum(size, 1e-12)
    if np.median(agree) < -0.5:
        raise BvhError(
            "its left is where a body that faces forward has its right: the axes are mirrored (left-handed), or the "
            "names of left and right are exchanged; export it again with right-handed axes"
        )


def limits(positions: NDArray[np.float64], farthest: float) -> NDArray[np.bool_]:
    """Frames (T,) in which every joint is within ``farthest`` of where the take mostly is."""
    middle = np.median(positions[:, 0], axis=0)
    return np.asarray((np.abs(positions - middle).max((1, 2)) <= farthest) & np.isfinite(positions).all((1, 2)))
