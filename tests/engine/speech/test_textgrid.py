"""Words of a TextGrid: the long and the short form say the same, and the right tier is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.speech.spoken import WordsError
from engine.speech.textgrid import of_textgrid
from engine.speech.words import read_words

Label = tuple[float, float, str]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def long_form(tiers: dict[str, list[Label]], end: float = 9.0) -> str:
    """As Praat's "Save as text file" writes it."""
    out = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0 \nxmax = {end} \n'
    out += f"tiers? <exists> \nsize = {len(tiers)} \nitem []: \n"
    for number, (name, labels) in enumerate(tiers.items(), 1):
        out += f'    item [{number}]:\n        class = "IntervalTier" \n        name = {quoted(name)} \n'
        out += f"        xmin = 0 \n        xmax = {end} \n        intervals: size = {len(labels)} \n"
        for place, (start, until, text) in enumerate(labels, 1):
            out += f"        intervals [{place}]:\n            xmin = {start} \n            xmax = {until} \n"
            out += f"            text = {quoted(text)} \n"
    return out


def short_form(tiers: dict[str, list[Label]], end: float = 9.0) -> str:
    """As Praat's "Save as short text file" writes it."""
    out = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n{end}\n<exists>\n{len(tiers)}\n'
    for name, labels in tiers.items():
        out += f'"IntervalTier"\n{quoted(name)}\n0\n{end}\n{len(labels)}\n'
        out += "".join(f"{start}\n{until}\n{quoted(text)}\n" for start, until, text in labels)
    return out


TALK: dict[str, list[Label]] = {
    "phones": [(0.0, 0.1, "h"), (0.1, 0.2, "ai"), (0.2, 0.3, "d"), (0.3, 0.4, "e"), (0.4, 0.5, "a")],
    "words": [(0.0, 0.5, "sp"), (0.5, 0.75, 'the "hi"'), (0.75, 1.0, ""), (1.0, 1.25, "день"), (1.25, 2.0, "SIL")],
}


@pytest.mark.parametrize("form", [long_form, short_form])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_both_forms_in_every_encoding_say_the_same(tmp_path: Path, form: object, encoding: str) -> None:
    assert callable(form)
    file = tmp_path / "talk.TextGrid"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    file.write_bytes(mark + form(TALK).encode(encoding))
    found = read_words(file)
    assert found.place == "tier 'words'"
    times = [(word.text, word.start_ns / 1e9, word.end_ns / 1e9) for word in found.words]
    assert times[0][:2] == ("the", 0.5) and times[1] == ('"hi"', pytest.approx(0.5 + 0.25 * 3 / 7), 0.75)
    assert times[2:] == [("день", 1.0, 1.25)]


@pytest.mark.parametrize(
    ("tiers", "tier"),
    [
        (("phones", "word"), "word"),
        (("phones", "Ann - words"), "Ann - words"),
        (("phones", "WORDS"), "WORDS"),
        (("swords", "text"), "swords"),
        (("text", "sentences"), "text"),
    ],
)
def test_the_tier_is_found_by_its_name_or_by_its_labels(tiers: tuple[str, str], tier: str) -> None:
    many = [(float(at), at + 0.5, "a") for at in range(5)]
    few = [(0.0, 1.0, "hello"), (1.0, 2.0, "good day to you")]
    place, _ = of_textgrid(long_form({tiers[0]: many, tiers[1]: few}))
    assert place == f"tier {tier!r}"


def test_of_several_speakers_the_one_who_says_most() -> None:
    said = {"Ann - words": [(0.0, 1.0, "a")], "Bob - words": [(0.0, 1.0, "b"), (1.0, 2.0, "c")]}
    place, words = of_textgrid(short_form(said))
    assert place == "tier 'Bob - words'" and [word.text for word in words] == ["b", "c"]


def test_points_and_comments_are_passed_over() -> None:
    text = '"ooTextFile" "TextGrid" ! a comment "no"\n0 2 <exists> 2\n"TextTier" "tones" 0 2 1 0.5 "H*"\n'
    text += '"IntervalTier" "words" 0 2 1 0.5 1 "hi"'
    assert [word.text for word in of_textgrid(text)[1]] == ["hi"]


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8),
        min_size=1,
        max_size=9,
    )
)
def test_whatever_word_is_written_comes_back(words: list[str]) -> None:
    labels = [(at / 4, (at + 1) / 4, f"x{word}") for at, word in enumerate(words)]
    import unicodedata

    for form in (long_form, short_form):
        found = list(of_textgrid(form({"words": labels}))[1])
        assert [word.text for word in found] == [unicodedata.normalize("NFC", text) for *_, text in labels]
        assert [(word.start, word.end) for word in found] == [label[:2] for label in labels]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it ends where the file's type"),
        ('"ooTextFile" "Pitch" 1', "no TextGrid"),
        ('File type = "ooBinaryFile"', "it ends where"),
        (long_form(TALK)[:500], "it ends where"),
        (long_form(TALK).replace("xmax = 0.1 ", 'xmax = "a" '), "'\"a\"' stands where a time should"),
        (long_form(TALK).replace("xmax = 0.1 ", "xmax = 0.1.2 "), "stands where a time should"),
        (long_form(TALK).replace('text = "h"', "text = 5"), "stands where a label should"),
        (long_form(TALK).replace("size = 2", "size = 1e9"), "the number of tiers is 1e+09"),
        (long_form(TALK).replace("size = 5", "size = 2.5"), "the number of labels is 2.5"),
        (long_form(TALK).replace("IntervalTier", "Tier"), "a tier of kind 'Tier'"),
        (long_form({"words": [(2.0, 1.0, "hi")]}), "'hi' from 2 to 1"),
        (long_form({"words": [(-2.0, 1.0, "hi")]}), "seconds from 0"),
        (long_form({"words": [(0.0, 1e300, "hi")]}), "seconds from 0"),
        (long_form({"words": [(0.0, 1.0, "")], "a": [(0.0, 1.0, "sil")]}), "no interval tier with words in it"),
        (long_form({}), "interval tiers: none"),
        ('"ooTextFile" "TextGrid" 0 1 <absent>', "interval tiers: none"),
    ],
)
def test_what_is_no_textgrid_with_words_is_refused(text: str, says: str) -> None:
    with pytest.raises(WordsError) as error:
        list(of_textgrid(text)[1])
    assert says in str(error.value), str(error.value)


def test_a_file_that_never_ends_a_string_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.TextGrid"
    file.write_text('"ooTextFile" "TextGrid" 0 1 <exists> 1 "IntervalTier" "words" 0 1 1 0 1 "' + "a " * 1_000_000)
    with pytest.raises(EngineError, match="ends where a label"):
        read_words(file)
