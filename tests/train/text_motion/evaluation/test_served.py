"""A toy bundle that is told what to do: from the start, live, held, and drawn otherwise from a frame on."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.errors import EngineError
from models.text_motion.layout import HUMANML3D, KIT
from models.text_motion.posecodes.table import phrases
from tests.train.text_motion.evaluation.toys import ARM, BODY, FOOT, LIFT_M, LIFTED, TRUNK, asks, mover
from train.text_motion.evaluation.edits import Edit, held
from train.text_motion.evaluation.served import ROWS, Change, Prompted


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return mover(tmp_path_factory.mktemp("bundle") / "mover")


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> Prompted:
    return Prompted(bundle, HUMANML3D, 3)


def does(motion: np.ndarray) -> str:
    """What a motion of the toy is."""
    moved = np.abs(np.diff(motion, axis=0)).max(0)
    if moved[0, 2] > 0.02:
        return "walk"
    return "wave" if moved[ARM].max() > moved[TRUNK].max() else "bow"


def test_each_text_is_answered_from_the_start_and_live(model: Prompted) -> None:
    wanted = dict(enumerate(asks(20)))
    assert len(wanted) > ROWS
    window, streams = model.window(wanted), model.live(wanted)
    live = model.cut(streams)
    for number, ask in wanted.items():
        assert len(window[number]) == len(live[number]) == len(ask.motion)
        assert does(window[number]) == does(live[number]) == ask.text.split()[0]
    places = sorted(streams.places.values())
    assert {place.row for place in places} == set(range(5)) and places[0].start == 0
    for one, other in itertools.pairwise(places):
        assert other.start == (one.stop if other.row == one.row else 0)  # streams go on without a gap


def test_another_draw_is_another_motion_and_the_same_draw_the_same(model: Prompted) -> None:
    wanted = {4: asks(6)[4]}
    first, again = (model.window(wanted, turn)[4] for turn in (0, 0))
    assert (first == again).all()
    assert np.abs(model.window(wanted, 1)[4] - first).max() > 0.01


def test_what_is_held_is_held_from_its_frame_on(model: Prompted) -> None:
    group, bin_ = phrases()[LIFTED]
    script = [Change(0, "wave slowly"), Change(10, hold=held(Edit(group, bin_, ""))), Change(20, hold=np.full(70, -1))]
    plain, edited = model.play([script[:1], script], 30, [5, 5]).bodies
    lift = (edited - plain)[:, FOOT, 1]
    assert lift == pytest.approx(np.where((np.arange(30) >= 10) & (np.arange(30) < 20), LIFT_M, 0.0), abs=1e-6)


def test_a_stream_can_be_drawn_otherwise_from_a_frame_on(model: Prompted) -> None:
    script = [[Change(0, "wave quickly")]]
    one, other = model.play(script, 30, [5]).bodies[0], model.play(script, 30, [5], fork=12).bodies[0]
    same = np.abs(one - other).max((1, 2)) < 1e-6
    assert same[:12].all() and not same[12:].any()


def test_controls_are_set(bundle: Bundle) -> None:
    wanted = {0: asks(1)[0]}
    usual, still = (Prompted(bundle, HUMANML3D, 0, {"temperature": t}).window(wanted)[0] for t in ("1", "0"))
    assert usual[-1, 0, 2] > 1.0 and still[-1, 0, 2] == 0.0
    with pytest.raises(EngineError, match="hold: set by what is asked for"):
        Prompted(bundle, HUMANML3D, 0, {"hold": "1"})
    with pytest.raises(EngineError, match="temperature = '9' is out of range"):
        Prompted(bundle, HUMANML3D, 0, {"temperature": "9"})


def test_other_bundles_are_refused(bundle: Bundle) -> None:
    with pytest.raises(EngineError, match=r"bundle mover: 20 frames/s.*at 12.5 frames/s"):
        Prompted(bundle, KIT)
    with pytest.raises(EngineError, match=r"bundle rules.*evaluate one that moves a 'body' by a 'prompt'"):
        Prompted(Bundle.load("rules"), HUMANML3D)


def test_files_are_where_bundles_are(bundle: Bundle, model: Prompted) -> None:
    assert (Path(bundle.path) / "encode.onnx").is_file()
    assert model.vectors.encode(["walk slowly"])[0, [1, 4]] == pytest.approx([0.5, 0.5])
    assert model.skeleton == BODY
