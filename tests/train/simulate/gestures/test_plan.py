"""Strokes meet stresses as AMI's people have it; phases keep their order and lengths; what is known limits the live
form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.simulate.gestures.talks import spoken
from train.simulate.gestures.knowable import knowable
from train.simulate.gestures.library import Library, load_library
from train.simulate.gestures.moments import FRAME, known, phrase_of, phrases
from train.simulate.gestures.persona import PERSONAS
from train.simulate.gestures.plan import (
    HEARD_PAUSE,
    LATEST,
    LEAST_HOLD,
    LEAST_PREP,
    LEAST_STROKE,
    Gesture,
    Performance,
    perform,
)
from train.simulate.gestures.timing import measured
from train.speech.talk import Talk

LIBRARY = load_library(None)
TALK = spoken(10)
TINY, SEEDS = 1e-6, 6


def played(talk: Talk, number: int, seed: int, live: bool) -> Performance:
    rng = np.random.default_rng(seed)
    performance = perform(talk, PERSONAS[number], LIBRARY, rng)
    return knowable(performance, talk, rng) if live else performance


@pytest.fixture(scope="module")
def planned() -> list[Performance]:
    return [played(TALK, number, seed, False) for number in range(len(PERSONAS)) for seed in range(SEEDS)]


@pytest.fixture(scope="module")
def lived(planned: list[Performance]) -> list[Performance]:
    return [knowable(each, TALK, np.random.default_rng(number)) for number, each in enumerate(planned)]


def hits(performances: Sequence[Performance], by: float = 0.0) -> float:
    times = np.array([stress.time for stress in TALK.stresses])
    apexes = np.array([gesture.apex for performance in performances for gesture in performance.gestures])
    return float((np.abs((apexes + by) % TALK.seconds - times[:, None]).min(0) < 0.2).mean())


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(0, len(PERSONAS) - 1),
    seed=st.integers(0, 10**6),
    count=st.integers(0, 5),
    pause=st.floats(0.0, 3.0),
    live=st.booleans(),
)
def test_phases_rise_last_and_do_not_overlap(number: int, seed: int, count: int, pause: float, live: bool) -> None:
    talk = spoken(count, pause)
    performance = played(talk, number, seed, live)
    for gesture in performance.gestures:
        assert 0 <= gesture.prep <= gesture.stroke - LEAST_PREP + TINY
        assert gesture.stroke <= gesture.apex - LEAST_STROKE + TINY
        assert gesture.apex + LEAST_HOLD <= gesture.retract + TINY
        assert gesture.retract <= gesture.rest <= talk.seconds
        one = LIBRARY.entry(gesture.stroke_name).hands != "both"
        assert gesture.size > 0 and one == (gesture.hands != "both")
    for one, other in pairwise(performance.gestures):
        assert one.rest <= other.prep + TINY
        assert (one.rest == one.retract) == (one.retract == other.prep)
    for one, other in pairwise(performance.nods):
        assert one.end <= other.start + TINY
    assert all(0 <= nod.start < nod.apex < nod.end <= talk.seconds for nod in performance.nods)


def test_strokes_meet_their_stress_with_the_measured_phase(planned: list[Performance]) -> None:
    off = np.array([g.apex - TALK.stresses[g.stress].time for each in planned for g in each.gestures])
    phase = measured().nod.phase["middle"]
    assert off.mean() == pytest.approx(phase.mean, abs=0.03)
    assert off.std() == pytest.approx(phase.spread, rel=0.15)


def test_strokes_hit_stresses_and_those_of_other_moments_do_not(
    planned: list[Performance], lived: list[Performance]
) -> None:
    elsewhere = np.mean([hits(planned, by) for by in (3.1, 7.3, 11.9)])
    assert hits(planned) > elsewhere + 0.2
    assert hits(lived) > elsewhere + 0.1


def test_everybody_gestures_and_nods_at_their_own_rate(planned: list[Performance]) -> None:
    minutes = SEEDS * sum(phrase.end - phrase.start for phrase in phrases(TALK)) / 60
    for part, wanted in (("gestures", "rate"), ("nods", "nods")):
        rates = [
            sum(len(getattr(each, part)) for each in planned if each.persona == persona) / minutes
            for persona in PERSONAS
        ]
        wants = [getattr(persona, wanted) for persona in PERSONAS]
        assert np.mean(rates) == pytest.approx(np.mean(wants), rel=0.15), part
        assert np.corrcoef(rates, wants)[0, 1] > 0.85, part


def test_strong_stresses_are_met_more_often_than_weak_ones(planned: list[Performance]) -> None:
    met = np.bincount([g.stress for each in planned for g in each.gestures], minlength=len(TALK.stresses))
    strong = np.array([stress.strength >= 0.7 for stress in TALK.stresses])
    assert met[strong].mean() > 1.4 * met[~strong].mean()


def test_hands_are_those_that_a_person_prefers(planned: list[Performance]) -> None:
    off = {"both": [], "right": []}
    for persona in PERSONAS:
        hands = [g.hands for each in planned if each.persona == persona for g in each.gestures]
        single = len(hands) - hands.count("both")
        off["both"] += [hands.count("both") - persona.both * len(hands)]
        off["right"] += [(hands.count("right") - persona.handedness * single)]
    total = sum(len(each.gestures) for each in planned)
    for kind, errors in off.items():
        assert np.abs(errors).sum() < 0.15 * total, kind


def test_hands_rest_in_long_pauses() -> None:
    talk = spoken(4, pause=4.0)
    for live in (False, True):
        for number in range(len(PERSONAS)):
            for one, other in pairwise(phrases(talk)):
                middle = (one.end + other.start) / 2
                for gesture in played(talk, number, 3, live).gestures:
                    assert not gesture.prep < middle < gesture.rest


def test_what_is_planned_may_foresee_what_is_live_may_not(planned: list[Performance], lived: list[Performance]) -> None:
    found = phrases(TALK)
    early = {True: 0, False: 0}
    for live, performances in ((False, planned), (True, lived)):
        for performance in performances:
            for gesture in performance.gestures:
                stress = TALK.stresses[gesture.stress]
                early[live] += gesture.stroke < known(TALK, stress) - TINY
                early[live] += gesture.prep < phrase_of(found, stress.time).start + FRAME - TINY
                if live:
                    assert gesture.apex <= stress.time + LATEST + TINY
    assert early[False] > 200 and early[True] == 0


def test_live_hands_sink_once_the_end_of_a_phrase_was_heard(
    planned: list[Performance], lived: list[Performance]
) -> None:
    def near(performances: list[Performance]) -> list[float]:
        ends = np.array([phrase.end for phrase in phrases(TALK)])
        off = [g.retract - ends for each in performances for g in each.gestures if g.rest > g.retract]
        return [float(o[np.abs(o).argmin()]) for o in off]

    before = [off for off in near(planned) if abs(off) < 0.2]
    assert min(before) < 0 and len(before) > 100
    assert not [off for off in near(lived) if -0.3 < off < HEARD_PAUSE - TINY]


def test_a_live_performance_keeps_most_strokes_their_order_and_their_shape(planned: list[Performance]) -> None:
    kept = total = 0
    for number, one in enumerate(planned):
        live = knowable(one, TALK, np.random.default_rng(number))
        stresses = [g.stress for g in one.gestures]
        mine = [g.stress for g in live.gestures]
        assert mine == [stress for stress in stresses if stress in set(mine)]
        by_stress = {g.stress: g for g in one.gestures}
        assert all(
            (g.stroke_name, g.size) == (by_stress[g.stress].stroke_name, by_stress[g.stress].size)
            for g in live.gestures
        )
        kept, total = kept + len(mine), total + len(stresses)
    assert 0.8 * total < kept < total + 1


def test_a_stroke_that_would_come_too_late_is_left_out() -> None:
    """Its stress lies at the very start of a phrase: there is no time to lift the hand."""
    first = replace(TALK.stresses[0], time=TALK.words[0].start + 0.01, word=0)
    talk = replace(TALK, stresses=(first, *TALK.stresses[1:]))
    gesture = Gesture("right", "beat.right", 0.1, 0.5, 0.8, 1.0, 1.5, 1.0, 0)
    performance = Performance((gesture,), (), PERSONAS[0])
    assert knowable(performance, talk, np.random.default_rng(0)).gestures == ()
    apex = talk.stresses[3].time
    later = Gesture("right", "beat.right", apex - 0.7, apex - 0.3, apex, apex + 0.2, apex + 0.8, 1.0, 3)
    assert len(knowable(replace(performance, gestures=(later,)), talk, np.random.default_rng(0)).gestures) == 1


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    assert played(TALK, 1, 5, True) == played(TALK, 1, 5, True) != played(TALK, 1, 6, True)


def test_a_talk_without_stresses_is_listened_to_at_rest() -> None:
    talk = replace(TALK, stresses=())
    assert played(talk, 0, 0, True) == Performance((), (), PERSONAS[0])


def test_a_library_of_one_hand_serves_everybody() -> None:
    library = Library(LIBRARY.made_with("left"))
    performance = perform(TALK, PERSONAS[0], library, np.random.default_rng(0))
    assert performance.gestures and {g.hands for g in performance.gestures} == {"left"}
