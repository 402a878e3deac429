"""PREFIX files: written, read, and refused where they are not what they say."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from engine.errors import EngineError
from train.files import FileError
from train.gesture.aisle import book as books
from train.gesture.aisle.book import Book
from train.gesture.aisle.settings import Settings


class Program:
    """A pickle of this runs a program when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def test_experiments_are_counted_and_named(tmp_path: Path) -> None:
    settings = Settings(speaker=("oliver", "al.maram"), note="a/b", cpk="ours")
    books_ = [Book.begin(tmp_path / "save", settings, "Speech2Gesture_G") for _ in range(2)]
    assert books_[1].prefix == "exp_1_cpk_ours_speaker_oliver-al-maram_model_Speech2Gesture_G_note_a-b"
    assert (tmp_path / "save" / ".experiments").read_text() == "1\n"
    assert json.loads(books_[0].path("name.name").read_text())["name"] == books_[0].prefix
    many = Settings(speaker=tuple(f"speaker{number}" for number in range(40)))
    assert "_speaker_40_" in Book.begin(tmp_path / "save", many, "Speech2Gesture_G").prefix
    (tmp_path / "save" / ".experiments").write_text("many\n")
    with pytest.raises(FileError, match="'many'"):
        Book.begin(tmp_path / "save", settings, "Speech2Gesture_G")


def test_an_experiment_is_found_by_its_weights(tmp_path: Path) -> None:
    book = Book(tmp_path, "exp_3_cpk_a")
    book.save("weights.p", {"one": torch.arange(3)})
    found = Book.of(book.path("weights.p"))
    assert found.prefix == book.prefix and torch.equal(found.load()["one"], torch.arange(3))
    with pytest.raises(EngineError, match=r"no PREFIX_weights\.p"):
        Book.of(tmp_path / "model.safetensors")


@pytest.mark.parametrize("way", ["torch", "pickle"])
def test_weights_with_programs_are_refused(tmp_path: Path, way: str) -> None:
    book, trace = Book(tmp_path, "exp_0"), tmp_path / "trace"
    with book.path("weights.p").open("wb") as file:
        torch.save({"one": Program(trace)}, file) if way == "torch" else pickle.dump(Program(trace), file)
    with pytest.raises(FileError, match="no plain weights"):
        book.load()
    assert not trace.exists()


def test_a_pickled_name_is_never_read(tmp_path: Path) -> None:
    book, trace = Book(tmp_path, "exp_0"), tmp_path / "trace"
    book.path("name.name").write_bytes(pickle.dumps(Program(trace)))
    book.save("weights.p", {})
    assert Book.of(book.path("weights.p")).load() == {} and not trace.exists()


def test_what_is_no_weights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(tmp_path, "exp_0")
    with pytest.raises(FileError, match="no such file"):
        book.load()
    book.path("weights.p").write_bytes(b"")
    with pytest.raises(FileError, match="no plain weights"):
        book.load()
    book.save("weights.p", {"one": torch.zeros(9)})
    monkeypatch.setattr(books, "LARGEST", 100)
    with pytest.raises(FileError, match="100 at most"):
        book.load()
    book.path("args.args").write_text("[1]")
    with pytest.raises(FileError, match="no mapping"):
        book.args()
    with pytest.raises(FileError, match="no state dict"):
        books.state_of({"model": {"one": 1}}, "model", tmp_path)
