"""Whether a visitor got its own frames: what it was sent against the same bundle alone, given the visitor's own seed,
voice and face.

Every frame of every stream is compared, within the bundle's parity tolerance (relative to ``max(1, |value|)``). A model
that draws or decides may do otherwise where two sizes of block round otherwise, and then goes its own way; such a frame
is excused, as on the ladder of ``export.parity``, if the step alone, with state and inputs moved by at most
:data:`MARGIN`, gives what the visitor got. It is counted as a *tie*, the run goes on from there, and so every frame is
judged. Anything else is *wrong*.

What the model was given is known as long as the visitor's sound came in time. A frame that was made without it (SILENT)
is run without it, too, but what exactly its face was, and where the sound that came late was put, only the engine
knows: a visit that disagrees *after* such a frame is compared no further, and the report says how many frames that
leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.visitors import ROW, Visit
from benchmarks.voices import FACE_AGO_NS, PERIOD_NS, RATE, Voices
from engine.bundle import Bundle
from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.latest import PoseSample
from engine.feeds.samples import Hop
from engine.runtime import Array, open_runtime
from engine.spec import AGE, CURSOR
from engine.streams import streams
from engine.wire import Flag

MARGIN = 1e-5
TRIES = 64
_GIVEN = (("audio", "partner"), ("face", "partner"))


@dataclass
class Verdict:
    """Of one visit: frames ``compared``, frames received ``in_all``, the ``largest`` difference, ``ties``, and what is
    ``wrong`` ("" for nothing)."""

    compared: int = 0
    in_all: int = 0
    largest: float = 0.0
    ties: int = 0
    wrong: str = ""


class Proof:
    """Compares visits of one bundle."""

    def __init__(self, bundle: Bundle, voices: Voices) -> None:
        self._bundle, self._voices = bundle, voices
        self._tolerance = bundle.tolerance["onnx_fp32"]
        self._alone, self._crowd = open_runtime(bundle), open_runtime(bundle, rows=TRIES)
        self._names = {stream.number: stream.name for stream in streams(bundle.spec, False)}
        self._random = np.random.default_rng(0)

    def check(self, visit: Visit) -> Verdict:
        """Run the visit again, alone."""
        frames = received(visit, self._names)
        verdict = Verdict(in_all=len(frames))
        feeds = Feeds.of(self._bundle.spec, 0)
        front = feeds.front_end("partner")
        gather = Gather(self._bundle.spec, feeds, visit.seed, _GIVEN)
        self._alone.reset(0)
        self._alone.active[...] = True
        hop, shaken = 0, False
        for seq, (flags, got) in frames.items():
            silent = Flag.SILENT in flags
            shaken |= silent
            while hop <= seq:
                sound = front.push(
                    self._voices.sound(visit.number, hop).astype(np.float32) * np.float32(1 / 32768), RATE
                )
                if hop == seq or Flag.SKIPPED not in flags:  # otherwise no step was run
                    self._fill(gather, feeds, visit, hop, None if silent else sound)
                    outputs = self._alone.run()
                    if hop < seq:  # was run, and its frame lost on the way
                        self._alone.commit()
                    elif not self._same(verdict, outputs, got):
                        if Flag.HELD in flags or not shaken:
                            verdict.wrong = f"visit {visit.number} of {self._bundle.name}: frame {seq} is not its own"
                        return verdict
                self._see(feeds, visit, hop)
                hop += 1
        return verdict

    def _fill(self, gather: Gather, feeds: Feeds, visit: Visit, hop: int, sound: Array | None) -> None:
        """The inputs of a frame; ``sound`` None: neither its sound nor its face had come."""
        at = (hop + 1) * PERIOD_NS
        heard = None
        if sound is not None:
            self._see(feeds, visit, hop)
            heard = Hop(sound, at, True)
        gather.fill(self._alone.inputs, 0, hop, heard, at)

    def _see(self, feeds: Feeds, visit: Visit, hop: int) -> None:
        at = (hop + 1) * PERIOD_NS - FACE_AGO_NS
        feeds.latest["face", "partner"].put(PoseSample(at, self._voices.face(visit.number, hop), True))

    def _same(self, verdict: Verdict, outputs: Mapping[str, Array], got: Mapping[str, Array]) -> bool:
        """Whether a frame is this visit's. The run goes on from it; where it was a tie, from what the visitor got."""
        gap = max(_gap(outputs[name][0].ravel(), values) for name, values in got.items())
        if gap <= self._tolerance:
            verdict.largest = max(verdict.largest, gap)
            self._alone.commit()
        elif self._tie(got):
            verdict.ties += 1
        else:
            return False
        verdict.compared += 1
        return True

    def _tie(self, got: Mapping[str, Array]) -> bool:
        """Whether a run within the margin of this one gives ``got``; the state is then that one's."""
        alone, crowd = self._alone, self._crowd
        crowd.load_state({name: self._near(name, value) for name, value in alone.state_dict().items()})
        crowd.active[...] = True
        for name, value in alone.inputs.items():
            crowd.inputs[name][...] = self._near(name, value)
        outputs, allowed = crowd.run(), max(self._tolerance, 100 * MARGIN)
        for row in range(TRIES):
            if all(_gap(outputs[name][row].ravel(), values) <= allowed for name, values in got.items()):
                crowd.commit()
                alone.load_state({name: value[row : row + 1] for name, value in crowd.state_dict().items()})
                return True
        return False

    def _near(self, name: str, value: Array) -> Array:
        many = np.repeat(value, TRIES, axis=0)
        if name in (CURSOR, AGE) or not np.issubdtype(many.dtype, np.floating):
            return many
        moved = self._random.uniform(-MARGIN, MARGIN, many.shape)
        # Some rows move as one: the sum of many elements hardly moves when each goes its own way.
        together = self._random.uniform(-MARGIN, MARGIN, (TRIES // 4, *(1 for _ in many.shape[1:])))
        moved[: TRIES // 4] = together
        return (many + moved * np.maximum(1.0, np.abs(many))).astype(many.dtype)


def received(visit: Visit, names: Mapping[int, str]) -> dict[int, tuple[Flag, dict[str, Array]]]:
    """By sequence number the flags of a visit's frames, and what every stream showed."""
    found: dict[int, tuple[Flag, dict[str, Array]]] = {}
    for row, values in zip(np.array(visit.rows, np.int64).reshape(-1, ROW), visit.frames, strict=True):
        shown = found.setdefault(int(row[0]), (Flag(int(row[2])), {}))[1]
        shown[names[int(row[1])]] = np.frombuffer(values, "<f4")
    return found


def _gap(mine: Array, theirs: Array) -> float:
    """The largest difference, relative to ``max(1, |mine|)``; infinite where one is not finite."""
    gap = np.abs(mine - theirs) / np.maximum(1.0, np.abs(mine))
    return float(gap.max(initial=0.0)) if np.isfinite(gap).all() else float("inf")
