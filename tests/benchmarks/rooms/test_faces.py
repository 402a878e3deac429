"""Faces in rooms: smiles lie where they are asked for, channels are left out, clips are joined without a jump."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rooms import faces
from engine.channels import FACE
from engine.sources.demo import PARTNER, load_face
from engine.sources.media import MediaFile
from train.report import events

RATE, FRAMES = 16_000, 750
REST = np.full((FRAMES, 58), 0.1, np.float32)


@pytest.mark.parametrize("kind", faces.SMILES)
def test_a_smile_has_its_channels_size_and_time(kind: str) -> None:
    more = faces.smiling(REST, kind) - REST
    moved = {name for name, index in FACE.items() if more[:, index].any()}
    assert moved == set(faces.SMILES[kind])
    asked = faces.moments(FRAMES)
    assert [size for _, size in asked] == [0.3, 0.5, 0.8, 0.3]
    level = more[:, FACE["mouthSmileLeft"]] / faces.SMILES[kind]["mouthSmileLeft"]
    for time, size in asked:
        first = round(time * 25)
        assert not level[first - 30 : first - 1].any() and level[first + 2] > 0
        assert level[first : first + 65].max() == pytest.approx(size, abs=0.02)
        assert not level[first + 66 : first + 90].any()


def test_smiles_of_trackers_lack_what_these_do_not_give() -> None:
    assert set(faces.SMILES["mouthSmile alone"]) == {"mouthSmileLeft", "mouthSmileRight"}
    whole = faces.smiling(REST, "all channels")
    fewer = faces.smiling(REST, "no cheekSquint")
    assert [name for name, index in FACE.items() if (whole != fewer)[:, index].any()] == [
        "cheekSquintLeft",
        "cheekSquintRight",
    ]


@pytest.mark.parametrize("name", faces.MISSING)
def test_channels_are_left_out_by_name(name: str) -> None:
    left = faces.without(REST, faces.MISSING[name])
    gone = {channel for channel, index in FACE.items() if not left[:, index].any()}
    assert gone == {channel for channel in FACE if channel.startswith(faces.MISSING[name])}
    assert gone and len(gone) < 58 and (REST == 0.1).all()


def test_a_face_at_rest_blinks_and_a_simulated_one_speaks() -> None:
    rest = faces.still(FRAMES)
    said = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])
    speaking = faces.simulated(said[: FRAMES * 640], RATE)
    jaw = FACE["jawOpen"]
    assert rest.shape == speaking.shape == (FRAMES, 58)
    assert rest[:, jaw].max() < 0.02 and speaking[:, jaw].max() > 0.2
    assert len(events.blinks(rest, 25.0)) >= 3 and events.smiles(rest, 25.0) == []


def test_clips_are_joined_without_a_jump() -> None:
    pieces = [np.full((20, 58), level, np.float32) for level in (0.0, 1.0, 0.2)]
    whole = faces.joined(pieces)
    assert whole.shape == (60, 58)
    assert np.abs(np.diff(whole, axis=0)).max() == pytest.approx(1 / 6, abs=1e-3)
    assert (whole[:17] == 0).all() and (whole[23:37] == 1).all() and np.allclose(whole[43:], 0.2)


def test_readers_without_recordings_are_the_built_in_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_DATA", "no such folder")
    count = 45 * RATE
    pcm, face = faces.readers(RATE, count)
    own = load_face(PARTNER / "face.npz")
    assert len(pcm) == count and face is not None and face.shape == (45 * 25, 58)
    assert np.allclose(face[: len(own)], own) and np.allclose(face[len(own) :], own[: 45 * 25 - len(own)])
    lap = len(own) * 640
    assert np.array_equal(pcm[lap : lap + RATE], pcm[:RATE]), "voice and face begin their laps together"


def test_readers_are_tracked_people() -> None:
    folder = Path(os.environ.get("ENGINE_DATA", "no such folder")) / "face_grid_av" / "arkit_audio"
    if not folder.is_dir():
        pytest.skip("needs the GRID clips: point ENGINE_DATA at the recordings")
    pcm, face = faces.readers(RATE, 20 * RATE)
    assert len(pcm) == 20 * RATE and face is not None and face.shape == (500, 58)
    assert face[:, [FACE["cheekSquintLeft"], FACE["noseSneerLeft"], FACE["tongueOut"]]].max() < 1e-3
    assert np.degrees(np.abs(np.diff(face[:, 52:55], axis=0))).max() < 8, "no head jumps from clip to clip"
    assert np.abs(face[:, 55:]).max() < 0.2, "places are relative to where the head rests, in metres"
    loud = np.square(pcm.reshape(500, 640)).mean(1)
    mouth = np.abs(np.diff(face[:, FACE["jawOpen"]], prepend=0.1))
    kernel = np.ones(5) / 5
    together = np.corrcoef(np.convolve(loud, kernel, "same") ** 0.5, np.convolve(mouth, kernel, "same"))[0, 1]
    assert together > 0.3, "the mouth moves with the voice"
