"""Phrases, what invites a stroke, and when a stress can be known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.train.simulate.gestures.talks import PHRASE, spoken
from train.simulate.gestures.moments import FRAME, invitations, known, phrase_of, phrases
from train.simulate.gestures.timing import measured
from train.speech.talk import Stress


def test_phrases_end_at_pauses() -> None:
    talk = spoken(phrases=3)
    found = phrases(talk)
    assert len(found) == 3
    assert found[0].start == talk.words[0].start and found[0].end == talk.words[len(PHRASE) - 1].end
    assert phrase_of(found, found[1].start + 1.0) == found[1]
    assert phrase_of(found, found[1].end + 0.1) == found[1] and phrase_of(found, found[2].start - 0.1) == found[2]
    assert len(phrases(spoken(phrases=3, pause=0.2))) == 1


def test_without_words_phrases_follow_from_stresses() -> None:
    talk = spoken(phrases=3)
    bare = replace(talk, words=(), stresses=tuple(replace(stress, word=-1) for stress in talk.stresses))
    assert [phrase.start for phrase in phrases(bare)] == pytest.approx([p.start for p in phrases(talk)], abs=0.5)
    assert phrases(replace(bare, stresses=())) == ()
    assert len(invitations(bare, measured().hand)) == len(talk.stresses)


def test_strong_stresses_and_last_content_words_invite_more() -> None:
    talk = replace(spoken(1), stresses=tuple(Stress(word.start, 0.5, k) for k, word in enumerate(spoken(1).words)))
    found = dict(zip(PHRASE, invitations(talk, measured().nod), strict=True))
    assert found["visit"] > found["places"] > found["to"] > found["the"]
    assert np.mean(list(found.values())) == pytest.approx(1.0)
    louder = replace(talk, stresses=tuple(replace(s, strength=1.0 if s.word == 1 else 0.5) for s in talk.stresses))
    assert invitations(louder, measured().nod)[1] > 1.5 * found["river"]


def test_a_content_word_is_known_a_frame_after_it_began_a_function_word_by_its_sound() -> None:
    talk = spoken(1)
    river, the = talk.words[1], talk.words[0]
    assert known(talk, Stress(river.end - 0.01, 0.5, 1)) == pytest.approx(river.start + FRAME)
    # the voice begins with the first word: what is heard of it is known a frame later
    assert known(talk, Stress(the.start + 0.12, 0.5, 0)) == pytest.approx(the.start + FRAME, abs=0.015)
    assert known(talk, Stress(the.start + 0.12, 0.5, -1)) == pytest.approx(the.start + FRAME, abs=0.015)
    assert known(talk, Stress(0.0, 0.5, -1)) >= 0
