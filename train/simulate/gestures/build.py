"""Builds the set of simulated gesturers: talks, who gestures to them, the bodies, and files in PATS' layout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from engine.body.solve import rotations_of
from models.bodies.kinematics import to_six
from models.gesture.body import UPPER, Poses
from models.gesture.config import BODY
from models.gesture.pats import SHOULDER
from train.gesture.pats import audio, pose
from train.gesture.pats.writer import PatsWriter
from train.simulate.gestures.compose import RATE, Motion, compose
from train.simulate.gestures.knowable import knowable
from train.simulate.gestures.library import Library, load_library
from train.simulate.gestures.moments import phrases
from train.simulate.gestures.persona import Persona, personas
from train.simulate.gestures.plan import HANDS, Performance, perform
from train.simulate.gestures.timing import measured
from train.speech.talk import Talk
from train.speech.talks import build_talks

AT_A_TALK = {"train": (2, 3), "dev": (4,), "test": (4,)}
"""How many gesturers a talk has, talk after talk in turn, as far as there are so many."""
IMAGE = (640.0, 300.0)
"""Pixels of ``pose/data`` at which a body's neck is at rest, of an image of 1280 by 720."""
FAR = (0.55, 0.9)
"""Pixels of a gesturer's ``pose/data`` for each of ``pose/normalize``: how near the camera stands."""


@dataclass(frozen=True)
class Order:
    """What is built. ``data`` is the folder of recordings, or none; ``cache`` keeps talks."""

    minutes: float
    seed: int
    gesturers: int
    data: Path | None = None
    cache: Path | None = None


class Built(NamedTuple):
    """One talk of one gesturer: what was planned, what could be known, both as bodies."""

    talk: Talk
    planned: Performance
    known: Performance
    body: Motion
    live: Motion


def build(out: Path, order: Order, command: str, say: Callable[[str], None], seen: Callable[[Built], None]) -> None:
    """Write the set to ``out``, which must be new or empty; ``say`` is told how it goes, ``seen`` each interval.

    Raises :class:`EngineError` for what cannot be built or written.
    """
    chosen, library = personas(order.gesturers), load_library(order.data)
    record: dict[str, Any] = {
        "command": command,
        "seed": order.seed,
        "timing": measured().source,
        "strokes": [{"name": entry.name, "hands": entry.hands, "take": entry.take} for entry in library.entries],
        "gesturers": [asdict(persona) for persona in chosen],
        "voices": {},
        "talks": {},
    }
    writer = PatsWriter(out, record)
    began, minutes, numbers = time.monotonic(), 0.0, dict.fromkeys(AT_A_TALK, 0)
    for talk in build_talks(order.data, order.minutes, order.seed, cache=order.cache):
        minutes += talk.seconds / 60
        who = gesturers_of(chosen, talk.split, numbers[talk.split])
        numbers[talk.split] += 1
        heard = _heard(talk)
        for persona in who:
            built = gesture(talk, persona, library, order.seed)
            arrays = heard | _moved(built, library)
            writer.add(f"{talk.name}.{persona.name}", persona.name, talk.split, talk.name, arrays, talk.words)
            seen(built)
        voice = {"source": talk.source, "split": talk.split, "licence": talk.licence, "credit": talk.credit}
        writer.record["voices"][talk.voice] = voice
        writer.record["talks"][talk.name] = talk.voice
        say(
            f"{minutes:.1f} of about {order.minutes:g} minutes  {talk.split}  {talk.name}: {len(talk.words)} words, "
            f"{len(talk.stresses)} stresses, {', '.join(persona.name for persona in who)}, "
            f"{time.monotonic() - began:.0f} s"
        )
    counts = writer.finish()
    (out / "README.txt").write_text(_readme(command, writer.record), "utf-8", newline="\n")
    told = ", ".join(f"{count} {split}" for split, count in counts.items())
    say(f"{minutes:.1f} minutes of talks, intervals: {told} -> {out}")


