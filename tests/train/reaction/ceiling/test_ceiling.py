"""The ceiling finds a dependence that was planted, in what it was planted in, and nothing in nods drawn by chance."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.speech.corpus import write_corpus
from train.__main__ import main
from train.reaction.ceiling import columns as known
from train.reaction.ceiling.chances import Fitted
from train.reaction.ceiling.command import report
from train.reaction.ceiling.measure import (
    DRAWS,
    VARIANTS,
    Case,
    Variant,
    cases,
    compared,
    crossed,
    drawn,
    likelihood,
    others,
    shifted,
    told,
)
from train.reaction.ceiling.views import View, views
from train.report import hazard
from train.report.intervals import Tally
from train.simulate.meetings.people import TICK_S, Meeting, meetings

SERIES = ("ES2003a", "ES2008a", "IS1000a")
END = 300.0
PAUSES, TEXT = Variant("pauses", known.PAUSES), Variant("text", (*known.PAUSES, *known.TEXT), 0.0)


def rows(meeting: str, planted: str, rng: np.random.Generator) -> dict[str, list[str]]:
    """A talks in phrases of random length; B and C nod 0.35 s after most phrases (``ends``), after those that end in
    "right" alone (``words``), or anywhere (``chance``). C is off camera from 250 s on."""
    words, nods, clock = [], {"B": [], "C": []}, 1.0
    while clock < END - 10:
        for _ in range(rng.integers(3, 12)):
            words.append(f"{meeting},A,{clock:.2f},{clock + 0.3:.2f},word,{rng.choice(['one', 'two', 'three'])}")
            clock += 0.3
        last = str(rng.choice(["right", "left"]))
        words.append(f"{meeting},A,{clock:.2f},{clock + 0.3:.2f},word,{last}")
        clock += 0.3
        for who in nods.values():
            likely = {"ends": 0.7, "words": 0.9 * (last == "right"), "chance": 0.0}[planted]
            if rng.random() < likely:
                who.append(clock + 0.35)
        clock += float(rng.uniform(0.8, 1.6))
    if planted == "chance":
        nods = {who: sorted(rng.uniform(5.0, END - 10.0, 60)) for who in nods}
    heads = [f"{meeting},B,0,{END},no_comm_head,,", f"{meeting},C,0,250,no_comm_head,,"]
    heads += [f"{meeting},C,250,{END},off_camera,,"]
    heads += [
        f"{meeting},{who},{t:.2f},{t + 0.4:.2f},concord_signal,nod,"
        for who, at in nods.items()
        for t in at
        if who == "B" or t < 249
    ]
    acts = [f"{meeting},A,1.0,{END},inf,,text"]
    return {"words": words, "headGesture": heads, "dialogue_acts": acts}


@cache
def planted(kind: str, series: tuple[str, ...] = SERIES) -> tuple[Meeting, ...]:
    rng = np.random.default_rng(5)
    found = [rows(name, kind, rng) for name in series]
    with TemporaryDirectory() as folder:
        whole = {key: [row for one in found for row in one[key]] for key in found[0]}
        return tuple(meetings(write_corpus(Path(folder), **whole)))


@cache
def seen(kind: str) -> tuple[View, ...]:
    return tuple(view for meeting in planted(kind) for view in views(meeting))


@cache
def fitted(kind: str, variant: Variant) -> tuple[list[Case], list[Fitted]]:
    vocabulary = known.Vocabulary.of(planted(kind))
    given = cases(seen(kind), told(seen(kind), vocabulary, variant.late_s), variant)
    sizes = vocabulary.sizes()
    return given, crossed(given, [sizes[name] for name in (*known.OWN, *variant.columns)], 0)


def bits(kind: str, variant: Variant) -> float:
    """Bits a nod over the mean rate."""
    rate = sum(len(view.nods) for view in seen(kind)) / sum(int(view.risk.sum()) for view in seen(kind))
    sums = [likelihood(case, model, rate) for case, model in zip(*fitted(kind, variant), strict=True)]
    return float(sum(one["gain"] for one in sums) / sum(one["nods"] for one in sums))


def test_views_count_the_time_in_which_one_talks_and_the_listener_is_seen() -> None:
    first, second = seen("ends")[:2]
    assert (first.listener.person.speaker, second.listener.person.speaker) == ("B", "C")
    assert first.risk[:10].sum() == 0 and first.risk[15:2800].all()
    assert second.risk[:2500].sum() == first.risk[:2500].sum() and not second.risk[2500:].any()
    assert second.nods.max() < 2500 and len(first.ends) > 60
    assert first.watched[0].start_s == pytest.approx(1.0) and not [view for view in seen("ends") if view.place == 0]
    lags = (first.nods[:, None] * TICK_S - first.ends)[np.abs(first.nods[:, None] * TICK_S - first.ends) < 0.5]
    assert len(lags) == len(first.nods) and np.abs(lags - 0.35).max() < 0.11


def test_a_tick_knows_nothing_of_what_comes() -> None:
    vocabulary = known.Vocabulary.of(planted("ends"))
    (meeting, *_) = planted("ends")
    speaker, rest = meeting.people[0], meeting.people[1:]
    pairs = itertools.pairwise(speaker.words)
    cut = next(word for before, word in pairs if word.start > 100.0 and word.start - before.end > 0.5)
    words = speaker.words[: speaker.words.index(cut)]
    early = replace(speaker, words=words, all_words=words, acts=())
    whole = known.spoken(Meeting("x", (speaker, *rest)), vocabulary, 0.0)[0]
    half = known.spoken(Meeting("x", (early, *rest)), vocabulary, 0.0)[0]
    until = int(cut.start / TICK_S)
    for name in (*known.PAUSES, "word", "since_word", "mark", "words"):
        np.testing.assert_array_equal(whole[name][:until], half[name][:until], err_msg=name)
    assert (whole["until_word"][:until] != half["until_word"][:until]).any()
    late = known.spoken(meeting, vocabulary, 0.45)[0]["word"]
    now = whole["word"]
    assert (late[:1000] != now[:1000]).any() and np.mean(late[5:1000] == now[:995]) > 0.8


def test_a_planted_dependence_is_found() -> None:
    assert bits("ends", PAUSES) > 1.5
    given, models = fitted("ends", PAUSES)
    made = drawn(given, models, 0)
    count = sum(len(one) for each in made for one in each) / DRAWS
    assert count == pytest.approx(sum(len(case.view.nods) for case in given), rel=0.15)
    sums = [compared(case.view, one) for case, each in zip(given, made, strict=True) for one in each]
    total = Tally({key: sum(one[key] for one in sums)[None] for key in sums[0]}, {})
    curve = hazard.curve(total, "ends")[0]
    peak = int(np.argmin(np.abs(hazard.CENTRES - 0.375)))
    assert curve.argmax() == peak and curve[peak] > 2 * np.delete(curve, [peak - 1, peak, peak + 1]).max()
    rng = np.random.default_rng(0)
    chance = [compared(case.view, shifted(case.view, rng)) for case in given for _ in range(4)]
    by_chance = sum(one["both"] for one in chance) / sum(one["either"] for one in chance)
    assert total.sums["both"][0] / total.sums["either"][0] > 2 * by_chance


def test_words_tell_what_pauses_do_not() -> None:
    assert bits("words", TEXT) > bits("words", PAUSES) + 0.5


def test_nothing_is_found_in_nods_of_chance() -> None:
    assert bits("chance", TEXT) < 0.1 and bits("chance", PAUSES) < 0.1


def test_others_and_shifted_nods_are_compared_where_they_count() -> None:
    first, second = seen("ends")[:2]
    (view, nods), *_ = others([first, second])
    assert view.place == first.place and not view.risk[2500:].any() and view.nods.max() < 2500
    assert set(nods) <= set(second.nods)
    assert compared(view, nods)["both"] > 0.5 * compared(view, nods)["either"]
    moved = shifted(first, np.random.default_rng(0))
    assert len(moved) == len(first.nods) and first.risk[moved].all() and not np.array_equal(moved, first.nods)
    assert compared(first, first.nods)["both"] == compared(first, first.nods)["either"] == len(first.nods)


def test_the_report_has_a_line_for_every_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.reaction.ceiling.chances.PASSES", 2)
    monkeypatch.setattr("train.reaction.ceiling.measure.MOST_TRIES", 0)
    lines: list[str] = []
    assert report(planted("ends", SERIES), 0, lines.append) == lines
    for variant in VARIANTS:
        assert sum(line.startswith(variant.name) for line in lines) == 2
    monkeypatch.setenv("ENGINE_DATA", str(tmp_path))
    assert main(["ceiling"]) == 2
    assert "ami_annotations" in capsys.readouterr().err


def test_two_series_are_too_few() -> None:
    given, _ = fitted("ends", PAUSES)
    with pytest.raises(EngineError, match="three are needed"):
        crossed(given[:4], [1], 0)
