"""Words of ``text/meta``: those that pandas laid down are read, pandas reads ours, and no pickle is run."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.files import FileError
from train.gesture.pats.meta import FramedWord, read_meta, strings_of, write_meta

WORDS = (FramedWord("do", 0, 7), FramedWord("you", 7, 9), FramedWord("héllo", 9, 10), FramedWord("日本", 10, 12))
BY_PANDAS = base64.b64decode(
    "gAWVpwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsA"
    "hZRDAWKUh5RSlChLAUsEhZRoA4wFZHR5cGWUk5SMAk84lImIh5RSlChLA4wBfJROTk5K/////0r/////Sz90lGKJXZQojAJkb5SM"
    "A3lvdZSMBmjDqWxsb5SMBuaXpeacrJRldJRiLg=="
)
"""The pickle that pandas 3.1 with PyTables 3.11 and numpy 2 wrote for the words above (``to_hdf``, fixed format)."""


def table(path: Path, pickled: bytes, values: object = None, columns: tuple[bytes, ...] = (b"Word",)) -> Path:
    """A file as pandas writes it, objects last, as it did for PATS."""
    frames = [[word.start, word.end] for word in WORDS] if values is None else values
    with h5py.File(path, "w") as file:
        file["text/meta/block0_items"] = np.array([b"start_frame", b"end_frame"])
        file["text/meta/block0_values"] = np.array(frames, float)
        file["text/meta/block1_items"] = np.array(columns)
        node = file.create_dataset("text/meta/block1_values", (1,), h5py.vlen_dtype(np.uint8))
        node[0] = np.frombuffer(pickled, np.uint8)
    return path


def read(path: Path) -> tuple[FramedWord, ...]:
    with h5py.File(path) as file:
        return read_meta(file["text/meta"], f"{path.name}: text/meta")


def pickled(words: list[object], protocol: int) -> bytes:
    return pickle.dumps(np.array(words, object).reshape(1, -1), protocol)


@pytest.mark.parametrize("protocol", (3, 4, 5))
def test_words_of_pandas(tmp_path: Path, protocol: int) -> None:
    assert read(table(tmp_path / "a.h5", BY_PANDAS)) == WORDS
    assert read(table(tmp_path / "b.h5", pickled([word.text for word in WORDS], protocol))) == WORDS
    old = pickled([word.text for word in WORDS], 3).replace(b"numpy._core.", b"numpy.core.", 1)
    assert read(table(tmp_path / "c.h5", old)) == WORDS


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=6))
def test_any_words_come_back(texts: list[str]) -> None:
    with h5py.File("any.h5", "w", driver="core", backing_store=False) as file:
        words = tuple(FramedWord(text, 3 * row, 3 * row + 3) for row, text in enumerate(texts))
        write_meta(file, "text/meta", words)
        assert read_meta(file["text/meta"], "any") == words


def test_pandas_reads_ours(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: its own reading is not compared")
    pytest.importorskip("tables", reason="PyTables is not installed: pandas reads no h5 without it")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_meta(file, "text/meta", WORDS)
    frame = pandas.read_hdf(tmp_path / "a.h5", "text/meta")
    assert list(frame.columns) == ["Word", "start_frame", "end_frame"] and list(frame.index) == [0, 1, 2, 3]
    assert [tuple(row) for row in frame.itertuples(index=False)] == [tuple(word) for word in WORDS]
    frame.to_hdf(tmp_path / "b.h5", key="text/meta")
    assert read(tmp_path / "b.h5") == WORDS


class Harm:
    """Pickled, it would make a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_no_pickle_is_run(tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    for protocol in (0, 2, 4, 5):
        with pytest.raises(ValueError, match="pickle"):
            strings_of(pickle.dumps(Harm(harm), protocol))
        with pytest.raises(ValueError, match="pickle"):
            strings_of(pickled([Harm(harm)], protocol))
    assert not harm.exists()
    with pytest.raises(FileError, match=r"a\.h5: text/meta: column 'Word' holds a pickle"):
        read(table(tmp_path / "a.h5", pickled([Harm(harm)], 4)))
    with pytest.raises(ValueError, match=r"names builtins\.eval"):
        strings_of(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.")
    with pytest.raises(ValueError, match=r"names other\.dtype"):
        strings_of(b"\x80\x04\x8c\x05other\x8c\x05dtype\x93.")


@pytest.mark.parametrize(
    ("bad", "told"),
    (
        (b"\x80\x04]r\xff\xff\xff\x7f.", "too high a number"),
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\x00\x00.", "cut short"),
        (BY_PANDAS[:-20], "cut short"),
        (b"", "cut short"),
        (b"\x80\x04].", "no array"),
        (pickle.dumps({"a": 1}), "opcode"),
        (pickled(["a", 3], 4), "row 1 is int"),
        (pickled([float("nan")], 4), "row 0 is nan"),
    ),
)
def test_pickles_of_something_else(bad: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        strings_of(bad)


@given(st.binary(max_size=40), st.integers(0, 200))
def test_damaged_pickles_are_told(noise: bytes, at: int) -> None:
    damaged = BY_PANDAS[:at] + noise + BY_PANDAS[at + len(noise) :]
    try:
        assert all(isinstance(word, str) for word in strings_of(damaged))
    except ValueError as error:
        assert str(error)


def test_tables_that_are_none(tmp_path: Path) -> None:
    words = pickled(["a", "b", "c", "d"], 4)
    for told, path in {
        "has no column Word": table(tmp_path / "a.h5", words, columns=(b"Other",)),
        "more than one column": table(tmp_path / "b.h5", words, columns=(b"Word", b"Other")),
        "4 words, 2 starts": table(tmp_path / "c.h5", words, [[0, 1], [1, 2]]),
        "no numbers": table(tmp_path / "d.h5", words, [[0, np.nan]] * 4),
        "is float64 .4, 3.": table(tmp_path / "e.h5", words, [[0, 1, 2]] * 4),
    }.items():
        with pytest.raises(FileError, match=told):
            read(path)
