"""Labels of plans: one frame before the movement, told where there is someone to tell, else found on the face."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.channels import FACE
from train.reaction.plans import known, labels
from train.simulate.talk import Cue

KINDS = ("nod", "smile", "brow")


@given(times=st.lists(st.floats(-1.0, 12.0), max_size=8, unique=True))
def test_what_was_planned_is_labelled_one_frame_before_it_begins(times: list[float]):
    face = np.zeros((250, 58), np.float32)
    found = labels([Cue("nod", time, 0.5) for time in times], face, KINDS)
    assert found.shape == (250, 3) and not found[:, 1:].any()
    wanted = {int(np.floor(time * 25)) - 1 for time in times}
    assert set(np.flatnonzero(found[:, 0])) == {frame for frame in wanted if 0 <= frame < 250}


def test_a_real_listener_s_nods_and_smiles_are_found_on_the_face():
    face = np.zeros((500, 58), np.float32)
    nod = np.radians(5.0) * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(12) / 12))
    face[200:212, FACE["headPitch"]] = nod
    face[300:400, [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]] = 0.6
    found = labels((), face, KINDS)
    assert found.sum(0).tolist() == [1, 1, 0]
    assert abs(int(found[:, 0].argmax()) - 200) <= 3
    assert abs(int(found[:, 1].argmax()) - 300) <= 6


def test_a_cue_is_labelled_in_the_frame_in_which_it_becomes_known_and_not_where_it_happened() -> None:
    cues = (
        Cue("pause", 1.0, 0.5, 1.45),
        Cue("question", 3.0, 0.5, 3.45),
        Cue("low", 2.0, 0.5, 2.02),
        Cue("smile", 0.5, 1),
    )
    found = known(cues, 100, ("end", "low"))
    assert [tuple(np.flatnonzero(column)) for column in found.T] == [(36, 86), (50,)]
    assert found.min() == 0 and found.dtype == np.int8


def test_without_cues_that_say_when_they_are_known_nothing_is_taught() -> None:
    assert (known((Cue("pause", 1.0, 0.5),), 10, ("end", "low")) == -1).all()
    assert (known((), 10, ("end",)) == -1).all()
