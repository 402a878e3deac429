"""One avatar, one head: a face and a body of one session, and which of them moves the head."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.body.skeleton import Skeleton, skeleton
from engine.channels import FACE, FACE_NAMES, head_rotation
from engine.session.head import HeadLink
from engine.streams import Stream
from engine.wire import Flag, Frame

CMU = skeleton("cmu")
FACE_STREAM = Stream(0, "face", "output", FACE_NAMES, ("",) * 58, 1, codec="arkit58")
BODY_STREAM = Stream(512, "body", "output", CMU.channels, ("m",) * 81, 2, "cmu", "joints")
TURN_STREAM = Stream(513, "rotations", "output", ("",) * 108, ("",) * 108, 3, "cmu", "quaternions")
HEAD, EYE, OTHER_EYE = (CMU.index(name) for name in ("head", "leftEye", "rightEye"))


def frame(stream: Stream, values: np.ndarray) -> Frame:
    return Frame(1, stream.number, Flag(0), 0, 0, 0, 0, 0, stream.layout, values.astype(np.float32).ravel())


def link(
    leader: str, streams: tuple[Stream, ...] = (FACE_STREAM, BODY_STREAM, TURN_STREAM)
) -> tuple[HeadLink, list[Frame]]:
    got: list[Frame] = []
    made = HeadLink(leader, got.append)
    made.know(list(streams), {"cmu": CMU})
    return made, got


def face(pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> np.ndarray:
    values = np.zeros(58)
    values[[FACE["headPitch"], FACE["headYaw"], FACE["headRoll"], FACE["headY"]]] = pitch, yaw, roll, 0.1
    return values


def turned(angle: float) -> np.ndarray:
    """The body at rest, turned about the vertical."""
    rest = CMU.rest_positions().astype(float)
    return rest @ np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])


def test_a_nod_of_the_face_lowers_the_eyes_of_the_body_and_nothing_else() -> None:
    passes, got = link("face")
    passes(frame(FACE_STREAM, face(pitch=0.4)))
    passes(frame(BODY_STREAM, turned(0.0)))
    nodding, body = got[0].values, got[1].values.reshape(-1, 3)
    assert nodding[FACE["headPitch"]] == pytest.approx(0.4)
    rest = CMU.rest_positions()
    moved = np.linalg.norm(body - rest, axis=1) > 1e-4
    assert set(np.flatnonzero(moved)) == {EYE, OTHER_EYE}
    assert body[EYE, 1] < rest[EYE, 1]  # pitch above 0 looks down
    assert np.linalg.norm(body[EYE] - body[HEAD]) == pytest.approx(np.linalg.norm(rest[EYE] - rest[HEAD]), abs=1e-5)


@given(st.floats(-3.1, 3.1), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.floats(-0.5, 0.5))
def test_the_head_turns_the_same_wherever_the_body_faces(facing: float, pitch: float, yaw: float, roll: float) -> None:
    ahead, got = link("face")
    ahead(frame(FACE_STREAM, face(pitch, yaw, roll)))
    for angle in (0.0, facing):
        ahead(frame(BODY_STREAM, turned(angle)))
    first, second = (item.values.reshape(-1, 3) for item in got[1:])
    back = np.array([[np.cos(facing), 0, np.sin(facing)], [0, 1, 0], [-np.sin(facing), 0, np.cos(facing)]])
    assert np.allclose(second @ back, first, atol=1e-4)


def test_the_local_rotation_of_the_head_is_the_faces_on_top_of_its_own() -> None:
    passes, got = link("face")
    passes(frame(FACE_STREAM, face(yaw=0.6)))
    still = np.tile([0.0, 0.0, 0.0, 1.0], (27, 1))
    passes(frame(TURN_STREAM, still))
    values = got[1].values.reshape(-1, 4)
    assert np.allclose(values[HEAD], [0, np.sin(0.3), 0, np.cos(0.3)], atol=1e-6)
    assert np.array_equal(np.delete(values, HEAD, 0), np.delete(still, HEAD, 0).astype(np.float32))
    x, y, z, w = values[HEAD].astype(float)
    assert np.allclose(
        head_rotation(0, 0.6, 0)[0], [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], atol=1e-6
    )


def test_with_the_body_leading_the_face_leaves_the_head_alone() -> None:
    passes, got = link("body")
    shown = face(0.4, 0.2)
    shown[0] = 0.7
    passes(frame(FACE_STREAM, shown))
    passes(frame(BODY_STREAM, turned(0.3)))
    assert not got[0].values[52:].any() and got[0].values[0] == np.float32(0.7)
    assert np.array_equal(got[1].values, turned(0.3).astype(np.float32).ravel())


@pytest.mark.parametrize("streams", [(FACE_STREAM,), (BODY_STREAM, TURN_STREAM)])
def test_without_both_nothing_is_changed(streams: tuple[Stream, ...]) -> None:
    for leader in ("face", "body"):
        passes, got = link(leader, streams)
        assert not passes.links
        for stream in streams:
            values = face(0.4) if stream is FACE_STREAM else np.arange(len(stream.names), dtype=float)
            passes(frame(stream, values))
        assert all(np.abs(item.values).sum() > 0 for item in got)
        assert got[0].values[FACE["headPitch"]] == pytest.approx(0.4) if FACE_STREAM in streams else True


def test_a_body_without_a_head_is_left_alone() -> None:
    stick = Skeleton("stick", ("hip", "hand"), (-1, 0), ((0, 1, 0), (0.5, 0, 0)))
    got: list[Frame] = []
    made = HeadLink("face", got.append)
    made.know(
        [FACE_STREAM, Stream(512, "body", "output", stick.channels, ("m",) * 6, 2, "stick", "joints")], {"stick": stick}
    )
    assert not made.links
