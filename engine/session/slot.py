"""A slot: one session's place in a bundle's step, with its feeds, its timetable, its flags and what it counts.

**When a frame is due.** Frame k is due when the last sample of its hop has arrived: the sound card is the clock, and
how long after its capture a hop arrives is learnt. Without a voice that somebody gives, or for a model that hears
nothing, the monotonic clock makes frames due one period apart.

**Policy** (real time; every case is flagged on the frame and counted):

- a second voice that is being spoken and is not there yet is waited for, :data:`BESIDE_S` at most: what both say at one
  moment reaches the model in one frame;
- sound that has not come within ``GRACE`` periods of when it was expected (of an own voice that a client sends within
  ``OWN_GRACE_S``, or what its jitter asks for): the frame is due then, and the step runs
  without it (SILENT, DEGRADED). The samples are passed over if they come later; where they keep coming later, they are
  waited for longer from then on, up to ``LONGEST_DELAY_S`` after capture;
- more than ``BACKLOG`` frames waiting (complete hops, or periods of the clock): the slot goes on with the newest,
  the frames between are skipped and never published (SKIPPED on the next), so lag cannot grow;
- published more than one period after it was due: LATE, which is the engine's doing and never the device's;
- a step that fails, or gives a non-finite number in this row: the last pose goes out again (HELD), the state stays as
  it was; after :data:`FAILURES` in a row the row is reset, and after :data:`GIVE_UP` the session is over;
- a source in trouble, or a partner who is not believed: DEGRADED, and the slot goes on with what is left.

Not in real time (a file as fast as possible) frames wait for their sound and are never skipped or late. Where there is
no sound their times are counted from the start of the session, and they wait for the poses of that time; the session is
over when those are. With no source at all nothing is waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.feeds.feeds import Feeds, Key
from engine.feeds.gather import Gather
from engine.record.step import Recorded, StepRecord
from engine.runtime.protocol import Block
from engine.session.timetable import Due, Later, Over, timetable
from engine.sound.echo import Echo, EchoMode
from engine.sources.base import Source
from engine.spec import StreamSpec
from engine.stats import Offsets, Stats
from engine.streams import BAD_INPUT, streams
from engine.wire import Flag, Frame

FAILURES = 5
"""Failed steps in a row after which a row is reset."""
GIVE_UP = 50
"""Failed steps in a row after which a session is over: a model that never recovers must not look like one that runs."""
BESIDE_S, BESIDE_LOOK_S = 0.012, 0.002
"""For which a frame waits for a second voice (a player gives sound every 20 ms, a speech program every 10), and how
often it looks: only whole hops of a voice wake the loop, and a second one's begin anywhere."""
SAY_AGAIN_S = 10.0
"""A model that fails now and then is not logged more often."""
Arrays = Mapping[str, NDArray[Any]]
log = logging.getLogger(__name__)


