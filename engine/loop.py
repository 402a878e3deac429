"""The frame loop: wait for a hop, gather, step, publish. One thread, one session, never behind for long.

**When a frame is due.** Frame k is due when the last sample of its hop has arrived: the sound card is the clock, and
how long after its capture a hop arrives is learnt. Without an audio source, or for a model that hears nothing, the
monotonic clock makes frames due one period apart.

**Policy** (real time; every case is flagged on the frame and counted):

- sound that has not come within :data:`GRACE` periods of when it was expected: the step runs without it (SILENT,
  DEGRADED), and the samples are passed over if they come later; where they keep coming later, they are waited for
  longer from then on, up to :data:`LONGEST_DELAY_S` after capture;
- more than :data:`BACKLOG` frames waiting (complete hops, or periods of the clock): the loop goes on with the newest,
  the frames between are skipped and never published (SKIPPED on the next), so lag cannot grow;
- published more than one period after it was due: LATE;
- a step that fails, or gives a non-finite number: the last pose goes out again (HELD), the state stays as it was; after
  :data:`FAILURES` in a row the model is reset;
- a source in trouble: DEGRADED, and the loop goes on with what is left.

With ``realtime`` off (a file as fast as possible) frames wait for their sound and are never skipped or late. Where
there is no sound their times are counted from the start of the session, and they wait for the faces and bodies of that
time; the session is over when those are. With no source at all nothing is waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.align import Aligner
from engine.clock import Clock
from engine.control import Controls
from engine.errors import EngineError
from engine.rings import Hop, Rings
from engine.sources.base import Source
from engine.spec import StreamSpec
from engine.stats import Stats
from engine.streams import BAD_INPUT, streams
from engine.wire import Flag, Frame

GRACE = 1.0
BACKLOG = 4
FAILURES = 5
LONGEST_DELAY_S = 1.0
_DELAY_GAIN = 0.1


class Step(Protocol):
    """What the loop needs of a runtime; :class:`engine.runtime.OnnxStep` is one."""

    spec: StreamSpec
    inputs: dict[str, NDArray[Any]]

    def run(self) -> dict[str, NDArray[Any]]:
        """Outputs of one frame, ``(batch, *shape)``."""
        ...

    def commit(self) -> None:
        """Make the last run count."""
        ...

    def reset(self, row: int) -> None:
        """Make a row new."""
        ...


class Loop:
    """One session. ``publish`` gets every frame of every stream; ``sources`` are only asked how they are."""

    def __init__(
        self,
        step: Step,
        rings: Rings,
        sources: Sequence[Source],
        publish: Callable[[Frame], None],
        controls: Controls,
        clock: Clock,
        session: int = 1,
        seed: int = 0,
        realtime: bool = True,
        monitor: bool = False,
    ) -> None:
        self.stats = Stats({item.role for item in step.spec.inputs})
        self.streams = streams(step.spec, monitor)
        self._step, self._sources = step, sources
        self._publish, self._controls, self._clock = publish, controls, clock
        self._session, self._realtime = session, realtime
        self._period_ns = round(1e9 / step.spec.rate)
        given = {role for source in sources for role in source.gives}
        self._aligner = Aligner(step.spec, step.inputs, rings.face, seed, body=rings.body, given=given)
        self._audio = rings.audio if "audio" in given else None  # the clock; None: time itself
        self._followed = [] if self._audio is not None else rings.poses(given)
        self._start_ns, self._rate = rings.start_ns, step.spec.rate
        self._held = {item.name: np.zeros((1, *item.shape), np.float32) for item in step.spec.outputs}
        self._reset = threading.Event()
        self._failures = 0
        self._delay_ns = 0.0
        self._due_ns = 0

    def reset(self) -> None:
        """Let the model forget, before the next frame; callable from any thread."""
        self._reset.set()

    def run(self, stop: threading.Event, frames: int | None = None, each: Callable[[], None] | None = None) -> None:
        """Publish frames until ``stop`` is set, the sources are over, or ``frames`` are done. ``each`` is called after
        every frame, for what has to happen in this thread."""
        self._due_ns = self._clock.now_ns()
        frame, pending = 0, Flag.FIRST
        while not stop.is_set() and (frames is None or frame < frames):
            skipped = self._backlog(frame)
            if skipped:
                self.stats.miss(skipped)
                pending |= Flag.SKIPPED
                frame += skipped
                self._due_ns += skipped * self._period_ns
                if self._audio is not None:
                    self._audio.skip_to(frame)
                continue  # `frames` may be over by now
            hop, missing = self._wait(frame, stop)
            if stop.is_set() or (hop is None and self._over()):
                return
            if self._reset.is_set():
                self._reset.clear()
                self._step.reset(0)
                pending |= Flag.FIRST
            self._frame(frame, hop, pending | missing)
            if self._audio is not None:
                self._audio.consumed(frame)
            pending, frame = Flag(0), frame + 1
            if each is not None:
                each()

    def _over(self) -> bool:
        if self._audio is not None and self._audio.ended:
            return True
        if self._audio is None and not self._realtime:
            return bool(self._followed) and all(ring.over(self._due_ns) for ring in self._followed)
        return bool(self._sources) and all(source.finished for source in self._sources)

    def _backlog(self, frame: int) -> int:
        """How many frames from ``frame`` on to skip: all that wait but the newest, if too many wait."""
        if not self._realtime:
            return 0
        if self._audio is not None:
            newer = self._audio.newest_hop() - frame
        else:
            newer = (self._clock.now_ns() - self._due_ns) // self._period_ns - 1
        return newer if newer >= BACKLOG else 0

    def _wait(self, frame: int, stop: threading.Event) -> tuple[Hop | None, Flag]:
        """The frame's sound, once it is due; None where there is none."""
        if self._audio is None:
            self._wait_without_sound(frame, stop)
            return None, Flag(0)
        if not self._realtime:
            while not self._audio.wait(frame, 0.1) and not stop.is_set() and not self._over():
                pass
            hop = self._audio.read_hop(frame)
            self._due_ns = hop.capture_ns if hop is not None else self._due_ns + self._period_ns
            return hop, Flag(0)
        audio = self._audio
        waited, late = not audio.hop_ready(frame), audio.late_samples
        latest = self._due_ns + round((1.0 + GRACE) * self._period_ns)
        self._clock.wait_until(latest, lambda seconds: audio.wait(frame, seconds))
        hop = audio.read_hop(frame)
        if hop is None:
            self._due_ns += self._period_ns
            if audio.late_samples > late:  # sound comes, but takes longer than was thought: a Bluetooth headset
                longer = min(self._period_ns, max(0, round(LONGEST_DELAY_S * 1e9 - self._delay_ns)))
                self._due_ns += longer
                self._delay_ns += longer
            # Told when the next hop begins, a microphone that comes back is heard at once, not late by what was lost.
            audio.skip_to(frame + 1, self._due_ns - round(self._delay_ns))
            return None, Flag.DEGRADED
        if waited:  # the moment of arrival was seen: learn how long after capture hops arrive
            delay = self._clock.now_ns() - hop.capture_ns
            self._delay_ns += (delay - self._delay_ns) * (_DELAY_GAIN if self._delay_ns else 1.0)
        self._due_ns = hop.capture_ns + round(self._delay_ns)
        return hop, Flag(0)

    def _wait_without_sound(self, frame: int, stop: threading.Event) -> None:
        """Until the frame is due by the clock or, not in real time, until all that is seen by then is there."""
        if self._realtime:
            self._due_ns += self._period_ns
            self._clock.sleep_until(self._due_ns, stop)
            return
        self._due_ns = self._start_ns + round((frame + 1) * 1e9 / self._rate)
        for ring in self._followed:
            while not ring.reach(self._due_ns, 0.1) and not stop.is_set():
                pass

    def _frame(self, frame: int, hop: Hop | None, flags: Flag) -> None:
        """Gather, step and publish one frame."""
        start = self._clock.now_ns()
        # A frame without sound ends where the timetable puts it, so that capture times go on evenly through a loss.
        captured = hop.capture_ns if hop is not None else self._due_ns - round(self._delay_ns)
        due = min(self._due_ns, start) if self._realtime else self._due_ns  # arrival is learnt: it may be sooner once
        flags |= self._aligner.fill(frame, hop, captured, self._controls.values())
        if any(source.problem for source in self._sources):
            flags |= Flag.DEGRADED
        outputs, step_ns = self._try_step()
        if outputs is None:
            outputs, flags = self._held, flags | Flag.HELD
        elif BAD_INPUT in outputs and outputs[BAD_INPUT][0] > 0.5:
            flags |= Flag.BAD_INPUT
        if self._realtime and self._clock.now_ns() - due > self._period_ns:
            flags |= Flag.LATE
        stepped = self._clock.now_ns()
        for stream in self.streams:
            values = (outputs if stream.kind == "output" else self._step.inputs)[stream.name][0]
            self._publish(
                Frame(
                    session=self._session,
                    stream=stream.number,
                    flags=flags,
                    step_us=step_ns // 1000,
                    seq=frame,
                    capture_ns=captured,
                    due_ns=due,
                    publish_ns=self._clock.now_ns(),
                    layout=stream.layout,
                    values=values.ravel(),
                )
            )
        done = self._clock.now_ns()
        self.stats.add(flags)
        stages = {"step": step_ns, "publish": done - stepped}
        if self._realtime:  # otherwise capture times are the file's and lie ahead of the clock
            stages |= {"capture_to_due": due - captured, "due_to_start": start - due}
            stages["capture_to_publish"] = done - captured
        for name, duration in stages.items():
            self.stats.stages[name].add(duration)

    def _try_step(self) -> tuple[dict[str, NDArray[Any]] | None, int]:
        """Outputs, or None where the step failed; and how long it took (ns)."""
        before = self._clock.now_ns()
        outputs: dict[str, NDArray[Any]] | None = None
        try:
            outputs = self._step.run()
            wild = [name for name, value in outputs.items() if not np.isfinite(value[0]).all()]
            if wild:
                raise EngineError(f"the step gave a non-finite {', '.join(wild)}")
            self._step.commit()
        except Exception as error:  # whatever the runtime throws, the avatar must not freeze the engine
            outputs = None
            self.stats.last_error = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        taken = self._clock.now_ns() - before
        if outputs is None:
            self._failures += 1
            if self._failures >= FAILURES:
                self._failures = 0
                self._reset.set()
            return None, taken
        self._failures = 0
        for name, value in outputs.items():
            self._held[name][0] = value[0]
        return outputs, taken
