"""Films of what was sampled: the truth beside it, and its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clients.opencv.subtitles import TALL
from clients.opencv.video import playable
from engine.errors import EngineError
from tests.train.gesture.aisle.sets import made_set
from train.files import FileError
from train.gesture.aisle.book import Book
from train.gesture.aisle.render import pictures, read_sample, render
from train.gesture.aisle.sampling import write_sample
from train.gesture.aisle.settings import Settings
from train.gesture.pats.reader import PatsSet


def test_films_are_written_of_what_was_sampled(tmp_path: Path) -> None:
    data = made_set(tmp_path / "set", 40)
    book = Book.begin(tmp_path / "save", Settings(), "Speech2Gesture_G")
    book.write_json("args.args", Settings().to_dict())
    weights = book.path("weights.p")
    with pytest.raises(FileError, match="train aisle sample"):
        list(render(weights, data, "test", 1, True))
    for interval in PatsSet(data).intervals("test"):
        rows = interval.read("pose/normalize")[:20] + 30
        path = write_sample(book.samples, "test", interval.speaker, interval.interval_id, rows)
        np.testing.assert_array_equal(read_sample(path), rows)
    films = list(render(weights, data, "test", 9, True))
    assert [path.stem for path in films] == ["ann4", "bob4"] and playable(films[0]) == 20
    with pytest.raises(EngineError, match="--render 0"):
        list(render(weights, data, "test", 0, True))


def test_pictures_show_both_and_the_words(tmp_path: Path) -> None:
    interval = PatsSet(made_set(tmp_path / "set", 40)).intervals("test")[0]
    truth = interval.read("pose/normalize")[:12]
    same, moved = (list(pictures(interval, rows, True)) for rows in (truth, truth + 30))
    plain = next(pictures(interval, truth, False))
    assert len(same) == 12 and same[0].shape[0] == plain.shape[0] + TALL
    half = plain.shape[1] // 2
    np.testing.assert_array_equal(same[5][:, :half], moved[5][:, :half])
    assert (same[5][:, half:] != moved[5][:, half:]).any()
    assert (same[0][-TALL:] != same[-1][-TALL:]).any()
