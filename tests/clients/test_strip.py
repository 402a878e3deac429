"""Strips and films: the right frames, in order, with their words; files that play."""

from __future__ import annotations

import av
import numpy as np
import pytest

from clients.opencv.store import FrameStore
from clients.opencv.strip import Shot, comic, film, floor_of, strip
from engine.body.skeleton import skeleton

from . import fake
from .test_video import receive

PLAIN = skeleton("cmu").to_dict()
TILE = (60, 80)


def motion(frames: int, step: float = 0.0) -> np.ndarray:
    return np.stack([fake.standing(x=step * k, sway=0.02 * k) for k in range(frames)])


def tiles(sheet: np.ndarray, columns: int, tile: tuple[int, int] = TILE) -> list[np.ndarray]:
    wide, tall = tile
    rows = (sheet.shape[0] + 2) // (tall + 2)
    corners = [(row * (tall + 2), column * (wide + 2)) for row in range(rows) for column in range(columns)]
    return [sheet[y : y + tall, x : x + wide] for y, x in corners]


def test_every_fourth_frame_in_order():
    still = motion(1).repeat(13, axis=0)
    moved = still.copy()
    moved[8:, :, 1] += 0.3  # from the third tile on the body hangs in the air
    one, other = (tiles(strip(each, PLAIN, columns=2, tile=TILE, floor=0.0)[:, :, :], 2) for each in (still, moved))
    assert len(one) == 4
    below = slice(16, None)  # without the time stamps
    assert all(tile.std() > 5 for tile in one)
    assert [bool((a[below] != b[below]).any()) for a, b in zip(one, other, strict=True)][2:] == [True, True]
    chosen = strip(still, PLAIN, frames=[3, 5], columns=2, tile=TILE)
    assert chosen.shape == (80, 122, 3)


def test_labels_and_partner_are_in_the_picture():
    still = motion(5)
    plain = strip(still, PLAIN, tile=TILE)
    labelled = strip(still, PLAIN, tile=TILE, labels=["high"] * 5)
    assert (plain[:60] == labelled[:60]).all() and (plain[66:] != labelled[66:]).any()
    paired = strip(still, PLAIN, tile=TILE, partner=(still + np.float32((0.8, 0, 0)), PLAIN))
    assert (plain != paired).mean() > 0.05


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="no frames"):
        strip(np.empty((0, 27, 3)), PLAIN)
    empty = strip(np.full((5, 27, 3), np.nan), PLAIN, tile=TILE)
    assert empty.shape == (80, 122, 3)


def test_the_floor_is_where_the_feet_are():
    low = motion(40) - np.float32((0.0, 0.24, 0.0))
    low[3] += 7.0
    low[5] = np.nan
    assert floor_of(low, PLAIN) == pytest.approx(-0.24, abs=1e-6)
    assert floor_of(np.full((4, 27, 3), np.nan), PLAIN) == 0.0
    without = {**PLAIN, "feet": []}
    assert floor_of(low, without) == pytest.approx(-0.24, abs=1e-6)


@pytest.mark.parametrize("ending", ["mp4", "gif"])
def test_a_film_shows_all_frames_side_by_side(tmp_path, ending):
    path = tmp_path / f"film.{ending}"
    shots = [(motion(9), PLAIN, "one"), Shot(motion(6), PLAIN, "two", labels=["low"] * 6)]
    assert film(path, shots, rate=25.0, size=(96, 96)) == 9
    with av.open(str(path)) as file:
        pictures = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
        assert float(file.streams.video[0].average_rate) == pytest.approx(25.0, rel=0.01)
    assert len(pictures) == 9 and pictures[0].shape == (96, 192, 3)
    first, last = pictures[0].astype(int), pictures[-1].astype(int)
    assert np.abs(first - last).max(2)[28:, :96].max() > 60, "the body moved"
    assert pictures[0][:, :96].std() > 10 < pictures[0][:, 96:].std()


def test_a_gif_has_the_colours_it_was_given(tmp_path):
    path = tmp_path / "film.gif"
    film(path, [(motion(2), PLAIN, "")], size=(160, 160))
    with av.open(str(path)) as file:
        picture = next(file.decode(video=0)).to_ndarray(format="bgr24").astype(int)
    warm = (picture[..., 2] - picture[..., 0]).max()
    cold = (picture[..., 0] - picture[..., 2]).max()
    assert warm > 60 and cold > 60, "orange and blue survive the palette"


def test_a_film_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.mp4 or \.gif"):
        film(tmp_path / "a.avi", [(motion(2), PLAIN, "")])
    with pytest.raises(ValueError, match="no shots"):
        film(tmp_path / "a.mp4", [])


@pytest.mark.parametrize(("frames", "rows"), [(20, 1), (60, 2), (900, 8)])
def test_a_recorded_dance_becomes_a_comic_of_bounded_size(frames, rows):
    store = FrameStore(fake.read(fake.dance("tcp://127.0.0.1:1", monitor=False)), None)
    for seq in range(frames):
        if seq != 9:
            receive(store, fake.frame(seq, fake.values("body", seq)))
    sheet = comic(store)
    columns = min(12, -(-frames // 4))
    assert sheet.shape == (rows * 192 - 2, columns * 134 - 2, 3)
