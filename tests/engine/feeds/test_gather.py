"""What one frame is given: its hop, the face of its time with age and validity, controls and repeatable noise."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.feeds.gather import NEVER_S, Gather
from engine.feeds.latest import STALE_S, PoseRing, PoseSample
from engine.feeds.samples import Hop
from engine.sound.echo import ECHO_MODES
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.wire import Flag
from tests.engine.session.scene import MS, SPEC

NOW = 5_000_000_000


def blank(rows: int = 1) -> dict[str, Any]:
    """Input buffers full of something that fill has to replace."""
    return {item.name: np.full((rows, *item.shape), 99.0, np.float32) for item in SPEC.inputs}


def hop(value: float, valid: bool = True) -> Hop:
    return Hop(np.full(40, value, np.float32), NOW, valid)


def fill(ring: PoseRing, heard: Hop | None = None, frame: int = 0, seed: int = 0) -> tuple[dict[str, Any], Flag]:
    inputs, feeds = blank(), Feeds.of(SPEC, 0)
    feeds.latest["face", "partner"] = ring
    feeds.held.set({"gain": 1.5})
    return inputs, Gather(SPEC, feeds, seed).fill(inputs, 0, frame, heard, NOW)


def test_nothing_heard_and_nobody_seen() -> None:
    for heard in (None, hop(0.7, valid=False)):
        inputs, flags = fill(PoseRing(), heard)
        assert flags == Flag.SILENT | Flag.NO_FACE
        assert (inputs["voice"] == -1.0).all()  # the spec's fill, not the samples of an invalid hop
        assert (inputs["look"] == 0.5).all()
        assert (inputs["voice_valid"][0], inputs["look_valid"][0], inputs["look_age"][0]) == (0.0, 0.0, NEVER_S)


def test_heard_and_seen() -> None:
    ring = PoseRing()
    ring.put(PoseSample(NOW - 30 * MS, np.array([0.1, 0.2], np.float32), True))
    inputs, flags = fill(ring, hop(0.25))
    assert flags == Flag(0)
    assert (inputs["voice"] == 0.25).all()
    assert inputs["look"][0].tolist() == pytest.approx([0.1, 0.2])
    assert inputs["look_age"][0] == pytest.approx(0.03)
    assert (inputs["voice_valid"][0], inputs["look_valid"][0], inputs["gain"][0]) == (1.0, 1.0, 1.5)


def test_the_face_of_the_future_is_not_seen() -> None:
    ring = PoseRing()
    for at, value in ((NOW - 50 * MS, 1.0), (NOW, 2.0), (NOW + 1, 3.0)):
        ring.put(PoseSample(at, np.full(2, value, np.float32), True))
    inputs, _ = fill(ring)
    assert (inputs["look"] == 2.0).all()
    assert inputs["look_age"][0] == 0.0


@pytest.mark.parametrize(("age_s", "seen"), [(STALE_S, True), (STALE_S + 0.001, False), (5000.0, False)])
def test_an_old_face_counts_until_it_is_stale(age_s: float, seen: bool) -> None:
    ring = PoseRing()
    ring.put(PoseSample(NOW - round(age_s * 1e9), np.full(2, 2.0, np.float32), True))
    inputs, flags = fill(ring, hop(0.0))
    assert flags == (Flag(0) if seen else Flag.NO_FACE)
    assert inputs["look"][0].tolist() == ([2.0, 2.0] if seen else [0.5, 0.5])
    assert inputs["look_age"][0] == pytest.approx(min(age_s, NEVER_S))


def test_a_picture_without_a_face_ends_the_face_before_it() -> None:
    ring = PoseRing()
    ring.put(PoseSample(NOW - 2 * MS, np.full(2, 2.0, np.float32), True))
    ring.put(PoseSample(NOW - 1 * MS, np.zeros(2, np.float32), False))
    inputs, flags = fill(ring, hop(0.0))
    assert flags == Flag.NO_FACE
    assert inputs["look_valid"][0] == 0.0


def test_bad_numbers_are_passed_on_for_the_model_to_flag() -> None:
    ring = PoseRing()
    ring.put(PoseSample(NOW, np.array([np.nan, 0.0], np.float32), True))
    inputs, flags = fill(ring, hop(np.inf))
    assert flags == Flag(0)
    assert np.isnan(inputs["look"][0, 0])
    assert np.isinf(inputs["voice"]).all()


def test_other_rows_are_left_alone() -> None:
    inputs = blank(rows=3)
    Gather(SPEC, Feeds.of(SPEC, 0), seed=0).fill(inputs, 1, 0, hop(0.5), NOW)
    for value in inputs.values():
        assert (value[[0, 2]] == 99.0).all()
        assert (value[1] != 99.0).all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**40))
def test_noise_depends_on_seed_and_frame_alone(seed: int, frame: int) -> None:
    first, again = (fill(PoseRing(), heard, frame, seed)[0]["noise"] for heard in (None, hop(0.3)))
    other = fill(PoseRing(), None, frame + 1, seed)[0]["noise"]
    reseeded = fill(PoseRing(), None, frame, seed + 1)[0]["noise"]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, reseeded)
    assert ((first >= 0.0) & (first < 1.0)).all()


BODY = StreamSpec(
    name="watcher",
    rate=30.0,
    inputs=(
        InputSpec("them", "body", (2, 3), validity="them_valid", age="them_age", missing=0.25, of="partner"),
        InputSpec("them_valid", "validity"),
        InputSpec("them_age", "age"),
    ),
    outputs=(OutputSpec("pose", (1,), ("a",), ("",)),),
)


@pytest.mark.parametrize("given", [(), ("body",)])
@pytest.mark.parametrize(
    ("age_s", "valid", "seen"),
    [(0.0, True, True), (STALE_S, True, True), (0.0, False, False), (STALE_S + 0.01, True, False), (None, True, False)],
)
def test_a_body_is_seen_as_a_face_is_and_missed_only_where_one_was_promised(
    given: tuple[str, ...], age_s: float | None, valid: bool, seen: bool
) -> None:
    feeds = Feeds.of(BODY, 0)
    bodies = feeds.latest["body", "partner"]
    bodies.put(PoseSample(NOW + 1, np.full((2, 3), 8.0, np.float32), True))  # of the future
    if age_s is not None:
        bodies.put(PoseSample(NOW - round(age_s * 1e9), np.full((2, 3), 2.0, np.float32), valid))
    inputs: dict[str, Any] = {item.name: np.full((1, *item.shape), 99.0, np.float32) for item in BODY.inputs}
    promised = {(what, "partner") for what in given}
    flags = Gather(BODY, feeds, 0, promised).fill(inputs, 0, 0, None, NOW)
    assert flags == (Flag.DEGRADED if given and not seen else Flag(0))
    assert (inputs["them"] == (2.0 if seen else 0.25)).all()
    assert inputs["them_valid"][0] == float(seen)
    assert inputs["them_age"][0] == pytest.approx(NEVER_S if age_s is None else age_s)


def test_an_echo_is_looked_for_where_both_voices_are_heard_and_as_it_was_asked_for() -> None:
    own = InputSpec("own", "audio", (40,), of="self")
    both = dataclasses.replace(SPEC, name="both", inputs=(*SPEC.inputs, own))
    looks = [
        (spec.name, echo)
        for spec in (SPEC, both)
        for echo in ECHO_MODES
        if Gather(spec, Feeds.of(spec, 0), 0, echo=echo).echo is not None
    ]
    assert looks == [("both", "gate"), ("both", "say")]
    with pytest.raises(EngineError, match="'loud': give one of gate, say, off"):
        Gather(both, Feeds.of(both, 0), 0, echo="loud")  # type: ignore[arg-type]
