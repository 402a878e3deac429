"""Who speaks in a simulated dialogue: synthetic voices with AMI's words, and recordings whose mouth was captured.

A synthetic voice says what AMI's person said, in about the time that the person took. A recording's phrases fill the
turns by their lengths: nobody understands it, but the mouth that goes with the sound is a real one. Takes and clips of
the captured recordings are split here (:data:`HELD_OUT`); the rest of a captured speaker is trained on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.speech.align import Aligner, AlignmentError
from train.conversation.talks.closings import closings
from train.conversation.talks.layout import FPS, MOUTH
from train.simulate import synth
from train.simulate.dialogues.turns import Said
from train.simulate.speaker import parameters_near
from train.simulate.talk import RATE
from train.simulate.voices import FACEGOOD, GRID, LEVEL, Phrase, Voice, captured_face, cut, decode, faded, levelled
from train.speech.talk import SpokenWord
from train.speech.tts import SilentPhrase, Speaker, TtsVoice

SHORT_S = 0.6
"""A turn shorter than this is a listener's "mm-hmm"."""
MOVES = 0.02
"""Weight that a channel reaches somewhere in a take in which it was solved."""
SIDES = {"train": "train", "dev": "val", "test": "test"}
"""Splits of talks, and what the simulation of voices calls them."""


class CaptureFile(NamedTuple):
    """A captured recording: its files without suffix, who speaks, its split, and how its face was captured."""

    path: Path
    voice: str
    split: str
    capture: str


@dataclass(frozen=True)
class CapturedPhrase:
    """A phrase and its mouth (T, 27), 30 frames a second from the phrase's first sample on."""

    phrase: Phrase
    mouth: NDArray[np.float32]


@dataclass(frozen=True)
class CapturedVoice:
    """A speaker whose mouth was captured. ``capture`` is ``captured`` (a face capture) or ``tracked`` (by a webcam's
    tracker): the two name the same movements by different numbers. ``solved`` (27,) is false for channels of the mouth
    that these recordings never solved; a speaker whose takes do not agree in that stands here several times."""

    voice: Voice
    capture: str
    solved: NDArray[np.bool_]
    phrases: tuple[CapturedPhrase, ...]


class Utterance(NamedTuple):
    """What is said at ``start`` (s): its sound and, where they are known, its words and its mouth; start and end (s) of
    each b, p and m in the words."""

    start: float
    phrase: Phrase
    words: tuple[SpokenWord, ...]
    mouth: NDArray[np.float32] | None
    closings: tuple[tuple[float, float], ...] = ()


HELD_OUT = {"facegood_1114_2_05": "test", "facegood_1114_3_15": "dev"}
"""Takes of FACEGOOD that are not trained on. Of GRID every tenth clip of s1 is tested with and every twentieth, five
further, validates; the other speakers, of whom there is one clip each, are all tested with."""


def capture_files(data: Path) -> list[CaptureFile]:
    """All captured recordings of the folder of data, in order of their names."""
    found = [
        CaptureFile(path.with_suffix(""), "facegood", HELD_OUT.get(path.stem, "train"), "captured")
        for path in sorted((data / "face_arkit_audio_facegood").glob("*.flac"))
    ]
    for number, path in enumerate(sorted((data / "face_grid_av" / "arkit_audio").glob("s1_*.flac"))):
        split = "test" if number % 10 == 0 else "dev" if number % 20 == 5 else "train"
        found.append(CaptureFile(path.with_suffix(""), "grid-s1", split, "tracked"))
    for path in sorted((data / "face_grid_av" / "arkit_audio").glob("other_*.flac")):
        found.append(CaptureFile(path.with_suffix(""), f"grid-{path.stem[6:]}", "test", "tracked"))
    return found


def words_of(data: Path) -> dict[str, list[tuple[str, float, float]]]:
    """The words of GRID's clips with their times in s, by the clip's name, as far as they are known."""
    path = data / "face_grid_av" / "index.json"
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text("utf-8"))
        return {
            str(row["name"]): [(str(text), float(start), float(end)) for start, end, text in row["words"] or ()]
            for row in rows
        }
    except (ValueError, TypeError, KeyError) as error:
        raise EngineError(f"{path} is no list of GRID's clips ({error}): fetch it again") from error


def mouth_of(path: Path, seconds: float) -> NDArray[np.float32]:
    """The captured mouth (T, 27) of a recording of so many seconds, 30 frames a second."""
    frames = int(seconds * FPS)
    return captured_face(path.with_suffix(".npz"), frames, FPS).face[:, MOUTH]


