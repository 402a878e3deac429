"""Motion of a bundle, made as the engine would serve it: its own avatar's voice and words heard as they come.

What is heard and shown is found by role and codec: sound and words of the avatar itself, the choice whose names are the
gesturers', points ``pats52``, and joints on skeleton ``cmu``. Several cases run side by side.
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
from engine.feeds.words import Word, WordRing
from engine.sound.resample import StreamingResampler
from engine.spec import InputSpec, OutputSpec
from engine.text.vocabulary import Vocabulary
from models.gesture.config import BODY
from train.gesture.evaluation.cases import Case, Shown
from train.gesture.evaluation.rows import GestureRow
from train.gesture.pats.layout import RATE
from train.report.offline import Offline
from train.speech.talk import RATE as SAMPLE_RATE

POINTS, JOINTS = "points:pats52", "joints"
ROWS = 16
"""Cases that run side by side."""


class Given(NamedTuple):
    """What a bundle is given: its voice or not, and words ``late`` seconds after they begin, or none."""

    name: str
    about: str
    voice: bool = True
    late: float | None = 0.0


LIVE = Given("", "voice and words as they come")
ABLATIONS = (
    Given("no words", "the voice alone", late=None),
    Given("no voice", "words alone", voice=False),
    Given("words 0.3 s late", "words that come 0.3 s after they begin", late=0.3),
    Given("words 1 s late", "words that come a second after they begin", late=1.0),
)


@dataclass
class Gesturer:
    """A bundle that gestures with what its avatar says; ``controls`` (numbers or text that says them) are set for all
    cases, the gesturer by each. Raises :class:`EngineError` for one that does not, or does not have ``speakers``."""

    bundle: Bundle
    speakers: Sequence[str]
    seed: int = 0
    controls: Mapping[str, Any] = field(default_factory=dict)
    _offline: Offline = field(init=False)
    _voices: dict[str, NDArray[np.float32]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        spec = self.bundle.spec
        if spec.rate != RATE or not self._outputs(POINTS) or not (self.voices or self.words):
            codecs = ", ".join(item.codec for item in spec.outputs)
            raise EngineError(
                f"bundle {self.bundle.name}: {spec.rate:g} frames/s, outputs {codecs}; evaluate one that hears its own "
                f"voice or words and shows {POINTS} at {RATE} frames/s"
            )
        if self.style is not None:
            lacking = sorted(set(self.speakers) - set(self.style.names))
            if lacking:
                raise EngineError(
                    f"bundle {self.bundle.name}: {self.style.name} has {', '.join(self.style.names)}, not "
                    f"{', '.join(lacking)}; evaluate it on a set of gesturers that it was trained on"
                )
            if self.style.name in self.controls:
                raise EngineError(f"{self.style.name} is set by each gesturer; set the other controls alone")
        self.controls = spec.check_controls(self.controls)
        self._offline = Offline(self.bundle)

    @property
    def voices(self) -> list[InputSpec]:
        """Inputs of its own voice."""
        return [item for item in self.bundle.spec.by_role("audio") if item.of == "self"]

    @property
    def words(self) -> list[InputSpec]:
        """Inputs of its own words."""
        return [item for item in self.bundle.spec.by_role("words") if item.of == "self"]

    @property
    def style(self) -> InputSpec | None:
        """The choice that names most of the gesturers, if some does."""
        shared = {item: len(set(item.names) & set(self.speakers)) for item in self.bundle.spec.by_role("control")}
        best = max(shared, key=lambda item: shared[item], default=None)
        return best if best is not None and shared[best] else None

    @property
    def skeleton(self) -> Skeleton | None:
        """The body in space that it shows, if it is the one that is measured."""
        body = self._body()
        return None if body is None else self.bundle.spec.skeleton(body.skeleton)

    def row(self, label: str, cases: Sequence[Case], given: Given = LIVE) -> GestureRow:
        """All cases, with what is given."""
        name = f"{label}, {given.name}" if given.name else label
        about = f"bundle {self.bundle.name} {self.bundle.version}, live: {given.about}"
        made: dict[str, Shown] = {}
        order = sorted(cases, key=lambda case: case.frames)  # those that run together end together
        for first in range(0, len(order), ROWS):
            made |= self._part(order[first : first + ROWS], given)
        return GestureRow(
            name, about, "ablation" if given.name else "model", {case.name: made[case.name] for case in cases}
        )

    def _part(self, cases: Sequence[Case], given: Given) -> dict[str, Shown]:
        spec, count = self.bundle.spec, len(cases)
        late = spec.lookahead
        frames = max(case.frames for case in cases) + late
        voices = {case.talk.name: self._heard(case, frames) for case in cases} if given.voice and self.voices else {}
        number = Vocabulary(self.bundle).number
        rings = [_Said(case, number, given.late) for case in cases]

        def fill(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
            if frame == 0:
                for name, value in self.controls.items():
                    inputs[name][...] = value
                if self.style is not None:
                    for row, case in enumerate(cases):
                        inputs[self.style.name][row] = self.style.names.index(case.speaker)
                for item in self.voices:
                    if item.validity is not None:
                        inputs[item.validity][...] = float(given.voice)
            for item in self.voices if given.voice else ():
                for row, case in enumerate(cases):
                    inputs[item.name][row] = voices[case.talk.name][frame]
            end_ns = round((frame + 1) / spec.rate * 1e9)
            for item in self.words:
                for row, ring in enumerate(rings):
                    inputs[item.name][row] = ring.at(end_ns, item.shape[0])

        points, body = self._outputs(POINTS)[0].name, self._body()
        keep = [points] if body is None else [points, body.name]
        seeds = [self._seed(case) for case in cases] + [0] * (ROWS - count)  # one runtime for all parts
        made = self._offline.run(frames, seeds, keep, {}, fill)
        found = {}
        for row, case in enumerate(cases):
            span = slice(late, late + case.frames)
            joints = None if body is None else made[body.name][row, span].astype(np.float64)
            found[case.name] = Shown(made[points][row, span].astype(np.float64), joints)
        return found

    def _heard(self, case: Case, frames: int) -> NDArray[np.float32]:
        """The hops (frames, hop) of a talk, through the engine's resampler as it is heard live."""
        spec, name = self.bundle.spec, case.talk.name
        if name not in self._voices:
            resampler = StreamingResampler(SAMPLE_RATE, spec.sample_rate)
            self._voices[name] = np.concatenate([resampler.push(case.talk.pcm), resampler.flush()])
        sound, wanted = self._voices[name], frames * spec.hop
        return np.pad(sound, (0, max(0, wanted - len(sound))))[:wanted].reshape(frames, spec.hop)

    def _seed(self, case: Case) -> int:
        """The same for every way in which a case is given, so that chance does not tell them apart."""
        key = [self.seed, *self.bundle.name.encode(), *case.name.encode()]
        return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])

    def _outputs(self, codec: str) -> list[OutputSpec]:
        return [item for item in self.bundle.spec.outputs if item.codec == codec]

    def _body(self) -> OutputSpec | None:
        return next((item for item in self._outputs(JOINTS) if item.skeleton == BODY.name), None)


class _Said:
    """The words of a case as the engine's feed gives them, each put ``late`` seconds after it begins."""

    def __init__(self, case: Case, number: Any, late: float | None) -> None:
        self._ring = WordRing(number)
        words = () if late is None else case.talk.words
        self._coming = [
            (round((word.start + (late or 0.0)) * 1e9), Word(word.text, round(word.start * 1e9), round(word.end * 1e9)))
            for word in words
        ]

    def at(self, end_ns: int, count: int) -> NDArray[np.float32]:
        """What a frame that ends at ``end_ns`` sees."""
        while self._coming and self._coming[0][0] <= end_ns:
            self._ring.put(self._coming.pop(0)[1])
        return self._ring.newest(end_ns, count)