def gesturers_of(chosen: tuple[Persona, ...], split: str, number: int) -> tuple[Persona, ...]:
    """Who gestures to the ``number``-th talk of a split: all in turn, so that everybody has as many."""
    turns = AT_A_TALK[split]
    before = sum(turns) * (number // len(turns)) + sum(turns[: number % len(turns)])
    count = min(turns[number % len(turns)], len(chosen))
    return tuple(chosen[(before + place) % len(chosen)] for place in range(count))


def gesture(talk: Talk, persona: Persona, library: Library, seed: int) -> Built:
    """One talk of one gesturer; the same for the same talk, persona, library and seed."""
    plan, late, idle = (np.random.default_rng(key) for key in _keys(seed, talk.name, persona.name))
    planned = perform(talk, persona, library, plan)
    known = knowable(planned, talk, late)
    spans = [(phrase.start, phrase.end) for phrase in phrases(talk)]
    still = idle.bit_generator.state
    body = compose(planned, library, talk.seconds, idle, spans)
    idle.bit_generator.state = still
    return Built(talk, planned, known, body, compose(known, library, talk.seconds, idle, spans))


def _keys(seed: int, *names: str) -> Iterator[list[int]]:
    """Seeds of what is drawn for a talk and a gesturer, one for each purpose."""
    told = "/".join(names).encode()
    yield from ([seed, purpose, *told] for purpose in range(3))


def _heard(talk: Talk) -> dict[str, NDArray[Any]]:
    """What all gesturers of a talk hear."""
    pcm = np.clip(np.round(talk.pcm * 32767), -32768, 32767).astype(np.int16)
    sound = pcm.astype(np.float32) / 32768
    stresses = [(stress.time, stress.strength, stress.word) for stress in talk.stresses]
    return {
        "audio/pcm": pcm,
        "audio/log_mel_400": audio.log_mel_400(sound),
        "audio/log_mel_512": audio.log_mel_512(resample_poly(sound, 441, 160), 44_100),
        "audio/silence": audio.silence(sound, int(talk.seconds * RATE)),
        "events/stresses": np.array(stresses, np.float32).reshape(-1, 3),
    }


def _moved(built: Built, library: Library) -> dict[str, NDArray[Any]]:
    """Bodies, PATS' points and events of one gesturer."""
    data = image(built.body, built.planned.persona)
    arrays: dict[str, NDArray[Any]] = {
        "pose/data": data,
        "pose/normalize": pose.normalised(data),
        "pose/confidence": np.ones((len(data), 52), np.float32),
        "body/rotations": built.body.rotations,
        "body/root": built.body.root,
        "live/rotations": built.live.rotations,
        "live/root": built.live.root,
    }
    for where, performance in (("events", built.planned), ("live", built.known)):
        rows = [
            (HANDS.index(g.hands), library.numbers[g.stroke_name], g.prep, g.stroke, g.apex, g.retract, g.rest, g.size)
            for g in performance.gestures
        ]
        nods = [(nod.start, nod.apex, nod.end, nod.size) for nod in performance.nods]
        arrays[f"{where}/gestures"] = np.array(rows, np.float32).reshape(-1, 8)
        arrays[f"{where}/nods"] = np.array(nods, np.float32).reshape(-1, 4)
    return arrays


def image(motion: Motion, persona: Persona) -> NDArray[np.float32]:
    """``pose/data`` (T, 104) in pixels: points relative to the neck, the neck where it is in the image."""
    with torch.no_grad():
        poses = Poses(1)
        turned = torch.from_numpy(rotations_of(motion.rotations[:, list(UPPER)]))
        shown = poses.shown(poses.turns(to_six(turned).flatten(-2)))
    near = FAR[0] + (FAR[1] - FAR[0]) * float(np.random.default_rng(list(persona.name.encode())).random())
    found = near * shown.points.numpy().astype(np.float64)
    shoulders = shown.joints[:, [BODY.index("rShldr"), BODY.index("lShldr")]].numpy().astype(np.float64)
    rest = BODY.rest_positions()[[BODY.index("rShldr"), BODY.index("lShldr")]].astype(np.float64)
    a_metre = near * SHOULDER / (np.linalg.norm(rest[1] - rest[0]) / 2)
    neck = shoulders.mean(1)
    moved = (neck - (rest.mean(0) + motion.root[0]))[:, :2]
    found[:, 0] = np.array(IMAGE) + a_metre * moved * np.array([1.0, -1.0])
    return np.asarray(pose.rows(found), np.float32)


def _readme(command: str, record: dict[str, Any]) -> str:
    """What the set is and whose, for whoever finds it."""
    voices = sorted({f"  {voice['credit']} ({voice['licence']})" for voice in record["voices"].values()})
    return "\n".join(
        [
            "Simulated gesturers: talks with words, and built people who gesture to them, in the layout of PATS.",
            f"Made by `{command}`. Nobody was filmed: arms are moved along strokes cut of motion capture,",
            "when they move is drawn, and 2-D points are projected from the 3-D body.",
            "`body` and `events`: who knows the whole talk. `live`: the same moved to when it can be known.",
            "Columns of gestures: hands (0 right, 1 left, 2 both), stroke (`strokes` in made.json, from 0), then s at",
            "which preparation begins, stroke begins, stroke ends, retraction begins, at rest; size.",
            "Columns of nods: start, apex, end, size; of stresses: time, strength, word (from 0).",
            "",
            f"Timing: {record['timing']}.",
            "Strokes: the data used in this project was obtained from mocap.cs.cmu.edu. The database was created with",
            "funding from NSF EIA-0196217. (Those called `made` are of numbers.)",
            "Voices:",
            *voices,
            "",
        ]
    )