def solved_channels(files: Sequence[CaptureFile]) -> list[NDArray[np.bool_]]:
    """Which channels of the mouth (27,) each recording solved. A face capture was solved take by take: a channel that
    stays nought in a take and moves in another of the same speaker's was not looked for. A tracker tells all."""
    moved = {}
    for item in files:
        with np.load(item.path.with_suffix(".npz")) as stored:
            frames = int(len(stored["arkit52"]) / float(stored["fps"]) * FPS)
        mouth = captured_face(item.path.with_suffix(".npz"), frames, FPS).face[:, MOUTH]
        moved[item.path] = np.ptp(mouth, axis=0) > MOVES if item.capture == "captured" else np.ones(len(MOUTH), bool)
    ever = {item.voice: np.any([moved[one.path] for one in files if one.voice == item.voice], axis=0) for item in files}
    return [moved[item.path] | ~ever[item.voice] for item in files]


def captured_voices(data: Path, split: str) -> list[CapturedVoice]:
    """The captured speakers of a split with their phrases. Raises :class:`EngineError` where there are none."""
    found = []
    every = capture_files(data)
    solved = dict(zip(every, solved_channels(every), strict=True))
    files = [item for item in every if item.split == split]
    groups: dict[tuple[str, bytes], list[CaptureFile]] = {}
    for item in files:
        groups.setdefault((item.voice, solved[item].tobytes()), []).append(item)
    for (name, _), own in groups.items():
        phrases, mouths = [], []
        for item in own:
            whole = decode(item.path.with_suffix(".flac"))
            mouth = mouth_of(item.path, len(whole) / RATE)
            for start, end in cut(whole):
                phrases.append(Phrase(faded(whole[start:end])))
                mouths.append(_from(mouth, start / RATE, (end - start) / RATE))
        said = levelled(phrases)
        licence, credit = FACEGOOD if name == "facegood" else GRID
        source = "FACEGOOD" if name == "facegood" else "GRID"
        voice = Voice(name, source, SIDES[split], licence, credit, said)
        pairs = tuple(CapturedPhrase(*pair) for pair in zip(said, mouths, strict=True))
        found.append(CapturedVoice(voice, own[0].capture, solved[own[0]], pairs))
    if not found:
        raise EngineError(f"{data} holds no captured recordings of split {split}: add face_arkit_audio_facegood")
    return found


def say(side: Sequence[Said], voice: TtsVoice, seed: int, aligner: Callable[[], Aligner]) -> list[Utterance]:
    """``side`` spoken by a synthetic voice; what it cannot say is left out, what takes longer moves the rest back."""
    speaker, clock = Speaker(voice, seed), 0.0
    pieces: list[Utterance] = []
    for item in side:
        try:
            pcm = speaker.say(item.phrase.text, item.phrase.seconds)
        except SilentPhrase:
            continue
        try:
            words = aligner().align(pcm, item.phrase.words)
            closed = closings(aligner(), pcm, item.phrase.words)
        except AlignmentError:
            words, closed = (), ()
        start = max(item.start, clock)
        phrase = Phrase(pcm, "rise" if item.phrase.text.endswith("?") else "")
        pieces.append(Utterance(start, phrase, words, None, closed))
        clock = start + len(pcm) / RATE + 0.05
    level = levelled([piece.phrase for piece in pieces])
    return [piece._replace(phrase=phrase) for piece, phrase in zip(pieces, level, strict=True)]


def fill(
    side: Sequence[Said], voice: Voice, mouths: Sequence[CapturedPhrase], rng: np.random.Generator
) -> list[Utterance]:
    """``side``'s turns filled with a recorded voice's phrases, each turn by those that fit its length best among a few
    drawn ones; a short turn is a hum with a closed mouth."""
    known = list(mouths) or [CapturedPhrase(phrase, np.zeros((0, len(MOUTH)), np.float32)) for phrase in voice.phrases]
    near = parameters_near(voice)
    out: list[Utterance] = []
    clock = 0.0
    for item in side:
        start, wanted = max(item.start, clock), item.phrase.seconds
        if wanted < SHORT_S:
            pcm = synth.hum(near, rng)
            hum = Phrase(pcm * np.float32(0.5 * LEVEL / np.sqrt(np.mean(np.square(pcm)))))
            mouth = np.zeros((int(len(pcm) / RATE * FPS), len(MOUTH)), np.float32) if mouths else None
            out.append(Utterance(start, hum, (), mouth))
            clock = start + len(pcm) / RATE + 0.05
            continue
        while wanted > 0.5:
            few = [known[k] for k in rng.choice(len(known), min(12, len(known)), replace=False)]
            best = min(few, key=lambda piece: abs(len(piece.phrase.pcm) / RATE - wanted))
            out.append(Utterance(start, best.phrase, (), best.mouth if mouths else None))
            took = len(best.phrase.pcm) / RATE + float(rng.uniform(0.08, 0.2))
            start, wanted = start + took, wanted - took
        clock = start
    return out


def _from(rows: NDArray[np.float32], start: float, seconds: float) -> NDArray[np.float32]:
    """``rows``, 30 a second, over ``seconds`` from ``start`` on."""
    at = start * FPS + np.arange(int(seconds * FPS))
    steps = np.arange(len(rows))
    return np.stack([np.interp(at, steps, column) for column in rows.T], 1).astype(np.float32)
