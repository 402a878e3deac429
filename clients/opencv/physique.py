"""What to draw for a skeleton: which limbs, how thick, on which side, and where there is a head.

All of it is read from the announced form of the skeleton (``joints``, ``parents``, ``rest``, ``edges``, ``feet``), by
its proportions and not by its names, so a body nobody has seen before gets flesh on its bones too. Only a head needs to
be called one. Markers, which have no tree, are dots joined by their edges.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIDDLE, LEFT, RIGHT = 0, 1, 2
LONG = 0.12  # of the stature: the least length of a limb's main bones
MAIN = 0.78  # of a limb's longest bone: where it begins, after collar or pelvis, its first bone is at least this long
HEAD = 0.18  # of the stature, at most
ASIDE = 0.02  # of the stature: how far from the middle a joint has a side


@dataclass(frozen=True, slots=True)
class Part:
    """A tapered capsule from joint ``a`` to joint ``b``, radii in metres; a dot where they are the same joint."""

    a: int
    b: int
    radius_a: float
    radius_b: float
    side: int


@dataclass(frozen=True, slots=True)
class Torso:
    """A trunk between two pairs of joints where limbs begin, ``low`` (hips) and ``high`` (shoulders), by way of the
    joints ``between``; the half-width in metres that flesh adds beyond each pair."""

    low: tuple[int, int]
    high: tuple[int, int]
    between: tuple[int, ...]
    flesh: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Physique:
    """``parts`` and ``torsos`` to draw; ``head`` (the joint, its parent, joints above it) or None; ``ends`` the hands
    and feet; ``sides`` of the joints; ``stature`` in metres."""

    joints: int
    parts: tuple[Part, ...]
    torsos: tuple[Torso, ...]
    head: tuple[int, int, tuple[int, ...]] | None
    ends: tuple[int, ...]
    feet: tuple[int, ...]
    sides: tuple[int, ...]
    across: tuple[int, int] | None
    stature: float


def physique(skeleton: Mapping[str, Any]) -> Physique:
    """The physique of an announced skeleton. Raises ValueError naming what is wrong with it."""
    try:
        return _physique(
            tuple(str(name) for name in skeleton["joints"]),
            tuple(int(parent) for parent in skeleton["parents"]),
            tuple((float(x), float(y), float(z)) for x, y, z in skeleton["rest"]),
            tuple((int(a), int(b)) for a, b in skeleton.get("edges", ())),
            tuple(str(name) for name in skeleton.get("feet", ())),
            tuple(str(name) for name in skeleton.get("across", ())),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        name = skeleton.get("name", "?") if isinstance(skeleton, Mapping) else skeleton
        raise ValueError(f"skeleton {name!r} cannot be drawn: {type(error).__name__} {error}") from error


@functools.lru_cache(maxsize=16)
def _physique(
    joints: tuple[str, ...],
    parents: tuple[int, ...],
    rest: tuple[tuple[float, float, float], ...],
    edges: tuple[tuple[int, int], ...],
    feet: tuple[str, ...],
    across: tuple[str, ...],
) -> Physique:
    count = len(joints)
    if not count or len(parents) != count or len(rest) != count:
        raise ValueError(f"{count} joints, {len(parents)} parents, {len(rest)} rest offsets")
    if any(not -1 <= parent < joint for joint, parent in enumerate(parents)):
        raise ValueError("parents must come before their children")
    if any(not 0 <= end < count for edge in edges for end in edge):
        raise ValueError(f"edges must join two of the {count} joints")
    absent = [name for name in (*feet, *across) if name not in joints]
    if absent:
        raise ValueError(f"feet or across name {absent}, which are no joints")
    at = np.array(rest, np.float64)
    if not np.isfinite(at).all():
        raise ValueError("rest offsets must be finite")
    lengths = np.linalg.norm(at, axis=1)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            at[joint] += at[parent]
    stature = float(np.ptp(at, axis=0).max()) or 1.0
    sides = tuple(MIDDLE if abs(x) < ASIDE * stature else LEFT if x > 0 else RIGHT for x in at[:, 0] - _middle(at))
    tree = _Tree(joints, parents, lengths, stature, {joints.index(name) for name in feet})
    named = tuple(joints.index(name) for name in across)
    bones = _bones(tree, sides) if any(parent >= 0 for parent in parents) else _dots(count, stature, sides)
    met = {joint for part in bones for joint in (part.a, part.b)} | {joint for edge in edges for joint in edge}
    hidden = {*tree.skull(), *tree.trunk} if tree.torsos() else set(tree.skull())
    alone = [dot for dot in _dots(count, stature, sides) if dot.a not in met | hidden]
    bones += alone
    thin = 0.006 * stature
    lines = {tuple(sorted((part.a, part.b))) for part in bones}
    bones += [
        Part(a, b, thin, thin, sides[a] if sides[a] == sides[b] else MIDDLE)
        for a, b in edges
        if tuple(sorted((a, b))) not in lines
    ]
    head = tree.head
    crown = None if head is None else (head, parents[head], tuple(tree.skull()))
    ends = tuple(dict.fromkeys(tree.end(root) for root in tree.roots))
    return Physique(
        joints=count,
        parts=tuple(bones),
        torsos=tree.torsos(),
        head=crown,
        ends=ends,
        feet=tuple(sorted(tree.feet)),
        sides=sides,
        across=(named[0], named[1]) if len(named) == 2 else None,
        stature=stature,
    )


def _middle(at: NDArray[np.float64]) -> float:
    return float((at[:, 0].min() + at[:, 0].max()) / 2)


class _Tree:
    """The skeleton's tree: who is below whom, how far it reaches, and where limbs begin."""

    def __init__(
        self,
        joints: tuple[str, ...],
        parents: tuple[int, ...],
        lengths: NDArray[np.float64],
        stature: float,
        feet: set[int],
    ) -> None:
        self.parents, self.lengths, self.stature, self.feet = parents, lengths, stature, feet
        self.children: list[list[int]] = [[] for _ in parents]
        self.reach = np.zeros(len(parents))
        for joint in reversed(range(len(parents))):
            if (parent := parents[joint]) >= 0:
                self.children[parent].insert(0, joint)
                self.reach[parent] = max(self.reach[parent], self.reach[joint] + lengths[joint])
        heads = [joint for joint, name in enumerate(joints) if "head" in name.lower() and parents[joint] >= 0]
        self.head = heads[0] if heads else None
        self.spine = set() if self.head is None else {self.head, *self.above(self.head)}
        self.roots = self._roots()
        self.trunk = {above for root in self.roots for above in self.above(root)}

    def above(self, joint: int) -> list[int]:
        """Ancestors, nearest first."""
        found = []
        while (joint := self.parents[joint]) >= 0:
            found.append(joint)
        return found

    def below(self, joint: int) -> list[int]:
        """Descendants."""
        return [other for other in range(joint + 1, len(self.parents)) if joint in self.above(other)]

    def skull(self) -> list[int]:
        """Joints on the head, such as eyes: below it, and no farther from it than a head is high."""
        found: dict[int, float] = {} if self.head is None else {self.head: 0.0}
        for joint, parent in enumerate(self.parents):
            if parent in found and found[parent] + self.lengths[joint] < HEAD * self.stature:
                found[joint] = found[parent] + float(self.lengths[joint])
        return [joint for joint in found if joint != self.head]

    def _roots(self) -> list[int]:
        """Where limbs begin: shoulders and hip joints. A limb is long, does not part into limbs, and holds no head."""
        limbs: list[int] = []
        for joint, children in enumerate(self.children):
            if joint in self.spine or any(root in self.above(joint) for root in limbs):
                continue
            below = [other for other in self.below(joint) if other not in self.spine]
            least = max([LONG * self.stature, *(MAIN * self.lengths[other] for other in below)])
            if any(self.lengths[child] >= least for child in children) and not self._parts(joint):
                limbs.append(joint)
        return limbs

    def _parts(self, joint: int) -> bool:
        """Whether two long branches leave from ``joint`` or below it."""
        least = 2 * LONG * self.stature
        return any(
            sum(self.reach[child] + self.lengths[child] >= least for child in self.children[each]) > 1
            for each in (joint, *self.below(joint))
        )

    def end(self, root: int) -> int:
        """The far end of the limb that begins at ``root``: always on along the longest way."""
        joint = root
        while self.children[joint]:
            joint = max(self.children[joint], key=lambda child: self.reach[child] + self.lengths[child])
        return joint

    def torsos(self) -> tuple[Torso, ...]:
        """Trunks: between joints where a pair of limbs begins, the pair lower in the tree being the hips."""
        groups: dict[int, list[int]] = {}
        for root in self.roots:
            shared = [one for one in self.above(root) if sum(one in self.above(other) for other in self.roots) > 1]
            if shared:
                groups.setdefault(shared[0], []).append(root)
        pairs = [(fork, (roots[0], roots[-1])) for fork, roots in groups.items() if len(roots) > 1]
        found = []
        for fork, high in pairs:
            lower = next(((base, low) for base, low in reversed(pairs) if base in self.above(fork)), None)
            if lower is not None:
                base, low = lower
                between = tuple(joint for joint in self.above(fork) if base in self.above(joint))
                found.append(Torso(low, high, between, (0.046 * self.stature, 0.030 * self.stature)))
        return tuple(found)

    def radius(self, joint: int) -> float:
        """How thick a limb is at a joint: the more hangs on it the thicker, legs more so than arms."""
        share = min(self.reach[joint] / self.stature, 1.0)
        leg = 1.35 if self.feet & {joint, *self.below(joint)} else 1.0
        return float(self.stature * leg * (0.012 + 0.017 * share**0.5 + 0.012 * share))


