"""Simulated listeners listen: events follow the talk, people differ, and what is made is measured like any face."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.channels import FACE
from engine.errors import EngineError
from engine.sources.media import MediaFile
from train.report import events
from train.simulate.cues import find_cues
from train.simulate.listeners import listen
from train.simulate.nodding import Nod, render_nods
from train.simulate.smiling import Pulse, eased, render_pulses
from train.simulate.talk import CLIP_FRAMES, FPS, HOP, RATE, Act, SimulatedListener, Span, Talk

PARTNER = Path(engine.__file__).parent / "data" / "partner"
COUNT, PAUSED = 8, 10 * FPS
ACTS = {"smile": "smile", "laugh": "laugh", "brows": "brow_raise"}


@cache
def talk() -> Talk:
    """The built-in partner's story three times, with ten seconds between: silence, an own turn, silence."""
    pcm = np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])
    with np.load(PARTNER / "face.npz") as stored:
        face, noted = stored["face"].astype(np.float32), json.loads(str(stored["events"]))
    faces, sounds, phrases, acts = [], [], [], []
    for start in (index * (len(face) + PAUSED) / FPS for index in range(3)):
        faces += [face, np.repeat(face[-1:], PAUSED, 0)]
        sounds += [pcm[: len(face) * HOP], np.zeros(PAUSED * HOP, np.float32)]
        phrases += [Span(start + begin, start + end) for name, begin, end, _ in noted if name == "speech"]
        acts += [Act(ACTS[name], start + begin, start + end, much) for name, begin, end, much in noted if name in ACTS]
    gap = 2 * len(face) / FPS + PAUSED / FPS
    own = (Span(gap + 0.5, gap + 9.5),)
    return Talk("partner", "partner", np.concatenate(sounds), np.concatenate(faces), tuple(phrases), own, tuple(acts))


@cache
def reactions() -> list[SimulatedListener]:
    return listen(talk(), COUNT, 0)


def inside(spans: tuple[Span, ...], after: float = 0.0) -> np.ndarray:
    time = np.arange(talk().frames) / FPS
    return np.any([(time >= span.start_s) & (time < span.end_s + after) for span in spans], axis=0)


def planned(reaction: SimulatedListener, kind: str) -> np.ndarray:
    return np.array([event.time_s for event in reaction.events if event.kind == kind])


def away(face: np.ndarray) -> np.ndarray:
    gaze = events.gaze_degrees(face)
    return np.linalg.norm(gaze - np.median(gaze, 0), axis=1) > events.AWAY_DEGREES


def test_same_seed_same_listeners_whoever_else_listens() -> None:
    few, other = listen(talk(), 2, 0), listen(talk(), 2, 1)
    for index, reaction in enumerate(few):
        np.testing.assert_array_equal(reaction.face, reactions()[index].face)
        assert reaction.events == reactions()[index].events
        assert np.abs(reaction.face - other[index].face).max() > 0.1
    assert np.abs(few[0].face - few[1].face).max() > 0.1


def test_a_reaction_has_the_layout_that_training_reads() -> None:
    for reaction in reactions():
        assert reaction.face.shape == (talk().frames, 58) and reaction.face.dtype == np.float32
        assert np.isfinite(reaction.face).all()
        assert reaction.face[:, :52].min() >= 0.0 and reaction.face[:, :52].max() <= 1.0
        own = reaction.controls["self_speaking"]
        assert set(own) == {0.0, 1.0} and np.sum((own > 0.5) != inside(talk().own_turns)) <= 2  # ends between frames
        assert set(reaction.controls["expressiveness"]) == {np.float32(reaction.persona["expressiveness"])}
        assert {event.kind for event in reaction.events} <= {"nod", "smile", "ease", "brow", "away", "back"}


