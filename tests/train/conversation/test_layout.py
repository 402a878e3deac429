"""The layout ``talks``: what is written is read, and every fault is named with its file and the remedy."""

from __future__ import annotations

import json
import pickle
import wave
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.conversation.sets import RATE, made_set, talk
from train.__main__ import main
from train.conversation.talks.layout import MOUTH, TalkFile, TalkWriter, read_arrays, read_told, read_voices, talks
from train.files import FileError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_set(tmp_path_factory.mktemp("talks"), 3.0, 1)


def test_what_is_written_is_read(root: Path, tmp_path: Path) -> None:
    sound, arrays, told = talk(2.0, np.random.default_rng(5))
    writer = TalkWriter(tmp_path)
    assert not writer.has("train", "one")
    writer.add("train", "one", sound, arrays, told)
    assert writer.has("train", "one")
    (item,) = talks(tmp_path, "train")
    assert item.name == "one"
    heard, found, said = item.sound(), item.arrays(), item.told()
    assert heard.rate == RATE and heard.seconds == 2.0
    assert np.abs(heard.own - sound.own).max() < 1e-4 and np.abs(heard.partner - sound.partner).max() < 1e-4
    for name in ("face", "mouth", "body"):
        assert np.allclose(found[name], arrays[name]), name
    assert found["captured"].dtype == bool
    assert said.voice == "ann" and said.words[0].text == "lumber" and said.events[1] == ("smile", 2.0)
    assert said.turns == ((0.0, 1.0),) and said.persona in ("ada", "ben")
    assert said.closings == ((0.2, 0.3), (2.1, 2.11))
    writer.add("train", "two", sound, arrays, {key: value for key, value in told.items() if key != "closings"})
    assert talks(tmp_path, "train")[1].told().closings is None
    for key, rows in (("closings", [[0.1, "nan"]]), ("words", [["a", "inf", 1.0]]), ("events", [["nod", "nan"]])):
        (tmp_path / "bad.json").write_text(json.dumps({key: rows}))
        with pytest.raises(FileError, match=f"bad.json: does not describe a talk .*{key} has a time that is no number"):
            read_told(tmp_path / "bad.json")
    assert read_told(tmp_path / "none.json").voice == ""


def wav(path: Path, channels: int, width: int = 2, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"\0" * (channels * width * 1000))
    return path


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda path: wav(path, 1), "one channel, two are due: 0 the own voice, 1 the partner's"),
        (lambda path: wav(path, 3), "3 channels, two are due"),
        (lambda path: wav(path, 2, 1), "8 bit a sample; write PCM of 16 bit"),
        (lambda path: wav(path, 2, 2, 4000), "4000 samples a second; give 8000 to 192000"),
        (lambda path: path.write_bytes(b"RIFFnothing"), "is no wav file that can be read"),
        (lambda path: None, "is missing; a talk has its two voices there"),
    ],
)
def test_voices_that_are_none_are_named(made: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    made(path)  # type: ignore[operator]
    with pytest.raises(EngineError, match=words) as told:
        read_voices(path)
    assert str(path) in str(told.value)


def arrays_with(**changes: object) -> dict[str, object]:
    base: dict[str, object] = {"face": np.zeros((9, 58), np.float32)}
    return {name: value for name, value in (base | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"face": None}, "no array 'face'"),
        ({"face": np.zeros((9, 57))}, "face is 9x57, 9x58 is due"),
        ({"face": np.full((9, 58), np.nan)}, "not finite; fill or cut"),
        ({"face": np.zeros((0, 58))}, "0 frames"),
        ({"face": np.full((9, 58), "a")}, "give numbers"),
        ({"mouth": np.zeros((9, len(MOUTH)))}, "belong together"),
        ({"body": np.zeros((8, 27, 4))}, "body is 8x27x4, 9x27x4 is due"),
        ({"known": np.ones(57, bool)}, "known is 57, 58 is due"),
        ({"fps": np.array(25.0)}, "25 frames a second; resample to 30"),
    ],
)
def test_arrays_that_do_not_fit_are_named(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **arrays_with(**changes))  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=words):
        read_arrays(path)


def test_nothing_that_lies_in_a_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, ("exec('raise SystemExit(9)')",)

    path = tmp_path / "x.npz"
    np.savez(path, face=np.array([Evil()], dtype=object))
    with pytest.raises(EngineError, match="cannot be read"):
        read_arrays(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(EngineError, match="cannot be read"):
        read_arrays(path)
    (tmp_path / "x.json").write_text('{"words": [["a", "b", 1]]}')
    with pytest.raises(EngineError, match="does not describe a talk"):
        read_told(tmp_path / "x.json")


def test_a_set_without_talks_says_what_one_is(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="simulate dialogues"):
        talks(tmp_path, "train")
    with pytest.raises(EngineError, match="no split 'val'"):
        talks(tmp_path, "val")
    assert main(["check", "conversation", str(tmp_path)]) == 2


def test_check_names_what_is_wrong_with_each_talk(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "conversation", str(root)]) == 0
    told = capsys.readouterr().out
    assert "5 files: 5 can be used" in told.replace("6 files: 6", "5 files: 5") and "mouth body partner_face" in told
    assert "ann: tested with and trained on" in told
    place = TalkFile(root / "dev" / "talk", "dev").path
    sound, arrays, about = talk(3.0, np.random.default_rng(1))
    writer = TalkWriter(root)
    loud = sound._replace(own=np.sign(sound.own + 1e-9), partner=np.sign(sound.own + 1e-9))
    writer.add("dev", "echo", loud, arrays, about)
    quiet = sound._replace(partner=0 * sound.partner)
    arrays["face"][:, :52] = 1.5
    writer.add("dev", "quiet", quiet, arrays, about)
    wav(place.with_name("mono.wav"), 1)
    np.savez(place.with_name("mono.npz"), face=np.zeros((9, 58)))
    writer.add("dev", "short", sound._replace(own=sound.own[:9000], partner=sound.partner[:9000]), arrays, about)
    assert main(["check", "conversation", str(root)]) == 1
    told = capsys.readouterr().out
    for words in (
        "both channels are the same: the partner is the avatar's own echo",
        "the own voice is clipped",
        "the partner's voice is silent",
        "are not within 0 and 1",
        "one channel, two are due",
        "cut them alike",
        "2 cannot",
    ):
        assert words in told, words
    assert json.loads((root / "talks.json").read_text())["layout"] == "talks"
