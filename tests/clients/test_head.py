"""What the drawn head does in pixels: each number moves the part of the picture it is named after."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from clients.opencv.anatomy import head_pose
from clients.opencv.head import Face, draw_head, stage
from clients.opencv.light import AVATAR, PARTNER
from clients.opencv.surface import CAMERA
from engine.channels import FACE_NAMES, head_rotation

SIZE = 320
EYES = ((3.15, 0.0, 8.0), (-3.15, 0.0, 8.0))  # head-frame places, cm: the person's left eye, then the right one
MOUTH = (0.0, -6.0, 8.5)


def both(name: str, value: float = 1.0) -> dict[str, float]:
    return {f"{name}Left": value, f"{name}Right": value}


def pixel(point: tuple[float, float, float], **pose: float) -> tuple[float, float]:
    """Where (x, y) a head-frame point is drawn."""
    turned, offset = head_pose(Face.of(pose))
    x, y, z = turned @ np.array(point) + offset
    scale = CAMERA / (CAMERA - z)
    place = stage(SIZE // 2, SIZE // 2, AVATAR)
    step = float(place.x[1] - place.x[0])
    return 2 * (x * scale - float(place.x[0])) / step, 2 * (float(place.y[0]) - y * scale) / step


def around(image: np.ndarray, point: tuple[float, float, float], half_x: int, half_y: int, **pose: float) -> np.ndarray:
    x, y = (round(v) for v in pixel(point, **pose))
    return image[y - half_y : y + half_y + 1, x - half_x : x + half_x + 1].astype(float)


def change(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.astype(float) - other.astype(float)).max(axis=2)


def centre(weight: np.ndarray) -> tuple[float, float]:
    """Weighted mean (x, y) of an image."""
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())


@pytest.fixture(scope="module")
def neutral() -> np.ndarray:
    return draw_head({}, size=SIZE)


def lips_mask(image: np.ndarray) -> np.ndarray:
    """1 where the picture is clearly redder than skin, hair and cloth: the lips."""
    blue, green, red = np.moveaxis(image.astype(float), 2, 0)
    return ((red > 120) & (green < 0.62 * red) & (blue > 0.85 * green)).astype(float)


def iris_mask(image: np.ndarray) -> np.ndarray:
    """1 where the picture is green: the irises."""
    blue, green, red = np.moveaxis(image.astype(float), 2, 0)
    return ((green > 1.15 * red) & (green > 1.1 * blue) & (green > 50)).astype(float)


def iris_or_pupil(image: np.ndarray) -> np.ndarray:
    """1 on irises and pupils: green or nearly black, but not the brownish black of lashes (which frame them)."""
    green, red = image[..., 1].astype(float), image[..., 2].astype(float)
    return ((green > 1.1 * red) | (image.max(axis=2) < 34)).astype(float)


def test_closing_the_eyes_changes_the_eyes_and_hardly_anything_else(neutral):
    difference = change(draw_head(both("eyeBlink"), size=SIZE), neutral)
    outside = difference.copy()
    for eye in EYES:
        x, y = (round(v) for v in pixel(eye))
        assert difference[y - 8 : y + 9, x - 14 : x + 15].mean() > 40
        outside[y - 22 : y + 23, x - 30 : x + 31] = 0
    assert outside.mean() < 0.05 and outside.max() < 25


def test_closed_eyes_show_no_iris_and_half_closed_ones_less(neutral):
    iris = [iris_mask(draw_head(both("eyeBlink", closed), size=SIZE)).sum() for closed in (0.0, 0.5, 1.0)]
    assert iris[0] > 60 and 0.1 * iris[0] < iris[1] < 0.8 * iris[0] and iris[2] == 0


@pytest.mark.parametrize(("end", "own", "other"), [("Left", 0, 1), ("Right", 1, 0)])
def test_each_eye_blinks_on_its_own_side(neutral, end, own, other):
    blink = draw_head({f"eyeBlink{end}": 1.0}, size=SIZE)
    assert change(around(blink, EYES[own], 12, 8), around(neutral, EYES[own], 12, 8)).mean() > 40
    assert change(around(blink, EYES[other], 12, 8), around(neutral, EYES[other], 12, 8)).max() == 0


def test_wide_eyes_show_more_white(neutral):
    def white(image: np.ndarray) -> float:
        return sum(float((around(image, eye, 18, 14).min(axis=2) > 180).sum()) for eye in EYES)

    assert white(draw_head(both("eyeWide"), size=SIZE)) > 1.1 * white(neutral)


GAZES = {
    "left": ({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, (1, 0)),
    "right": ({"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}, (-1, 0)),
    "up": (both("eyeLookUp"), (0, -1)),
    "down": (both("eyeLookDown"), (0, 1)),
}


@pytest.mark.parametrize("name", GAZES)
def test_gaze_moves_the_dark_iris(neutral, name):
    def pupil(image: np.ndarray, eye: tuple[float, float, float]) -> tuple[float, float]:
        shown = around(image, eye, 15, 8)
        return centre(np.maximum(150.0 - shown.max(axis=2), 0.0) * iris_or_pupil(shown))

    weights, (across, down) = GAZES[name]
    moved = draw_head(weights, size=SIZE)
    for eye in EYES:
        before, after = pupil(neutral, eye), pupil(moved, eye)
        shift = (after[0] - before[0]) * across + (after[1] - before[1]) * down
        assert shift > (3.0 if across else 1.0), (name, eye, before, after)


def test_turning_to_the_persons_left_moves_the_features_to_the_pictures_right(neutral):
    x = {yaw: centre(lips_mask(draw_head({"headYaw": yaw}, size=SIZE)))[0] for yaw in (-0.4, 0.0, 0.4)}
    assert x[0.4] > x[0.0] + 12 and x[-0.4] < x[0.0] - 12
    assert abs(x[0.4] + x[-0.4] - 2 * x[0.0]) < 6


def test_a_nod_lowers_the_face_and_looking_up_raises_it():
    lips = [centre(lips_mask(draw_head({"headPitch": pitch}, size=SIZE)))[1] for pitch in (-0.2, 0.0, 0.2)]
    iris = [centre(iris_mask(draw_head({"headPitch": pitch}, size=SIZE)))[1] for pitch in (-0.2, 0.0, 0.2)]
    assert lips[0] + 5 < lips[1] < lips[2] - 5
    assert iris[0] + 8 < iris[1] < iris[2] - 8


def test_roll_tilts_the_top_of_the_head_to_the_persons_right():
    tilted = draw_head({"headRoll": 0.3}, size=SIZE)
    green = iris_mask(tilted)
    middle = int(centre(green)[0])
    right_side, left_side = centre(green[:, middle:])[1], centre(green[:, :middle])[1]
    assert right_side < left_side - 8, "the person's left eye (picture's right) is the higher one"
    assert centre(green)[0] < SIZE / 2 - 5


@pytest.mark.parametrize(("name", "axis", "sign"), [("headX", 0, 1), ("headY", 1, -1)])
def test_translation_moves_the_head(neutral, name, axis, sign):
    moved = centre(iris_mask(draw_head({name: 0.05}, size=SIZE)))
    assert (moved[axis] - centre(iris_mask(neutral))[axis]) * sign > 8


def test_coming_nearer_spreads_the_eyes(neutral):
    def apart(image: np.ndarray) -> float:
        green = iris_mask(image)
        middle = SIZE // 2
        return centre(green[:, middle:])[0] + middle - centre(green[:, :middle])[0]

    assert apart(draw_head({"headZ": 0.1}, size=SIZE)) > apart(neutral) + 2


def test_opening_the_jaw_opens_a_dark_mouth_and_lowers_the_lower_lip(neutral):
    below = (0.0, -6.9, 8.5)
    opened = draw_head({"jawOpen": 0.8}, size=SIZE)
    assert around(opened, below, 3, 3)[..., 1].mean() < 0.6 * around(neutral, below, 3, 3)[..., 1].mean()
    rows = [np.flatnonzero(lips_mask(around(image, MOUTH, 16, 45)).any(axis=1)).max() for image in (neutral, opened)]
    assert rows[1] > rows[0] + 8


def test_mouth_close_shuts_an_open_jaw():
    opened, shut = (
        (
            around(draw_head({"jawOpen": 0.6, "mouthClose": close}, size=SIZE), (0.0, -6.5, 8.5), 14, 14)[..., 1] < 55
        ).sum()
        for close in (0.0, 1.0)
    )
    assert opened > 60 and shut < 0.6 * opened


def corners(image: np.ndarray) -> tuple[float, float, float]:
    """(height of the mouth's ends above its middle, its width, right end minus left end) in pixels."""
    mask = lips_mask(around(image, MOUTH, 45, 30))
    columns = np.flatnonzero(mask.sum(axis=0) >= 1)
    left, right = columns.min(), columns.max()
    y = np.arange(mask.shape[0])

    def height(near: slice) -> float:
        return -float((mask[:, near].sum(axis=1) * y).sum() / mask[:, near].sum())

    ends = height(slice(left, left + 5)), height(slice(right - 4, right + 1))
    middle = (left + right) // 2
    return (ends[0] + ends[1]) / 2 - height(slice(middle - 3, middle + 4)), float(right - left), ends[1] - ends[0]


def test_smile_lifts_and_spreads_the_corners_and_frown_drops_them(neutral):
    rest, smiling, frowning = (
        corners(image)
        for image in (neutral, draw_head(both("mouthSmile"), size=SIZE), draw_head(both("mouthFrown"), size=SIZE))
    )
    assert smiling[0] > rest[0] + 3 and smiling[1] > rest[1] + 4
    assert frowning[0] < rest[0] - 3


def test_a_smile_on_one_side_is_on_that_side():
    assert corners(draw_head({"mouthSmileLeft": 1.0}, size=SIZE))[2] > 4
    assert corners(draw_head({"mouthSmileRight": 1.0}, size=SIZE))[2] < -4


def test_pucker_narrows_and_stretch_widens_the_mouth(neutral):
    rest = corners(neutral)[1]
    assert corners(draw_head({"mouthPucker": 1.0}, size=SIZE))[1] < 0.8 * rest
    assert corners(draw_head(both("mouthStretch"), size=SIZE))[1] > 1.1 * rest


def brow_height(image: np.ndarray, eye: tuple[float, float, float]) -> float:
    """Picture row of the dark mass above an eye, measured from above the brow down to the lid."""
    x, y = (round(v) for v in pixel(eye))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[y - 40 : y - 13, x - 14 : x + 15].astype(float)
    return centre(np.maximum(grey.mean() - 25 - grey, 0) + 1e-6)[1]


def test_brows_rise_and_fall(neutral):
    raised = draw_head({"browInnerUp": 0.7, **both("browOuterUp", 0.7)}, size=SIZE)
    lowered = draw_head(both("browDown", 0.6), size=SIZE)
    for eye in EYES:
        assert brow_height(raised, eye) < brow_height(neutral, eye) - 2 < brow_height(lowered, eye) - 3


def test_every_expression_weight_shows(neutral):
    shown = {"mouthClose": {"jawOpen": 0.6}}
    for name in FACE_NAMES[:52]:
        with_others = shown.get(name, {})
        before = draw_head(with_others, size=SIZE) if with_others else neutral
        assert change(draw_head({**with_others, name: 1.0}, size=SIZE), before).max() > 12, name


def test_extremes_stay_whole():
    everything = dict.fromkeys(FACE_NAMES[:52], 1.0)
    for pitch in (-0.4, 0.4):
        for yaw in (-0.6, 0.6):
            for roll in (-0.4, 0.4):
                picture = draw_head({**everything, "headPitch": pitch, "headYaw": yaw, "headRoll": roll}, size=160)
                assert picture.shape == (160, 160, 3) and picture.dtype == np.uint8
                skin = (picture[..., 2] > picture[..., 0].astype(int) + 30).mean()
                assert 0.15 < skin < 0.6, "the head fills a sensible part of the picture"


def test_bad_numbers_are_neutral_or_clamped(neutral):
    bad = {"jawOpen": float("nan"), "headYaw": float("inf"), "eyeBlinkLeft": -3.0, "unknown": 1.0}
    np.testing.assert_array_equal(draw_head(bad, size=SIZE), neutral)
    far = {"headYaw": 9.0, "headX": 5.0, "headZ": -9.0}
    limit = {"headYaw": 1.0, "headX": 0.12, "headZ": -0.12}
    np.testing.assert_array_equal(draw_head(far, size=SIZE), draw_head(limit, size=SIZE))


def test_an_array_with_names_is_the_same_as_a_mapping_and_drawing_is_deterministic():
    weights = {"jawOpen": 0.4, "headYaw": 0.2, **both("mouthSmile", 0.6)}
    values = np.array([weights.get(name, 0.0) for name in FACE_NAMES])
    first = draw_head(weights, size=(201, 151))
    assert first.shape == (151, 201, 3)
    np.testing.assert_array_equal(first, draw_head(values, FACE_NAMES, size=(201, 151)))


def test_the_head_turns_as_the_engine_says():
    turned, _ = head_pose(Face.of({"headPitch": 0.3, "headYaw": -0.4, "headRoll": 0.2}))
    np.testing.assert_allclose(turned, head_rotation(0.3, -0.4, 0.2), atol=1e-12)


def test_the_partner_looks_like_someone_else(neutral):
    other = draw_head({}, size=SIZE, style=PARTNER)
    assert change(other, neutral).mean() > 10
    assert iris_mask(other).sum() > 60
