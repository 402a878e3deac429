"""A recorded session in the tree: the listener does today what it did when it was recorded."""

from __future__ import annotations

from pathlib import Path

from engine.record.reading import Recording
from engine.record.replay import replay
from engine.wire import Flag
from tests.engine.record.make import PATH, SECONDS, SEED, make

FRAMES = round(25 * SECONDS)
TOLERANCE = 1e-5
"""Other processors, and other versions of the runtime, round sums otherwise."""


def test_the_session_in_the_tree_replays() -> None:
    found = replay(PATH, anyway=True, tolerance=TOLERANCE)
    assert found.first is None, f"{found.first}; if that is meant, see tests/engine/record/make.py"
    assert (found.frames, found.unknown, found.cut) == (FRAMES, 0, False)


def test_it_is_a_session_worth_replaying() -> None:
    assert PATH.stat().st_size < 300_000
    recording = Recording(PATH)
    steps = list(recording.steps())
    assert (recording.about.bundle, recording.about.seed) == ("rules", SEED)
    assert [step.seq for step in steps] == list(range(FRAMES))
    assert steps[0].flags == Flag.FIRST and not any(step.flags for step in steps[1:])
    assert max(abs(step.inputs["partner_audio"]).max() for step in steps) > 0.1
    assert {float(step.inputs["partner_face_valid"]) for step in steps} == {1.0}


def test_made_again_it_replays_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "again.mcap"
    make(path)
    assert replay(path).first is None
    for then, now in zip(Recording(PATH).steps(), Recording(path).steps(), strict=True):
        assert (then.seq, then.due_ns, then.given, then.flags) == (now.seq, now.due_ns, now.given, now.flags)
        assert all(abs(then.inputs[name] - value).max() <= TOLERANCE for name, value in now.inputs.items())
