"""From frames to poses: which streams make one, what happens when none come, and when the engine is another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.bridges.poser import HELD, REST_S, STALL_S, Poser, Presence
from engine.body.skeleton import skeleton
from engine.wire import Flag

from . import fake
from .bridges import announcement, frame, raised

MOVED = fake.face(headYaw=0.5, eyeBlinkLeft=1.0, headX=0.1)
FACE = announcement("emotion25", "arkit58")


def test_the_flag_is_that_of_the_wire_format() -> None:
    assert int(Flag.HELD) == HELD


def test_a_face_alone_moves_neck_head_and_eyes() -> None:
    poser = Poser(10.0)
    assert poser.take(frame(FACE, 0, [0.5]), 10.1) is None
    pose = poser.take(frame(FACE, 1, MOVED), 10.5)
    assert pose is not None and pose.face is not None
    assert (pose.time_s, pose.number, pose.rate, pose.presence) == (0.5, 1, 25.0, Presence.HERE)
    assert pose.face.yaw == 0.5 and pose.face.weight("eyeBlinkLeft") == 1.0
    assert list(pose.bones) == ["Neck", "Head", "LeftEye", "RightEye"]


def test_the_last_stream_of_a_step_completes_the_pose() -> None:
    engine, body = announcement("arkit58", "joints", "quaternions"), skeleton("cmu")
    poser = Poser(0.0)
    still = np.tile([0.0, 0.0, 0.0, 1.0], (len(body.joints), 1))
    assert poser.take(frame(engine, 0, MOVED), 0.1) is None
    assert poser.take(frame(engine, 1, raised()), 0.1) is None
    pose = poser.take(frame(engine, 2, still), 0.1)
    assert pose is not None and pose.face is not None and "LeftHand" in pose.bones
    np.testing.assert_allclose(pose.bones["Head"].turn, [0, 0, 0, 1], atol=1e-9)  # the body says how the head is turned
    assert pose.bones["LeftEye"].place == pytest.approx(body.rest[body.index("leftEye")], abs=1e-6)


def test_of_two_bundles_the_faster_one_sets_the_pace() -> None:
    engine, poser = announcement("arkit58", "joints", rates=(30.0, 20.0)), Poser(0.0)
    assert poser.take(frame(engine, 1, raised()), 0.1) is None
    pose = poser.take(frame(engine, 0, MOVED), 0.1)
    assert pose is not None and pose.rate == 30.0 and "Hips" in pose.bones


def test_a_body_that_cannot_tell_gets_its_head_s_turn_from_the_face() -> None:
    body = skeleton("humanml3d")
    engine = announcement("arkit58", "joints", body=body)
    poser = Poser(0.0)
    poser.take(frame(engine, 0, MOVED), 0.1)
    pose = poser.take(frame(engine, 1, body.rest_positions()), 0.1)
    assert pose is not None
    assert pose.bones["Head"].turn[1] == pytest.approx(np.sin(0.25), abs=1e-6) and "LeftEye" in pose.bones


def test_rotations_without_places_stand_where_they_rest() -> None:
    engine, body = announcement("quaternions"), skeleton("cmu")
    pose = Poser(0.0).take(frame(engine, 0, np.tile([0.0, 0.0, 0.0, 1.0], (len(body.joints), 1))), 0.1)
    assert pose is not None and pose.face is None
    assert pose.bones["Hips"].place == pytest.approx(body.rest[0])


def test_numbers_that_are_none_move_nothing() -> None:
    broken = MOVED.copy()
    broken[:3] = [np.nan, np.inf, -np.inf]
    broken[53] = np.nan
    pose = Poser(0.0).take(frame(FACE, 1, broken), 0.1)
    assert pose is not None and pose.face is not None
    assert pose.face.yaw == 0.0 and list(pose.face.weights.values())[:3] == [0.0, 0.0, 0.0]
    assert all(np.isfinite(bone.turn).all() for bone in pose.bones.values())


@given(st.floats(0.0, 10.0))
def test_what_no_longer_moves_goes_to_rest_and_is_gone(later: float) -> None:
    poser = Poser(0.0)
    poser.take(frame(FACE, 1, MOVED), 0.0)
    pose = poser.tick(later)
    if later < STALL_S:
        assert pose is None
        return
    assert pose is not None and pose.face is not None
    share = min((later - STALL_S) / REST_S, 1.0)
    assert pose.face.yaw == pytest.approx(0.5 * (1 - share)) and pose.face.place[0] == pytest.approx(0.1 * (1 - share))
    assert pose.face.weight("eyeBlinkLeft") == pytest.approx(1 - share)
    assert pose.presence is Presence.RESTING
    after = poser.tick(later)
    assert after is not None and after.presence is (Presence.GONE if share == 1.0 else Presence.RESTING)


def test_held_frames_are_as_good_as_none_and_a_partner_without_a_face_is_no_matter() -> None:
    poser, seen = Poser(0.0), []
    for step in range(50):
        flags = Flag.HELD | Flag.LATE if step else Flag.NO_FACE | Flag.SILENT | Flag.DEGRADED
        pose = poser.take(frame(FACE, 1, MOVED, int(flags), seq=step), 0.04 * step)
        assert pose is not None
        seen.append(pose.presence)
    assert seen[:12] == [Presence.HERE] * 12 and seen[14] is Presence.RESTING and seen[-1] is Presence.GONE
    pose = poser.take(frame(FACE, 1, MOVED, int(Flag.NO_FACE), seq=51), 2.1)
    assert pose is not None and pose.presence is Presence.HERE and pose.face is not None and pose.face.yaw == 0.5


def test_an_engine_that_begins_anew_brings_nothing_of_the_one_before() -> None:
    poser = Poser(0.0)
    poser.take(frame(FACE, 1, MOVED), 0.1)
    dance = announcement("joints", bundle="dance", rate=30.0)
    pose = poser.take(frame(dance, 0, raised(), run=1), 0.2)
    assert pose is not None and pose.face is None and "Hips" in pose.bones and pose.rate == 30.0
    other = announcement("arkit58", bundle="face")
    pose = poser.take(frame(other, 0, fake.face(), run=2), 0.3)
    assert pose is not None and pose.face is not None and pose.face.yaw == 0.0 and "Hips" not in pose.bones


def test_between_two_engines_only_what_the_new_one_has_said_counts() -> None:
    both, poser = announcement("arkit58", "joints"), Poser(0.0)
    poser.take(frame(both, 0, MOVED), 0.1)
    poser.take(frame(both, 1, raised()), 0.1)
    assert poser.take(frame(both, 0, fake.face(), run=1), 0.2) is None  # its body is still to come
    assert poser.tick(5.0) is not None
    pose = poser.tick(5.0)
    assert pose is not None and pose.face is not None and "Hips" not in pose.bones


def test_controls_that_change_are_no_new_engine() -> None:
    poser = Poser(0.0)
    poser.take(frame(announcement("arkit58", "joints"), 0, MOVED), 0.1)
    pose = poser.take(frame(announcement("arkit58", "joints"), 1, raised()), 0.1)
    assert pose is not None and pose.face is not None and pose.face.yaw == 0.5


def test_an_engine_without_face_and_body_is_said() -> None:
    poser = Poser(0.0)
    assert poser.lacks() == ""
    assert poser.take(frame(announcement("emotion25", bundle="effort"), 0, [0.1]), 0.1) is None
    assert poser.lacks() == "bundle effort gives neither a face nor a body: nothing is sent"
    assert poser.tick(9.0) is None and poser.farewell(9.0) == []


def test_the_last_poses_are_at_rest_and_gone() -> None:
    poser = Poser(0.0)
    poser.take(frame(FACE, 1, MOVED), 0.1)
    last, gone = poser.farewell(0.15)
    assert (last.presence, gone.presence) == (Presence.RESTING, Presence.GONE)
    assert last.face is not None and last.face.yaw == 0.0 and max(last.face.weights.values()) == 0.0
