"""The feeds of a session: one for each thing that its bundles want to be given, by what it is and whose.

Sources write into them from threads of their own, a frame is gathered from them. Which there are follows from the spec
alone, so a bundle with two voices has two rings, and what nobody asked for has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from engine.channels import FACE_NAMES
from engine.feeds.held import Held
from engine.feeds.latest import PoseRing
from engine.feeds.samples import AudioRing
from engine.feeds.speaking import Speaking
from engine.feeds.together import Together
from engine.feeds.words import WordRing
from engine.roles import ROLES
from engine.sound.front_end import FrontEnd
from engine.sound.meter import SoundMeter
from engine.spec import InputSpec, StreamSpec

Key = tuple[str, str]
"""What may be given: a role and its owner; of a feature the input's name and its owner."""
CAPACITY_S = 4.0
"""Sound that a session keeps, seconds."""
SPEECH_RATE = 16_000
"""Hz, or a little more, at which the own voice is heard by a bundle that only wants to know whether it speaks."""


def key(item: InputSpec) -> Key:
    """Under which an input's feed stands."""
    return (item.name if item.role == "feature" else item.role, item.of)


def columns(item: InputSpec) -> list[int] | None:
    """Which of a face's 58 numbers an input takes, by its names; None where it takes a pose as it comes."""
    if item.role != "face" or item.names == FACE_NAMES or not item.names or not set(item.names) <= set(FACE_NAMES):
        return None
    return [FACE_NAMES.index(name) for name in item.names]


def wanted(spec: StreamSpec) -> set[Key]:
    """All that a source may give to a bundle: what its inputs are, and the speech of whoever a control follows."""
    keys = {key(item) for item in spec.inputs if ROLES[item.role].owned}
    spoken = {item.of for item in spec.controls if item.follows}
    spoken |= {item.of for item in spec.by_role("words")}
    spoken |= {item.of for item in spec.inputs if item.role == "audio" and item.of == "self"}
    return keys | {(what, owner) for owner in spoken for what in ("audio", "words", "speaking")}


@dataclass
class Feeds:
    """The feeds of one bundle's session, or of all its bundles together (:meth:`merged`). ``start_ns``: what is played
    as fast as it goes, and the frames that follow it, count their times from here."""

    held: Held
    start_ns: int = 0
    raw_sound: bool = False
    """Whether sources pass sound on as it is, but for the mean of its channels."""
    samples: dict[str, AudioRing] = field(default_factory=dict)
    latest: dict[Key, PoseRing] = field(default_factory=dict)
    words: dict[str, WordRing] = field(default_factory=dict)
    speaking: dict[str, Speaking] = field(default_factory=dict)
    meters: dict[str, SoundMeter] = field(default_factory=dict)
    """What each voice's sound is like as it comes, of those that are written through a front end."""
    together: Together = field(default_factory=Together)
    """When what is played in real time begins."""
    notes: list[Callable[[], Sequence[str]]] = field(default_factory=list)
    """What sources say once each, although it is no problem; asked again and again."""

    @classmethod
    def of(
        cls,
        spec: StreamSpec,
        start_ns: int,
        held: Held | None = None,
        ids: Callable[[str], int] = lambda _: 0,
        beside: Collection[Key] = (),
    ) -> Feeds:
        """Empty feeds for a model; ``ids`` numbers words by the bundle's vocabulary. ``beside``: what the other models
        of its session take; where the avatar's voice is of it, a model that hears the partner gets a feed of it too, as
        its echo is to be known."""
        feeds = cls(held or Held(spec), start_ns)
        keys = wanted(spec)
        keys |= {("audio", "self")} & set(beside) if ("audio", "partner") in keys else set()
        hop = spec.hop or math.ceil(SPEECH_RATE / spec.rate)  # whole samples, or hops would drift from frames
        rate = spec.sample_rate or round(hop * spec.rate)
        for what, owner in sorted(keys):
            if what == "audio":
                feeds.samples[owner] = AudioRing(rate, hop, CAPACITY_S)
            elif what == "words":
                feeds.words[owner] = WordRing(ids)
            elif what == "speaking":
                feeds.speaking[owner] = Speaking()
        for item in spec.inputs:
            if ROLES[item.role].feed == "latest":
                ring = feeds.latest.setdefault(key(item), PoseRing())
                whole = item.shape if columns(item) is None else (len(FACE_NAMES),)
                ring.bound(whole, item.low, item.high, item.speed)
        return feeds

    @classmethod
    def merged(cls, feeds: Sequence[Feeds]) -> Feeds:
        """What sources of a session with these bundles write to: of each thing one feed, which the others share or
        follow. Before anything is written."""
        first = feeds[0]
        if len(feeds) == 1:
            first._connect()
            return first
        whole = cls(first.held, first.start_ns, first.raw_sound)
        for one in feeds:
            one.meters = whole.meters
            for owner, ring in one.samples.items():
                if whole.samples.setdefault(owner, ring) is not ring:
                    whole.samples[owner].follow(ring)
            for owner, words in one.words.items():
                if whole.words.setdefault(owner, words) is not words:
                    whole.words[owner].follow(words)
            one.latest = {name: whole.latest.setdefault(name, ring) for name, ring in one.latest.items()}
            one.speaking = {owner: whole.speaking.setdefault(owner, said) for owner, said in one.speaking.items()}
        whole._connect()
        return whole

    def front_end(self, owner: str) -> FrontEnd:
        """A front end for ``owner``'s voice, for whoever is about to write it; its meter is then the session's."""
        made = FrontEnd(on=not self.raw_sound)
        self.meters[owner] = made.meter
        return made

    def raised_db(self) -> float:
        """By how much the front ends raise the partner's voice against the avatar's own at the moment."""
        partner, own = (
            self.meters[owner].told().get("gain_db", 0.0) if owner in self.meters else 0.0
            for owner in ("partner", "self")
        )
        return float(partner - own)

    def notices(self) -> list[str]:
        """What there is to say of the voices' sound, and of sources, once each."""
        told = [f"{owner}'s voice: {text}" for owner, meter in list(self.meters.items()) for text in meter.notices]
        return [*told, *(text for note in list(self.notes) for text in note())]

    def takes(self) -> set[Key]:
        """All that may be given here."""
        one = {("audio", owner) for owner in self.samples} | {("words", owner) for owner in self.words}
        return one | {("speaking", owner) for owner in self.speaking} | set(self.latest)

    def problems(self) -> list[str]:
        """What is not believed at the moment, in words."""
        return [f"{owner}'s {what}: {ring.problem}" for (what, owner), ring in self.latest.items() if ring.problem]

    def end(self) -> None:
        """Nothing more will come: whoever waits to write goes on."""
        for ring in self.samples.values():
            ring.end()
        for poses in self.latest.values():
            poses.end()

    def _connect(self) -> None:
        """Let the voice activity of everyone who may speak hear their sound and their words."""
        for owner, said in self.speaking.items():
            if owner in self.samples:
                said.rate = self.samples[owner].rate
                self.samples[owner].listen(said.hear)
            if owner in self.words:
                self.words[owner].listen(said.word)
