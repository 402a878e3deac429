"""Motions of a bundle, made as the engine would serve them: texts set while it runs, poses held while it runs.

*Window*: a stream that starts anew for each text. *Live*: a stream that goes on, in which one text follows another, cut
where they change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.noise import uniform
from engine.text.fields import FIELDS, read_fields
from models.text_motion.layout import Layout
from train.report.offline import Offline
from train.text_motion.evaluation.rows import Ask
from train.text_motion.vectors import Vectors

Array = NDArray[np.float32]
Bins = NDArray[np.int64]

BODY, CODES, PROMPT, HOLD = "body", "codes", "prompt", "hold"
START_S = 1.0
"""Seconds at the start of a text that are not measured: a stream first leaves what it did before."""
ROWS = 16
"""Streams that run side by side."""
OTHERWISE = 0x5DEECE66D
"""What turns a row's seed into another."""


class Change(NamedTuple):
    """What is set at a frame of a stream: a text ("": none, so that it idles) and bins (70,) to hold (-1: free)."""

    frame: int
    prompt: str | None = None
    hold: Bins | None = None


class Played(NamedTuple):
    """Bodies (rows, T, J, 3) in metres and the pose codes (rows, T, 70) that the model meant."""

    bodies: Array
    codes: Bins


class Stretch(NamedTuple):
    """Where in a live stream an ask is answered: the stream, the frame in which it was set, and where it ends."""

    row: int
    start: int
    stop: int


class Streams(NamedTuple):
    """Live streams (rows, T, J, 3), and where each ask was answered, by its number."""

    bodies: Array
    places: Mapping[int, Stretch]


