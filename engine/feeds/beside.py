"""A voice beside the one that is the clock, read hop after hop by time, as its ring has times of its own."""

from __future__ import annotations

from engine.feeds.samples import AudioRing, Hop

_SLACK_HOPS = 0.75  # how far its place may stray from its time before it is set anew
_MOST_BEHIND_S = 0.3
_AGAIN_HOPS = 25  # within which sound has to come too late again: once is a machine that was held up
_LOOK_HOPS = 250  # after which it is looked whether sound still has to be read so late


class Beside:
    """Reads hop after hop, set anew only where its place strays from its time, so that two sound cards that drift apart
    cost one small step now and then, and no sample a frame. Sound that comes late is read late; where it comes in time
    again, it is read in time again."""

    def __init__(self, ring: AudioRing) -> None:
        self._ring = ring
        self._next: int | None = None
        self._begun = False
        self._behind = 0  # samples by which it is read late, learnt from sound that came after its frame
        self._missed: tuple[int, int] | None = None  # end of a frame without sound, and what had been written then
        self._since = _AGAIN_HOPS  # hops since sound came too late
        self._spare, self._reads = ring.capacity, 0  # least that was there beyond what was due, and of how many hops

    def counted(self, frame: int) -> Hop | None:
        """Hop number ``frame``, or None where the sound is over."""
        hop = self._ring.read_hop(frame)
        self._ring.consumed(frame)
        return hop

    def there(self, end_ns: int) -> bool:
        """Whether there is nothing to wait for: the hop captured by ``end_ns`` is there, or what is missing is more
        than a hop, so that nobody speaks. Its very first sound is waited for once."""
        if not self._ring.written:
            return self._begun or self._ring.ended
        missing = self._place(end_ns) + self._ring.hop - self._ring.written
        return self._ring.ended or not 0 < missing <= self._ring.hop

    def read(self, end_ns: int) -> Hop | None:
        """The hop captured by ``end_ns``, or None where there is none."""
        ring, hop = self._ring, self._ring.hop
        self._since += 1
        self._learn()
        self._begun = True
        self._next = self._place(end_ns)
        found = ring.read_span(self._next) if self._next >= 0 else None
        if found is None:
            self._next = None
            self._missed = self._missed or (end_ns, ring.written)
            return None
        self._next += hop
        self._catch_up(ring.written - self._right(end_ns) - hop)
        return found

    def _right(self, end_ns: int) -> int:
        """The sample with which the hop begins that was captured by ``end_ns``, read as late as has been learnt."""
        return self._ring.position_at(end_ns) - self._behind - self._ring.hop

    def _place(self, end_ns: int) -> int:
        """The sample from which to read: the next, unless that is not its time any more."""
        right, hop = self._right(end_ns), self._ring.hop
        if self._next is None or abs(right - self._next) > _SLACK_HOPS * hop:
            return right
        if self._next + hop > self._ring.written >= right + hop:  # the other card is slower: a step before it is late
            return max(0, right - hop // 4)
        return self._next

    def _learn(self) -> None:
        """A frame had no sound: was there none, or did it come too late? Only then, and where that happens again, is it
        waited for longer."""
        if self._missed is None or self._ring.written == self._missed[1]:
            return
        (end_ns, written), self._missed = self._missed, None
        if self._ring.begins_ns(written) >= end_ns:
            return
        again, self._since = self._since <= _AGAIN_HOPS, 0
        if again:
            self._behind = min(self._behind + self._ring.hop // 4, round(_MOST_BEHIND_S * self._ring.rate))
            self._spare, self._reads = self._ring.capacity, 0

    def _catch_up(self, spare: int) -> None:
        """A hop was read, and so much was there beyond what was due: where that is so for long, read it sooner."""
        self._spare, self._reads = min(self._spare, spare), self._reads + 1
        if self._reads < _LOOK_HOPS:
            return
        kept = self._ring.hop // 4
        if self._behind and self._spare > kept:
            self._behind = max(0, self._behind - self._spare + kept // 2)
            self._next = None
        self._spare, self._reads = self._ring.capacity, 0
