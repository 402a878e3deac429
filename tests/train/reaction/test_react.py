"""What the writer writes the reader reads; the challenge's own layout, with its quirks, is read too; a broken set is
refused with the file's name."""

from __future__ import annotations

import json
import shutil
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.channels import EMOTION_NAMES, FACE, head_rotation
from engine.errors import EngineError
from models.emotion import emotion
from tests.train.reaction.sets import VOICE, listener, small_talk, write_set
from train.__main__ import main
from train.reaction.clips import MEAN_ROTATION, MEAN_TRANSLATION, METRES, from_faceverse
from train.reaction.react import ReactData
from train.simulate.talk import RATE, Talk
from train.simulate.write import Writer


@pytest.fixture(scope="module")
def talk() -> Talk:
    return small_talk()


@pytest.fixture(scope="module")
def root(talk: Talk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sim"), talk)


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(root, tmp_path / "copy"))


def test_a_talk_comes_back_as_it_was_written(root: Path, talk: Talk) -> None:
    (first, second) = ReactData(root).talks("val")
    assert (first.name, second.name, first.voice, first.listeners) == ("v0", "v1", VOICE.name, ("L0", "L1"))
    assert first.frames == talk.frames == 1500
    np.testing.assert_allclose(first.audio(), talk.pcm, atol=0.51 / 32768)
    np.testing.assert_array_equal(first.face(), talk.face)
    wanted = listener(talk, 1)
    np.testing.assert_array_equal(first.listener("L1"), wanted.face)
    felt = emotion(torch.from_numpy(wanted.face)).numpy()
    np.testing.assert_allclose(first.emotion("L1"), felt, atol=0.51e-4)
    for name, values in first.controls("L1").items():
        np.testing.assert_array_equal(values, wanted.controls[name])


