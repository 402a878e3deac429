"""What drawn bodies show in pixels: joints where they project to, near over far, left and right, floor and shadow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.opencv.body import AVATAR, PARTNER, StageBody, draw_body, draw_scene, outline
from clients.opencv.camera import Camera, aim
from clients.opencv.capsule import Canvas
from clients.opencv.physique import LEFT, RIGHT, physique
from engine.body.skeleton import Skeleton, skeleton

from . import fake

SIZE = (320, 240)
CMU = skeleton("cmu")
PLAIN = CMU.to_dict()
FRONT = Camera(target=(0.0, 0.8, 0.0), distance=4.0, azimuth=0.0, elevation=0.1)


def pixel(camera: Camera, point: np.ndarray, size: tuple[int, int] = SIZE) -> tuple[int, int]:
    x, y, _ = camera.project(point, size)
    return int(x), int(y)


def change(image: np.ndarray, camera: Camera) -> np.ndarray:
    """How much each pixel differs from the empty stage."""
    empty = draw_scene([], camera, (image.shape[1], image.shape[0]))
    return np.abs(image.astype(int) - empty).max(2)


def bluer(colour: np.ndarray) -> float:
    """Positive for blue, negative for orange."""
    return float(colour[0]) - float(colour[2])


def test_every_joint_is_drawn_where_it_projects_to():
    at = fake.standing()
    changed = change(draw_body(at, PLAIN, SIZE, FRONT), FRONT)
    for joint, point in zip(CMU.joints, at, strict=True):
        x, y = pixel(FRONT, point)
        assert changed[y, x] > 25, joint
    assert (changed > 25).mean() < 0.2, "and the rest of the picture is the stage"


def test_the_camera_projects_as_a_pinhole():
    camera = Camera(target=(0.0, 1.0, 0.0), distance=4.0, azimuth=0.0, elevation=0.0, field=2 * np.arctan(0.5))
    np.testing.assert_allclose(camera.project(np.array((0.0, 1.0, 0.0)), (200, 100)), (100.0, 50.0, 4.0))
    np.testing.assert_allclose(camera.project(np.array((0.5, 1.5, 0.0)), (200, 100)), (112.5, 37.5, 4.0))
    np.testing.assert_allclose(camera.project(np.array((0.5, 1.5, 2.0)), (200, 100)), (125.0, 25.0, 2.0))
    aside = replace(camera, azimuth=np.pi / 2)  # from +X one sees -Z on the right
    np.testing.assert_allclose(aside.project(np.array((0.0, 1.0, -1.0)), (200, 100)), (125.0, 50.0, 4.0), atol=1e-9)


def test_left_is_blue_and_on_the_right_of_a_body_that_faces_us_and_right_is_orange():
    at = fake.standing()
    image = draw_body(at, PLAIN, SIZE, FRONT)
    for name in ("lForeArm", "lShin", "rForeArm", "rShin"):
        x, y = pixel(FRONT, at[CMU.index(name)])
        assert (x > SIZE[0] / 2) == name.startswith("l")
        assert (bluer(image[y, x]) > 40) if name.startswith("l") else (bluer(image[y, x]) < -40), name
    behind = replace(FRONT, azimuth=np.pi)
    image = draw_body(at, PLAIN, SIZE, behind)
    x, y = pixel(behind, at[CMU.index("lForeArm")])
    assert x < SIZE[0] / 2 and bluer(image[y, x]) > 40


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_body_hides_the_farther_one(order):
    near = StageBody(fake.standing() + np.float32((0.0, 0.0, 0.6)), PLAIN, AVATAR)
    far = StageBody(fake.standing() - np.float32((0.0, 0.0, 0.6)), PLAIN, PARTNER)
    image = draw_scene([near, far][::order], FRONT, SIZE)
    alone = draw_scene([near], FRONT, SIZE)
    for name in ("abdomen", "lShin", "rForeArm"):
        x, y = pixel(FRONT, near.positions[CMU.index(name)])
        assert np.abs(image[y, x].astype(int) - alone[y, x]).max() <= 8, name


def test_limbs_of_one_body_hide_each_other_by_depth():
    seen = []
    for reach in (0.45, -0.45):
        at = fake.standing()
        for name in ("lForeArm", "lHand", "lMid1"):  # the left arm across the belly, in front or behind the back
            at[CMU.index(name)] = at[CMU.index("abdomen")] + (0.0, 0.0, reach)
        x, y = pixel(FRONT, at[CMU.index("lHand")])
        seen.append(bluer(draw_body(at, PLAIN, SIZE, FRONT)[y, x]))
    assert seen[0] > 40 > 20 > seen[1]


def test_surfaces_that_cross_hide_each_other_where_each_is_nearer():
    canvas = Canvas(np.zeros((60, 120, 3), np.uint8))
    canvas.capsule(np.array((10.0, 30.0, 2.0)), np.array((110.0, 30.0, 4.0)), (8.0, 8.0), (0.1, 0.1), (255, 0, 0))
    canvas.capsule(np.array((10.0, 30.0, 4.0)), np.array((110.0, 30.0, 2.0)), (8.0, 8.0), (0.1, 0.1), (0, 0, 255))
    assert bluer(canvas.picture[30, 15]) > 60 and bluer(canvas.picture[30, 105]) < -60
    np.testing.assert_allclose(canvas.depth[30, 60], 2.9, atol=0.02)


def test_a_capsule_covers_the_area_of_its_shape():
    canvas = Canvas(np.zeros((120, 200, 3), np.uint8))
    ends = np.array((50.0, 60.0, 3.0)), np.array((150.0, 60.0, 3.0))
    canvas.capsule(*ends, (30.0, 15.0), (0.1, 0.1), (200, 200, 200))
    # The area between the common tangents of two circles, with their caps (Wikipedia: Tangent lines to circles).
    turn = np.arcsin(15.0 / 100.0)
    area = 45.0 * 100.0 * np.cos(turn) + (np.pi / 2 + turn) * 30.0**2 + (np.pi / 2 - turn) * 15.0**2
    assert np.isfinite(canvas.depth).sum() == pytest.approx(area, rel=0.01)
    inside = Canvas(np.zeros((120, 200, 3), np.uint8))  # an end inside the other is a ball
    inside.capsule(ends[0], ends[0] + (3.0, 0.0, 0.0), (30.0, 15.0), (0.1, 0.1), (200, 200, 200))
    assert np.isfinite(inside.depth).sum() == pytest.approx(np.pi * 30.0**2, rel=0.01)


def test_a_shadow_lies_under_the_body_and_fades_as_it_leaves_the_floor():
    strength = []
    for height in (0.0, 0.5):
        at = fake.standing() + np.float32((0.0, height, 0.0))
        image = draw_body(at, PLAIN, SIZE, FRONT).astype(int)
        empty = draw_scene([], FRONT, SIZE).astype(int)
        x, y = pixel(FRONT, np.array((0.35, 0.0, 0.0)))  # under the left arm, beside the feet
        strength.append(int((empty - image)[y - 2 : y + 3, x - 4 : x + 5].mean()))
    assert strength[0] > strength[1] >= 1


def test_the_head_is_a_ball_that_faces_where_its_joints_are():
    at = fake.standing()
    head = at[CMU.index("head")] + np.float32((0.0, 0.09, 0.0))
    warmth = []
    for azimuth in (0.0, np.pi):
        camera = replace(FRONT, azimuth=azimuth)
        image = draw_body(at, PLAIN, SIZE, camera)
        x, y = pixel(camera, head)
        assert change(image, camera)[y - 3 : y + 4, x - 3 : x + 4].min() > 25
        warmth.append(-bluer(image[y, x]))
    assert warmth[0] > warmth[1] + 20, "a face in front, hair behind"
    beheaded = {**PLAIN, "joints": [name.replace("head", "knob") for name in CMU.joints]}
    x, y = pixel(FRONT, head + np.float32((0.0, 0.075, 0.0)))
    drawn = [change(draw_body(at, body, SIZE, FRONT), FRONT)[y, x] > 25 for body in (PLAIN, beheaded)]
    assert drawn == [True, False], "what is not called a head has none"


def test_hands_leave_trails_of_their_colour():
    past = np.stack([fake.standing(x=0.02 * k - 0.6) for k in range(31)])
    figure = StageBody(past[-1], PLAIN, AVATAR, past)
    with_trail, without = (draw_scene([each], FRONT, SIZE) for each in (figure, replace(figure, past=None)))
    trail = np.abs(with_trail.astype(int) - without).max(2) > 12
    x, y = pixel(FRONT, past[20][CMU.index("rMid1")])
    assert trail[y - 2 : y + 3, x].any() and min(map(bluer, with_trail[y - 2 : y + 3, x])) < -40
    assert not trail[: y - 8].any()


MARKERS = Skeleton(
    "dots",
    tuple("abcd"),
    (-1, -1, -1, -1),
    ((0.3, 0.0, 0.0), (-0.3, 0.0, 0.0), (0.3, 1.5, 0.0), (-0.3, 1.5, 0.0)),
    edges=((0, 2), (1, 3)),
)


def test_markers_are_dots_joined_by_their_edges():
    at = MARKERS.rest_positions()
    changed = change(draw_body(at, MARKERS.to_dict(), SIZE, FRONT), FRONT)
    for a, b, drawn in ((0, 2, True), (1, 3, True), (2, 3, False)):
        x, y = pixel(FRONT, (at[a] + at[b]) / 2)
        assert (changed[y, x] > 25) == drawn
    widths = [(changed[pixel(FRONT, point)[1]] > 25).sum() for point in (at[0], (at[0] + at[2]) / 2)]
    assert widths[0] > 1.5 * widths[1], "a dot is wider than its edge"


def test_limbs_hands_feet_and_trunk_are_found_by_proportion():
    build = physique(PLAIN)
    assert {CMU.joints[end] for end in build.ends} == {"rMid1", "lMid1", "rFoot.end", "lFoot.end"}
    (torso,) = build.torsos
    assert {CMU.joints[joint] for joint in torso.low} == {"lThigh", "rThigh"}
    assert {CMU.joints[joint] for joint in torso.high} == {"lShldr", "rShldr"}
    sides = {name: build.sides[CMU.index(name)] for name in ("lHand", "rHand", "lFoot", "rFoot")}
    assert sides == {"lHand": LEFT, "rHand": RIGHT, "lFoot": LEFT, "rFoot": RIGHT}
    renamed = {**PLAIN, "joints": [f"joint{j}" for j in range(27)], "feet": [], "across": []}
    assert physique(renamed).ends == build.ends


def test_a_long_collar_is_no_limb_yet():
    rest = [list(offset) for offset in CMU.rest]
    for name, sign in (("lShldr", 1), ("rShldr", -1)):
        rest[CMU.index(name)][0] = 0.2 * sign
    build = physique({**PLAIN, "rest": rest})
    assert {CMU.joints[joint] for joint in build.torsos[0].high} == {"lShldr", "rShldr"}


@pytest.mark.parametrize("scale", [1.0, 0.15])
def test_a_shadow_has_no_edges(scale):
    small = {**PLAIN, "rest": (np.array(CMU.rest) * scale).tolist()}
    at = fake.standing() * np.float32(scale)
    camera = aim(outline([StageBody(at, small)]), SIZE)
    image = draw_body(at, small, SIZE, camera)
    darkened = (draw_scene([], camera, SIZE).astype(int) - image).max(2)[200:]
    assert darkened.max() > 5
    assert np.abs(np.diff(darkened[:, :40], axis=1)).max() < 4 > np.abs(np.diff(darkened[:, -40:], axis=1)).max()


@st.composite
def trees(draw: Any) -> Skeleton:
    count = draw(st.integers(1, 12))
    parents = [-1, *(draw(st.integers(-1, joint - 1)) for joint in range(1, count))]
    value = st.floats(-1.0, 1.0, width=16)
    rest = [tuple(draw(value) for _ in range(3)) for _ in range(count)]
    edges = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=4))
    names = [draw(st.sampled_from(("head", "leg", "x"))) + str(joint) for joint in range(count)]
    feet = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
    across = (names[0], names[-1]) if count > 1 and draw(st.booleans()) else ()
    return Skeleton("tree", tuple(names), tuple(parents), tuple(rest), tuple(edges), across, tuple(feet))


@settings(max_examples=60, deadline=None)
@given(trees())
def test_any_skeleton_is_drawn(body):
    at = body.rest_positions()
    camera = aim(outline([StageBody(at, body.to_dict())]), SIZE)
    image = draw_body(at, body.to_dict(), SIZE, camera)
    assert image.shape == (240, 320, 3) and image.dtype == np.uint8
    changed = change(image, camera)
    for a, b in body.lines:
        if np.linalg.norm(at[a] - at[b]) > 0.05:
            x, y = pixel(camera, (at[a] + at[b]) / 2)
            assert changed[y - 1 : y + 2, x - 1 : x + 2].max() > 4, (a, b)  # a thin limb lies between pixels


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.sampled_from([np.nan, np.inf, -np.inf, 1e30, 1e9, -2e4, 9e3])), max_size=30
    )
)
def test_wild_numbers_take_away_what_hangs_on_them_and_nothing_else(wild):
    at = fake.standing()
    for place, value in wild:
        at.reshape(-1)[place] = value
    camera = aim(outline([StageBody(at, PLAIN)]), SIZE)
    image = draw_body(at, PLAIN, SIZE, camera)
    spared = np.abs(at).max(1) < 10
    changed = change(image, camera)
    for part in physique(PLAIN).parts:
        if spared[part.a] and spared[part.b] and part.radius_b:
            x, y = pixel(camera, (at[part.a] + at[part.b]) / 2)
            assert changed[y - 1 : y + 2, x - 1 : x + 2].max() > 8


def test_nobody_present_is_the_empty_stage():
    image = draw_body(np.full((27, 3), np.nan), PLAIN, SIZE)
    np.testing.assert_array_equal(image, draw_scene([], Camera(), SIZE))


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match=r"shape \(3, 3\); skeleton 'cmu' needs \(27, 3\)"):
        draw_body(np.zeros((3, 3)), PLAIN)
    for broken, word in (
        ({"name": "odd", "joints": ["a"]}, "parents"),
        ({**PLAIN, "parents": [0] * 27}, "before their children"),
        ({**PLAIN, "edges": [[0, 99]]}, "edges must join"),
        ({**PLAIN, "feet": ["paw"]}, "paw"),
        ({**PLAIN, "rest": [[np.nan, 0, 0]] * 27}, "finite"),
    ):
        with pytest.raises(ValueError, match=rf"skeleton '\w+' cannot be drawn.*{word}"):
            draw_body(np.zeros((27, 3)), broken)


def test_the_floor_has_lines_a_metre_apart():
    camera = replace(FRONT, elevation=0.6, target=(0.0, 0.0, 0.0))
    image = cv2.cvtColor(draw_scene([], camera, (640, 480)), cv2.COLOR_BGR2GRAY).astype(int)

    def crest(x: float, z: float) -> int:
        column, row = pixel(camera, np.array((x, 0.0, z)), (640, 480))
        return int(image[row - 1 : row + 2, column].max() - np.median(image[row - 8 : row + 9, column]))

    assert crest(0.5, 1.0) > 12 and crest(0.5, 0.0) > 12
    assert abs(crest(0.5, 0.5)) < 6