class Slot:
    """See the module. ``publish`` gets every frame of every stream; ``sources`` are only asked how they are. ``frames``
    limits the session's length. ``generation`` tells apart the sessions that had one number, ``row`` is where the loop
    has put it. All but :meth:`reset` and :meth:`pause` is called by the loop's thread."""

    def __init__(
        self,
        spec: StreamSpec,
        feeds: Feeds,
        publish: Callable[[Frame], None],
        clock: Clock,
        *,
        session: int = 1,
        generation: int = 0,
        seed: int = 0,
        realtime: bool = True,
        monitor: bool = False,
        given: Collection[Key] = (),
        sources: Sequence[Source] = (),
        first_stream: int = 0,
        frames: int | None = None,
        echo: EchoMode = "off",
    ) -> None:
        self.spec, self.feeds = spec, feeds
        self.session, self.generation, self.row = session, generation, 0
        self.stats = Stats({item.role for item in spec.inputs})
        if realtime and any(item.of == "self" for item in spec.by_role("audio")):
            self.stats.av_offset = Offsets()
        self.streams = streams(spec, monitor, first_stream)
        self.ended: str | None = None
        self.phase_ns = 0
        """When in a period its frames are due."""
        self._publish, self._clock = publish, clock
        self._realtime, self._sources, self._limit = realtime, sources, frames
        self._recorder: Recorded | None = None
        self._period_ns = round(1e9 / spec.rate)
        self._timetable, owner = timetable(spec, feeds, given, sources, realtime, clock)
        self._gather = Gather(spec, feeds, seed, given, owner or "partner", realtime, echo)
        self._held = {item.name: np.zeros(item.shape, item.dtype) for item in spec.outputs}
        self._frame, self._pending = 0, Flag.FIRST
        self._failures, self._reset, self._begun, self._fresh = 0, False, False, True
        self._said_ns: int | None = None
        self._paused: bool | None = None
        self._due: Due | None = None
        self._waits: tuple[Due, int] | None = None  # what is due but for a second voice, and until when it waits
        self._given = Flag(0)
        self._start_ns = 0

    @property
    def due_ns(self) -> int:
        """When the frame that waits to be gathered was due."""
        assert self._due is not None
        return self._due.due_ns

    @property
    def echo(self) -> Echo | None:
        """What looks for the own voice in the partner's sound; None where nothing does."""
        return self._gather.echo

    @property
    def failing(self) -> bool:
        """Whether no step has succeeded since the last :data:`FAILURES` or more."""
        return self._failures >= FAILURES or (self.stats.frames > 0 and self.stats.held == self.stats.frames)

    def reset(self) -> None:
        """Let the model forget, before the next frame; callable from any thread."""
        self._reset = True

    @property
    def paused(self) -> bool:
        """Whether it makes no frames until :meth:`pause` is called again."""
        return bool(self._paused)

    def pause(self, paused: bool) -> None:
        """Stop making frames, or go on with those of now; callable from any thread."""
        self._paused = paused or None

    def record(self, recorder: Recorded | None) -> None:
        """Tell ``recorder`` of every step; before the first."""
        self._recorder = recorder

    def broken(self, why: str) -> None:
        """The session cannot go on."""
        self.ended, self._failures = why, max(self._failures, FAILURES)

    def look(self, now_ns: int) -> Due | Later | Over:
        """Whether a frame is due; where it is, it has to be gathered and settled before the next look."""
        if not self._begun:
            self._timetable.begin(now_ns)
            self._begun = True
        if self._limit is not None and self._frame >= self._limit:
            return Over()
        if self._paused:
            self._waits = None
            return self._stand_still(now_ns)
        if self._waits is not None:
            return self._together(*self._waits, now_ns)
        skipped = self._timetable.waiting(self._frame, now_ns) if self._realtime else 0
        if skipped:
            self.stats.miss(skipped)
            self._pending |= Flag.SKIPPED
            self._frame += skipped
            self._timetable.skip(skipped, self._frame)
            if self._limit is not None and self._frame >= self._limit:
                return Over()
        found = self._timetable.look(self._frame, now_ns)
        self._due = None
        return self._together(found, now_ns + round(BESIDE_S * 1e9), now_ns) if isinstance(found, Due) else found

    def _together(self, due: Due, until_ns: int, now_ns: int) -> Due | Later:
        """A frame that is due, once a second voice has come as far, or has been waited for."""
        if self._realtime and now_ns < until_ns and not self._gather.whole(due.captured_ns):
            self._waits = due, until_ns
            return Later(min(until_ns, now_ns + round(BESIDE_LOOK_S * 1e9)))
        self._due, self._waits = due, None
        return due

    def gather(self, inputs: Arrays) -> bool:
        """Write the row's inputs of the frame that is due; whether the row has to be made new before it runs."""
        assert self._due is not None
        self._start_ns = self._clock.now_ns()
        self._fresh = self._reset
        if self._reset:
            self._reset = False
            self._pending |= Flag.FIRST
        flags = self._pending | self._due.flags
        flags |= self._gather.fill(inputs, self.row, self._frame, self._due.hop, self._due.captured_ns)
        if self.feeds.problems() or any(source.problem for source in self._sources):
            flags |= Flag.DEGRADED
        self._given, self._pending = flags, Flag(0)
        return self._fresh

    def settle(self, inputs: Arrays, outputs: Arrays | None, trouble: str, step_ns: int, block: Block) -> int | None:
        """Publish the frame that was gathered: of ``outputs`` (rows, *shape), which count, or of None the last pose,
        because of ``trouble``. ``step_ns``: how long the step took that the row ran in, as part of ``block``. Returns
        its A/V offset in ns, None where there is none: without an own voice, or of a pose that is held."""
        due, row = self._due, self.row
        assert due is not None
        # Arrival is learnt, so a hop may come a little sooner than it was due.
        due_ns = min(due.due_ns, self._start_ns) if self._realtime else due.due_ns
        self.phase_ns = due.due_ns % self._period_ns
        flags = self._given
        if outputs is None:
            flags |= Flag.HELD
            self._failed(trouble)
            shown: Arrays = self._held
        else:
            self._failures = 0
            shown = {name: value[row] for name, value in outputs.items()}
            for name, value in shown.items():
                self._held[name][...] = value
            if BAD_INPUT in shown and shown[BAD_INPUT] > 0.5:
                flags |= Flag.BAD_INPUT
        if self._realtime and self._clock.now_ns() - due_ns > self._period_ns:
            flags |= Flag.LATE
        stepped = self._clock.now_ns()
        frames = []
        for stream in self.streams:
            values = shown[stream.name] if stream.kind == "output" else inputs[stream.name][row]
            frame = Frame(
                session=self.session,
                stream=stream.number,
                flags=flags,
                step_us=step_ns // 1000,
                seq=self._frame,
                capture_ns=due.captured_ns,
                due_ns=due_ns,
                publish_ns=self._clock.now_ns(),
                layout=stream.layout,
                values=np.asarray(values).ravel(),
            )
            self._publish(frame)
            frames.append(frame)
        offset_ns = self._count(due, due_ns, stepped, step_ns, flags)
        if self._recorder is not None:
            given = {item.name: inputs[item.name][row] for item in self.spec.inputs}
            committed, times = outputs is not None, (due.captured_ns, due_ns)
            self._recorder.step(
                StepRecord(self._frame, *times, self._given, flags, self._fresh, committed, row, block, given, frames)
            )
        self._timetable.done(self._frame)
        self._frame, self._due = self._frame + 1, None
        return offset_ns

    def _count(self, due: Due, due_ns: int, stepped_ns: int, step_ns: int, flags: Flag) -> int | None:
        done = self._clock.now_ns()
        self.stats.add(flags)
        stages = {"step": step_ns, "publish": done - stepped_ns}
        if self._realtime:  # otherwise capture times are the file's and lie ahead of the clock
            stages["due_to_start"] = self._start_ns - due_ns
            if due.captured:
                stages |= {"capture_to_due": due_ns - due.captured_ns, "capture_to_publish": done - due.captured_ns}
        for name, duration in stages.items():
            self.stats.stages[name].add(duration)
        own_ns = self._gather.own_ns
        if self.stats.av_offset is None or own_ns is None or Flag.HELD in flags:
            return None
        offset_ns = done - own_ns + self.spec.lookahead * self._period_ns
        self.stats.av_offset.add(offset_ns)
        return offset_ns

    def _failed(self, trouble: str) -> None:
        self.stats.last_error = trouble
        self._failures += 1
        now_ns = self._clock.now_ns()
        if self._failures == 1 and (self._said_ns is None or now_ns - self._said_ns > SAY_AGAIN_S * 1e9):
            self._said_ns = now_ns
            about = {"session": self.session, "bundle": self.spec.name, "trouble": trouble}
            log.error("the model's step fails, the last pose is held: %s", trouble, extra=about)
        if self._failures % FAILURES == 0:
            self._reset = True
        if self._failures >= GIVE_UP:
            self.ended = f"the model's step failed {self._failures} times in a row: {trouble}"

    def _stand_still(self, now_ns: int) -> Later:
        """Paused: what comes meanwhile is passed over, and the frames of that time are neither made nor missed."""
        waiting = self._timetable.waiting(self._frame, now_ns, 1)
        if waiting:
            self._frame += waiting
            self._timetable.skip(waiting, self._frame)
            self._pending |= Flag.SKIPPED
        return Later(now_ns + self._period_ns)