def test_a_talk_is_heard_through_one_front_end_as_a_live_voice_is(copied: Path, talk: Talk) -> None:
    """Softer, and with an offset: it comes to training as it would live, and the second clip knows of the first."""
    for path in copied.glob("val/Audio_files/SIM/v0/speaker/*.wav"):
        with wave.open(str(path), "rb") as file:
            form, pcm = file.getparams(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
        with wave.open(str(path), "wb") as file:
            file.setparams(form)
            file.writeframes((pcm / 10 + 1000).astype("<i2").tobytes())
    heard = ReactData(copied).talks("val")[0].audio()
    said = np.concatenate([heard[round(one.start_s * RATE) : round(one.end_s * RATE)] for one in talk.phrases])
    late = said[len(said) // 3 :]
    assert abs(10 * np.log10(np.mean(np.square(late, dtype=float))) + 26) < 3.0
    assert abs(heard[20 * RATE :].mean()) < 1e-3


def test_times_are_counted_from_the_start_of_the_talk(root: Path, talk: Talk) -> None:
    read = ReactData(root).talks("val")[0]

    def close(found: tuple, wanted: tuple) -> None:
        assert len(found) == len(wanted) > 0
        for one, other in zip(found, wanted, strict=True):
            for key, value in vars(other).items():
                assert getattr(one, key) == (value if isinstance(value, str) else pytest.approx(value, abs=1e-3))

    close(read.spans("phrases"), talk.phrases)
    close(read.spans("own_turns"), talk.own_turns)
    close(read.cues(), talk.cues)
    close(read.events("L0"), listener(talk, 0).events)
    assert max(cue.time_s for cue in read.cues()) > 30  # some lie in the second clip


def test_files_are_those_of_the_challenge(root: Path, talk: Talk) -> None:
    clips = [np.load(root / f"val/3D_FV_files/SIM/v0/speaker/{clip}.npy") for clip in (1, 2)]
    assert clips[0].shape == clips[1].shape == (751, 58)
    np.testing.assert_array_equal(clips[0][750], clips[1][0])
    np.testing.assert_array_equal(clips[1][750], clips[1][749])
    lines = (root / "val/Emotion/SIM/v0/L0/2.csv").read_text().splitlines()
    assert lines[0] == ",".join(EMOTION_NAMES) and len(lines) == 751
    with wave.open(str(root / "val/Audio_files/SIM/v0/speaker/1.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (
            RATE,
            1,
            2,
            480_000,
        )
    assert (root / "val.csv").read_text().splitlines()[:2] == [
        ",speaker_path,listener_path",
        "0,SIM/v0/speaker/1,SIM/v0/L0/1",
    ]
    layout = json.loads((root / "layout.json").read_text())
    assert layout["sources"][VOICE.name]["split"] == "val" and layout["fps"] == 25 and layout["face"] == "engine"


def test_neighbours_are_the_listeners_of_the_same_clip(root: Path) -> None:
    data = ReactData(root)
    pairs, found = data.pairs("val"), data.neighbours("val")
    assert found is not None and found.pairs == tuple(pairs)
    matrix = found.matrix
    same = [[a.speaker == b.speaker for b in pairs] for a in pairs]
    np.testing.assert_array_equal(matrix, same)
    assert matrix.sum() == 2 * 2 * 2 * 2  # talks, clips, listeners squared


def test_a_folder_of_something_else_is_not_written_to(root: Path, copied: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    with pytest.raises(EngineError, match="not made by this command"):
        Writer(other, "a test", 0)
    assert (other / "thesis.txt").exists()
    Writer(copied, "a test", 0)  # its own is emptied
    assert not (copied / "val").exists()
    with pytest.raises(EngineError, match="broken off"):
        ReactData(copied)


def test_what_does_not_fit_the_talk_is_not_written(talk: Talk, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "new", "a test", 0)
    with pytest.raises(EngineError, match="whole clips"):
        writer.add("val", "x", VOICE, replace(talk, face=talk.face[:1000]), [])
    short = replace(listener(talk, 0), face=talk.face[:1400])
    with pytest.raises(EngineError, match="listener 0"):
        writer.add("val", "x", VOICE, talk, [short])


def test_the_command_gives_the_same_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    options = ["--talks", "3", "--minutes", "0.5", "--listeners", "2", "--seed", "5"]
    files = []
    for name in ("a", "b"):
        assert main(["simulate", str(tmp_path / name), *options]) == 0
        found = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        files.append({path.relative_to(tmp_path / name): path.read_bytes() for path in found})
    assert files[0] == files[1] and len(files[0]) > 30
    data = ReactData(tmp_path / "a")
    assert [len(data.talks(split)) for split in data.splits] == [1, 1, 1]
    assert {talk.voice for split in data.splits for talk in data.talks(split)} > {"synth-val-000"}
    for talk in data.talks("val"):
        assert talk.listener("L0").shape == (750, 58) and talk.emotion("L1").shape == (750, 25)


@pytest.mark.parametrize(
    ("option", "said"),
    [("--minutes=0.7", "multiple of 0.5"), ("--talks=2", "at least 3"), ("--listeners=0", "at least 1")],
)
def test_wrong_options_are_refused(option: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "x"), option]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speaker\nx\n", "header"),
        ("", "header"),
        (",speaker_path,listener_path\n0,a/b,c/d\n", ":2: 'a/b' is not site/chat/person/clip"),
        (",speaker_path,listener_path\n0,SIM/v0/speaker/1\n", ":2: has 2 cells"),
        (",speaker_path,listener_path\n0,S/v/s/²,S/v/s/1\n", "is not site/chat/person/clip"),
    ],
)
def test_a_bad_list_of_pairs_is_refused(copied: Path, text: str, said: str) -> None:
    (copied / "val.csv").write_text(text, "utf-8")
    with pytest.raises(EngineError, match=said) as caught:
        ReactData(copied).talks("val")
    assert "val.csv" in str(caught.value)


def test_neighbours_that_do_not_fit_are_refused(copied: Path) -> None:
    np.save(copied / "neighbour_emotion_val.npy", np.zeros((3, 3)))
    with pytest.raises(EngineError, match=r"neighbour_emotion_val.npy: is 3 x 3, where val.csv has 8 pairs"):
        ReactData(copied).neighbours("val")


def test_what_is_not_there_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such folder"):
        ReactData(tmp_path / "none")
    with pytest.raises(EngineError, match="no split 'dev'"):
        ReactData(root).pairs("dev")
    with pytest.raises(EngineError, match="no listener 'L7'"):
        ReactData(root).talks("val")[0].listener("L7")


@pytest.fixture(scope="module")
def challenge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set as the challenge ships it: clips 1, 2 and 4 of one chat, a nod and a turn in FaceVerse's numbers."""
    folder = tmp_path_factory.mktemp("challenge")
    rows = [",speaker_path,listener_path"]
    time = np.arange(round(30.04 * 44_100)) / 44_100
    for number, clip in enumerate((1, 2, 4)):
        chat = "NoXI/010_2016-03-25_Paris"
        rows.append(f"{number},{chat}/Expert_video/{clip},{chat}/Novice_video/{clip}")
        for person in ("Expert_video", "Novice_video"):
            face = np.zeros((751, 1, 58), np.float32)
            face[..., 52:55], face[..., 55:] = MEAN_ROTATION, MEAN_TRANSLATION
            face[100:110, 0, 52] += 0.2
            face[200:210, 0, 53] += 0.3
            face[300:310, 0, 57] += 0.5
            place = folder / "val" / "3D_FV_files" / chat / person
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / f"{clip}.npy", face)
            np.save(place / f"{clip}_full.npy", np.zeros((751, 300), np.float32))
            place = folder / "val" / "Emotion" / chat / person
            place.mkdir(parents=True, exist_ok=True)
            table = np.full((750, 25), 0.25 * clip)
            np.savetxt(place / f"{clip}.csv", table, "%.3f", ",", header=",".join(EMOTION_NAMES), comments="")
        place = folder / "val" / "Audio_files" / chat / "Expert_video"
        place.mkdir(parents=True, exist_ok=True)
        tone = np.round(8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2")
        with wave.open(str(place / f"{clip}.wav"), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(44_100)
            file.writeframes(np.stack([tone, tone], 1).tobytes())
    (folder / "val.csv").write_text("\n".join(rows) + "\n")
    np.save(folder / "neighbour_emotion_val.npy", np.eye(6))  # pairs, then the mirrored ones
    return folder


def test_the_challenges_own_layout_is_read(challenge: Path) -> None:
    data = ReactData(challenge)
    assert data.splits == ("val",) and data.both_ways("val") is False
    joined, alone = data.talks("val")
    assert (joined.name, joined.frames, joined.listeners) == ("010_2016-03-25_Paris@1", 1500, ("Novice_video",))
    assert (alone.name, alone.clips) == ("010_2016-03-25_Paris@4", (4,))
    sound = joined.audio()
    assert sound.shape == (960_000,)
    assert np.argmax(np.abs(np.fft.rfft(sound[:RATE]))) == 440
    emotions = joined.emotion("Novice_video")
    assert emotions.shape == (1500, 25) and (emotions[0, 0], emotions[-1, 0]) == (0.25, 0.5)
    assert joined.controls("Novice_video")["expressiveness"].tolist() == [1.0] * 1500
    assert joined.cues() == joined.spans("phrases") == joined.events("Novice_video") == ()


def test_a_nod_and_a_turn_of_faceverse_have_our_signs(challenge: Path) -> None:
    face = ReactData(challenge).talks("val")[0].listener("Novice_video")
    np.testing.assert_allclose(face[0], 0, atol=1e-6)
    np.testing.assert_allclose(face[105, FACE["headPitch"]], 0.2, atol=1e-6)
    np.testing.assert_allclose(face[205, FACE["headYaw"]], 0.3, atol=1e-6)
    np.testing.assert_allclose(face[305, FACE["headZ"]], 0.5 * METRES, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_faceverse_angles_turn_the_nose_as_ours_do(axis: int) -> None:
    """FaceVerse's model lies upside down (y down, z into the picture) and is turned by Rz Ry Rx."""
    angles = np.array([np.pi, 0.0, 0.0])
    angles[axis] += 0.25

    def about(k: int, angle: float) -> np.ndarray:
        c, s = np.cos(angle), np.sin(angle)
        i, j = (k + 1) % 3, (k + 2) % 3
        out = np.eye(3)
        out[i, i], out[i, j], out[j, i], out[j, j] = c, -s, s, c
        return out

    turned = about(2, angles[2]) @ about(1, angles[1]) @ about(0, angles[0]) @ np.diag([1.0, -1.0, -1.0])
    coefficients = np.zeros((1, 58))
    coefficients[0, 52:55] = np.array(MEAN_ROTATION) + angles - [np.pi, 0, 0]
    ours = head_rotation(*from_faceverse(coefficients)[0, 52:55].tolist())
    np.testing.assert_allclose(ours, turned, atol=1e-6)
