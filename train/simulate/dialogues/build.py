"""Builds a set of dialogues in the layout ``talks``: sound of both sides, and the avatar of each or of one of them."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from engine.speech.align import Aligner, AlignmentError
from models.conversation.model import spoken
from train.conversation.talks.closings import closings
from train.conversation.talks.layout import FPS, MOUTH, TalkWriter, Voices
from train.simulate.cues import find_cues
from train.simulate.dialogues.avatar import Avatar, as_talk, at_rate, avatar, turns_of
from train.simulate.dialogues.turns import Dialogue, dialogues
from train.simulate.dialogues.voices import (
    SIDES,
    CapturedVoice,
    Utterance,
    capture_files,
    captured_voices,
    fill,
    say,
    solved_channels,
    words_of,
)
from train.simulate.gestures.library import Library, load_library
from train.simulate.gestures.persona import Persona, personas
from train.simulate.speaker import Layout, talk_of
from train.simulate.talk import FPS as FACE_RATE
from train.simulate.talk import RATE, Span, Talk
from train.simulate.voices import FACEGOOD, GRID, Voice, captured_face, decode, recorded_voices
from train.speech.ami import CREDIT, LICENCE
from train.speech.tts import VOICES, TtsVoice

SHARES = {"train": 0.76, "dev": 0.08, "test": 0.16}
"""How the minutes asked for are dealt among the splits."""
CAPTURED_SHARE = 0.4
"""Of the dialogues, in which one side's mouth was captured."""


@dataclass(frozen=True)
class Order:
    """What is built: ``minutes`` of dialogue in all, from the recordings in ``data``."""

    minutes: float
    seed: int
    data: Path
    gesturers: int = 6


class Side(NamedTuple):
    """One side of a dialogue: its voice, what it says, and its talk as the other side hears and sees it; how its
    mouth was captured, and which channels of it (27,) were."""

    voice: Voice
    said: list[Utterance]
    talk: Talk
    capture: str = ""
    solved: NDArray[np.bool_] | None = None


def build(out: Path, order: Order, command: str, tell: Callable[[str], None]) -> None:
    """Write the set to ``out``; what is there already is kept. ``tell`` is told how it goes. Raises
    :class:`engine.errors.EngineError` for what cannot be built or written."""
    library, chosen = load_library(order.data), personas(order.gesturers)
    recorded = recorded_voices(order.data)
    writer = TalkWriter(out, {"command": command, "seed": order.seed, "voices": voices_of(out)})
    aligner = functools.cache(Aligner)
    began = time.monotonic()
    for split, share in SHARES.items():
        found = dialogues(order.data, split)
        order_of = np.random.default_rng([order.seed, 7]).permutation(len(found))
        count = min(len(found), max(2, round(order.minutes * share)))
        _recordings(writer, order.data, split, aligner)
        captured = captured_voices(order.data, split)
        others = [voice for voice in recorded if voice.split == SIDES[split] and voice.phrases]
        spoken = [voice for voice in VOICES if voice.split == split]
        for number, place in enumerate(order_of[:count]):
            dialogue = found[place]
            rng = np.random.default_rng([order.seed, number, *dialogue.name.encode()])
            real = int(number * CAPTURED_SHARE) != int((number + 1) * CAPTURED_SHARE)
            names = [f"{dialogue.name}-{side}" for side in ("a", "b")][: 1 if real else 2]
            if not all(writer.has(split, name) for name in names):
                if real:
                    sides = _captured(dialogue, captured, others, rng)
                else:
                    sides = _spoken(dialogue, spoken, number, rng, aligner)
                for index, name in enumerate(names):
                    who = chosen[(2 * number + index) % len(chosen)]
                    _write(writer, split, name, sides[index], sides[1 - index], who, library, rng)
            tell(f"{split}  {number + 1}/{count}  {dialogue.name}  {time.monotonic() - began:.0f} s")
    writer.finish()


