"""A bundle is given what the engine would give it: its own voice and words as they come, late, or not at all."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.errors import EngineError
from models.gesture import build
from tests.train.gesture.evaluation.toys import REST, VOCABULARY, WHO, talk, waver
from train.gesture.evaluation.cases import Case, Shown
from train.gesture.evaluation.served import ABLATIONS, LIVE, Gesturer
from train.gesture.pats.layout import RATE

NAMES = sorted(persona.name for persona in WHO)
WRIST, LEFT = 3, 6


@pytest.fixture(scope="module")
def gesturer(tmp_path_factory: pytest.TempPathFactory) -> Gesturer:
    return Gesturer(waver(tmp_path_factory.mktemp("bundle") / "waver"), NAMES)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    still = Shown(np.repeat(REST[None], 200, 0))
    talks = {name: talk(name, "test") for name in ("a-1", "b-2")}
    found = [Case(f"{name}.{who}", who, one, still) for name, one in talks.items() for who in NAMES]
    return [*found[:-1], dataclasses.replace(found[-1], truth=Shown(still.points[:150]))]


def test_voice_and_words_act_in_the_frame_that_hears_them(gesturer: Gesturer, cases: list[Case]) -> None:
    case = cases[0]
    row = gesturer.row("toy", cases)
    assert row.name == "toy" and row.kind == "model" and "waver 0.1.0, live" in row.about
    shown = row.motions[case.name]
    assert shown.points.shape == (200, 52, 2) and shown.joints is not None and shown.joints.shape == (200, 27, 3)
    alone = gesturer.row("toy", cases, ABLATIONS[0]).motions[case.name].points[:, WRIST, 1]
    heard = np.array(
        [np.abs(case.talk.pcm[round(f * 16000 / 15) : round((f + 1) * 16000 / 15)]).max() for f in range(200)]
    )
    assert REST[WRIST, 1] - alone == pytest.approx(1000.0 * heard, abs=12.0)
    said = shown.points[:, WRIST, 1] - alone
    for frame in range(200):
        begun = [word for word in case.talk.words if word.start <= (frame + 1) / RATE]
        young = begun and (frame + 1) / RATE - begun[-1].start < 1.0
        number = VOCABULARY.index(begun[-1].text) if young and begun[-1].text in VOCABULARY else 0
        assert said[frame] == pytest.approx(10.0 * number, abs=0.1), frame


def test_the_gesturer_is_chosen_by_name_and_lengths_are_the_cases(gesturer: Gesturer, cases: list[Case]) -> None:
    motions = gesturer.row("toy", cases).motions
    for case in cases:
        points = motions[case.name].points
        assert len(points) == case.frames
        assert points[:, LEFT, 0] == pytest.approx(REST[LEFT, 0] + 50.0 * NAMES.index(case.speaker))


def test_what_is_withheld_or_late(gesturer: Gesturer, cases: list[Case]) -> None:
    case = cases[0]
    whole, words, voice, late, later = (
        gesturer.row("toy", [case], given).motions[case.name].points[:, WRIST, 1] for given in (LIVE, *ABLATIONS)
    )
    said = whole - words
    assert voice == pytest.approx(REST[WRIST, 1] + said, abs=1e-3)
    for given, heard in ((LIVE, 5.0), (ABLATIONS[0], 5.0), (ABLATIONS[1], 0.0)):
        left = gesturer.row("toy", [case], given).motions[case.name].points[:, LEFT, 1]
        assert left == pytest.approx(REST[LEFT, 1] + heard)
    begins = np.flatnonzero(np.diff(said) > 5.0)
    assert len(begins) > 8
    # A late word comes by whole frames later: at its first one nothing is known of it.
    first = int(begins[1]) + 1
    known = int(np.flatnonzero(np.abs(late - words)[first - 3 :] > 5.0)[0]) + first - 3
    assert 0 < (known - int(np.flatnonzero(said > 5.0)[0])) / RATE <= 0.4
    assert not np.allclose(later, late) and np.allclose((later - words)[: first + 10], 0.0, atol=1e-3)
    names = [gesturer.row("toy", [case], given).name for given in ABLATIONS]
    assert names == ["toy, no words", "toy, no voice", "toy, words 0.3 s late", "toy, words 1 s late"]


def test_chance_follows_the_seed_and_the_case_alone(gesturer: Gesturer, cases: list[Case]) -> None:
    def drawn(maker: Gesturer, some: list[Case], which: int = 0) -> np.ndarray:
        return maker.row("toy", some).motions[cases[which].name].points[:, 0, 0]

    own = drawn(gesturer, cases)
    assert np.array_equal(own, drawn(gesturer, cases[:1])) and own.std() > 0.1
    assert not np.array_equal(own, drawn(gesturer, cases, 1))
    assert not np.array_equal(own, drawn(dataclasses.replace(gesturer, seed=1), cases))


def test_controls_are_set_and_checked(gesturer: Gesturer, cases: list[Case]) -> None:
    small = Gesturer(gesturer.bundle, NAMES, 0, {"amplitude": "0.5"})
    whole, half = (one.row("toy", cases[:1]).motions[cases[0].name].points - REST for one in (gesturer, small))
    assert half == pytest.approx(0.5 * whole, abs=1e-3)
    with pytest.raises(EngineError, match="who is set by each gesturer"):
        Gesturer(gesturer.bundle, NAMES, 0, {"who": 0})
    with pytest.raises(EngineError, match="no control 'height'"):
        Gesturer(gesturer.bundle, NAMES, 0, {"height": 1})


def test_the_gesture_model_is_one_of_these(gesturer: Gesturer) -> None:
    spec = build("tiny").spec
    found = Gesturer(dataclasses.replace(gesturer.bundle, spec=spec), ["one", "other"], 0, {"rate": 1.5})
    assert found.style is not None and found.style.names == ("one", "other") and found.skeleton is not None
    assert [item.of for item in (*found.voices, *found.words)] == ["self", "self"]


def test_another_bundle_is_refused(gesturer: Gesturer) -> None:
    with pytest.raises(EngineError, match="who has ada, elin, not zoe"):
        Gesturer(gesturer.bundle, [*NAMES, "zoe"])
    spec = dataclasses.replace(gesturer.bundle.spec, outputs=gesturer.bundle.spec.outputs[1:])
    bundle = dataclasses.replace(gesturer.bundle, spec=spec)
    with pytest.raises(EngineError, match="evaluate one that hears its own voice or words and shows points:pats52"):
        Gesturer(bundle, NAMES)
