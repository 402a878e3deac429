"""Words and their numbers, and how a text is cleaned."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bundle import BundleError
from engine.text.tidy import plain, tidy
from engine.text.vocabulary import MOST_BYTES, MOST_WORDS, UNKNOWN, Vocabulary


def vocabulary(content: bytes | str) -> Vocabulary:
    data = content.encode() if isinstance(content, str) else content
    bundle: Any = SimpleNamespace(path="somewhere", vocabulary="words.txt", read=lambda name: {"words.txt": data}[name])
    return Vocabulary(bundle)


def test_a_word_has_the_number_of_its_line_however_it_is_written() -> None:
    known = vocabulary("[UNK]\nhello\nDon't\n\nhello\nwell-known\n42\ncafe\u0301\n")
    assert known.number("hello") == known.number(" “Hello,” ") == known.number("HELLO!?") == 1
    assert known.number("don’t") == known.number("DON'T.") == 2
    assert known.number("well-known") == 5 and known.number("42%") == 6
    assert known.number("caf\u00e9") == 7


@pytest.mark.parametrize("word", ["", "...", "unk", "[UNK]", "other", "\x00", "\ud800", "wellknown"])
def test_what_is_not_listed_is_unknown(word: str) -> None:
    assert vocabulary("[UNK]\nhello\nwell-known").number(word) == UNKNOWN


def test_without_a_file_every_word_is_unknown() -> None:
    bundle: Any = SimpleNamespace(path="somewhere", vocabulary="")
    assert Vocabulary(bundle).number("hello") == UNKNOWN


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"", "0 lines"),
        (b"[UNK]", "1 lines"),
        (b"a\n" * (MOST_WORDS + 1), f"{MOST_WORDS + 1} lines"),
        (b"a" * (MOST_BYTES + 1), f"{MOST_BYTES} at most"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        vocabulary(content)


@given(st.text(max_size=200))
def test_a_cleaned_text_is_one_line_that_stays_as_it_is(text: str) -> None:
    said = tidy(text)
    assert tidy(said) == said == said.strip()
    assert "  " not in said
    said.encode()  # no halves of characters
    assert not {unicodedata.category(letter) for letter in said} & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert set(unicodedata.normalize("NFD", said)) <= {*unicodedata.normalize("NFD", text), " "}


@given(st.text(max_size=80))
def test_a_plain_word_begins_and_ends_with_a_letter_and_stays_as_it_is(text: str) -> None:
    word = plain(text)
    assert plain(word) == word
    assert not word or (word[0].isalnum() and word[-1].isalnum())


def test_cleaning_keeps_what_people_write() -> None:
    assert tidy("  Wave\tto\r\nthem,  please…\x1b[31m ") == "Wave to them, please… [31m"
    assert tidy("e\u0301te\u0301 👋🏽") == "été 👋🏽"