def voices_of(root: Path) -> dict[str, Any]:
    """The voices that a set begun earlier says it holds."""
    try:
        return dict(json.loads((root / "talks.json").read_text("utf-8"))["voices"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _recordings(writer: TalkWriter, data: Path, split: str, aligner: Callable[[], Aligner]) -> None:
    """The captured recordings themselves, as talks to a silent partner: the mouth is what is known of their faces."""
    texts = words_of(data)
    files = capture_files(data)
    for item, solved in zip(files, solved_channels(files), strict=True):
        name = f"capture-{item.path.name}"
        if item.split != split or writer.has(split, name):
            continue
        pcm = decode(item.path.with_suffix(".flac"))
        frames = int(len(pcm) / RATE * FPS)
        mouth = captured_face(item.path.with_suffix(".npz"), frames, FPS)
        known = np.zeros(len(FACE_NAMES), bool)
        known[[channel for channel in mouth.channels if item.capture == "tracked" or channel in MOUTH]] = True
        known[list(MOUTH)] &= solved
        licence, credit = FACEGOOD if item.voice == "facegood" else GRID
        arrays: dict[str, NDArray[Any]] = {
            "face": mouth.face,
            "expression": np.where(known & ~np.isin(np.arange(len(FACE_NAMES)), MOUTH), mouth.face, 0.0).astype(
                np.float32
            ),
            "mouth": mouth.face[:, MOUTH],
            "captured": np.ones(frames, bool),
            "known": known,
            "fps": np.array(FPS),
        }
        told: dict[str, Any] = {
            "voice": item.voice,
            "capture": item.capture,
            "licence": licence,
            "credit": credit,
            "words": texts.get(item.path.name, []),
        }
        if told["words"]:
            with contextlib.suppress(AlignmentError):  # what is not found is not told
                told["closings"] = closings(aligner(), pcm, [text for text, _, _ in texts[item.path.name]])
        writer.record["voices"][item.voice] = {"licence": licence, "credit": credit, "split": split}
        length = round(frames / FPS * RATE)
        sound = np.pad(pcm, (0, max(0, length - len(pcm))))[:length]
        writer.add(split, name, Voices(sound, np.zeros_like(sound), RATE), arrays, told)


def _spoken(
    dialogue: Dialogue, voices: list[TtsVoice], number: int, rng: np.random.Generator, aligner: Callable[[], Aligner]
) -> tuple[Side, Side]:
    """Both sides by synthetic voices, two different ones."""
    first = voices[number % len(voices)]
    rest = [voice for voice in voices if voice.base != first.base] or [item for item in voices if item != first]
    second = rest[int(rng.integers(len(rest)))]
    sides = []
    for voice, side in zip((first, second), dialogue.sides, strict=True):
        said = say(side, voice, int(rng.integers(2**31)), aligner)
        credit, licence = f"{voice.credit}; text: {CREDIT}, {LICENCE}", f"{voice.licence}; text {LICENCE}"
        sides.append((Voice(voice.name, voice.source, SIDES[voice.split], licence, credit), said, ""))
    return _faced(dialogue, sides, rng)


def _captured(
    dialogue: Dialogue, captured: list[CapturedVoice], others: list[Voice], rng: np.random.Generator
) -> tuple[Side, Side]:
    """The first side by a voice whose mouth was captured, the second by another recorded one."""
    # A speaker with more speech is taken more often.
    weights = np.sqrt([sum(len(item.phrase.pcm) for item in each.phrases) for each in captured])
    own = captured[int(rng.choice(len(captured), p=weights / weights.sum()))]
    rest = [voice for voice in others if voice.source != own.voice.source] or others
    partner = rest[int(rng.integers(len(rest)))]
    said = fill(dialogue.sides[0], own.voice, own.phrases, rng)
    answers = fill(dialogue.sides[1], partner, (), rng)
    first, second = _faced(dialogue, [(own.voice, said, own.capture), (partner, answers, "")], rng)
    return first._replace(solved=own.solved), second


def _faced(
    dialogue: Dialogue, sides: list[tuple[Voice, list[Utterance], str]], rng: np.random.Generator
) -> tuple[Side, Side]:
    """Sound and faces of both sides; each knows the other's turns."""
    end = max(item.start + len(item.phrase.pcm) / RATE for _, said, _ in sides for item in said)
    frames = int(max(end + 0.5, dialogue.seconds) * FACE_RATE) // 5 * 5  # as many sixths make whole frames of 1/30 s
    layouts = []
    for _, said, _ in sides:
        layout = Layout()
        for item in said:
            layout.put(item.start, item.phrase)
            span = Span(item.start, item.start + len(item.phrase.pcm) / RATE)
            layout.phrases.append(span)
            if item.phrase.kind == "rise":
                layout.asked.append(span)
        layouts.append(layout)
    turns = [turns_of(layout.phrases) for layout in layouts]
    out = []
    for index, (voice, said, capture) in enumerate(sides):
        layouts[index].turns = [span.start_s for span in turns[index]]
        layouts[index].own = list(turns[1 - index])
        talk = talk_of(layouts[index], voice, frames, rng)
        out.append(Side(voice, said, replace(talk, cues=find_cues(talk)), capture))
    return out[0], out[1]


def _write(
    writer: TalkWriter, split: str, name: str, own: Side, partner: Side, who: Persona, library: Library, rng: Any
) -> None:
    sound = as_talk(name, own.talk, own.said, split, own.voice.licence, own.voice.credit)
    made = avatar(own.talk, partner.talk, own.said, sound, who, library, int(rng.integers(2**31)))
    arrays: dict[str, NDArray[Any]] = {
        "face": whole_face(made),
        "expression": made.expression.astype(np.float16),
        "mouth": made.mouth.astype(np.float16),
        "captured": made.captured,
        "body": made.body.astype(np.float16),
        "partner_face": at_rate(partner.talk.face, FACE_RATE, FPS, len(made.expression)).astype(np.float16),
        "fps": np.array(FPS),
    }
    if own.solved is not None:
        arrays["known"] = np.ones(len(FACE_NAMES), bool)
        arrays["known"][list(MOUTH)] = own.solved
    turns = {key: [asdict(span) for span in turns_of(side.talk.phrases)] for key, side in (("o", own), ("p", partner))}
    told = {
        "voice": own.voice.name,
        "partner": partner.voice.name,
        "capture": own.capture,
        "licence": own.voice.licence,
        "credit": own.voice.credit,
        "persona": who.name,
        "words": _words(own.said),
        "closings": [(a + item.start, b + item.start) for item in own.said for a, b in item.closings],
        "partner_words": _words(partner.said),
        "events": [(event.kind, round(event.time_s, 3)) for event in made.listener.events],
        "turns": [(round(span["start_s"], 3), round(span["end_s"], 3)) for span in turns["o"]],
        "partner_turns": [(round(span["start_s"], 3), round(span["end_s"], 3)) for span in turns["p"]],
    }
    for side in (own, partner):
        known = {"licence": side.voice.licence, "credit": side.voice.credit, "split": split}
        writer.record["voices"][side.voice.name] = known
    writer.add(split, name, Voices(own.talk.pcm, partner.talk.pcm, RATE), arrays, told)


def whole_face(made: Avatar) -> NDArray[np.float32]:
    """The face (T, 58): expression and mouth of speech together, as the model puts them together."""
    face = spoken(torch.from_numpy(made.expression), torch.from_numpy(made.mouth))
    return np.asarray(face.numpy(), np.float32)


def _words(said: list[Utterance]) -> list[tuple[str, float, float]]:
    return [
        (word.text, round(word.start + item.start, 3), round(word.end + item.start, 3))
        for item in said
        for word in item.words
    ]
