"""A stage for the frame loop: a clock on which things happen, a step that does as it is told, a source to be asked."""

from __future__ import annotations

import dataclasses
import heapq
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.clock import FakeClock
from engine.feeds.feeds import Feeds
from engine.feeds.latest import PoseSample
from engine.runtime import Block, Runtime
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.wire import Flag, Frame

START = 1_000_000_000
PERIOD = 40_000_000
MS = 1_000_000
SPEC = StreamSpec(
    name="puppet",
    rate=25.0,
    inputs=(
        InputSpec("voice", "audio", (40,), validity="voice_valid", unit="PCM", missing=-1.0, of="partner"),
        InputSpec("voice_valid", "validity"),
        InputSpec(
            "look", "face", (2,), validity="look_valid", age="look_age", names=("a", "b"), missing=0.5, of="partner"
        ),
        InputSpec("look_valid", "validity"),
        InputSpec("look_age", "age"),
        InputSpec("gain", "control", (), 0.0, 2.0, 1.0),
        InputSpec("noise", "noise", (3,), 0.0, 1.0),
    ),
    outputs=(
        OutputSpec("pose", (2,), names=("heard", "count"), units=("", "")),
        OutputSpec("bad_input", names=("bad_input",), units=("flag",)),
    ),
    sample_rate=1000,
)


class Timeline(FakeClock):
    """A fake clock with events: whoever waits, sleeps or takes time lives through what happens meanwhile."""

    def __init__(self) -> None:
        super().__init__(START)
        self._events: list[tuple[int, int, Callable[[], object]]] = []
        self._added = 0

    def at(self, moment_ns: int, do: Callable[[], object]) -> None:
        """Let ``do()`` happen at that moment."""
        self._added += 1
        heapq.heappush(self._events, (moment_ns, self._added, do))

    def advance(self, ns: int) -> None:
        self.sleep_until(self.now_ns() + ns)

    def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
        self.wait_until(moment_ns, lambda _: stop is not None and stop.is_set())

    def wait_until(self, moment_ns: int, wait: Callable[[float], bool]) -> bool:
        while not wait(0.0):
            if not self._events or self._events[0][0] > moment_ns:
                super().sleep_until(moment_ns)
                return False
            due, _, do = heapq.heappop(self._events)
            super().sleep_until(due)
            do()
        return True


class Puppet:
    """A step whose pose is (mean of the hop, frames committed since the last reset). ``script`` maps the number of a
    run to what happens in it: a callable that gets the outputs."""

    def __init__(self) -> None:
        self.spec = SPEC
        self.inputs: dict[str, Any] = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.inputs}
        self.outputs: dict[str, Any] = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.outputs}
        self.script: dict[int, Callable[[dict[str, Any]], object]] = {}
        self.active = np.ones(1, np.bool_)
        self.rows, self.blocks, self.where = 1, [Block(0, 1)], "puppet"
        self.runs = self.commits = 0
        self.resets: list[int] = []

    def run(self, blocks: object = None) -> dict[str, Any]:
        self.outputs["pose"][0] = self.inputs["voice"][0].mean(), self.commits + 1
        self.outputs["bad_input"][0] = 0.0
        happens = self.script.get(self.runs)
        self.runs += 1
        if happens is not None:
            happens(self.outputs)
        return self.outputs

    def commit(self, rows: Any = None) -> None:
        self.commits += bool(rows is None or rows[0])

    def reset(self, row: int) -> None:
        if self.runs:  # making the row new for its first session is no reset
            self.resets.append(self.runs)
        self.commits = 0


class Asked:
    """A source that fills nothing and says what it is told to say."""

    def __init__(self, *gives: str) -> None:
        self.name, self.gives = "asked", {(what, "partner") for what in gives}
        self.finished = False
        self.problem: str | None = None

    def start(self, *_: object) -> None:
        pass

    def stop(self) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"source": self.name}


class Scene:
    """A loop with everything around it; ``frames`` are those published."""

    def __init__(
        self,
        gives: tuple[str, ...] = ("audio", "face"),
        realtime: bool = True,
        monitor: bool = False,
        step: Runtime | None = None,
        seed: int = 0,
    ) -> None:
        self.clock, self.puppet, self.source = Timeline(), Puppet(), Asked(*gives)
        used: Runtime = step or self.puppet  # type: ignore[assignment]
        self.feeds = Feeds.of(used.spec, START)
        self.audio, self.face = self.feeds.samples["partner"], self.feeds.latest["face", "partner"]
        self.controls = self.feeds.held
        self.stop = threading.Event()
        self.frames: list[Frame] = []
        self.limit: int | None = None
        self._options = {"session": 7, "seed": seed, "realtime": realtime, "monitor": monitor}
        self.runtime, self.realtime = used, realtime
        self.loop = self._slot(None)

    def _slot(self, frames: int | None) -> Slot:
        return Slot(
            *(self.runtime.spec, self.feeds, self._keep, self.clock),
            **self._options,  # type: ignore[arg-type]
            given=self.source.gives,
            sources=[self.source],
            frames=frames,
        )

    def _keep(self, frame: Frame) -> None:
        self.frames.append(dataclasses.replace(frame, values=frame.values.copy()))

    def hear(self, hop: int, arrives_after: int = 0, valid: bool = True) -> None:
        """Let hop ``hop``, of value ``hop``, be captured on time and arrive so many ns later."""
        captured = START + (hop + 1) * PERIOD
        samples = np.full(self.audio.hop, hop, np.float32)
        self.clock.at(captured + arrives_after, lambda: self.audio.write(samples, captured, valid))

    def see(self, at_ns: int, *values: float) -> None:
        """Put a face into the ring; without values it is a picture without one."""
        face = np.array(values or [0.0] * 2, np.float32)
        self.face.put(PoseSample(at_ns, face, bool(values)))

    def run(self, frames: int | None = None) -> list[Frame]:
        """Run the loop and return what it published."""
        self.loop._limit = frames
        loop = Loop(self.runtime, self.clock, self.realtime)
        loop.join(self.loop)
        loop.run(self.stop, until_empty=True)
        return self.frames


def flags(frames: list[Frame], without: Flag = Flag.NO_FACE) -> list[Flag]:
    """The flags of frames, but for ``without``."""
    return [frame.flags & ~without for frame in frames]
