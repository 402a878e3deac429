"""Head and brows, turns, gaze of people, hands and sampled motion, on signals whose answer is known."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from engine.channels import FACE
from engine.errors import EngineError
from tests.train.conversation.evaluation.toys import case, face_of, mouth, moving, opening, swaying
from train.conversation.evaluation import body, focus, motion, sampling, turns
from train.conversation.evaluation.cases import Shown
from train.conversation.talks.layout import FPS
from train.report.intervals import Sums, Tally

OWN, PARTNER = [(1.0, 9.0)], [(10.0, 15.0)]


def drawn(tally: Tally) -> Sums:
    return {name: value[None] for name, value in tally.sums.items()}


def test_speed_jerk_and_spectrum_are_told_over_the_truths() -> None:
    face = swaying(600, 0)
    talk = case(face, OWN, PARTNER)
    true = drawn(motion.tally(face, talk))
    same = motion.derive(true, true)
    for part in motion.PARTS:
        assert same[f"speed_{part}"] == same[f"jerk_{part}"] == 1.0 and same[f"w1_{part}"] == 0.0
        assert same[f"spectrum_{part}"] == 0.0
    twice = motion.derive(drawn(motion.tally(2.0 * face, talk)), true)
    assert twice["speed_head"] == pytest.approx(2.0) and twice["jerk_brows"] == pytest.approx(2.0)
    assert twice["spectrum_head"] == pytest.approx(20.0 * np.log10(2.0), rel=0.01)
    speeds = np.linalg.norm(np.diff(motion.channels(face, "head")[30:270], axis=0), axis=1) * FPS
    assert twice["w1_head"] == pytest.approx(speeds.mean(), rel=0.03)
    still = motion.derive(drawn(motion.tally(np.zeros_like(face), talk)), true)
    assert still["speed_head"] == 0.0 and still["spectrum_head"] == pytest.approx(-motion.FLOOR_DB)


def test_what_happens_outside_own_speech_does_not_count() -> None:
    face = swaying(600, 0)
    talk = case(face, OWN, PARTNER)
    other = face.copy()
    other[290:] += np.random.default_rng(0).normal(0.0, 0.1, other[290:].shape).astype(np.float32)
    true = drawn(motion.tally(face, talk))
    found = motion.derive(drawn(motion.tally(other, talk)), true)
    for part in motion.PARTS:
        assert found[f"speed_{part}"] == pytest.approx(1.0) and found[f"jerk_{part}"] == pytest.approx(1.0)
        assert found[f"w1_{part}"] == 0.0 and found[f"spectrum_{part}"] == pytest.approx(0.0, abs=1e-6)


def test_a_mouth_that_answers_the_partners_voice_is_found() -> None:
    spoken, heard = (face_of(mouth(opening(spans, 20.0))) for spans in (OWN, PARTNER))
    talk = case(spoken, OWN, PARTNER)
    own, wrong = (motion.derive(*[drawn(motion.tally(one, talk))] * 2) for one in (spoken, heard))
    assert own["mouth_heard"] == 0.0 and own["mouth_spoken"] == pytest.approx(2.0 * 4.0 * 0.5, rel=0.05)
    assert wrong["mouth_spoken"] == 0.0 and wrong["mouth_heard"] > 3.0
    unknown = motion.derive(*[drawn(motion.tally(spoken, talk, np.zeros(600, bool)))] * 2)
    assert np.isnan(unknown["mouth_spoken"])


def test_w1_is_how_far_mass_moves() -> None:
    made, true = np.zeros((1, 10)), np.zeros((1, 10))
    made[0, 7], true[0, 2] = 4.0, 2.0
    assert motion.w1(made, true, 0.5) == pytest.approx(2.5)


def looking_away(spans: list[tuple[float, float]], seconds: float) -> np.ndarray:
    face = np.zeros((round(seconds * FPS), 58), np.float32)
    for start, end in spans:
        face[round(start * FPS) : round(end * FPS), [FACE["eyeLookUpLeft"], FACE["eyeLookUpRight"]]] = 0.6
    return face


def test_gaze_around_turns_is_what_it_was_made() -> None:
    own, partner = [(3.0, 7.0), (12.0, 12.5), (20.0, 26.0)], [(8.0, 11.0)]
    face = looking_away([(2.5, 4.0), (19.5, 21.0)], 30.0)
    talk = case(face, own, partner)
    assert {name: times.tolist() for name, times in turns.moments(talk).items()} == {
        "own_start": [3.0, 20.0],
        "own_end": [7.0, 26.0],
        "partner_start": [8.0],
    }  # half a second is no turn
    true = drawn(turns.tally(face, talk))
    curves = dict(turns.curves(true))
    at = {float(offset): place for place, offset in enumerate(turns.OFFSETS)}
    begin = curves["away.own_start"][0]
    assert begin[at[0.0]] == 1.0 and begin[at[0.5]] == 1.0 and begin[at[-2.0]] == 0.0 and begin[at[1.5]] == 0.0
    assert (curves["away.own_end"] == 0.0).all() and len(begin) == 17
    found = turns.derive(true, true)
    assert found["away_turn"] == pytest.approx(1.0, abs=0.15) and found["away_own_start_off"] == 0.0
    never = turns.derive(drawn(turns.tally(np.zeros_like(face), talk)), true)
    assert never["away_own_start_off"] == pytest.approx(begin.mean()) and never["away_turn"] == 0.0
    assert never["speed_own_start_off"] == 0.0


def test_head_speed_around_turns() -> None:
    face = np.zeros((600, 58), np.float32)
    face[300:330, FACE["headYaw"]] = np.radians(np.arange(30.0))
    face[330:, FACE["headYaw"]] = np.radians(29.0)
    talk = case(face, [(10.0, 15.0)])
    curve = dict(turns.curves(drawn(turns.tally(face, talk))))["speed.own_start"][0]
    assert curve[turns.OFFSETS == 0.5] == pytest.approx(30.0, rel=0.02) and curve[turns.OFFSETS == -1.0] == 0.0


def test_moments_at_the_edges_of_a_talk_have_no_steps_outside() -> None:
    total, count = turns.around(np.ones(300), np.array([0.5, 5.0]))
    assert count[0] == 1.0 and count[-1] == 2.0 and total.tolist() == count.tolist()


def corpus(folder: Path) -> Path:
    """A of one meeting looks at B but for the second in which A's turn begins, at 10 s, and where it ends, at 20 s,
    nobody knows; B looks at the table until 41 s. B speaks from 15 s, into A's turn, and from 40 s."""
    place = folder / "ami_annotations_ccby"
    place.mkdir()
    head = "meeting,speaker,start,end"
    words = [f"ES2009a,A,{10 + k / 2},{10.4 + k / 2},word,hill" for k in range(20)]
    words += [f"ES2009a,B,{40 + k / 2},{40.4 + k / 2},word,hill" for k in range(6)]
    words += [f"ES2009a,B,{15 + k / 2},{15.4 + k / 2},word,hill" for k in range(3)]
    words += ["ES2009a,A,60.0,60.3,word,yes"]
    looks = ["A,0,9.5,person,,,B", "A,9.5,10.5,place,table,,", "A,10.5,18,person,,,B", "A,22,80,person,,,B"]
    looks += ["B,0,41,place,table,,", "B,41,80,person,,,A"]
    looks += ["C,0,80,unspecified,,,"]
    with gzip.open(place / "words.csv.gz", "wt") as file:
        file.write("\n".join([f"{head},kind,text", *words]) + "\n")
    lines = [f"{head},type,place,role,nxt_agent,comment", *(f"ES2009a,{line}," for line in looks)]
    (place / "focus.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_peoples_gaze_is_measured_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "focus.json"
    focus.write(corpus(tmp_path), kept)
    found = focus.kept(kept)
    # B's turn into A's begins for C alone, who is silent but of whose gaze nothing is known.
    assert found.turns == {"own_start": 3, "own_end": 3, "partner_start": 5} and found.people == 3
    steps = {float(offset): place for place, offset in enumerate(turns.OFFSETS)}
    assert found.on["own_start"][steps[0.0]] == pytest.approx(0.0)
    assert found.on["own_start"][0] == pytest.approx(1.0 / 3.0, abs=1e-4)
    assert found.on["own_end"][steps[0.0]] == pytest.approx(0.5)  # B's two ends: A's is not known
    assert found.on["partner_start"][steps[0.0]] == pytest.approx(0.5)
    kept.write_text(json.dumps({"on": {}}))
    with pytest.raises(EngineError, match=r"focus\.json does not hold the curves"):
        focus.kept(kept)


def test_what_is_kept_of_ami_shows_people_looking_away_as_they_begin() -> None:
    found = focus.kept()
    away = found.on["own_end"][turns.MIDDLE].mean() - found.on["own_start"][turns.MIDDLE].mean()
    assert found.turns["own_start"] > 1000 and 0.05 < away < 0.3


def test_hands_rest_and_move() -> None:
    frames = 600
    still, moved = (body.seen(moving(frames, size)) for size in (0.0, 1.0))
    talk = case(np.zeros((frames, 58), np.float32), OWN, PARTNER, body=moving(frames, 1.0))
    true = drawn(body.tally(moved, talk))
    same, none = body.derive(true, true), body.derive(drawn(body.tally(still, talk)), true)
    assert same["hands_over_speech"] == 1.0 and same["hands_speech"] > 50.0 and same["rests_speech"] < 0.9
    assert none["hands_speech"] == 0.0 and none["rests_listening"] == 1.0 and none["hands_over_listening"] == 0.0
    half = moving(frames, 1.0)
    half[300:] = half[299]
    spoke = body.derive(drawn(body.tally(body.seen(half), talk)), true)
    assert spoke["hands_over_speech"] == pytest.approx(1.0, abs=0.02) and spoke["hands_over_listening"] < 0.1


def test_frechet_distances_tell_other_poses_from_other_movement() -> None:
    frames = 600
    talk = case(np.zeros((frames, 58), np.float32), OWN, PARTNER, body=moving(frames, 1.0))
    moved = body.seen(moving(frames, 1.0))
    one = np.ones((1, 1))
    same = body.distances([moved], [moved], [talk], [0])(one)
    assert set(same) == {f"fd_{name}_{state}" for name in ("pose", "velocity") for state in body.STATES}
    assert all(value[0] == pytest.approx(0.0, abs=1e-3) for value in same.values())
    shifted = moved._replace(joints=moved.joints + 3.0)
    found = body.distances([shifted], [moved], [talk], [0])(one)
    assert found["fd_pose_speech"][0] == pytest.approx(9.0 * moved.joints.shape[1], rel=1e-3)
    assert found["fd_velocity_speech"][0] == pytest.approx(0.0, abs=1e-3)
    halted = body.distances([body.seen(moving(frames, 0.0))], [moved], [talk], [0])(one)
    assert halted["fd_velocity_listening"][0] > 0.5
    frozen = moving(frames, 1.0)
    frozen[280:] = frozen[279]
    found = body.distances([body.seen(frozen)], [moved], [talk], [0])(one)
    assert found["fd_velocity_speech"][0] == pytest.approx(0.0, abs=1e-3) and found["fd_velocity_listening"][0] > 0.5


def test_draws_without_a_voice_are_measured_on_the_others() -> None:
    frames = 600
    talks = [
        case(np.zeros((frames, 58), np.float32), OWN, PARTNER, name=name, body=moving(frames, 1.0)) for name in "ab"
    ]
    moved, still = body.seen(moving(frames, 1.0)), body.seen(moving(frames, 0.0))
    whole = body.distances([moved, still], [moved, moved], talks, [0, 1])
    found = whole(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]]))["fd_velocity_speech"]
    assert found[1] == pytest.approx(0.0, abs=1e-3) and found[2] > found[0] > 0.01


