"""Feeds for tests of sources: the rings that a test looks into, and nothing else."""

from __future__ import annotations

from engine.feeds.feeds import Feeds
from engine.feeds.held import Held
from engine.feeds.latest import PoseRing
from engine.feeds.samples import AudioRing
from engine.spec import OutputSpec, StreamSpec

NOTHING = StreamSpec("nothing", 25.0, (), (OutputSpec("out"),))


def feeds(
    face: PoseRing | None = None, body: PoseRing | None = None, audio: AudioRing | None = None, start_ns: int = 0
) -> Feeds:
    """A partner's face, body and voice, as far as they are given."""
    made = Feeds(Held(NOTHING), start_ns)
    rings = (("face", face), ("body", body))
    made.latest |= {(what, "partner"): ring for what, ring in rings if ring is not None}
    if audio is not None:
        made.samples["partner"] = audio
    return made
