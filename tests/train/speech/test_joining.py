"""Phrases joined to a talk: words where their sound is, one level, no clipping."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.speech.conftest import spoken
from train.speech.joining import LEAD_IN_S, LEAD_OUT_S, Piece, joined
from train.speech.sound import level_db
from train.speech.talk import LEVEL, RATE, SpokenWord, Talk

PLAN = [("red", 0.25, 120.0, 0.3), ("of", 0.12, 110.0, 0.1), ("stone", 0.3, 140.0, 0.5), ("the", 0.12, 110.0, 0.1)]


def talk_of(*pieces: Piece) -> Talk:
    return joined("t", "v", "train", "s", "CC0", "c", pieces)


def test_words_lie_where_their_sound_is() -> None:
    pcm, words = spoken(PLAN)
    talk = talk_of(Piece(pcm, words, 0.7), Piece(pcm, words, 0.4))
    assert talk.seconds == pytest.approx(LEAD_IN_S + 2 * len(pcm) / RATE + 1.1, abs=1e-3)
    assert [word.text for word in talk.words] == [item[0] for item in PLAN] * 2
    second = talk.words[len(PLAN)].start
    assert second - talk.words[0].start == pytest.approx(len(pcm) / RATE + 0.7, abs=1e-3)
    loud = np.abs(talk.pcm)
    for word in talk.words:
        inside = loud[round(word.start * RATE) : round(word.end * RATE)]
        gap = loud[round(word.end * RATE) + 40 : round(word.end * RATE) + 400]
        assert inside.max() > 10 * gap.max()


def test_no_word_reaches_beyond_its_phrase_and_a_talk_ends_in_silence() -> None:
    pcm, words = spoken(PLAN)
    late = (*words[:-1], SpokenWord("end", words[-1].start, len(pcm) / RATE + 0.009))
    talk = talk_of(Piece(pcm, late, 0.0), Piece(pcm, late, 0.0))
    ends = [LEAD_IN_S + len(pcm) / RATE, LEAD_IN_S + 2 * len(pcm) / RATE]
    assert [talk.words[3].end, talk.words[7].end] == pytest.approx(ends, abs=1e-9)
    assert talk.seconds == pytest.approx(ends[1] + LEAD_OUT_S, abs=1e-3)


def test_all_is_at_the_common_level_and_loud_phrases_are_half_as_far_off() -> None:
    pcm, words = spoken(PLAN * 2)
    talk = talk_of(Piece(pcm * 0.05, words, 0.5), Piece(pcm * 0.5, words, 0.5))
    assert level_db(talk.pcm.astype(float)) == pytest.approx(20 * np.log10(LEVEL), abs=0.3)
    half = len(talk.pcm) // 2
    levels = [level_db(part.astype(float)) for part in (talk.pcm[:half], talk.pcm[half:])]
    assert levels[1] - levels[0] == pytest.approx(10.0, abs=1.0)
    assert talk.pcm.dtype == np.float32 and np.abs(talk.pcm).max() < 1.0
    assert talk.stresses and all(talk.words[item.word].text in ("red", "stone") for item in talk.stresses)


def test_nothing_to_join_is_refused() -> None:
    with pytest.raises(EngineError, match="no phrases"):
        talk_of()
    with pytest.raises(EngineError, match="silent"):
        talk_of(Piece(np.zeros(RATE, np.float32), (), 0.5))