def test_nods_show_come_with_cues_and_fall_silent_with_the_partner() -> None:
    cues = np.array([cue.time_s for cue in find_cues(talk())])
    turns, rates, shown, prompted, elsewhere = inside(talk().phrases, 1.0), [], [], [], 0
    for reaction in reactions():
        seen = np.array(events.nods(reaction.face, FPS))
        rates.append(turns[(seen * FPS).astype(int)].sum() / (turns.sum() / FPS / 60.0))
        elsewhere += int((~turns[(seen * FPS).astype(int)]).sum())
        shown += [np.any((seen > start - 0.1) & (seen < start + 1.0)) for start in planned(reaction, "nod")]
        prompted += [np.any((time - cues > -0.3) & (time - cues < 1.3)) for time in seen]
    assert 6.0 <= np.mean(rates) <= 11.5
    assert np.mean(shown) > 0.95
    assert np.mean(prompted) > 0.85
    assert elsewhere / ((~turns).sum() / FPS / 60.0 * COUNT) <= 1.0


def test_without_foresight_no_answer_begins_before_its_cue_can_be_known() -> None:
    """With it a good part of the nods at ends of phrases does; both nod as often."""
    ends = [cue for cue in find_cues(talk()) if cue.kind in ("pause", "question")]
    lows = np.array([cue.time_s for cue in find_cues(talk()) if cue.kind == "low"])
    early, counts = {}, {}
    for foresight in (True, False):
        nods = np.concatenate([planned(one, "nod") for one in listen(talk(), COUNT, 0, foresight)])
        free = nods[[not np.any((time - lows > 0.1) & (time - lows < 1.0)) for time in nods]]  # answer no low region
        early[foresight] = np.mean([any(-0.3 <= time - end.time_s < 0.44 for end in ends) for time in free])
        counts[foresight] = len(nods)
    assert early[True] > 0.4 and early[False] < 0.1
    assert counts[False] == pytest.approx(counts[True], rel=0.25)


def test_looks_away_are_told_and_rest() -> None:
    for reaction in reactions():
        gone, back = planned(reaction, "away"), planned(reaction, "back")
        assert len(gone) - len(back) in (0, 1) and len(gone) > 5
        assert (back - gone[: len(back)]).min() >= 0.3
        off = away(reaction.face)
        middle = np.minimum(((gone[: len(back)] + back) / 2 * FPS).astype(int), len(off) - 1)
        assert off[middle].mean() > 0.8


def test_a_smile_is_let_go_once_where_it_falls() -> None:
    held = Pulse("smile", 1.0, 5.0, 0.5, 1.5, 0.8)
    over = Pulse("laugh", 3.0, 9.0, 0.5, 2.0, 0.6)
    alone = Pulse("smile", 20.0, 22.0, 0.5, 1.0, 0.3)
    assert [(cue.kind, cue.time_s, cue.strength) for cue in eased([held, over, alone])] == [
        ("ease", 7.0, 0.6),
        ("ease", 21.0, 0.3),
    ]
    for reaction in reactions():
        begun, let_go = planned(reaction, "smile"), planned(reaction, "ease")
        level = events.smile_level(reaction.face)
        assert 0 < len(let_go) <= len(begun)
        falls = [level[int(t * FPS)] - level[min(int((t + 1.5) * FPS), len(level) - 1)] for t in let_go]
        assert np.mean(falls) > 0.1


def test_nods_never_overlap_and_begin_and_end_at_rest() -> None:
    single, many = Nod(1.01, 0.1, 1, 2.2), Nod(1.01, 0.1, 3, 2.2)
    assert many.end_s > single.end_s + 2.0 / 2.2
    for nod in (single, many):
        pitch = render_nods([nod], 150)
        moving = np.flatnonzero(pitch)
        assert nod.start_s <= moving[0] / FPS and moving[-1] / FPS <= nod.end_s
        assert 0.07 < pitch.max() < 0.1 and pitch.min() >= 0.0
        assert np.abs(np.diff(pitch))[[moving[0] - 1, moving[-1]]].max() < 0.25 * np.abs(np.diff(pitch)).max()
    for reaction in reactions():
        assert np.diff(planned(reaction, "nod")).min() > 0.8


