"""Edits: what counts as shown, what else changed, on bodies whose codes are known and on a toy that obeys one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from models.text_motion.layout import HUMANML3D
from models.text_motion.posecodes.table import GROUPS, JOINTS, phrases
from tests.train.text_motion.evaluation.toys import BODY, FOOT, LIFT_M, LIFTED, REST, asks, motion, mover
from train.text_motion.evaluation import edits
from train.text_motion.evaluation.edits import Edit
from train.text_motion.evaluation.served import Prompted

STILL = np.repeat(REST[None], 20, 0)
LIFT = Edit(*phrases()[LIFTED], "wave slowly")


def lifted(frames: int = 20, by: float = LIFT_M) -> np.ndarray:
    made = STILL.copy()
    made[:frames, FOOT, 1] += by
    return made


def test_shown_is_the_share_of_frames_that_show_it() -> None:
    assert edits.outcome(LIFT, lifted(), STILL).shown == 1.0
    assert edits.outcome(LIFT, lifted(5), STILL).shown == 0.25
    none = edits.outcome(LIFT, STILL, STILL)
    assert (none.shown, none.unedited, none.others, none.moved) == (0.0, 0.0, 0.0, 0.0) and none.near == 1.0
    assert edits.outcome(LIFT, lifted(), lifted(10)).unedited == 0.5


def test_what_else_changed_is_counted_and_only_that() -> None:
    found = edits.outcome(LIFT, lifted(), STILL)
    changed = (edits.read(lifted()[0]) != edits.read(REST)).sum() - 1
    assert found.others == pytest.approx(changed / 69) and found.moved == 0.0
    bowed = lifted()
    bowed[:, BODY.index("head"), 2] += 0.18  # of 19 joints that are on no leg: the right knee, ankle and foot are
    assert edits.outcome(LIFT, bowed, STILL).moved == pytest.approx(0.18 / 19, rel=1e-3)
    again = edits.outcome(LIFT, lifted(), STILL, bowed)
    assert again.moved_redrawn == pytest.approx(0.18 / 19, rel=1e-3) and again.others_redrawn >= found.others
    assert np.isnan(found.moved_redrawn) and np.isnan(found.others_redrawn)


def test_where_a_body_stands_and_faces_changes_nothing() -> None:
    turned = lifted() * np.array([-1.0, 1.0, -1.0]) + np.array([3.0, 0.0, 1.0])
    found = edits.outcome(LIFT, turned, STILL)
    assert found == pytest.approx(edits.outcome(LIFT, lifted(), STILL), abs=1e-5, nan_ok=True)


def test_joints_off_the_limb() -> None:
    elbow = phrases()["left elbow bent to 90"][0]
    names = {JOINTS[joint] for joint in edits.untouched(elbow)}
    assert "l_wrist" not in names and {"r_wrist", "head", "l_foot"} <= names
    hands = {JOINTS[joint] for joint in edits.untouched(phrases()["hands together"][0])}
    assert not {"l_wrist", "r_wrist"} & hands and "l_knee" in hands


def test_edits_are_of_codes_that_people_show() -> None:
    shown = np.concatenate([edits.read(motion(does, frames=40)) for does in ("walk", "wave", "bow")])
    drawn = edits.drawn(shown, asks(6), 4, 0)
    for kind in {GROUPS[edit.group].kind for edit in drawn}:
        assert sum(GROUPS[edit.group].kind == kind for edit in drawn) == 4
    for edit in drawn:
        assert edits.LEAST <= (shown[:, edit.group] == edit.bin).mean() <= 1.0 - edits.LEAST
    assert drawn == edits.drawn(shown, asks(6), 4, 0) != edits.drawn(shown, asks(6), 4, 1)


def test_a_bundle_is_edited(tmp_path: Path) -> None:
    model = Prompted(mover(tmp_path / "mover"), HUMANML3D)
    deaf = Edit(*phrases()["left elbow bent to 90"], "bow slowly")
    found = edits.played(model, [LIFT, deaf])
    assert found[0].shown == 1.0 and found[0].unedited == 0.0 and found[0].moved == pytest.approx(0.0, abs=1e-6)
    assert found[1].shown == found[1].unedited and found[1].others == 0.0 and found[1].moved == 0.0
    assert found[1].moved_redrawn > 0.001
    part = edits.section("toy", "held", [LIFT, deaf], found, 0)
    rows = {row.name: row for row in part.results}
    assert set(rows) == {"ground", "angle"} and rows["ground"].value("shown") == 1.0
    told = part.sentences()
    assert any("pass: edits of ground codes shown 1.00, asked for at least 0.9" in line for line in told)
    assert any("FAIL: edits of angle codes shown" in line for line in told)
    assert re.search(r"changes 0 to 3 % of the other.* by 0.0 to 0.0 cm; .* draws otherwise, 1 to 1 %", told[-1])
    bare = edits.section("toy", "decoded", [LIFT], [edits.outcome(LIFT, lifted(5), STILL)], 0).sentences()
    assert bare == [
        "toy, decoded: share of frames that show the code asked for, before serving corrects it: ground 0.25."
    ]
    strips = edits.three(model, "wave slowly")
    assert [len(strip[1]) for strip in strips] == [96, 96]
    off = np.abs(strips[1][1] - strips[0][1]).max((1, 2)) > 0.1
    assert off.nonzero()[0].tolist() == list(range(64, 96))  # of the three only the last moves this toy