@dataclass
class Prompted:
    """A bundle that moves by texts. ``controls`` (numbers or text that says them) are set for every motion. Raises
    :class:`EngineError` for a bundle that does not, or whose body is not that of ``layout``."""

    bundle: Bundle
    layout: Layout
    seed: int = 0
    controls: Mapping[str, Any] = field(default_factory=dict)
    _offline: Offline = field(init=False)
    vectors: Vectors = field(init=False)

    def __post_init__(self) -> None:
        spec = self.bundle.spec
        outputs, texts = ([item.name for item in items] for items in (spec.outputs, spec.texts))
        if spec.rate != self.layout.rate or BODY not in outputs or PROMPT not in texts:
            raise EngineError(
                f"bundle {self.bundle.name}: {spec.rate:g} frames/s, outputs {', '.join(outputs)}, texts "
                f"{', '.join(texts) or 'none'}; evaluate one that moves a {BODY!r} by a {PROMPT!r} at "
                f"{self.layout.rate:g} frames/s"
            )
        if spec.output(BODY).shape != (len(self.layout.joints), 3):
            raise EngineError(
                f"bundle {self.bundle.name}: its body has shape {spec.output(BODY).shape}, the set's has "
                f"{len(self.layout.joints)} joints ({self.layout.name}); evaluate it on a set of its own body"
            )
        taken = {PROMPT, HOLD, *FIELDS} & self.controls.keys()
        if taken:
            raise EngineError(f"{', '.join(sorted(taken))}: set by what is asked for; set the other controls alone")
        self.controls = spec.check_controls(self.controls)
        self._offline = Offline(self.bundle)
        self.vectors = Vectors(self.bundle.path)

    @property
    def skeleton(self) -> Skeleton:
        """The body that it moves."""
        return self.bundle.spec.skeleton(self.bundle.spec.output(BODY).skeleton)

    def play(
        self, scripts: Sequence[Sequence[Change]], frames: int, seeds: Sequence[int] = (), fork: int = -1
    ) -> Played:
        """Streams of ``frames`` frames, one a script, run side by side from the start. Row r draws by ``seeds[r]``
        (default: r, under the evaluation's seed); from frame ``fork`` on it draws otherwise."""
        own = list(seeds or self.seeds(len(scripts)))
        names = [CODES] if CODES in {item.name for item in self.bundle.spec.outputs} else []
        made = [
            self._part(scripts[start : start + ROWS], frames, own[start : start + ROWS], fork, [BODY, *names])
            for start in range(0, len(scripts), ROWS)
        ]
        joined = {name: np.concatenate([part[name] for part in made]) for name in (BODY, *names)}
        empty = np.zeros((len(scripts), frames, 0), np.int64)
        return Played(joined[BODY], joined[CODES].astype(np.int64) if names else empty)

    def window(self, asks: Mapping[int, Ask], again: int = 0) -> dict[int, Array]:
        """What it does of each ask from the start, the first second left out; by the ask's number. ``again`` counts
        the times that it was asked before: another draw."""
        start, found = round(START_S * self.layout.rate), {}
        order = sorted(asks, key=lambda number: len(asks[number].motion))  # rows that run together end together
        for first in range(0, len(order), ROWS):
            part = order[first : first + ROWS]
            frames = start + max(len(asks[number].motion) for number in part)
            seeds = [self._seed(1, number, again) for number in part]
            bodies = self.play([[Change(0, asks[number].text)] for number in part], frames, seeds).bodies
            for number, body in zip(part, bodies, strict=True):
                found[number] = body[start : start + len(asks[number].motion)]
        return {number: found[number] for number in sorted(found)}

    def live(self, asks: Mapping[int, Ask]) -> Streams:
        """Endless streams in which the asks follow each other in random order, each for as long as its truth and a
        second more."""
        rng = np.random.default_rng([self.seed, len(asks)])
        start = round(START_S * self.layout.rate)
        rows = max(1, min(ROWS, len(asks) // 4))
        scripts: list[list[Change]] = [[] for _ in range(rows)]
        places, ends = {}, [0] * rows
        for number in rng.permutation(sorted(asks)):
            row = int(np.argmin(ends))
            stop = ends[row] + start + len(asks[number].motion)
            scripts[row].append(Change(ends[row], asks[number].text))
            places[int(number)] = Stretch(row, ends[row], stop)
            ends[row] = stop
        seeds = [self._seed(2, row) for row in range(rows)]
        bodies = self.play(scripts, max(ends), seeds).bodies
        return Streams(bodies, {number: places[number] for number in sorted(places)})

    def cut(self, streams: Streams) -> dict[int, Array]:
        """The motion of each ask of live streams, its first second left out."""
        start = round(START_S * self.layout.rate)
        return {
            number: streams.bodies[place.row, place.start + start : place.stop]
            for number, place in streams.places.items()
        }

    def seeds(self, count: int) -> list[int]:
        """A seed for each of ``count`` rows."""
        return [self._seed(0, row) for row in range(count)]

    def _seed(self, *key: int) -> int:
        return int(
            np.random.SeedSequence([self.seed, *key, *self.bundle.name.encode()]).generate_state(1, np.uint64)[0]
        )

    def _part(
        self, scripts: Sequence[Sequence[Change]], frames: int, seeds: Sequence[int], fork: int, keep: list[str]
    ) -> dict[str, NDArray[Any]]:
        spec, count = self.bundle.spec, len(scripts)
        width = max(count, ROWS)  # one runtime for all: a graph of another number of rows has to be opened anew
        due: dict[int, list[tuple[int, Change]]] = {}
        for row, script in enumerate(scripts):
            for change in script:
                due.setdefault(change.frame, []).append((row, change))
        texts = {item.name for item in spec.texts}
        padded = [*seeds, *[0] * (width - count)]

        def fill(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
            if frame == 0:
                for name, value in self.controls.items():
                    inputs[name][...] = value
            for row, change in due.get(frame, ()):
                if change.prompt is not None:
                    said = read_fields(change.prompt) | {PROMPT: change.prompt}
                    for name in texts & said.keys():
                        inputs[name][row] = self.vectors.encode([said[name]])[0]
                if change.hold is not None:
                    inputs[HOLD][row] = change.hold
            if 0 <= fork <= frame:
                for item in spec.by_role("noise"):
                    for row, seed in enumerate(padded):
                        drawn = uniform(seed ^ OTHERWISE, frame, int(np.prod(item.shape)))
                        inputs[item.name][row] = drawn.reshape(item.shape)

        late = spec.lookahead
        made = self._offline.run(frames + late, padded, keep, {"body": False}, fill)
        return {name: values[:count, late:] for name, values in made.items()}
