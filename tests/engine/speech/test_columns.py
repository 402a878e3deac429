"""Words in a table: whatever names, order and dividers its columns have, it says the same; what is none is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.speech.columns import of_columns
from engine.speech.spoken import SpokenWord, WordsError

HELLO = [SpokenWord("hello", 0.5, 0.75), SpokenWord("there", 1.0, 1.25)]


def rows(order: tuple[int, ...], mark: str, header: tuple[str, ...] | None, comma: bool = False) -> str:
    lines = [[str(word.start), str(word.end), word.text] for word in HELLO]
    if comma:
        lines = [[cell.replace(".", ",") for cell in line] for line in lines]
    named = [list(header)] if header else []
    return "".join(mark.join(line[place] for place in order) + "\r\n" for line in [*named, *lines])


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    "header",
    [None, ("start", "end", "word"), ("Begin", "End", "Label"), ("xmin", "xmax", "text"), ("onset", "offset", "token")],
)
def test_every_order_divider_and_name_says_the_same(
    mark: str, order: tuple[int, ...], header: tuple[str, ...] | None
) -> None:
    if header is None and order.index(0) > order.index(1):
        with pytest.raises(WordsError, match=r"line 1 .*end before the start"):
            list(of_columns(rows(order, mark, None)))
        return
    assert list(of_columns(rows(order, mark, header))) == HELLO


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_decimal_comma_where_commas_divide_nothing(mark: str) -> None:
    assert list(of_columns(rows((0, 1, 2), mark, None, comma=True))) == HELLO


def test_lengths_units_and_a_missing_end() -> None:
    text = "n,Start (ms),duration_ms,Word,confidence\n1,500,250,hello,0.7\n2,1000,250,there,0.9\n"
    assert list(of_columns(text)) == HELLO
    assert list(of_columns("word,start\nhello,0.5\n")) == [SpokenWord("hello", 0.5, 0.8)]
    assert list(of_columns("word,start,end\nhello,0.5,\n")) == [SpokenWord("hello", 0.5, 0.8)]


def test_silence_and_empty_lines_are_no_words() -> None:
    text = 'start,end,word\n\n0,0.5,sil\n0.5,0.75,hello\n0.75,1,\n1,1.25,"there"\n,,\n'
    assert list(of_columns(text)) == HELLO


def test_quotes_hold_what_divides() -> None:
    assert list(of_columns('0.5,0.75,"well, ""so"""\n')) == [SpokenWord('well, "so"', 0.5, 0.75)]
    assert list(of_columns("0.5,0.75,a;b\n")) == [SpokenWord("a;b", 0.5, 0.75)]


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**5), st.text("aé字я ,;\"'", min_size=1, max_size=6)))
)
def test_whatever_is_written_comes_back(listed: list[tuple[int, int, str]]) -> None:
    import csv
    import io

    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["start_ms", "end_ms", "word"])
    writer.writerows([start, start + length, text] for start, length, text in listed)
    found = list(of_columns(out.getvalue()))
    kept = [(start, start + length, " ".join(text.split())) for start, length, text in listed if text.strip()]
    assert [word.text for word in found] == [text for *_, text in kept]
    assert [word.start for word in found] == pytest.approx([start / 1000 for start, *_ in kept])
    assert [word.end for word in found] == pytest.approx([end / 1000 for _, end, _ in kept])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2,3\n2,3,4\n", "3 columns of numbers and 0 of text"),
        ("hi,there,0.1,0.2\n", "2 columns of numbers and 2 of text"),
        ("0.1,hi\n", "1 columns of numbers"),
        ("anfang;ende;wort\n", "0 columns of numbers"),
        ("Word,start_frame,end_frame\nhi,1,2\n", "no column for the start"),
        ("start,end\n1,2\n", "no column for the text"),
        ("start,end,word\n1,2,hi\n1,x,ho\n", "line 3 is a time that is 'x'"),
        ("start,end,word\n1,nan,ho\n", "line 2 is a time that is 'nan'"),
        ("start,end,word\n1,1e99,ho\n", "not seconds up to"),
        ("start,end,word\n-1,1,ho\n", "seconds from 0"),
        ("start,end,word\n2,1,ho\n", "no end before the start"),
        ("start,end,word\n2\n", "line 2 is of 1 columns, 3 are needed"),
        ("start,end,word\n0,1,\x1b\n", "without letters"),
        ("start,end,word\n0,1," + "a" * 200_000, "does not read as a table"),
        (",".join("a" * 100) + "\n", "100 columns, 64 at most"),
        ("0.1,0.2,a\n0.3,b\n", "line 2 is of 2 columns"),
    ],
)
def test_what_is_no_table_of_words_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(WordsError) as error:
        list(of_columns(text))
    assert says in str(error.value)
