"""Pose codes: known poses, an independent slow computation, the body's own frame, mirroring, words, and the published
form with its noise and its world axes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.body.skeleton import skeleton
from engine.errors import EngineError
from models.text_motion.layout import KIT
from models.text_motion.posecodes import table
from models.text_motion.posecodes.codes import bins, chosen, khot, measures, mirrored
from models.text_motion.posecodes.literal import FROM_KIT, literal
from models.text_motion.posecodes.table import CODES, GROUPS, KINDS, MIRRORED, SIZES, STARTS, of_kind, phrases

BODY = skeleton("humanml3d")
REST = torch.tensor(BODY.rest_positions())
SEEDS = st.integers(0, 10_000)


def number(phrase: str) -> int:
    return phrases()[phrase][0]


def shows(joints: torch.Tensor, *said: str) -> None:
    """Whether each phrase is true of one body (22, 3)."""
    shown = bins(measures(joints))
    for phrase in said:
        group, bin_ = phrases()[phrase]
        assert shown[group] == bin_, f"{phrase}: it is {GROUPS[group].phrases(int(shown[group]))[0]}"


def posed(seed: int, count: int = 1) -> torch.Tensor:
    """Bodies (count, 22, 3) with every joint turned at random, anywhere and facing anywhere."""
    draw = torch.Generator().manual_seed(seed)
    offsets = torch.tensor(BODY.rest)
    at = [torch.randn(count, 3, generator=draw)]
    turns = [_turns(torch.randn(count, 3, generator=draw) * torch.tensor([0.4, 3.0, 0.4]))]
    for joint, parent in enumerate(BODY.parents[1:], 1):
        at.append(at[parent] + (turns[parent] @ offsets[joint]))
        turns.append(turns[parent] @ _turns(torch.randn(count, 3, generator=draw) * 0.7))
    return torch.stack(at, -2)


def _turns(vector: torch.Tensor) -> torch.Tensor:
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3)))


def yawed(joints: torch.Tensor, angle: float) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return joints @ torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T


def exchanged(joints: torch.Tensor) -> torch.Tensor:
    """The mirrored body."""
    swap = {"l": "r", "r": "l"}
    names = [swap[name[0]] + name[1:] if name[1] == "_" else name for name in BODY.joints]
    return joints[..., [BODY.index(name) for name in names], :] * torch.tensor([-1.0, 1.0, 1.0])


def test_the_table_has_the_published_shape() -> None:
    counts = [(kind, len(of_kind(kind)), SIZES[of_kind(kind)[0]], STARTS[of_kind(kind)[0]]) for kind in KINDS]
    assert counts == [
        ("angle", 4, 18, 0),
        ("distance", 18, 10, 72),
        ("relX", 6, 3, 252),
        ("relY", 16, 3, 270),
        ("relZ", 9, 3, 318),
        ("relV", 13, 3, 345),
        ("ground", 4, 2, 384),
    ]
    assert (len(GROUPS), CODES, table.END, table.PAD) == (70, 392, 392, 393)
    assert [group.kind for group in GROUPS] == [kind for kind, count, *_ in counts for _ in range(count)]
    for group in GROUPS:
        assert len(group.labels) == group.size and set(group.joints) <= set(table.POINTS)
        assert all(name.count("{}") == 1 for name in group.template.split("|"))
        assert list(group.thresholds) == sorted(group.thresholds)


def test_columns_follow_the_parser_where_its_labels_do_not() -> None:
    order = ["l_knee r_knee", "l_ankle neck", "r_ankle neck"]
    assert [" ".join(group.joints) for group in GROUPS[31:34]] == order
    crossed = ["l_hand l_shoulder", "l_hand r_shoulder", "r_hand r_shoulder", "r_hand l_shoulder"]
    assert [" ".join(group.joints) for group in GROUPS[8:12]] == crossed


def test_every_phrase_means_one_code() -> None:
    said = [phrase for group in GROUPS for bin_ in range(group.size) for phrase in group.phrases(bin_)]
    assert len(said) == len(set(said)) == len(phrases())
    assert len(set(phrases().values())) == CODES
    assert phrases()["left elbow bent to 90"] == (2, 8) and phrases()["left elbow straight"] == (2, 17)
    assert phrases()["hands together"] == (5, 0) and phrases()["left hand behind torso"] == (49, 0)
    for bin_ in range(18):
        assert phrases()[f"right knee {10 * bin_ + 10}"] == phrases()[f"right knee bent to {10 * bin_ + 10} degrees"]
        assert phrases()[f"right knee bent to {10 * bin_ + 10}"] == (1, bin_)
    assert all(phrases()[f"feet {10 * bin_} to {10 * bin_ + 10} cm"] == (7, bin_) for bin_ in range(1, 9))


def test_a_body_at_rest_stands_with_its_arms_out() -> None:
    shows(
        REST,
        *("left elbow straight", "right knee straight", "elbows beyond 90 cm", "feet close"),
        *("left hand left of right hand", "left hand left of left shoulder", "right hand right of right shoulder"),
        *("left hand level with left shoulder", "left hip above left knee", "left ankle below neck"),
        *("neck as far forward as pelvis", "left thigh vertical", "right upper arm horizontal", "torso vertical"),
        *("left foot on the ground", "left knee off the ground", "left foot beside left hip"),
    )


def test_a_left_arm_that_reaches_forward_and_an_elbow_at_a_right_angle() -> None:
    body = REST.clone()
    shoulder, elbow, wrist = (BODY.index(f"l_{joint}") for joint in ("shoulder", "elbow", "wrist"))
    body[elbow] = body[shoulder] + torch.tensor([0.0, 0.0, 0.279])
    body[wrist] = body[elbow] + torch.tensor([0.0, 0.189, -0.019])
    shows(
        yawed(body, 2.0) + torch.tensor([3.0, 0.0, -4.0]),
        *("left elbow bent to 90", "left hand in front of torso", "left hand above left shoulder"),
        *("left forearm vertical", "left upper arm horizontal", "right elbow straight"),
        *("left elbow in front of right elbow", "left hand in front of right hand", "left hand above right hand"),
    )
    body[BODY.index("l_foot")] += torch.tensor([0.0, 0.2, 0.0])
    body[BODY.index("l_ankle")] += torch.tensor([0.0, 0.2, 0.0])
    shows(body, "left foot lifted", "right foot on the ground")


def test_hands_are_half_way_to_the_middle_finger_along_the_forearm() -> None:
    left, right = REST[BODY.index("l_wrist")], REST[BODY.index("r_wrist")]
    apart = measures(REST)[number("hands together")]
    assert apart == pytest.approx(float(left[0] - right[0]) + 0.1367, abs=1e-5)


def test_a_value_at_a_threshold_is_in_the_lower_bin() -> None:
    at = torch.tensor([[0.0] * 70])
    for group, described in enumerate(GROUPS):
        for bin_, edge in enumerate(described.thresholds):
            at[0, group] = edge
            assert bins(at)[0, group] == bin_
            at[0, group] = float(np.nextafter(np.float32(edge), np.float32(np.inf)))
            assert bins(at)[0, group] == bin_ + 1
    at[:] = torch.nan
    assert bins(at)[0].tolist() == [size - 1 for size in SIZES]


def slow(joints: np.ndarray) -> list[float]:
    """The measures of one body by the definitions, one after the other."""
    at = dict(zip(BODY.joints, joints.astype(float), strict=True))
    for side in "lr":
        ahead = at[f"{side}_wrist"] - at[f"{side}_elbow"]
        at[f"{side}_middle"] = at[f"{side}_wrist"] + 0.1367 * ahead / np.linalg.norm(ahead)
        at[f"{side}_hand"] = (at[f"{side}_wrist"] + at[f"{side}_middle"]) / 2
    at["torso"] = (at["pelvis"] + at["neck"] + at["spine3"]) / 3
    left = (at["l_hip"] - at["r_hip"]) * [1, 0, 1]
    left /= np.linalg.norm(left)
    front = np.cross(left, [0, 1, 0])
    found = []
    for group in GROUPS:
        placed = [at[joint] for joint in group.joints]
        line = placed[0] - placed[-1]
        if group.kind == "angle":
            found.append(_angle(placed[0] - placed[1], placed[2] - placed[1]))
        elif group.kind == "relV":
            tilt = _angle(line, np.array([0.0, 1.0, 0.0]))
            found.append(min(tilt, 180 - tilt))
        elif group.kind == "ground":
            found.append(placed[0][1] - min(point[1] for point in at.values()))
        else:
            axis = {"relX": left, "relY": np.array([0.0, 1.0, 0.0]), "relZ": front}.get(group.kind)
            found.append(np.linalg.norm(line) if axis is None else line @ axis)
    return found


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return math.degrees(math.acos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_measures_agree_with_the_definitions(seed: int) -> None:
    body = posed(seed)
    np.testing.assert_allclose(measures(body)[0], slow(body[0].numpy()), atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(-3.1, 3.1), st.floats(-9, 9), st.floats(-9, 9))
@example(1, math.pi, 0.0, 0.0)
def test_codes_are_the_bodys_own_wherever_it_stands_and_faces(seed: int, angle: float, x: float, z: float) -> None:
    body = posed(seed)
    moved = yawed(body, angle) + torch.tensor([x, 0.3, z])
    torch.testing.assert_close(measures(moved), measures(body), atol=2e-2, rtol=0)


def test_the_published_form_changes_with_every_turn() -> None:
    bodies = posed(5, 40)
    changed = (literal(yawed(bodies, 1.0)) != literal(bodies)).float().mean(0)
    by_kind = {kind: changed[of_kind(kind)].mean() for kind in KINDS}
    assert by_kind["relX"] > 0.1 and by_kind["relZ"] > 0.1
    assert max(share for kind, share in by_kind.items() if kind not in ("relX", "relZ")) < 0.01
    # A body that faces -Z faces +Z after the parser's half turn: there both forms say the same.
    facing = yawed(REST, math.pi)
    assert (literal(facing) == bins(measures(facing))).all()
    assert literal(REST)[number("left hand left of right hand")] == 0


def test_the_published_noise_is_seeded_and_moves_only_what_is_near_an_edge() -> None:
    bodies = posed(6, 30)
    plain = literal(bodies)
    noisy = literal(bodies, torch.Generator().manual_seed(3))
    assert torch.equal(noisy, literal(bodies, torch.Generator().manual_seed(3)))
    assert not torch.equal(noisy, literal(bodies, torch.Generator().manual_seed(4)))
    assert 0.02 < (noisy != plain).float().mean() < 0.3 and int((noisy - plain).abs().max()) == 1


def test_the_published_angles_of_exactly_folded_limbs_have_no_number() -> None:
    folded = REST.expand(200, 22, 3).clone()
    hip, knee, ankle = (BODY.index(f"l_{joint}") for joint in ("hip", "knee", "ankle"))
    folded[:, knee] = folded[:, hip] + torch.randn(200, 3, generator=torch.Generator().manual_seed(2))
    folded[:, ankle] = folded[:, hip]
    shown = literal(folded)[:, 0]
    assert set(shown.tolist()) == {0, 17}
    assert (bins(measures(folded))[:, 0] == 0).all()


def test_kit_is_read_through_its_remap() -> None:
    kit = torch.randn(7, 21, 3, generator=torch.Generator().manual_seed(1))
    full = torch.stack([kit[:, at] if at >= 0 else torch.zeros(7, 3) for at in FROM_KIT], 1)
    assert torch.equal(literal(kit), literal(full.double()))
    taken = {name: KIT.joints[at] for name, at in zip(BODY.joints, FROM_KIT, strict=True) if at >= 0}
    assert {name: taken[name] for name in ("l_hip", "r_knee", "l_foot", "spine3")} == {
        "l_hip": "l_hip",
        "r_knee": "r_knee",
        "l_foot": "l_toe",
        "spine3": "neck",
    }
    assert (taken["l_shoulder"], taken["r_wrist"]) == ("r_shoulder", "l_wrist")  # crossed, as published
    assert set(BODY.joints) - set(taken) == {"l_collar", "r_collar", "head"}
    with pytest.raises(EngineError, match="17"):
        literal(torch.zeros(2, 17, 3))


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_mirrored_body_has_mirrored_codes(seed: int) -> None:
    body = posed(seed, 4)
    there, here = bins(measures(exchanged(body))), mirrored(bins(measures(body)))
    edge = torch.tensor(
        [
            [min(abs(value - t) for t in g.thresholds) for value, g in zip(row, GROUPS, strict=True)]
            for row in measures(body).tolist()
        ]
    )[:, [source for source, _ in MIRRORED]]
    assert (there == here)[edge > 1e-3].all()
    assert torch.equal(mirrored(mirrored(here)), here)


def test_what_is_not_asked_for_stays_so_in_the_mirror() -> None:
    asked = torch.full((70,), -1)
    asked[number("left elbow straight")] = 5
    asked[number("neck left of pelvis")] = 2
    shown = mirrored(asked)
    assert shown[number("right elbow straight")] == 5 and shown[number("neck left of pelvis")] == 0
    assert int((shown >= 0).sum()) == 2


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    body = posed(2, math.prod(shape)).reshape(*shape, 22, 3)
    value = measures(body)
    shown = bins(value)
    codes = khot(shown)
    assert value.shape == shown.shape == (*shape, 70) and codes.shape == (*shape, 392)
    assert shown.dtype == torch.int64 and (codes.sum(-1) == 70).all()
    assert torch.equal(chosen(codes), shown)
    flat = measures(body.reshape(-1, 22, 3))
    torch.testing.assert_close(value.reshape(-1, 70), flat, atol=1e-6, rtol=0)


def test_codes_stand_in_the_column_of_their_group_and_bin() -> None:
    shown = bins(measures(posed(3)))[0]
    on = khot(shown).nonzero()[:, 0].tolist()
    assert on == [start + int(bin_) for start, bin_ in zip(STARTS, shown, strict=True)]
    shown[7] = -1
    assert khot(shown).sum() == 69


def test_gradients_are_finite_for_straight_limbs_and_joints_in_one_place() -> None:
    for body in (REST, torch.zeros(22, 3), posed(4)[0]):
        body = body.clone().requires_grad_()
        measures(body).sum().backward()
        assert body.grad is not None and torch.isfinite(body.grad).all()
        assert torch.isfinite(measures(body)).all()


@pytest.mark.parametrize("group", [0, 3, 5, 14, 22, 24, 30, 46, 48, 53, 60, 63, 66, 69])
def test_gradients_follow_the_measure(group: int) -> None:
    body = posed(8)[0].double().requires_grad_()
    measures(body)[group].backward()
    step = torch.randn(22, 3, generator=torch.Generator().manual_seed(group)).double() * 1e-5
    moved = measures(body.detach() + step)[group] - measures(body.detach() - step)[group]
    assert float((body.grad * step).sum() * 2) == pytest.approx(float(moved), rel=1e-3, abs=1e-9)


class Reader(torch.nn.Module):
    def forward(self, joints: torch.Tensor) -> torch.Tensor:
        return khot(bins(measures(joints)))


def test_reading_is_one_graph_for_any_batch() -> None:
    rows = torch.export.Dim("rows")
    program = torch.export.export(Reader(), (posed(1, 3)[:, None],), dynamic_shapes=({0: rows},))
    other = posed(9, 5)[:, None]
    assert torch.equal(program.module()(other), Reader()(other))
