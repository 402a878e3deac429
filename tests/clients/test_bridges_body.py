"""Bodies as bones of Unity's Humanoid: the bones, put together as Unity does, stand where the body's joints do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.bridges.humanoid import BONES, PARENTS, Bone, Humanoid
from clients.bridges.turns import STILL, of_matrix, times, to_matrix, unity_place, unity_turn
from engine.body.humanoid import humanoid
from engine.body.motion import forward_kinematics
from engine.body.skeleton import Skeleton, skeleton
from engine.body.solve import rotations_of, solve_rotations

from . import fake

NAMES = ("cmu", "humanml3d")
MIRROR = np.array([-1.0, 1.0, 1.0])


def announced(body: Skeleton) -> dict[str, object]:
    return body.to_dict() | {"humanoid": humanoid(body)}


def turned(body: Skeleton, seed: int, size: float) -> np.ndarray:
    """Local quaternions (J, 4): joints that are bones turned by chance, all others at rest."""
    chance = np.random.default_rng(seed)
    turns = np.tile(STILL, (len(body.joints), 1))
    for joint in humanoid(body).values():
        turns[body.index(joint)] += np.array([*chance.normal(0.0, size, 3), 0.0])
    return turns / np.linalg.norm(turns, axis=-1, keepdims=True)


def placed(body: Skeleton, turns: np.ndarray, root: tuple[float, float, float]) -> np.ndarray:
    """Joints (J, 3) of local turns."""
    rotations = rotations_of(turns.astype(np.float32))
    return forward_kinematics(body, np.array([root], np.float32), rotations[None])[0].astype(np.float64)


def in_unity(bones: dict[str, Bone]) -> dict[str, np.ndarray]:
    """Where bones are in Unity's world, as its transforms add up."""
    at: dict[str, np.ndarray] = {}
    world: dict[str, np.ndarray] = {}
    for name in BONES:
        if name not in bones:
            continue
        turn, place = unity_turn(bones[name].turn), unity_place(bones[name].place)
        above = PARENTS.get(name)
        while above is not None and above not in bones:
            above = PARENTS.get(above)
        if above is None:
            at[name], world[name] = place, turn
        else:
            at[name] = at[above] + to_matrix(world[above]) @ place
            world[name] = times(world[above], turn)
    return at


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), root=st.tuples(*[st.floats(-2.0, 2.0)] * 3))
def test_bones_stand_where_the_joints_do(name: str, seed: int, root: tuple[float, float, float]) -> None:
    body = skeleton(name)
    turns = turned(body, seed, 0.3)
    joints = placed(body, turns, root)
    bones = Humanoid(announced(body)).posed(joints, turns)
    for bone, at in in_unity(bones).items():
        np.testing.assert_allclose(at, MIRROR * joints[body.index(humanoid(body)[bone])], atol=1e-4)
    assert len(bones) == len([bone for bone in humanoid(body) if bone in BONES]) >= 21


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_places_alone_give_the_same_bones_as_the_engine_s_solver(name: str, seed: int) -> None:
    body = skeleton(name)
    joints = placed(body, turned(body, seed, 0.2), (0.0, 1.0, 0.0)).astype(np.float32)
    solved = solve_rotations(body, joints[None])[0]
    human = Humanoid(announced(body))
    seen = human.posed(joints.astype(np.float64), None)
    wanted = human.posed(
        joints.astype(np.float64), np.array([of_matrix(matrix.astype(np.float64)) for matrix in solved])
    )
    for bone in seen:
        assert abs(seen[bone].turn @ wanted[bone].turn) > 1 - 1e-5, bone


@pytest.mark.parametrize("name", NAMES)
def test_a_body_at_rest_holds_its_arms_a_little_off_the_t_pose_and_nothing_else(name: str) -> None:
    """What hangs on a limb lies along it in the T-pose: arms along x, legs down."""
    body = skeleton(name)
    bones = Humanoid(announced(body)).posed(body.rest_positions().astype(np.float64), None)
    for side, aside in (("Left", 1.0), ("Right", -1.0)):
        for bone, way in (("LowerArm", (aside, 0, 0)), ("Hand", (aside, 0, 0)), ("LowerLeg", (0, -1, 0))):
            place = bones[f"{side}{bone}"].place
            np.testing.assert_allclose(place / np.linalg.norm(place), way, atol=1e-9)
    for bone in ("Hips", "Spine", "Chest", "Neck", "Head"):
        np.testing.assert_allclose(np.abs(bones[bone].turn), STILL, atol=1e-6)
    leaning = to_matrix(bones["LeftUpperArm"].turn) @ bones["LeftLowerArm"].place
    shoulder, elbow = (body.index(humanoid(body)[bone]) for bone in ("LeftUpperArm", "LeftLowerArm"))
    rest = body.rest_positions()
    np.testing.assert_allclose(leaning, rest[elbow] - rest[shoulder], atol=1e-6)


@settings(max_examples=60)
@given(
    parents=st.lists(st.integers(-1, 40), min_size=1, max_size=24),
    rest=st.sampled_from([0.0, 1e-9, 1.0, 1e3]),
    size=st.sampled_from([0.0, 1.0, 1e9, 3e38]),
    seed=st.integers(0, 99),
    turning=st.booleans(),
)
def test_any_tree_and_any_numbers_give_turns(
    parents: list[int], rest: float, size: float, seed: int, turning: bool
) -> None:
    chance = np.random.default_rng(seed)
    count = len(parents)
    strange = {
        "joints": [f"joint{number}" for number in range(count)],
        "parents": [min(parent, number - 1) for number, parent in enumerate(parents)],
        "rest": (rest * chance.normal(size=(count, 3))).tolist(),
        "humanoid": {"Hips": "joint0"}
        | {str(bone): f"joint{number}" for number, bone in enumerate(chance.permutation(BONES)[:count])},
    }
    human = Humanoid(strange)
    with np.errstate(over="ignore"):
        places = size * np.clip(chance.normal(size=(count, 3)), -1, 1)
        turns = size * np.clip(chance.normal(size=(count, 4)), -1, 1)
        bones = human.posed(places, turns if turning else None)
    assert len(bones) == len(human.bones) >= 1
    for bone in bones.values():
        assert np.linalg.norm(bone.turn) == pytest.approx(1.0) and np.isfinite(bone.place).all()


def test_markers_and_skeletons_without_names_have_no_bones() -> None:
    markers = skeleton("pirounet")
    assert Humanoid(announced(markers)).bones == {}
    assert Humanoid(skeleton("cmu").to_dict()).bones == {}
    assert Humanoid(skeleton("cmu").to_dict() | {"humanoid": {"Head": "head"}}).bones == {}  # it would hang on nothing
    assert Humanoid(announced(markers)).posed(markers.rest_positions().astype(np.float64), None) == {}


@pytest.mark.parametrize("told", [{"Hips": "nobody"}, {"Hips": 3}, ["Hips"], {"Hips": "hip", "Head": None}])
def test_an_announcement_whose_bones_are_no_joints_is_refused(told: object) -> None:
    about = fake.dance("tcp://127.0.0.1:1", monitor=False)
    fake.read(about)
    about["skeletons"]["cmu"]["humanoid"] = told
    with pytest.raises(ValueError, match=r"humanoid|where text belongs"):
        fake.read(about)


def test_a_head_s_turn_is_known_where_something_hangs_on_it() -> None:
    assert Humanoid(announced(skeleton("cmu"))).turns_head(False)
    assert not Humanoid(announced(skeleton("humanml3d"))).turns_head(False)
    assert Humanoid(announced(skeleton("humanml3d"))).turns_head(True)
