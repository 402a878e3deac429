"""One time for the sound and the pictures of a container, whatever its timestamps do.

Recordings that were joined, devices that stamp by the clock on the wall and counters that wrap give timestamps that
jump on or back. Here each packet's are moved, in the order of the file and from what came before alone, so that every
reading of a file finds the same. A jump is a *break*: the time goes on where it was, for sound and pictures together.
It is no break where one stream pauses while the other goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_SLACK_S = 2  # packets of sound and picture of one moment lie no further apart in a file
_JUMP_S = Fraction(1, 4)  # a step that is looked at, where the other stream has just had a break
_ALONE_S = 30  # a stream without another one may pause for so long
_BACK_S, _BACK_SHOWN_S = Fraction(1, 10), 1  # steps back of a decoding time, and of a time of showing, which reorders
_LATE_S = 1  # the other stream further ahead than this: a stream that jumps on was written late
_EARLY_S = 5  # so much may a stream begin before what its container states


@dataclass
class _Stream:
    """What is known of one stream: ``shift`` is added to its timestamps; ``end`` and ``last`` are moved ones."""

    shift: Fraction
    end: Fraction = Fraction(0)
    last: Fraction = Fraction(0)
    seen: bool = False
    section: int = 0


class MediaTime:
    """Moves the timestamps of the packets of ``streams`` (PyAV) so that they count from 0 without breaks.

    ``breaks_s``: where the time was broken, in seconds from the beginning. A stream that begins at a time out of all
    relation to the others' counts from the beginning, and is such a break, at 0.
    """

    def __init__(self, streams: list[Any]) -> None:
        starts = [stream.start_time * stream.time_base for stream in streams if stream.start_time is not None]
        self.origin: Fraction = min(starts, default=Fraction(0))
        self.breaks_s: list[float] = []
        self._streams = {stream.index: _Stream(-self.origin) for stream in streams}
        self._section = 0
        self._section_shift = Fraction(0)

    def move(self, packet: Any) -> float:
        """Put the packet's timestamps into media time; the time in seconds at which it ends. One without timestamps
        follows the one before it."""
        one = self._streams[packet.stream.index]
        base = packet.time_base or packet.stream.time_base
        length = _length(packet, base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None:
            one.end += length if packet.size else 0
            return float(one.end)
        raw = stamp * base
        if self._broken(one, raw, raw + one.shift, packet.dts is not None):
            self._go_on(one, (packet.pts if packet.pts is not None else packet.dts) * base)
        moved = round(one.shift / base)
        if packet.pts is not None:
            packet.pts += moved
        if packet.dts is not None:
            packet.dts += moved
        shown = max(time for time in (packet.pts, packet.dts) if time is not None) * base
        one.seen, one.last, one.end = True, raw + one.shift, max(Fraction(0), shown + length)
        return float(one.end)

    def _broken(self, one: _Stream, raw: Fraction, time: Fraction, decoding: bool) -> bool:
        others = [other.end for other in self._streams.values() if other is not one and other.seen]
        if not one.seen:
            return not -_EARLY_S <= time <= max([Fraction(_ALONE_S), *(end + _SLACK_S for end in others)])
        if time < one.last - (_BACK_S if decoding else _BACK_SHOWN_S):
            return True
        step = time - one.end
        if step <= _JUMP_S:
            return False
        beside = [end for end in others if end >= one.end - _ALONE_S]
        if not beside:
            return step > _ALONE_S
        there = max(beside)
        if one.section != self._section and abs(raw + self._section_shift - there) < abs(time - there):
            return True
        return step > _SLACK_S and time > there + _SLACK_S

    def _go_on(self, one: _Stream, raw: Fraction) -> None:
        """Let a stream whose next packet is shown at ``raw`` go on where the time is."""
        there = self._others_end(one)
        apart = any(other.shift != one.shift for other in self._streams.values())
        # Recorders write in the order of timestamps: one that jumps on alone comes long after its moment in the file,
        # and so does one with a clock of its own. All others go on where both have ended.
        alone = apart or (raw + one.shift > one.end and there > one.end + _LATE_S)
        here = max(one.end, Fraction(0) if alone else there) if one.seen else Fraction(0)
        joins = raw + self._section_shift - max(one.end, there)
        if one.section != self._section and abs(joins) <= _SLACK_S:
            one.shift, one.section = self._section_shift, self._section
            return
        self._section += 1
        self._section_shift = here - raw
        one.shift, one.section = self._section_shift, self._section
        self.breaks_s.append(float(here))

    def _others_end(self, one: _Stream) -> Fraction:
        return max((other.end for other in self._streams.values() if other is not one), default=Fraction(0))


def _length(packet: Any, base: Fraction) -> Fraction:
    if packet.duration:
        return Fraction(packet.duration * base)
    if packet.stream.type != "video":
        return Fraction(0)
    return 1 / Fraction(packet.stream.average_rate or 25)
