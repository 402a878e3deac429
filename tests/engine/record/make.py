"""Makes ``rules_session.mcap`` again: three seconds of the rule listener with the built-in partner, for the tests.

``python -m tests.engine.record.make`` - needed where the listener's behaviour was changed on purpose, or the format of
recordings; look at what changed first: ``engine replay tests/engine/record/rules_session.mcap --anyway``.
"""

from __future__ import annotations

from pathlib import Path

from engine.bundle import Bundle
from engine.clock import FakeClock
from engine.record.serving import Recorders
from engine.session.host import Host
from engine.session.live import Opening
from engine.sources.demo import DemoSource

PATH = Path(__file__).with_name("rules_session.mcap")
SECONDS, SEED = 3.0, 8


def make(path: Path) -> None:
    """Record the session to ``path``."""
    host = Host([Bundle.load("rules")], FakeClock(), realtime=False)
    host.start()
    recorders = Recorders(path, None, "onnx:cpu", wait=True)
    source = DemoSource(fast=True, start_s=1.0)
    try:
        asked = Opening(("rules",), seed=SEED, seconds=SECONDS, given=frozenset(source.gives))
        session = host.prepare(asked, lambda _: None, [source])
        host.begin(session, recorders.open(session))
        session.done.wait()
    finally:
        host.stop()
    recorders.finish()


if __name__ == "__main__":
    make(PATH)
