"""A recording as an MCAP file of well-known messages, read back by the format's own reader."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from engine.body.solve import rotations_of
from engine.channels import FACE, head_quaternion, head_rotation
from engine.errors import EngineError
from engine.record.foxglove import HEAD_HEIGHT, convert
from engine.record.layout import RecordingError
from engine.record.reading import Recording
from engine.wire import Flag
from tests.engine.dancer import STICK
from tests.engine.record.make import PATH
from tests.engine.record.scenes import recorded, some

ANGLE = st.floats(-1.5, 1.5)


@given(ANGLE, ANGLE, ANGLE)
def test_a_head_is_turned_alike_as_matrix_and_as_quaternion(pitch: float, yaw: float, roll: float) -> None:
    turned = head_quaternion(pitch, yaw, roll)
    np.testing.assert_allclose(rotations_of(turned.astype(np.float32)), head_rotation(pitch, yaw, roll), atol=1e-5)


def messages(path: Path) -> dict[str, list[tuple[str, int, Any]]]:
    """Schema, log time and message of every message, by topic."""
    found: dict[str, list[tuple[str, int, Any]]] = {}
    with path.open("rb") as file:
        reader = make_reader(file)
        schema_of = {}
        for schema, channel, message in reader.iter_messages():
            assert schema is not None
            known = schema_of.setdefault(schema.id, DecoderFactory().decoder_for(channel.message_encoding, schema))
            value = json.loads(message.data) if known is None else known(message.data)
            found.setdefault(channel.topic, []).append((schema.name, message.log_time, value))
    return found


def test_a_listener_is_there_with_its_face_its_head_and_the_voice_that_it_heard(tmp_path: Path) -> None:
    said = convert(PATH, tmp_path / "out.mcap")
    steps = list(Recording(PATH).steps())
    assert f"{len(steps)} frames of rules as /tf, /face/face" in said and "without" not in said
    found = messages(tmp_path / "out.mcap")
    assert {topic: (len(rows), rows[0][0]) for topic, rows in found.items()} == {
        "/tf": (len(steps), "foxglove.FrameTransforms"),
        "/face/face": (len(steps), "reaction_engine.face"),
        "/numbers/emotion": (len(steps), "reaction_engine.emotion"),
        "/numbers/acknowledge": (len(steps), "reaction_engine.acknowledge"),
        "/voice/partner": (len(steps), "foxglove.RawAudio"),
    }
    assert [at for _, at, _ in found["/tf"]] == [step.due_ns for step in steps]
    moved = 0.0
    for step, (_, _, tree), (_, _, numbers) in zip(steps, found["/tf"], found["/face/face"], strict=True):
        face = step.frames[0].values
        assert numbers["jawOpen"] == pytest.approx(face[FACE["jawOpen"]]) and len(numbers) == 59
        assert numbers["flags"] == [one.name for one in Flag(step.flags)]
        upright, head = tree.transforms
        assert (upright.parent_frame_id, upright.child_frame_id, head.parent_frame_id) == ("world", "avatar", "avatar")
        turned = np.array([head.rotation.x, head.rotation.y, head.rotation.z, head.rotation.w])
        expected = head_rotation(*(float(face[FACE[name]]) for name in ("headPitch", "headYaw", "headRoll")))
        np.testing.assert_allclose(rotations_of(turned.astype(np.float32)), expected, atol=1e-5)
        assert head.translation.y == pytest.approx(HEAD_HEIGHT + float(face[FACE["headY"]]))
        moved = max(moved, float(np.abs(turned[:3]).max()))
    assert moved > 0.005
    lifted = np.array([upright.rotation.x, upright.rotation.y, upright.rotation.z, upright.rotation.w], np.float32)
    np.testing.assert_allclose(rotations_of(lifted) @ [0, 1, 0], [0, 0, 1], atol=1e-6)
    heard = np.concatenate([np.frombuffer(row.data, "<i2") for _, _, row in found["/voice/partner"]]) / 32767.0
    inputs = np.concatenate([step.inputs["partner_audio"].reshape(-1) for step in steps])
    np.testing.assert_allclose(heard, inputs, atol=1e-4)
    assert np.abs(heard).max() > 0.05
    one = found["/voice/partner"][5][2]
    assert (one.format, one.sample_rate, one.number_of_channels) == ("pcm-s16", 16000, 1)
    starts = [row.timestamp.seconds * 10**9 + row.timestamp.nanos for _, _, row in found["/voice/partner"]]
    assert starts[1] == found["/voice/partner"][0][1], "a block begins where the one before ends"


def test_a_body_is_there_as_joints_and_lines_and_numbers_that_are_none_are_null(tmp_path: Path) -> None:
    records = [some(seq) for seq in range(4)]
    records[2].frames[1].values[0] = np.nan
    path = recorded(tmp_path / "in.mcap", records)
    said = convert(path, tmp_path / "out.mcap")
    assert "without voices: bundle small" in said
    found = messages(tmp_path / "out.mcap")
    assert found["/body/body"][0][0] == "foxglove.SceneUpdate" and len(found["/body/body"]) == 4
    for record, (_, _, tree), (_, _, scene) in zip(records, found["/tf"], found["/body/body"], strict=True):
        at = record.frames[0].values.reshape(-1, 3)
        placed = {one.child_frame_id: one.translation for one in tree.transforms[1:]}
        assert list(placed) == [f"body/{joint}" for joint in STICK.joints]
        for place, joint in zip(at, placed.values(), strict=True):
            np.testing.assert_allclose([joint.x, joint.y, joint.z], place, rtol=1e-6)
        (line,) = scene.entities[0].lines
        points = np.array([[point.x, point.y, point.z] for point in line.points]).reshape(-1, 2, 3)
        np.testing.assert_allclose(points, at[np.array(STICK.lines)], rtol=1e-6)
    assert [row["a"] is None for _, _, row in found["/numbers/pose"]] == [False, False, True, False]


def test_what_cannot_be_done_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "in.mcap"
    copy.write_bytes(PATH.read_bytes())
    with pytest.raises(EngineError, match="is the recording itself"):
        convert(copy, tmp_path / "." / "in.mcap")
    copy.write_bytes(PATH.read_bytes()[:-3000] + bytes(3000))
    with pytest.raises(RecordingError, match="damaged"):
        convert(copy, tmp_path / "out.mcap")
    with pytest.raises(RecordingError, match="cannot be read"):
        convert(tmp_path / "nothing.mcap", tmp_path / "out.mcap")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordingError, match="cannot write"):
        convert(PATH, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "in.mcap"]
    monkeypatch.setitem(sys.modules, "foxglove", None)
    with pytest.raises(EngineError, match=r"pip install 'reaction-engine\[foxglove\]'"):
        convert(PATH, tmp_path / "out.mcap")


def test_a_recording_that_breaks_off_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(PATH.read_bytes()[:-2000])
    said = convert(cut, tmp_path / "out.mcap")
    assert "no end, as after a crash" in said and messages(tmp_path / "out.mcap")["/tf"]
