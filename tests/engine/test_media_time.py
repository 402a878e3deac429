"""Times in containers that jump, wrap, begin anew or tell the clock on the wall: sound and pictures stay together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV is not installed")

from engine.sound.front_end import FrontEnd
from engine.sources.file import FileSource
from engine.sources.media import MediaFile, upright
from engine.sources.sound_line import SoundLine
from tests.engine.made_media import FPS, RATE, Cut, film, joined
from tests.engine.test_sources_file import Shade, play

HOP = RATE // FPS


class Played(NamedTuple):
    """What a film gives: the sound's length and the part of it that is sound, seconds; its loudness every 10 ms;
    (media time, level) of each picture; the problem, and what is said once."""

    seconds: float
    sound_s: float
    loud: np.ndarray
    seen: list[tuple[float, float]]
    problem: str
    notices: list[str]

    @property
    def jumps(self) -> list[float]:
        """The seconds at which it is said to jump."""
        places = (re.match(r"its time jumps at ([0-9.]+) s; sound and pictures", text) for text in self.notices)
        return [float(place[1]) for place in places if place]


def played(path: Path) -> Played:
    media = MediaFile(path)
    blocks = list(media.audio(RATE, FrontEnd(on=False)))
    sound = np.concatenate([block.samples for block in blocks])
    valid = np.concatenate([np.full(len(block.samples), block.valid) for block in blocks])
    short = HOP // 4
    loud = np.abs(sound[: len(sound) // short * short]).reshape(-1, short).max(1)
    seen = [(at_ns / 1e9, float(upright(picture).mean())) for at_ns, picture in media.pictures()]
    return Played(len(sound) / RATE, valid.sum() / RATE, loud, seen, media.problem or "", media.notices)


def apart_s(result: Played) -> float:
    """How far sound and picture are apart at most, seconds: both grow over 40 pictures, and fall at the same moment."""
    falls = np.flatnonzero((result.loud[4:] < 0.25) & (result.loud[:-4] > 0.4)) + 4
    heard = falls[np.diff(falls, prepend=-100) > 20] / 100
    times, levels = (np.array(side) for side in zip(*result.seen, strict=True))
    seen = times[1:][np.diff(levels) < -150]
    assert 0 < len(heard) <= len(seen)
    return float(np.abs(heard[:, None] - seen).min(1).max())


@pytest.mark.parametrize("pictures_first", [False, True])
@pytest.mark.parametrize("jumps_on", [False, True])
def test_sound_by_the_clock_on_the_wall_is_played_with_its_pictures(
    tmp_path: Path, pictures_first: bool, jumps_on: bool
) -> None:
    cuts = [Cut(4, 0, 1_700_000_000), Cut(4, 4, 1_700_000_004 + 180 * jumps_on)]
    result = played(film(tmp_path / "wall.mkv", cuts, pictures_first=pictures_first))
    assert result.seconds == pytest.approx(8, abs=0.1)
    assert result.sound_s == pytest.approx(8, abs=0.1)
    assert len(result.seen) == 200
    assert apart_s(result) < 0.13
    assert result.jumps == ([0.0, 4.0] if jumps_on else [0.0])
    assert result.problem == ""


def test_pictures_by_the_clock_on_the_wall_are_played_with_their_sound(tmp_path: Path) -> None:
    result = played(film(tmp_path / "wall.mkv", [Cut(4, 1_700_000_000, 0)]))
    assert result.seconds == pytest.approx(4, abs=0.1)
    assert result.seen[-1][0] == pytest.approx(3.96, abs=0.05)
    assert apart_s(result) < 0.13


@pytest.mark.parametrize("pictures_first", [False, True])
def test_sound_whose_clock_jumps_alone_stays_with_its_pictures(tmp_path: Path, pictures_first: bool) -> None:
    result = played(film(tmp_path / "jump.mkv", [Cut(4), Cut(4, 4, 184)], pictures_first=pictures_first))
    assert result.seconds == pytest.approx(8, abs=0.3)
    assert apart_s(result) < 0.3
    assert result.jumps == pytest.approx([4.0], abs=0.3)


@pytest.mark.parametrize("begins_s", [1.0, 25.0, 400.0, 26 * 3600.0])
def test_transport_streams_joined_go_on_together_where_their_time_jumps(tmp_path: Path, begins_s: float) -> None:
    first = film(tmp_path / "a.ts", [Cut(4, 5, 5)])
    second = film(tmp_path / "b.ts", [Cut(4, begins_s, begins_s)])
    result = played(joined(tmp_path / "ab.ts", first, second))
    assert result.seconds == pytest.approx(8, abs=0.3)
    assert result.sound_s == pytest.approx(8, abs=0.3)
    assert len(result.seen) == 200
    assert result.seen[-1][0] == pytest.approx(8, abs=0.3)
    assert np.diff([at_s for at_s, _ in result.seen]).max() < 0.3
    assert apart_s(result) < 0.13
    assert len(result.jumps) == 1
    assert "cut short" not in result.problem


def test_every_break_is_counted_and_the_first_are_named(tmp_path: Path) -> None:
    parts = [film(tmp_path / f"{at}.ts", [Cut(2, at, at)]) for at in (300, 5, 1000, 200, 90)]
    result = played(joined(tmp_path / "all.ts", *parts))
    assert result.seconds == pytest.approx(10, abs=0.5)
    assert apart_s(result) < 0.13
    assert result.jumps == pytest.approx([2.0, 4.0, 6.0], abs=0.3)
    assert result.notices[-1] == "its time jumps more often than that"


def test_sound_that_pauses_while_the_picture_goes_on_is_a_pause(tmp_path: Path) -> None:
    result = played(film(tmp_path / "muted.mkv", [Cut(2), Cut(40, 2, None), Cut(2, 42, 42)]))
    assert result.seconds == pytest.approx(44, abs=0.1)
    assert result.sound_s == pytest.approx(4, abs=0.1)
    assert apart_s(result) < 0.13
    assert result.notices == []
    assert "gaps in the sound" in result.problem


def test_a_picture_that_stands_while_the_sound_goes_on_is_no_break(tmp_path: Path) -> None:
    result = played(film(tmp_path / "slide.mkv", [Cut(1), Cut(40, None, 1), Cut(1, 41, 41)]))
    assert result.seconds == pytest.approx(42, abs=0.1)
    assert result.seen[-25][0] == pytest.approx(41, abs=0.05)
    assert result.problem == "" and result.notices == []


@pytest.mark.parametrize(("gap_s", "length_s"), [(20.0, 24.0), (600.0, 4.0)])
@pytest.mark.parametrize("kind", ["sound", "pictures"])
def test_a_stream_by_itself_may_pause_but_not_for_minutes(
    tmp_path: Path, kind: str, gap_s: float, length_s: float
) -> None:
    begins = [0.0, 2.0 + gap_s]
    cuts = [Cut(2, None if kind == "sound" else at, at if kind == "sound" else None) for at in begins]
    result = played(film(tmp_path / "alone.mkv", cuts))
    assert result.seconds == pytest.approx(length_s, abs=0.1)
    assert result.jumps == ([2.0] if gap_s > 30 else [])
    if kind == "pictures":
        assert result.seen[-1][0] == pytest.approx(length_s - 0.04, abs=0.1)


def test_the_whole_source_says_a_break_once_in_a_loop_as_well(tmp_path: Path) -> None:
    path = joined(tmp_path / "ab.ts", film(tmp_path / "a.ts", [Cut(1, 9, 9)]), film(tmp_path / "b.ts", [Cut(1, 2, 2)]))
    hops, faces, source = play(FileSource(path, fast=True, tracker=Shade(), loop=True), limit=160)
    assert len(hops) == 160
    assert None not in faces[2:]
    assert source.problem is None
    assert [text.count("jumps") for text in source._media.notices] == [1]


@pytest.mark.parametrize("pauses", ["sound", "pictures"])
def test_a_break_after_a_pause_of_one_is_where_the_other_is(tmp_path: Path, pauses: str) -> None:
    pause = Cut(4, 7, None) if pauses == "sound" else Cut(4, None, 7)
    first = film(tmp_path / "a.ts", [Cut(2, 5, 5), pause])
    second = film(tmp_path / "b.ts", [Cut(4, 1, 1)])
    result = played(joined(tmp_path / "ab.ts", first, second))
    assert result.seconds == pytest.approx(10, abs=0.3)
    assert result.seen[-1][0] == pytest.approx(10, abs=0.3)
    falls = np.flatnonzero(np.diff([level for _, level in result.seen]) < -150)
    quiet = np.flatnonzero((result.loud[4:] < 0.25) & (result.loud[:-4] > 0.4)) / 100
    assert quiet[-1] == pytest.approx(result.seen[falls[-1] + 1][0], abs=0.13)


def test_sound_that_comes_twice_is_heard_once() -> None:
    line, gaps = SoundLine(RATE, lambda: gaps.append(1)), list[int]()
    ones = np.ones(RATE, np.float32)
    blocks = [*line.sound(ones, RATE, 0.0), *line.sound(2 * ones, RATE, 0.5), *line.end_run()]
    sound = np.concatenate([block.samples for block in blocks])
    assert len(sound) == RATE * 3 // 2
    np.testing.assert_allclose(sound[[100, RATE - 100, RATE + 100, -100]], [1, 1, 2, 2], atol=0.05)
    assert gaps == []