def test_expressive_people_nod_larger() -> None:
    many = listen(talk(), 24, 5)
    expressive = np.array([reaction.persona["expressiveness"] for reaction in many])
    sizes = [np.mean([event.strength for event in reaction.events if event.kind == "nod"]) for reaction in many]
    assert 0.5 <= expressive.min() < 0.8 and 1.3 < expressive.max() <= 1.6
    assert np.corrcoef(expressive, sizes)[0, 1] > 0.6


def test_smiles_are_returned_within_a_second_and_fade_slowly() -> None:
    acts = (Act("smile", 40.5, 43.5, 0.7), Act("smile", 90.0, 92.0, 0.7))  # in silence, and in the avatar's own turn
    quiet = replace(talk(), acts=acts)
    returned = [
        reaction for reaction in listen(quiet, 16, 3) if np.any(np.abs(planned(reaction, "smile") - 41.0) < 0.5)
    ]
    assert 8 <= len(returned) < 16
    smiles = np.array([reaction.face[:, FACE["mouthSmileLeft"]] for reaction in returned]).mean(0)
    rest, full = smiles[38 * FPS : 40 * FPS].mean(), smiles[round(42.5 * FPS)]
    half = np.flatnonzero(smiles[1000:1100] > 0.5 * (rest + full))[0] / FPS + 40.0
    assert full > rest + 0.25
    assert 40.7 <= half <= 41.9
    assert smiles[44 * FPS] > 0.5 * (rest + full)  # held, and slow to go
    assert smiles[49 * FPS] < rest + 0.1


def test_overlapping_pulses_meet_smoothly() -> None:
    first, second = (Pulse("smile", start, start + 3.0, 0.5, 1.5, 0.6) for start in (1.0, 3.2))
    alone, both = render_pulses([second], 200), render_pulses([first, second], 200)
    assert alone.max() == pytest.approx(0.6) and 0.6 <= both.max() < 1.0
    assert np.abs(np.diff(both, 2)).max() < 1.5 * np.abs(np.diff(alone, 2)).max()


def test_gaze_wanders_more_in_an_own_turn_and_comes_back_when_the_partner_speaks() -> None:
    many = [away(reaction.face) for reaction in listen(talk(), 24, 7)]
    own, turns = inside(talk().own_turns), inside(talk().phrases)
    assert np.mean([look[own].mean() for look in many]) > 1.4 * np.mean([look[turns].mean() for look in many])
    again = min(phrase.start_s for phrase in talk().phrases if phrase.start_s > talk().own_turns[0].end_s)
    before, after = (slice(round((again + s) * FPS), round((again + s + 0.4) * FPS)) for s in (-0.5, 0.6))
    assert np.mean([look[after].mean() for look in many]) < 0.6 * np.mean([look[before].mean() for look in many])


def test_faces_are_alive_and_calm() -> None:
    for reaction in reactions():
        face = reaction.face
        blinks = events.blinks(face, FPS)
        assert 8.0 <= len(blinks) / (len(face) / FPS / 60.0) <= 33.0
        assert np.diff(blinks).min() >= 0.3
        assert 0.05 <= events.away_share(face) <= 0.40
        assert 1.5 <= events.head_speed(face, FPS).mean() <= 7.0
        assert events.longest_freeze(face, FPS) <= 0.2
        assert events.largest_step(face) < 0.25
        head = np.degrees(face[:, 52:55].astype(float))
        assert events.jerk(head, FPS) < 450.0
        below, _, above = events.band_shares(head, FPS, (0.0, 1.0, 7.0, FPS))
        assert below > 0.6 and above < 0.01


def test_bad_talks_are_refused_by_name() -> None:
    short = Talk("ann", "ann", np.zeros(CLIP_FRAMES * HOP, np.float32), np.zeros((CLIP_FRAMES, 58), np.float32), ())
    with pytest.raises(EngineError, match="at least one listener, not 0"):
        listen(short, 0, 0)
    with pytest.raises(EngineError, match="face of ann"):
        listen(replace(short, face=np.full((CLIP_FRAMES, 58), np.nan, np.float32)), 1, 0)
    assert not planned(listen(short, 1, 0)[0], "smile").size  # nobody spoke: nothing to return
