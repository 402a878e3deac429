"""A bundle that hears two voices and says back what it was given of each, on a clock on which things happen or live."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from engine.clock import MonotonicClock
from engine.feeds.feeds import Feeds, Key
from engine.runtime.protocol import Block, cover
from engine.session.host import Host
from engine.session.live import LiveSession, Opening
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.sound.echo import EchoMode
from engine.sources.base import Source
from engine.sources.file import FileSource
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.wire import Frame
from tests.engine.network.talker import Talker
from tests.engine.session.scene import START, Timeline

RATE, FPS, HOP = 16_000, 25.0, 640
PERIOD = 40_000_000
BOTH: frozenset[Key] = frozenset({("audio", "partner"), ("audio", "self")})
SPEC = StreamSpec(
    name="both",
    rate=FPS,
    inputs=(
        InputSpec("partner_audio", "audio", (HOP,), -1.0, 1.0, validity="partner_valid", of="partner"),
        InputSpec("partner_valid", "validity"),
        InputSpec("own_audio", "audio", (HOP,), -1.0, 1.0, validity="own_valid", of="self"),
        InputSpec("own_valid", "validity"),
    ),
    outputs=(OutputSpec("told", (6,)),),
    sample_rate=RATE,
)


class Told(NamedTuple):
    """Of both voices: how loud the hop is (RMS), whether it is there, and where its loudest sample lies."""

    partner: float
    own: float
    partner_there: float
    own_there: float
    partner_at: float
    own_at: float


class Both(Talker):
    """Says back :class:`Told`, zeros of a voice that its spec has not; where ``fails`` it gives what is no number."""

    fails = False

    def run(self, blocks: Sequence[Block] | None = None) -> dict[str, Any]:
        self.blocks = cover(self.active, (1, 4)) if blocks is None else list(blocks)
        none = {"own_audio": np.zeros((self.rows, 1), np.float32), "own_valid": np.zeros(self.rows)}
        given = none | self.inputs
        voices = [given["partner_audio"], given["own_audio"]]
        loud = [np.sqrt(np.square(voice).mean(1)) for voice in voices]
        there = [given["partner_valid"], given["own_valid"]]
        self.outputs["told"][:] = np.stack([*loud, *there, *(np.abs(voice).argmax(1) for voice in voices)], 1)
        if self.fails:
            self.outputs["told"][:] = np.nan
        return self.outputs


class Scene:
    """One session on a fake clock; a step takes no time."""

    def __init__(
        self,
        given: Collection[Key] = BOTH,
        spec: StreamSpec = SPEC,
        sources: Sequence[Source] = (),
        frames: int | None = None,
    ) -> None:
        self.clock, self.runtime, self.frames = Timeline(), Both(1, spec), list[Frame]()
        self.feeds = Feeds.merged([Feeds.of(spec, START)])
        self.feeds.raw_sound = True
        self.slot = Slot(spec, self.feeds, self._keep, self.clock, given=given, sources=sources, frames=frames)
        self.loop = Loop(self.runtime, self.clock)  # type: ignore[arg-type]

    def _keep(self, frame: Frame) -> None:
        self.frames.append(dataclasses.replace(frame, values=frame.values.copy()))

    def say(self, owner: str, hop: int, after: int = 0, value: float = 0.5, count: int = HOP) -> None:
        """Let ``count`` samples that begin with a hop be captured as they are, and arrive so many ns later."""
        captured = START + hop * PERIOD + count * 1_000_000_000 // RATE
        ring, samples = self.feeds.samples[owner], np.full(count, value, np.float32)
        self.clock.at(captured + after, lambda: ring.write(samples, captured))

    def end(self, owner: str, at_ns: int) -> None:
        """Let a voice be over at a moment of the session."""
        self.clock.at(START + at_ns, self.feeds.samples[owner].end)

    def run(self) -> list[Told]:
        """Until the session is over: what each frame was given."""
        self.loop.join(self.slot)
        self.loop.run(threading.Event(), until_empty=True)
        return [told(frame) for frame in self.frames]


def told(frame: Frame) -> Told:
    """What a frame says that it was given."""
    return Told(*frame.values.tolist())


class Live(NamedTuple):
    """A session that was played to its end: it, its frames, what was said of its sound, and when each voice began and
    ended (ns)."""

    session: LiveSession
    frames: list[Frame]
    notices: list[str]
    times: dict[str, tuple[int, int]]

    def told(self) -> list[Told]:
        return [told(frame) for frame in self.frames]


def play(
    partner: Path | None,
    own: Path | None,
    fast: bool = True,
    raw: bool = False,
    echo: EchoMode = "say",
    spec: StreamSpec = SPEC,
) -> Live:
    """A session of files for one or both voices, to its end."""
    frames: list[Frame] = []
    bundle: Any = SimpleNamespace(name=spec.name, spec=spec, vocabulary="")
    host = Host(
        [bundle],
        MonotonicClock(),
        realtime=not fast,
        raw_sound=raw,
        echo=echo,
        runtimes=lambda _, __, rows, *___: Both(rows, spec),  # type: ignore[arg-type, return-value]
    )
    files = {"partner": partner, "self": own}
    sources = [FileSource(path, fast, owner=owner) for owner, path in files.items() if path is not None]
    given = frozenset(key for source in sources for key in source.gives)
    host.start()
    try:
        session = host.prepare(
            Opening((spec.name,), given=given),
            lambda frame: frames.append(dataclasses.replace(frame, values=frame.values.copy())),
            sources,
        )
        times: dict[str, tuple[int, int]] = {}
        for owner, ring in session.feeds.samples.items():

            def heard(samples: np.ndarray, end_ns: int, owner: str = owner) -> None:
                begun = end_ns - len(samples) * 1_000_000_000 // RATE
                times[owner] = times.get(owner, (begun, 0))[0], end_ns

            ring.listen(heard)
        host.begin(session)
        assert session.done.wait(60)
        assert host.failure is None
        return Live(session, frames, session.feeds.notices(), times)
    finally:
        host.stop()
