"""Words beside a sound: JSON, WebVTT and SubRip say the same, and what is no such file is refused in words."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.speech import words as module
from engine.speech.spoken import LATEST_S
from engine.speech.words import read_words


def written(folder: Path, name: str, content: str | bytes | Any) -> Path:
    file = folder / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


def said(file: Path) -> list[tuple[str, float, float]]:
    return [(word.text, word.start_ns / 1e9, word.end_ns / 1e9) for word in read_words(file).words]


LIST = [{"start": 1, "end": 1.25, "text": "there"}, {"start": 0.5, "end": 0.9, "text": " hello\n", "score": 0.7}]


@pytest.mark.parametrize("content", [LIST, {"language": "en", "words": LIST}])
def test_json_as_recognisers_write_it_in_order_of_time(tmp_path: Path, content: Any) -> None:
    assert said(written(tmp_path, "a.json", content)) == [("hello", 0.5, 0.9), ("there", 1.0, 1.25)]


def test_a_word_without_an_end_gets_one(tmp_path: Path) -> None:
    assert said(written(tmp_path, "a.json", [{"start": 2, "text": "hm"}])) == [("hm", 2.0, 2.3)]


VTT = """WEBVTT - some file

NOTE a comment

intro
00:01.000 --> 00:03.000 align:start
<v Ann>ab <c>abcdef</c></v>

01:00:00.500 --> 01:00:02.000
so <01:00:01.000>it goes &amp; on
"""


def test_cues_are_shared_by_letters_and_by_the_times_between(tmp_path: Path) -> None:
    found = said(written(tmp_path, "a.vtt", VTT))
    assert found[:2] == [("ab", 1.0, 1.5), ("abcdef", 1.5, 3.0)]
    assert [word for word, _, _ in found[2:]] == ["so", "it", "goes", "&", "on"]
    assert found[2][1:] == (3600.5, 3601.0)
    assert found[3][1] == 3601.0 and found[-1][2] == pytest.approx(3602.0)
    assert found[3][2] == pytest.approx(3601.0 + 2 / 9)


def test_subrip_says_the_same_with_commas(tmp_path: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:03,000\n{\\an8}<i>ab</i>\nabcdef\n\n2\n00:00:04,000 --> 00:00:05,000\nx\n"
    text = text.replace("\n", "\r\n")
    assert said(written(tmp_path, "a.srt", text)) == [("ab", 1.0, 1.5), ("abcdef", 1.5, 3.0), ("x", 4.0, 5.0)]


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=20), st.integers(0, 9000))
def test_the_words_of_a_cue_fill_its_time_without_gaps(tmp_path_factory: Any, words: list[str], length: int) -> None:
    until = 1000 + length
    text = f"WEBVTT\n\n00:01.000 --> 00:{until // 1000:02}.{until % 1000:03}\n{' '.join(words)}\n"
    found = read_words(written(tmp_path_factory.mktemp("cues"), "a.vtt", text)).words
    assert sorted(word.text for word in found) == sorted(words)
    assert found[0].start_ns == 1_000_000_000 and abs(found[-1].end_ns - until * 1_000_000) <= 2
    assert all(abs(a.end_ns - b.start_ns) <= 2 for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", "hello", [".json", ".vtt", ".srt"]),
        ("a.json", b"[\xff\xfe", ["UTF-8"]),
        ("a.json", b"\xff\xfe[", ["UTF-8"]),
        ("a.json", "{", ["JSON"]),
        ("a.json", "[" * 200_000, ["JSON"]),
        ("a.json", {"word": []}, ["no list"]),
        ("a.json", [], ["0 words"]),
        ("a.json", [{"start": 0, "end": 1}], ["word 0", "hello"]),
        ("a.json", [LIST[0], {"start": 2, "end": 1, "text": "a"}], ["word 1", "before the start"]),
        ("a.json", [{"start": -1, "end": 1, "text": "a"}], ["seconds from 0"]),
        ("a.json", [{"start": "0", "end": 1, "text": "a"}], ["str, not seconds"]),
        ("a.json", [{"start": True, "end": 1, "text": "a"}], ["bool, not seconds"]),
        ("a.json", '[{"start": NaN, "end": 1, "text": "a"}]', ["not seconds"]),
        ("a.json", '[{"start": 1e999, "text": "a"}]', ["not seconds"]),
        ("a.json", [{"start": 10**400, "text": "a"}], ["not seconds"]),
        ("a.json", [{"start": LATEST_S + 1, "text": "a"}], ["not seconds"]),
        ("a.json", [{"start": 0, "text": "\x1b \ud800"}], ["without letters"]),
        ("a.vtt", "WEBVTT\n\n00:01 --> 00:02\nhello", ["line 3", "00:01.000"]),
        ("a.vtt", "WEBVTT\n\n00:02.000 --> 00:01.000\nhello", ["line 3", "before it starts"]),
        ("a.vtt", "WEBVTT\n", ["0 words"]),
    ],
)
def test_what_is_no_words_file_is_refused_with_its_place(
    tmp_path: Path, name: str, content: Any, words: list[str]
) -> None:
    file = written(tmp_path, name, content)
    with pytest.raises(EngineError) as error:
        read_words(file)
    assert str(file) in str(error.value) and all(word in str(error.value) for word in words), str(error.value)


def test_what_is_absent_or_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="no such file"):
        read_words(tmp_path / "absent.json")
    with pytest.raises(EngineError, match="no such file"):
        read_words(Path("/dev/zero.json/../zero.json"))
    monkeypatch.setattr(module, "MOST_WORDS", 2)
    for name, content in (("a.json", [*LIST, LIST[0]]), ("a.vtt", "00:01.000 --> 00:02.000\na b c d e f")):
        with pytest.raises(EngineError, match="1 to 2"):
            read_words(written(tmp_path, name, content))
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with pytest.raises(EngineError, match="10 at most"):
        read_words(written(tmp_path, "b.json", LIST))


def test_a_long_word_is_cut(tmp_path: Path) -> None:
    assert len(said(written(tmp_path, "a.json", [{"start": 0, "text": "a" * 5000}]))[0][0]) == 64
    assert len(said(written(tmp_path, "a.srt", "00:01,000 --> 00:02,000\n" + "a" * 5000))[0][0]) == 64
