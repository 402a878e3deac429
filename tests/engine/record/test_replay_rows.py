"""Replaying sessions that shared a batch, whose rows moved, or whose steps failed: each alone gives the same again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.feeds.feeds import Feeds
from engine.record import replay as module
from engine.record.reading import Recording
from engine.record.replay import replay
from engine.runtime import Block, Runtime, open_runtime
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.wire import Flag
from tests.engine.record.scenes import recorder, rules, session
from tests.engine.session.scene import MS, PERIOD, START, Timeline
from tests.engine.session.test_batch import visits

FRAMES = 60


@pytest.mark.parametrize("name", ["rules", "reaction"])
def test_visitors_of_one_batch_replay_each_alone(name: str, tmp_path: Path) -> None:
    """Rows that move, blocks of every size, neighbours that come and go: none of it is in the recording, nor missed."""
    bundle = Bundle.load(name)
    runtime = open_runtime(bundle, rows=16, buckets=(1, 4, 16))
    clock, stop = Timeline(), threading.Event()
    loop = Loop(runtime, clock, window_ns=3 * MS)
    kept = []
    for visit in visits():
        slot = visit.slot(runtime, clock, [])
        path = tmp_path / f"{visit.number}.mcap"
        made = recorder(path, bundle, session=visit.number, seed=visit.number, streams=slot.streams, wait=True)
        slot.record(made)
        clock.at(START + visit.first * PERIOD + 1, lambda slot=slot: loop.join(slot))  # type: ignore[misc]
        kept.append((visit, made))
    clock.at(START + 120 * PERIOD, stop.set)
    loop.run(stop)
    moved, sizes = 0, set()
    for visit, made in kept:
        made.close()
        steps = list(Recording(made.path).steps())
        moved += len({step.row for step in steps}) > 1
        sizes |= {step.block.size for step in steps}
        found = replay(made.path)
        assert (found.frames, found.first) == (visit.last - visit.first, None)
    assert moved and len(sizes) > 1


class Fragile:
    """A runtime whose row fails where the partner is loud and its face is off: by a number that is none, or at once."""

    def __init__(self, runtime: Runtime, raises: bool) -> None:
        self._runtime, self._raises = runtime, raises

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def run(self, blocks: Sequence[Block] | None = None) -> dict[str, np.ndarray]:
        outputs = self._runtime.run(blocks)
        row = int(np.flatnonzero(self._runtime.active)[0])
        if self._runtime.inputs["smile_gain"][row] == 0.5:
            if self._raises:
                raise RuntimeError("the card fell off the bus")
            outputs["emotion"][row, 3] = np.inf
        return outputs


@pytest.mark.parametrize("raises", [False, True])
def test_steps_that_fail_replay_as_held_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raises: bool) -> None:
    def happens(clock: Timeline, slot: Slot, feeds: Feeds) -> None:
        for frame, gain in ((10, 0.5), (12, 1.0), (20, 0.5), (33, 1.5)):
            clock.at(START + frame * PERIOD + 1, lambda gain=gain: feeds.held.set({"smile_gain": gain}))  # type: ignore[misc]

    fragile: Any = Fragile(open_runtime(rules()), raises)
    path = session(tmp_path / "a.mcap", fragile, rules(), FRAMES, happens=happens)
    steps = list(Recording(path).steps())
    assert [step.seq for step in steps if Flag.HELD in step.flags] == [10, 11, *range(20, 33)]
    assert [step.seq for step in steps if step.reset] == [25, 30]
    sound = replay(path)
    assert sound.different == 15 and sound.first == "frame 10, stream face: flags HELD recorded, none replayed"
    monkeypatch.setattr(module, "open_runtime", lambda *given: Fragile(open_runtime(*given), raises))
    assert replay(path).first is None
