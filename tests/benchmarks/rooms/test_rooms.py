"""The command: rooms are chosen by name and compared with the right others, and its exit code tells whether any failed.
Sentences in other languages."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks import rooms
from benchmarks.rooms import conditions, counts, languages, music, run
from benchmarks.rooms.conditions import CLEAN, SILENCE, STILL, TRACKED, Condition
from engine.bundle import BUNDLES
from engine.errors import EngineError
from engine.sources.demo import PARTNER
from train.reaction import view

RATE, COUNT = 16_000, 2 * 16_000
CLIP = np.sin(np.arange(RATE, dtype=np.float32))
SHORT = ["--bundles", "rules", "--minutes", "0.5", "--seeds", "1"]


@pytest.fixture(autouse=True)
def without_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)


@pytest.fixture
def every() -> list[Condition]:
    return conditions.all_rooms([CLIP], RATE, COUNT, [PARTNER / "speech.flac"])


def test_every_room_can_be_made_and_is_compared_with_another(every: list[Condition]) -> None:
    names = [room.name for room in every]
    assert len(names) == len(set(names)) and len(names) > 60
    for room in every:
        pcm, face = room.make()
        assert pcm.shape[0] == COUNT and pcm.dtype == np.float32 and np.isfinite(pcm).all(), room.name
        assert face is None or face.shape == (50, 58)
        other = next(item for item in every if item.name == room.against)
        assert (room.spoken == other.spoken) or room.group == "smile", room.name
        heard = pcm.any() and not any(word in room.name for word in ("alone at", "white at -", SILENCE))
        assert room.spoken == heard or room.group == "noise", room.name
    groups = {"level", "line", "noise", "distance", "music", "nobody", "face", "smile"}
    assert {room.group for room in every} - {"language"} == groups
    assert [room.name for room in every if room.name.startswith("speech")] == [
        "speech at 10 dB",
        "speech at 0 dB",
        "speech alone at -26 dBFS",
    ], "a recording is played under a voice and alone"


def test_rooms_are_chosen_by_group_or_a_part_of_a_name(every: list[Condition]) -> None:
    assert [room.name for room in run.chosen(every, ["telephone", "0.9 s"])] == ["telephone", "echo of 0.9 s"]
    assert {room.group for room in run.chosen(every, ["level"])} == {"level"}
    assert run.chosen(every, []) == every
    with pytest.raises(EngineError, match=r"--only kitchen: no room has that .* a group: level, line"):
        run.chosen(every, ["telephone", "kitchen"])
    bases = run.compared(every, run.chosen(every, ["telephone", "all channels"]))
    assert [room.name for room in bases] == [CLEAN, SILENCE, STILL, "readers, unseen", TRACKED]


def test_the_command_tells_a_listener_s_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert rooms.main([*SHORT, "--only", "opposite polarity", "white alone at -30"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = json.loads(lines[-1])
    mended, noise = told["rows"]["opposite polarity"]["rules"], told["rows"]["white alone at -30 dBFS"]["rules"]
    assert len(told["rows"]) == 3 and told["failed"] == [] and not told["raw"]
    assert mended["nods"] >= 2 and mended["minutes"] == 0.5 and noise["nods"] == 0
    assert "nothing fails" in lines and "no recorded music: install arcade or pygame, or give --music FILE" in lines


def test_two_bundles_of_one_name_are_told_apart_by_labels(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--bundles", "rules", f"lively={BUNDLES / 'rules'}", "--minutes", "0.5", "--seeds", "1"]
    rooms.main([*asked, "--only", "opposite polarity"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]["opposite polarity"]
    assert list(told) == ["rules", "lively"] and told["rules"] == told["lively"]
    with pytest.raises(EngineError, match="--bundles rules: the name is taken"):
        rooms.main(["--bundles", "rules", str(BUNDLES / "rules")])


def test_a_film_shows_the_partner_and_every_listener(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "room.mp4"
    asked = ["--bundles", "rules", f"other={BUNDLES / 'rules'}", "--minutes", "0.5"]
    assert rooms.main([*asked, "--film", str(out), "--only", "mouthSmile alone: still"]) == 0
    assert f"30.0 s -> {out}" in capsys.readouterr().out
    with av.open(str(out)) as film:
        frames = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
        assert film.streams.audio and len(frames) == 750
    # The two listeners draw the same; the partner's half moves with the face that it smiles with.
    middle = frames[400][: view.TALL].astype(int)
    partner, one, other = middle[:, :640], middle[30:440, 640:960], middle[30:440, 960:]
    assert np.abs(one - other).mean() < 3.0 and np.abs(partner[30:440, 160:480] - one).mean() > 10.0
    assert np.abs(frames[400][:240].astype(int) - frames[300][:240]).max() > 60
    for more, words in (
        (["--only", "hum"], "choose one with a face"),
        (["--only", "smile"], "choose one with a face"),
    ):
        with pytest.raises(EngineError, match=words):
            rooms.main([*asked, "--film", str(out), *more])
    with pytest.raises(EngineError, match=r"must end in \.mp4"):
        rooms.main([*asked, "--film", str(tmp_path / "a.gif"), "--only", "mouthSmile alone: still"])


def test_past_the_front_end_opposite_channels_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert rooms.main([*SHORT, "--seeds", "3", "--raw", "--only", "opposite polarity"]) == 1
    lines = capsys.readouterr().out.splitlines()
    told = json.loads(lines[-1])
    assert told["raw"] and told["rows"]["opposite polarity"]["rules"]["nods"] == 0
    assert told["failed"] == [line for line in lines if line.startswith("rules, opposite polarity")]
    assert told["failed"][0].startswith("rules, opposite polarity: nods 0.0 a minute, ")


def test_smiles_get_a_table_of_their_own(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "ANSWERED", 1.01)
    assert rooms.main([*SHORT, "--only", "mouthSmile alone: still"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("share of smiles answered")
    assert lines[at + 3].split("|")[0].strip() == f"no smile: {STILL}" and " 0.00 " in lines[at + 3]
    assert lines[at + 4].split("|")[1].split()[1:4] == ["1.00", "1.00!", "1.00!"]
    assert "rules, mouthSmile alone: still: answers 100% of the smiles of 0.8" in lines


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(EngineError, match="bundle dance: no listener with a face"):
        rooms.main(["--bundles", "dance"])
    with pytest.raises(EngineError, match=r"give 0\.5 or more, and 1 or more"):
        rooms.main(["--minutes", "0.1"])
    with pytest.raises(EngineError, match="there is no such file"):
        music.played(PARTNER / "no.mp3", RATE, COUNT, -26.0)


def test_fifteen_languages_say_the_same_six_sentences() -> None:
    assert len(languages.languages()) == 15 and languages.languages()[0] == conditions.FIRST_LANGUAGE
    if not languages.available():
        pytest.skip("needs eSpeak NG: pip install espeakng-loader")
    sounds = {name: languages.spoken(name, RATE) for name in ("German", "Mandarin", "Arabic")}
    for said in sounds.values():
        assert len(said) == 6
        for sentence in said:
            assert 0.7 < len(sentence) / RATE < 7 and 0.1 < np.abs(sentence).max() <= 1.1
    assert len({len(said[0]) for said in sounds.values()}) == 3, "each is said by a voice of its own"


def test_languages_are_left_out_where_nobody_says_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "PACKAGE", "a_package_that_nobody_has")
    left = conditions.all_rooms([CLIP], RATE, COUNT, [])
    assert left and not [room for room in left if room.group == "language"]
    assert "no languages: pip install espeakng-loader" in rooms._missing([])
    languages._library.cache_clear()
    with pytest.raises(EngineError, match="pip install espeakng-loader"):
        languages.spoken("German", RATE)
