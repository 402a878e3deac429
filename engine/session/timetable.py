"""When a slot's frames are due: by its sound, by the clock, or, where a recording runs as fast as it goes, by what
comes.

Each timetable is asked again and again, by the loop's thread, and never waits itself: it answers with what is due, with
the moment at which to ask again, or that nothing more will come. The policy behind it stands in :mod:`.slot`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from engine.clock import Clock
from engine.feeds.feeds import Feeds, Key
from engine.feeds.latest import PoseRing
from engine.feeds.samples import AudioRing, Hop
from engine.sources.base import Source
from engine.spec import StreamSpec
from engine.wire import Flag

GRACE = 1.0
"""Periods for which sound is waited for beyond the moment at which it was expected."""
OWN_GRACE_S, DEVIATIONS = 0.02, 4.0
"""Of the avatar's own voice that a client sends it is no longer than this, or so many mean deviations of its delay
(Jacobson 1988, SIGCOMM): a client that stops in mid-word says so by sending no more."""
BACKLOG = 4
"""Frames that wait beside the newest at which they are skipped."""
LONGEST_DELAY_S = 1.0
ASK_AGAIN_S = 0.25
"""After which a timetable that cannot tell when something will come is asked again at the latest."""
_DELAY_GAIN = 0.1
_RETURNING = 3


class Due(NamedTuple):
    """A frame that is due: its sound (None where it has none), the end of what it was captured of, when it was due, and
    what has to be said of that. ``captured`` False: its sound was lost, so there is no capture from which a delay could
    be counted."""

    hop: Hop | None
    captured_ns: int
    due_ns: int
    flags: Flag
    captured: bool = True


class Later(NamedTuple):
    """Nothing is due before this moment, unless something comes in."""

    ask_ns: int


class Over(NamedTuple):
    """Nothing more will come."""


class Timetable(Protocol):
    """See the module."""

    def begin(self, now_ns: int) -> None:
        """The session starts."""
        ...

    def waiting(self, frame: int, now_ns: int, least: int = BACKLOG) -> int:
        """How many frames from ``frame`` on to skip: all that wait but the newest, if at least so many wait beside
        it."""
        ...

    def skip(self, frames: int, following: int) -> None:
        """Pass over ``frames``; ``following`` is the next."""
        ...

    def look(self, frame: int, now_ns: int) -> Due | Later | Over:
        """Whether ``frame`` is due."""
        ...

    def done(self, frame: int) -> None:
        """The frame was published."""
        ...


def timetable(
    spec: StreamSpec, feeds: Feeds, given: Collection[Key], sources: Sequence[Source], realtime: bool, clock: Clock
) -> tuple[Timetable, str]:
    """The timetable of a session, and whose voice its frames are made of ("" for nobody's)."""
    heard = [item.of for item in spec.by_role("audio")]
    voices = [owner for owner in ("partner", "self") if owner in heard and ("audio", owner) in given]
    owner = voices[0] if voices else ""
    ring = feeds.samples.get(owner)
    others = [feeds.samples[other] for other in voices[1:]]
    pushed = not any(("audio", owner) in source.gives for source in sources)
    if realtime:
        if ring is None:
            return ByClock(spec, feeds, sources), owner
        return BySound(spec, ring, clock, owner, others, pushed=pushed), owner
    beside = [other for name, other in feeds.samples.items() if name != owner and ("audio", name) in given]
    if ring is not None:
        return Played(ring, beside, others), owner
    return Counted(spec, feeds, [poses for key, poses in feeds.latest.items() if key in given], beside), owner


class BySound:
    """In real time: a frame is due when its hop is complete. Where a partner's does not come that is DEGRADED; an
    avatar that says nothing is silent, and nothing is missing. When it is over and one of the ``others`` that are heard
    is not, frames go on by the clock. ``pushed``: it is sent, not played or captured here."""

    def __init__(
        self,
        spec: StreamSpec,
        ring: AudioRing,
        clock: Clock,
        owner: str = "partner",
        others: Sequence[AudioRing] = (),
        pushed: bool = False,
    ) -> None:
        self._audio, self._clock, self._others = ring, clock, others
        self._missing = Flag(0) if owner == "self" else Flag.DEGRADED
        self._stops = pushed and owner == "self"
        self._period_ns = round(1e9 / spec.rate)
        self._due_ns = 0
        self._delay_ns = self._deviation_ns = 0.0
        self._returning = 0  # frames that still count as those after a loss
        self._asked: tuple[int, bool, int] | None = None  # frame, whether its hop was waited for, late samples before

    def begin(self, now_ns: int) -> None:
        self._due_ns = now_ns

    def waiting(self, frame: int, now_ns: int, least: int = BACKLOG) -> int:
        newer = self._audio.newest_hop() - frame
        if newer < 0 and self._alone:
            newer = (now_ns - self._due_ns) // self._period_ns - 1
        return newer if newer >= least else 0

    def skip(self, frames: int, following: int) -> None:
        self._due_ns += frames * self._period_ns
        self._audio.skip_to(following)
        self._asked = None

    def look(self, frame: int, now_ns: int) -> Due | Later | Over:
        ready = self._audio.hop_ready(frame)
        if self._asked is None or self._asked[0] != frame:
            self._asked = frame, not ready, self._audio.late_samples
        if ready:
            return self._heard(frame)
        if self._audio.ended:
            return self._without(now_ns) if self._alone else Over()
        latest = self._latest_ns
        return Later(latest) if now_ns < latest else self._given_up(frame)

    def done(self, frame: int) -> None:
        self._audio.consumed(frame)

    @property
    def _latest_ns(self) -> int:
        """Until when the next frame waits for its sound."""
        grace = GRACE * self._period_ns
        if self._stops:
            grace = min(grace, max(OWN_GRACE_S * 1e9, DEVIATIONS * self._deviation_ns))
        return self._due_ns + self._period_ns + round(grace)

    @property
    def _alone(self) -> bool:
        """Whether the voice is over and another that is heard is not, or has not been heard to its end."""
        heard_ns = self._due_ns - round(self._delay_ns)
        return self._audio.ended and any(
            not ring.ended or ring.position_at(heard_ns) < ring.written - ring.hop // 2 for ring in self._others
        )

    def _without(self, now_ns: int) -> Due | Later:
        """The voice is over, and the conversation is not."""
        due_ns = self._due_ns + self._period_ns
        if now_ns < due_ns:
            return Later(due_ns)
        self._due_ns = due_ns
        return Due(None, due_ns - round(self._delay_ns), due_ns, Flag(0))

    def _heard(self, frame: int) -> Due:
        hop = self._audio.read_hop(frame)
        assert hop is not None and self._asked is not None
        latest = self._latest_ns
        returning, self._returning = self._returning > 0, max(0, self._returning - 1)
        if returning and not hop.valid:  # the rest of a loss, known as a gap since sound came after it
            self._due_ns = hop.capture_ns + round(self._delay_ns)
            return Due(hop, hop.capture_ns, max(latest, self._due_ns), self._missing, captured=False)
        if self._asked[1]:  # the moment of arrival was seen: learn how long after capture hops arrive
            delay = self._clock.now_ns() - hop.capture_ns
            # After a loss the device may be another one, or another way to it: a longer delay is taken over at once.
            at_once = not self._delay_ns or (returning and delay > self._delay_ns)
            off = 0.0 if at_once else abs(delay - self._delay_ns)
            self._deviation_ns += (off - self._deviation_ns) * _DELAY_GAIN
            self._delay_ns += (delay - self._delay_ns) * (1.0 if at_once else _DELAY_GAIN)
        self._due_ns = hop.capture_ns + round(self._delay_ns)
        return Due(hop, hop.capture_ns, self._due_ns, Flag(0))

    def _given_up(self, frame: int) -> Due:
        """The frame goes out without its sound. It is due now, when that is decided: it is not late for its sound."""
        assert self._asked is not None
        latest, self._returning = self._latest_ns, _RETURNING
        self._due_ns += self._period_ns
        if self._audio.late_samples > self._asked[2]:  # sound comes, but takes longer than was thought: a headset
            longer = min(self._period_ns, max(0, round(LONGEST_DELAY_S * 1e9 - self._delay_ns)))
            self._due_ns += longer
            self._delay_ns += longer
        # Told when the next hop begins, a microphone that comes back is heard at once, not late by what was lost.
        self._audio.skip_to(frame + 1, self._due_ns - round(self._delay_ns))
        # A frame without sound ends where the timetable puts it, so that capture times go on evenly through a loss.
        return Due(None, self._due_ns - round(self._delay_ns), latest, self._missing, captured=False)


class ByClock:
    """In real time without a voice: one period apart, counted from the moment from which sources count theirs, so that
    which frame sees which pose of a recording does not hang on how long it took to begin."""

    def __init__(self, spec: StreamSpec, feeds: Feeds, sources: Sequence[Source]) -> None:
        self._feeds, self._sources = feeds, sources
        self._period_ns = round(1e9 / spec.rate)
        self._due_ns = 0

    def begin(self, now_ns: int) -> None:
        start_ns = self._feeds.start_ns
        self._due_ns = start_ns if 0 <= now_ns - start_ns < BACKLOG * self._period_ns else now_ns

    def waiting(self, frame: int, now_ns: int, least: int = BACKLOG) -> int:
        newer = (now_ns - self._due_ns) // self._period_ns - 1
        return newer if newer >= least else 0

    def skip(self, frames: int, following: int) -> None:
        self._due_ns += frames * self._period_ns

    def look(self, frame: int, now_ns: int) -> Due | Later | Over:
        due_ns = self._due_ns + self._period_ns
        if now_ns < due_ns:
            return Later(due_ns)
        if self._sources and all(source.finished for source in self._sources):
            return Over()
        return Due(None, due_ns, due_ns, Flag(0))

    def done(self, frame: int) -> None:
        self._due_ns += self._period_ns


class Played:
    """As fast as it goes, by hops that are there; other voices (``beside``) have to be as far. It is over when the ring
    is, and those of the ``others`` that are heard."""

    def __init__(self, ring: AudioRing, beside: Sequence[AudioRing], others: Sequence[AudioRing] = ()) -> None:
        self._audio, self._beside, self._others = ring, beside, others

    def begin(self, now_ns: int) -> None:
        pass

    def waiting(self, frame: int, now_ns: int, least: int = BACKLOG) -> int:
        return 0

    def skip(self, frames: int, following: int) -> None:
        pass

    def look(self, frame: int, now_ns: int) -> Due | Later | Over:
        if not all(ring.hop_ready(frame) or ring.ended for ring in (self._audio, *self._beside)):
            return _soon(now_ns)
        hop = self._audio.read_hop(frame)
        there = [hop, *(ring.read_hop(frame) for ring in self._others)]
        captured_ns = next((each.capture_ns for each in there if each is not None), None)
        return Over() if captured_ns is None else Due(hop, captured_ns, captured_ns, Flag(0))

    def done(self, frame: int) -> None:
        self._audio.consumed(frame)


class Counted:
    """As fast as it goes without a voice to follow: times are counted, and all poses of that time waited for."""

    def __init__(
        self, spec: StreamSpec, feeds: Feeds, followed: Sequence[PoseRing], beside: Sequence[AudioRing]
    ) -> None:
        self._rate, self._feeds, self._followed, self._beside = spec.rate, feeds, followed, beside

    def begin(self, now_ns: int) -> None:
        pass

    def waiting(self, frame: int, now_ns: int, least: int = BACKLOG) -> int:
        return 0

    def skip(self, frames: int, following: int) -> None:
        pass

    def look(self, frame: int, now_ns: int) -> Due | Later | Over:
        due_ns = self._feeds.start_ns + round((frame + 1) * 1e9 / self._rate)
        there = [ring.reach(due_ns, 0.0) for ring in self._followed]
        there += [ring.hop_ready(frame) or ring.ended for ring in self._beside]
        if not all(there):
            return _soon(now_ns)
        if self._followed and all(ring.over(due_ns) for ring in self._followed):
            return Over()
        if not self._followed and self._beside and not any(ring.hop_ready(frame) for ring in self._beside):
            return Over()
        return Due(None, due_ns, due_ns, Flag(0))

    def done(self, frame: int) -> None:
        pass


def _soon(now_ns: int) -> Later:
    return Later(now_ns + round(ASK_AGAIN_S * 1e9))
