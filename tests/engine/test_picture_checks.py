"""What is wrong with pictures that come: made ones, and films of people as they are, darkened, blurred and stopped."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.sources.media import MediaFile, upright
from engine.sources.picture_checks import PictureChecks, emptiness, structure

FRAME_NS = 40_000_000
FILMS = ("face_grid_av/video/s1_bbaf4p.mpg", "face_grid_av/video/other_lbbc2a.mpg", "face_video_intel_ccby/asl_no.mkv")


def noisy(level: float, noise: float, slope: float = 0.0, chance: int = 0) -> np.ndarray:
    """A covered lens: a level of light with a slope over the picture where it leaks, and a sensor's noise."""
    whole = level + slope * (np.arange(640) / 640 - 0.5)[None, :, None]
    drawn = np.random.default_rng(chance).normal(0, noise, (480, 640, 3))
    return np.clip(whole + drawn, 0, 255).astype(np.uint8)


@pytest.fixture
def films() -> dict[str, list[np.ndarray]]:
    """The pictures of some films, BGR as a camera gives them."""
    folder = os.environ.get("ENGINE_DATA")
    if not folder:
        pytest.skip("ENGINE_DATA does not name the folder of recordings")
    return {
        name: [upright(frame)[:, :, ::-1] for _, frame in MediaFile(Path(folder) / name).pictures()] for name in FILMS
    }


@pytest.mark.parametrize(
    ("level", "noise", "slope"), [(0, 0, 0), (0, 2, 0), (10, 6, 0), (30, 15, 6), (45, 25, 0), (20, 8, 12)]
)
def test_a_covered_lens_is_dark_however_the_sensor_is_turned_up(level: float, noise: float, slope: float) -> None:
    assert (emptiness(noisy(level, noise, slope)) or "").startswith("camera dark")


@pytest.mark.parametrize("colour", [(128, 128, 128), (0, 135, 0), (255, 255, 255), (200, 40, 40)])
def test_one_colour_is_plain(colour: tuple[int, int, int]) -> None:
    whole = np.empty((240, 320, 3), np.uint8)
    whole[:] = colour
    assert (emptiness(whole) or "").startswith("camera plain")


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (240, 320), (1080, 1920)])
def test_pictures_of_any_size_are_looked_at(size: tuple[int, int]) -> None:
    whole = np.zeros((*size, 3), np.uint8)
    assert structure(whole) == 0
    whole[:, : size[1] // 2] = 100
    assert (structure(whole) > 40) == (size[1] > 1)


def test_a_colour_counts_where_brightness_is_the_same_all_over() -> None:
    whole = np.zeros((240, 320, 3), np.uint8)
    whole[:, :160, 0], whole[:, 160:, 2] = 120, 120
    assert emptiness(whole) is None


def test_an_empty_picture_has_to_last_and_one_good_look_ends_it() -> None:
    checks = PictureChecks()
    for k in range(12):
        checks.look(noisy(8, 4, chance=k), k * FRAME_NS)
    assert checks.empty is None
    for k in range(12, 20):
        checks.look(noisy(8, 4, chance=k), k * FRAME_NS)
    assert (checks.empty or "").startswith("camera dark")
    for k in range(20, 28):
        checks.look(noisy(100, 4, slope=200, chance=k), k * FRAME_NS)
    assert checks.empty is None


def test_a_pause_between_two_equal_pictures_is_no_freeze() -> None:
    checks = PictureChecks()
    assert checks.look(noisy(80, 4), 0)
    assert not checks.look(noisy(80, 4), 60_000_000_000)
    assert checks.frozen is None
    assert checks.repeated == 1


def test_a_small_change_makes_another_picture_also_where_its_memory_is_used_again() -> None:
    checks, picture = PictureChecks(), noisy(80, 4)
    assert checks.look(picture, 0)
    picture[201:205, 333, 1] += 1
    assert checks.look(picture, FRAME_NS)
    assert not checks.look(picture, 2 * FRAME_NS)
    assert checks.look(picture[:240], 3 * FRAME_NS)
    assert checks.repeated == 1


def test_films_of_people_are_never_empty_or_frozen(films: dict[str, list[np.ndarray]]) -> None:
    for name, pictures in films.items():
        checks = PictureChecks()
        fresh = [checks.look(picture, k * FRAME_NS) for k, picture in enumerate(pictures)]
        assert all(fresh), name
        assert checks.frozen is None
        for light in (1.0, 0.5, 0.2):
            assert all(emptiness((picture * light).astype(np.uint8)) is None for picture in pictures[::10]), name


def test_films_behind_a_lens_cap_are_empty_and_behind_matt_glass_not(films: dict[str, list[np.ndarray]]) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    chance = np.random.default_rng(0)
    for name, pictures in films.items():
        for picture in pictures[::10]:
            covered = np.clip(picture * 0.02 + chance.normal(6, 5, picture.shape), 0, 255).astype(np.uint8)
            assert (emptiness(covered) or "").startswith("camera dark"), name
            assert emptiness(cv2.GaussianBlur(picture, (0, 0), 30)) is None, name


def test_a_film_that_stops_is_frozen_after_two_seconds(films: dict[str, list[np.ndarray]]) -> None:
    pictures = films[FILMS[0]]
    checks = PictureChecks()
    for k in range(30):
        checks.look(pictures[k], k * FRAME_NS)
    for k in range(30, 80):
        assert not checks.look(pictures[29].copy(), k * FRAME_NS)
        assert checks.frozen is None
    checks.look(pictures[29].copy(), 80 * FRAME_NS)
    assert (checks.frozen or "").startswith("camera frozen: the same picture for 2.0 s")
    assert checks.empty is None
    assert checks.look(pictures[30], 81 * FRAME_NS)
    assert checks.frozen is None
