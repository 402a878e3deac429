"""What is measured side by side: dances of people, of models, and of tricks that some measures reward.

- **truth**: held-out takes; **train takes**: takes that the model learned from. What the truth reaches is the goal, and
  where a model stands nearer to the training takes than the truth does, it has learned them by heart.
- **model**: a bundle, one dance for every level and seed; **untrained**: the same network with fresh weights.
- **hold**: one pose of every held-out take, for ever; **shuffled labels**: the held-out takes with their labels dealt
  anew: what chance recognises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.labels import COMPUTED, LEVELS, Table
from train.dance.takes import FRAMES, Take

Array = NDArray[np.float32]
Levels = NDArray[np.int8]

HUMAN = "human"
SOURCES = (HUMAN, COMPUTED)
"""Whose labels: given by people, or computed from the motion. They are never mixed."""
NONE = -1


@dataclass(frozen=True)
class Performance:
    """An unbroken dance, ``positions`` (T, J, 3) in metres on the stage. ``group`` is what the bootstrap draws.
    ``levels`` holds by source the level 0..2 of the window that starts at each frame (T,), -1 where there is none; of a
    generated dance the level that was asked for. ``sound`` (T,) is False where the recording is damaged."""

    name: str
    group: str
    positions: Array
    levels: Mapping[str, Levels]
    sound: NDArray[np.bool_]
    style: str = ""

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class DanceRow:
    """A row of the report: dances that are measured together."""

    name: str
    about: str
    kind: str
    dances: Sequence[Performance]

    @property
    def groups(self) -> list[str]:
        """The groups, sorted."""
        return sorted({dance.group for dance in self.dances})

    @property
    def frames(self) -> int:
        """Frames in all."""
        return sum(map(len, self.dances))


@dataclass(frozen=True)
class RowWindows:
    """Windows of a row: ``positions`` (N, 40, J, 3) as danced, ``group`` (N,) counting :attr:`DanceRow.groups`,
    ``dance`` (N,) the number of the dance it is cut from, ``levels`` (N,) by source."""

    positions: Array
    group: NDArray[np.intp]
    dance: NDArray[np.intp]
    levels: Mapping[str, Levels] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    def of(self, source: str) -> Levels:
        """The levels (N,) by a source, -1 where it says none."""
        return self.levels.get(source, none(len(self)))

    def pick(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> RowWindows:
        """Some of the windows."""
        levels = {source: values[which] for source, values in self.levels.items()}
        return RowWindows(self.positions[which], self.group[which], self.dance[which], levels)


def windows(row: DanceRow, every: int, most: int | None = None, seed: int = 0, least: int = 1) -> RowWindows:
    """Windows that start every ``every`` frames where the recording is sound; ``most`` of them at most, drawn by
    ``seed``. Raises :class:`EngineError` where there are fewer than ``least``."""
    places = [
        (number, start)
        for number, dance in enumerate(row.dances)
        for start in range(0, len(dance) - FRAMES + 1, every)
        if dance.sound[start : start + FRAMES].all()
    ]
    if len(places) < least:
        raise EngineError(
            f"{row.name}: {len(places)} windows of {FRAMES} frames, at least {least} are needed; give more or longer "
            "dances"
        )
    if most is not None and len(places) > most:
        chosen = np.random.default_rng([seed, len(places)]).permutation(len(places))[:most]
        places = [places[index] for index in sorted(chosen)]
    groups = row.groups
    return RowWindows(
        np.stack([row.dances[number].positions[start : start + FRAMES] for number, start in places]),
        np.array([groups.index(row.dances[number].group) for number, _ in places]),
        np.array([number for number, _ in places]),
        {
            source: np.array([row.dances[number].levels[source][start] for number, start in places], np.int8)
            for source in SOURCES
            if all(source in dance.levels for dance in row.dances)
        },
    )


def of_takes(name: str, about: str, takes: Iterable[Take], tables: Mapping[str, Table]) -> DanceRow:
    """Takes as a row, with the labels of every source in ``tables``. Raises :class:`EngineError` for none."""
    dances = [
        Performance(
            name=take.name,
            group=take.group,
            positions=take.motion.positions,
            levels={source: table.get(take.name, none(len(take.motion))) for source, table in tables.items()},
            sound=take.sound,
            style=take.style,
        )
        for take in takes
    ]
    if not dances:
        raise EngineError(f"{name}: no take is in this split; give more takes, or splits of your own")
    return DanceRow(name, about, "people", dances)


def hold(truth: DanceRow) -> DanceRow:
    """One pose of every held-out take, its middle one, for as long as the take."""

    def still(dance: Performance) -> Performance:
        pose = dance.positions[len(dance) // 2]
        whole = np.repeat(pose[None], len(dance), 0)
        return replace(dance, positions=whole, sound=np.ones(len(dance), bool))

    return DanceRow("hold", "one pose of every held-out take, for ever", "trick", [still(d) for d in truth.dances])


def shuffled(truth: DanceRow, seed: int) -> DanceRow:
    """The held-out takes with their labels dealt anew, in blocks of a window, among all of them."""
    rng = np.random.default_rng([seed, len(truth.dances)])
    levels: list[dict[str, Levels]] = [{} for _ in truth.dances]
    for source in SOURCES:
        if not all(source in dance.levels for dance in truth.dances):
            continue
        cuts = [np.array_split(dance.levels[source], max(1, len(dance) // FRAMES)) for dance in truth.dances]
        pile = [block for blocks in cuts for block in blocks]
        dealt = np.concatenate([pile[index] for index in rng.permutation(len(pile))])
        ends = np.cumsum([len(dance) for dance in truth.dances])
        for into, part in zip(levels, np.split(dealt, ends[:-1]), strict=True):
            into[source] = part
    dances = [replace(dance, levels=given) for dance, given in zip(truth.dances, levels, strict=True)]
    return DanceRow("shuffled labels", "the held-out takes with their labels dealt anew: chance", "chance", dances)


def generated(
    name: str, about: str, kind: str, play: Callable[[int], Array | Sequence[Array]], seeds: int, rest: int
) -> DanceRow:
    """A model as a row: ``play(level)`` gives a dance (T, J, 3) for each of ``seeds``, whose first ``rest`` frames are
    left out (a recurrent network needs some to get going). Dances of one seed are one group."""
    dances = []
    for level, word in enumerate(LEVELS):
        made = play(level)
        if len(made) != seeds:
            raise EngineError(f"{name}: {len(made)} dances of level {word}, {seeds} were asked for")
        for seed, whole in enumerate(made):
            kept = whole[rest:]
            asked = np.full(len(kept), level, np.int8)
            sound = np.isfinite(kept).all((1, 2))
            dances.append(
                Performance(f"{word}{seed:02d}", f"{seed:02d}", kept, dict.fromkeys(SOURCES, asked), sound, word)
            )
    return DanceRow(name, about, kind, dances)


def check_bodies(rows: Sequence[DanceRow], skeleton: Skeleton) -> None:
    """Raise :class:`EngineError` where a row's dances have other joints than the skeleton."""
    for row in rows:
        for dance in row.dances:
            if dance.positions.shape[1:] != (len(skeleton.joints), 3):
                raise EngineError(
                    f"{row.name}, {dance.name}: positions {dance.positions.shape}, skeleton {skeleton.name!r} has "
                    f"{len(skeleton.joints)} joints; measure takes and model of one skeleton"
                )


def none(frames: int) -> Levels:
    """No label at all."""
    return np.full(frames, NONE, np.int8)