def _bones(tree: _Tree, sides: tuple[int, ...]) -> list[Part]:
    """Limbs and neck of a tree, and what of its trunk is not inside a torso."""
    tall = tree.stature
    torsos = tree.torsos()
    inner = tree.trunk | set(tree.roots) | {above for root in tree.roots for above in tree.above(root)}
    limb = {joint: root for root in tree.roots for joint in (root, *tree.below(root))}
    skull = set(tree.skull())
    side_of = {root: sides[tree.end(root)] or sides[root] for root in tree.roots}

    def thickness(joint: int) -> float:
        if joint in limb or not tree.roots:
            return tree.radius(joint)
        if joint in tree.trunk and not torsos:
            return 0.055 * tall
        return 0.030 * tall if joint in tree.spine | tree.trunk else tree.radius(joint)

    parts = [
        Part(
            parent,
            joint,
            thickness(parent),
            thickness(joint),
            side_of[limb[joint]] if parent in limb else MIDDLE if tree.roots else sides[joint],
        )
        for joint, parent in enumerate(tree.parents)
        if parent >= 0 and joint not in skull and not (torsos and joint in inner)
    ]
    bars = [pair for torso in torsos for pair in (torso.low, torso.high)]
    return parts + [Part(a, b, 0.8 * tree.radius(a), 0.8 * tree.radius(b), MIDDLE) for a, b in dict.fromkeys(bars)]


def _dots(count: int, stature: float, sides: tuple[int, ...]) -> list[Part]:
    size = 0.014 * stature
    return [Part(joint, joint, size, size, sides[joint]) for joint in range(count)]
