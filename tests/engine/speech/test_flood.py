"""A speech program that sends words faster than anybody speaks loses those beyond, counted, and nothing else."""

from __future__ import annotations

from engine.feeds.words import WORDS_A_SECOND, WORDS_AT_ONCE
from tests.engine.speech.made import RATE
from tests.engine.speech.stage import Stage, ramp, word


def test_words_faster_than_speech_are_left_out_until_time_has_passed() -> None:
    stage = Stage()
    stage.sound(ramp(2.0), begins=True)
    batch = [word(0.0, 0.1)] * 1024
    for _ in range(10):
        stage.tell(words=batch)
        stage.until(stage.now_s + 0.01)
    assert WORDS_AT_ONCE <= len(stage.words) <= WORDS_AT_ONCE + 10
    assert stage.schedule.dropped_words == 10 * len(batch) - len(stage.words)
    stage.until(1.0)
    stage.tell(words=[word(1.5, 1.6, "later")] * int(WORDS_A_SECOND / 2))
    stage.until(2.0)
    assert stage.said()[-1] == ("later", 1.5, 1.6) and len(stage.played) == 2 * RATE
