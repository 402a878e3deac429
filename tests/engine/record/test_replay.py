"""Replaying: the same again, byte for byte; and whatever is not the same is noticed, named, and where it began."""

from __future__ import annotations

import dataclasses
import math
import random
import re
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.cli import main
from engine.feeds.feeds import Feeds
from engine.feeds.latest import PoseSample
from engine.record.layout import HEAD, RecordingError
from engine.record.reading import Recording
from engine.record.replay import replay
from engine.runtime import open_runtime
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.wire import HEADER, Flag
from tests.engine.dancer import dancer_bundle
from tests.engine.record.scenes import Parts, recorded, recorder, rewrite, rules, session, small, some
from tests.engine.session.scene import PERIOD, START, Timeline

FRAMES = 60


def eventful(clock: Timeline, slot: Slot, feeds: Feeds) -> None:
    """A reset, a control turned, sound that is lost, a face with a number that is none."""
    clock.at(START + 20 * PERIOD + 1, slot.reset)
    clock.at(START + 30 * PERIOD + 1, lambda: feeds.held.set({"nod_rate": 2.0}))
    bad = np.full(58, np.nan, np.float32)
    clock.at(
        START + 40 * PERIOD + 1, lambda: feeds.latest["face", "partner"].put(PoseSample(START + 41 * PERIOD, bad, True))
    )
    clock.at(START + 50 * PERIOD + 1, lambda: feeds.samples["partner"].write(np.zeros(640, np.float32), 0, False))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "a.mcap"
    return session(path, open_runtime(rules()), rules(), FRAMES, monitor=True, happens=eventful)


def test_a_session_replays_byte_for_byte(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = list(Recording(good).steps())
    seen = Flag(0)
    for step in steps:
        seen |= step.flags
    assert sum(step.reset for step in steps) == 1 and {step.seq for step in steps} >= {0, FRAMES - 1}
    assert Flag.FIRST | Flag.SILENT | Flag.BAD_INPUT in seen
    assert [len(step.frames) for step in steps] == [5] * FRAMES
    found = replay(good)
    assert (found.frames, found.different, found.first, found.largest) == (FRAMES, 0, None, 0.0)
    assert (found.bundle, found.where, found.unknown, found.cut) == ("rules", "onnx:cpu", 0, False)
    assert main(["replay", str(good)]) == 0
    assert f"{FRAMES} frames of rules replayed on onnx:cpu\nall the same" in capsys.readouterr().out


def at(frame: int, change: Callable[[Parts], object]) -> Callable[[int, Parts], Parts]:
    def changed(number: int, parts: Parts) -> Parts:
        if number == frame:
            change(parts)
        return parts

    return changed


def flip(part: int, place: int, bit: int) -> Callable[[Parts], None]:
    def flipped(parts: Parts) -> None:
        content = bytearray(parts[part])
        content[place] ^= 1 << bit
        parts[part] = bytes(content)

    return flipped


def test_a_single_changed_bit_of_an_input_is_noticed(good: Path, tmp_path: Path) -> None:
    path, rng = tmp_path / "b.mcap", random.Random(1)
    size = sum(4 * math.prod(item.shape) for item in rules().spec.inputs)
    for _ in range(12):
        found = replay(rewrite(good, path, at(17, flip(0, HEAD.size + rng.randrange(size), rng.randrange(8)))))
        assert found.first == "frame 17, its inputs were changed since they were recorded"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("expressiveness", 0, r"stream face: \d+ of 58 values differ"),
        ("partner_face_valid", 0, r"stream face: \d+ of 58 values differ"),
        ("partner_face", 1, "stream partner_face: 1 of 58 values differ"),
        ("noise", 38, "input noise: is not the noise of seed 5"),
        ("noise", 0, "input noise: is not the noise of seed 5"),
    ],
)
def test_other_inputs_give_other_frames(good: Path, tmp_path: Path, name: str, value: int, said: str) -> None:
    """Where the checksum was made right again."""
    names = [item.name for item in rules().spec.inputs]
    before = [4 * math.prod(item.shape) for item in rules().spec.inputs][: names.index(name)]
    changed = flip(0, HEAD.size + sum(before) + 4 * value + 3, 5)

    def change(parts: Parts) -> None:
        changed(parts)
        crc = zlib.crc32(parts[0][HEAD.size :])
        parts[0] = parts[0][: HEAD.size - 4] + struct.pack("<I", crc) + parts[0][HEAD.size :]

    found = replay(rewrite(good, tmp_path / "b.mcap", at(17, change)))
    assert found.first is not None and re.match(f"frame 17, {said}", found.first), found.first