def test_sampled_motion_is_measured_on_faces_and_bodies() -> None:
    faces = [swaying(300, seed) for seed in (0, 1)]
    talks = [case(face, OWN, name=f"t{k}", body=moving(300, 0.5 + 0.3 * k)) for k, face in enumerate(faces)]
    truth = sampling.frames({one.name: one.truth for one in talks}, talks)
    once = np.ones((1, 2))
    alone = sampling.measured([truth], truth, [0, 1], once)
    assert alone["face_fd_g"] == pytest.approx(0.0, abs=1e-6) and alone["body_fd_k"] == pytest.approx(0.0, abs=1e-6)
    variance = np.mean([face.var(0, dtype=float).mean() for face in faces])
    assert alone["face_div_k"] == pytest.approx(variance) and np.isnan(alone["face_div_sample"])
    louder = sampling.frames({one.name: Shown(1.5 * one.truth.face, one.truth.body) for one in talks}, talks)
    # Drawn: each once (twice told), the first talk alone, the second alone.
    weight = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    both = sampling.measured([truth, louder], truth, [0, 1], weight)
    apart = [0.0625 * np.square(face, dtype=float).mean() for face in faces]
    assert both["face_div_sample"] == pytest.approx([np.mean(apart), np.mean(apart), *apart])
    assert both["body_div_sample"] == pytest.approx(0.0) and both["face_fd_g"][0] > 1e-4
    for name in sampling.NAMES:  # the published program's count and that by sums agree
        close = 0.05 if name == "div_g" else 1e-6
        assert both[f"face_{name}"][1] == pytest.approx(both[f"face_{name}"][0], rel=close), name
    only = [sampling.Frames(take.face[:1], take.body[:1]) for take in (truth, louder)]
    first = sampling.measured(only, only[0], [0], np.ones((1, 1)))
    assert both["face_fd_k"][2] == pytest.approx(first["face_fd_k"][0], rel=1e-4)
    bare = sampling.frames({one.name: Shown(one.truth.face) for one in talks}, talks)
    assert np.isnan(sampling.measured([bare], truth, [0, 1], once)["body_fd_g"]).all()