def test_what_else_is_changed_is_noticed_and_named(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.mcap"
    for change, said in (
        (flip(1, HEADER.size, 0), r"stream face: 1 of 58 values differ, most browDownLeft: .* recorded, .* replayed"),
        (flip(2, HEADER.size + 4 * 24 + 3, 7), r"stream emotion: 1 of 25 values differ, most \w+"),
        (flip(4, HEADER.size + 4 * 639, 0), "stream partner_audio: 1 of 640 values differ"),
        (flip(1, 11, 2), r"stream face: flags SILENT recorded, none replayed"),
        (flip(2, 54, 1), r"stream emotion: flags PENDING recorded, none replayed"),
        (flip(1, 16, 3), "stream face: seq 25 recorded, 17 replayed"),
        (flip(1, 32, 0), "stream face: due_ns"),
        (flip(1, 4, 0), "stream face: session 6 recorded, 7 replayed"),
        (flip(1, 8, 0), "stream face: stream 1 recorded, 0 replayed"),
        (flip(1, 48, 0), "stream face: layout"),
        (flip(0, 33, 0), "the step did not count then, and now the other way round"),
        (flip(0, 24, 2), r"stream face: flags none recorded, SILENT replayed"),
    ):
        found = replay(rewrite(good, path, at(17, change)))
        assert found.first is not None
        assert found.first.startswith("frame 17, ")
        assert re.search(said, found.first), found.first
    for place in (12, 13, 24, 40):  # how long it took, when it was captured and published: the wall clock's
        assert replay(rewrite(good, path, at(17, flip(1, place, 0)))).first is None


def test_another_seed_is_noticed(good: Path, tmp_path: Path) -> None:
    found = replay(rewrite(good, tmp_path / "b.mcap", about=lambda values: values | {"seed": 6}))
    assert found.first == "frame 0, input noise: is not the noise of seed 6" and found.different == FRAMES


def test_small_differences_pass_where_they_are_allowed(good: Path, tmp_path: Path) -> None:
    path = rewrite(good, tmp_path / "b.mcap", at(17, flip(1, HEADER.size, 3)))
    strict, kind = replay(path), replay(path, tolerance=1e-5)
    assert strict.different == 1 and kind.first is None
    assert 0.0 < kind.largest < 1e-5 and kind.largest == strict.largest
    far = rewrite(good, tmp_path / "c.mcap", at(17, flip(1, HEADER.size + 4 * 53 + 2, 7)))
    assert replay(far, tolerance=1e-5).different == 1
    none = rewrite(good, tmp_path / "d.mcap", at(17, lambda parts: parts.__setitem__(1, parts[1][:-2] + b"\xff\x7f")))
    assert replay(none, tolerance=1e-5).largest == np.inf


def test_behind_missing_steps_nothing_is_known_until_the_row_is_new(good: Path, tmp_path: Path) -> None:
    def hole(number: int, parts: Parts) -> Parts | None:
        if number == 13:
            parts[0] = parts[0][: HEAD.size - 8] + struct.pack("<I", 3) + parts[0][HEAD.size - 4 :]
        return None if 10 <= number < 13 else parts

    found = replay(rewrite(good, tmp_path / "b.mcap", hole))
    again = next(step.seq for step in Recording(good).steps() if step.reset)
    assert 13 < again < FRAMES
    assert (found.first, found.unknown, found.frames) == (None, again - 13, FRAMES - 3 - found.unknown)


def test_a_recording_without_an_end_is_replayed_as_far_as_it_goes(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mcap.part").write_bytes(good.read_bytes()[:-2000])
    assert replay(tmp_path / "a.mcap.part").cut
    assert main(["replay", str(tmp_path / "a.mcap.part")]) == 0
    assert "the file has no end" in capsys.readouterr().out


def test_the_command_says_what_differs(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rewrite(good, tmp_path / "b.mcap", at(17, flip(1, HEADER.size, 0)))
    assert main(["replay", str(path)]) == 1
    out = capsys.readouterr().out
    assert "1 frames differ" in out and "the first: frame 17, stream face: 1 of 58 values differ" in out


def test_another_bundle_is_refused_by_name_unless_asked_for(good: Path, tmp_path: Path) -> None:
    reaction = Bundle.load("reaction")
    with pytest.raises(RecordingError, match=r"recorded with bundle 'rules' .* not with this 'reaction'"):
        replay(good, reaction)
    with pytest.raises(RecordingError, match="bundle reaction takes other inputs"):
        replay(good, reaction, anyway=True)
    for other in (
        rewrite(good, tmp_path / "b.mcap", about=lambda values: values | {"step": "0" * 64}),
        rewrite(good, tmp_path / "c.mcap", about=lambda values: values | {"spec": "0" * 64}),
    ):
        with pytest.raises(RecordingError, match="'000000000000'"):
            replay(other)
        assert replay(other, anyway=True).first is None

    def renamed(values: dict[str, Any]) -> dict[str, Any]:
        values["streams"][0]["name"] = "bad"
        return values

    with pytest.raises(RecordingError, match="stream 'bad' of 58 values is none of bundle rules"):
        replay(rewrite(good, tmp_path / "d.mcap", about=renamed))


def test_a_bundle_that_does_not_come_along_has_to_be_named(tmp_path: Path) -> None:
    bundle = dancer_bundle(tmp_path / "dancer")
    alone = session_of_dancer(tmp_path / "a.mcap", bundle)
    with pytest.raises(RecordingError, match="bundle 'dancer', which does not come with the engine"):
        replay(alone)
    assert replay(alone, bundle).first is None
    assert main(["replay", str(alone), "--bundle", str(bundle.path)]) == 0
    elsewhere = rewrite(alone, tmp_path / "b.mcap", about=lambda values: values | {"bundle": str(bundle.path)})
    with pytest.raises(RecordingError, match="does not come with the engine"):  # no file tells where to look
        replay(elsewhere)


def session_of_dancer(path: Path, bundle: Bundle) -> Path:
    clock, stop = Timeline(), threading.Event()
    slot = Slot(bundle.spec, Feeds.of(bundle.spec, START), lambda _: None, clock, session=7, seed=5, frames=20)
    made = recorder(path, bundle, streams=slot.streams, wait=True)
    slot.record(made)
    loop = Loop(open_runtime(bundle), clock)
    loop.join(slot)
    clock.at(START + 10**10, stop.set)
    loop.run(stop, until_empty=True)
    made.close()
    return path


def test_what_cannot_be_replayed_is_told_in_words(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.mcap"
    with pytest.raises(RecordingError, match="holds no frame"):
        replay(rewrite(good, path, lambda *_: None))
    with pytest.raises(Exception, match="runtime 'onnx:nowhere' is unknown"):
        replay(rewrite(good, path, about=lambda values: values | {"where": "onnx:nowhere"}))
    with pytest.raises(RecordingError, match=r"names 4096 rows of huge, .* MiB; 4096 at most"):
        spec = dataclasses.replace(rules().spec, name="huge")
        large = {name: dataclasses.replace(item, shape=(1 << 20,)) for name, item in list(spec.state.items())[:1]}
        bundle = dataclasses.replace(rules(), spec=dataclasses.replace(spec, state={**spec.state, **large}))
        row = HEAD.pack(0, 0, 0, 0, 0, False, True, 4095, 4095, 1, 0, 0)
        replay(
            rewrite(good, path, at(0, lambda parts: parts.__setitem__(0, row + parts[0][HEAD.size :]))),
            bundle,
            anyway=True,
        )
    with pytest.raises(RecordingError, match="does not come with the engine"):
        replay(recorded(path, [some(0)]))
    with pytest.raises(RecordingError, match="bundle rules takes other inputs"):
        replay(path, rules(), anyway=True)
    assert small().name == "small"
