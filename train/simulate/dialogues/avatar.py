"""The avatar of one side of a dialogue: a listener while the other speaks, a speaker while it does, often both.

Gaze, blinks, nods, smiles and posture are those of a simulated listener (:mod:`train.simulate.listeners`) to the other
side, who knows which turns are its own and looks away as they begin. On top of it come, in its own turns, the brows,
beats of the head and acted smiles of a simulated speaker. The mouth of speech is kept apart: captured where it was
captured, else left for a model that has learned captured mouths. Hands are a simulated gesturer's
(:mod:`train.simulate.gestures`), who does each stroke no earlier than it could be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from engine.channels import FACE
from models.conversation.config import BODY, NECK_SHARE
from train.conversation.talks.layout import FPS, MOUTH
from train.simulate.dialogues.voices import Utterance
from train.simulate.gestures.build import gesture
from train.simulate.gestures.compose import RATE as BODY_RATE
from train.simulate.gestures.library import Library
from train.simulate.gestures.persona import Persona
from train.simulate.listeners import listen
from train.simulate.speaker import BROWED, POSE, SMILING
from train.simulate.talk import FPS as FACE_RATE
from train.simulate.talk import RATE, SimulatedListener, Span, Talk, joined
from train.speech import talk as speech
from train.speech.stresses import find_stresses

SOFT_S = 0.15
"""Seconds over which a speaker's movements come and go with its turns."""
JOIN_S = 0.7
"""A pause shorter than this within an own turn is still the own turn."""
EDGE = 3
"""Frames over which a captured mouth comes in and goes out."""

Face = NDArray[np.float32]


@dataclass(frozen=True)
class Avatar:
    """One side's avatar, 30 frames a second. ``expression`` (T, 58) is the face without the mouth of speech, ``mouth``
    (T, 27) the mouth of speech, ``captured`` (T,) false where it is yet to be made. ``body`` (T, 27, 4) are local
    quaternions, x y z w, of skeleton ``cmu``. ``listener`` says what was planned."""

    expression: Face
    mouth: NDArray[np.float32]
    captured: NDArray[np.bool_]
    body: NDArray[np.float32]
    listener: SimulatedListener


def turns_of(phrases: Sequence[Span], gap: float = JOIN_S) -> tuple[Span, ...]:
    """Phrases joined to turns over short pauses."""
    return tuple(joined(phrases, gap))


def avatar(
    own: Talk, partner: Talk, said: Sequence[Utterance], sound: speech.Talk, who: Persona, library: Library, seed: int
) -> Avatar:
    """The avatar who is ``own`` and faces ``partner``; both talks carry each other's turns. ``said`` is what it says,
    ``sound`` the same as a talk with words, which hands go along with."""
    frames = int(own.frames / FACE_RATE * FPS)
    listener = listen(partner, 1, seed)[0]
    expression = at_rate(_speaking(own, listener.face), FACE_RATE, FPS, frames)
    mouth, captured = mouths(said, frames)
    motion = gesture(sound, who, library, seed).live
    return Avatar(expression, mouth, captured, _body(motion.rotations, expression, frames), listener)


def _speaking(own: Talk, listening: Face) -> Face:
    """The listener's face (T, 58) with what a speaker's brows, smiles and head do in the own turns."""
    speaks = np.zeros(own.frames)
    for span in turns_of(own.phrases):
        speaks[int(span.start_s * FACE_RATE) : int(span.end_s * FACE_RATE) + 1] = 1.0
    soft = gaussian_filter1d(speaks, SOFT_S * FACE_RATE)[:, None]
    out = listening.astype(np.float64).copy()
    shown = soft * own.face
    marks = [*SMILING, *BROWED]
    out[:, marks] = np.maximum(out[:, marks], shown[:, marks])
    beats = own.face[:, POSE] - gaussian_filter1d(own.face[:, POSE], 1.5 * FACE_RATE, axis=0, mode="nearest")
    out[:, POSE] += soft * beats
    return out.astype(np.float32)


def mouths(said: Sequence[Utterance], frames: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The mouth of speech (T, 27), zero in silence, and where it is known (T,): everywhere but in speech that was not
    captured."""
    mouth, known = np.zeros((frames, len(MOUTH)), np.float32), np.ones(frames, bool)
    for item in said:
        first = round(item.start * FPS)
        if item.mouth is None:
            known[max(0, first - 2) : first + int(len(item.phrase.pcm) / RATE * FPS) + 3] = False
            continue
        count = min(len(item.mouth), frames - first)
        edge = np.minimum(np.arange(count) + 1, np.arange(count)[::-1] + 1)
        share = np.clip(edge / (EDGE + 1), 0.0, 1.0).astype(np.float32)[:, None]
        mouth[first : first + count] = np.maximum(mouth[first : first + count], share * item.mouth[:count])
    return mouth, known


def at_rate(rows: Face, before: float, after: float, frames: int) -> Face:
    """``rows`` at another rate, by straight lines between the middles of frames."""
    at = (np.arange(frames) + 0.5) / after * before - 0.5
    steps = np.arange(len(rows))
    return np.stack([np.interp(at, steps, column) for column in rows.T], 1).astype(np.float32)


def _body(rotations: NDArray[np.float32], face: Face, frames: int) -> NDArray[np.float32]:
    """Quaternions (T, 27, 4) at 30 frames a second; neck and head turn as the face says."""
    at = np.clip((np.arange(frames) + 0.5) / FPS * BODY_RATE - 0.5, 0.0, len(rotations) - 1.0)
    first = np.minimum(at.astype(int), len(rotations) - 2)
    share = (at - first)[:, None, None]
    before, after = rotations[first], rotations[first + 1]
    after = after * np.sign((before * after).sum(-1, keepdims=True) + 1e-12)
    out = (1.0 - share) * before + share * after
    angles = face[:, [FACE[name] for name in ("headYaw", "headPitch", "headRoll")]].astype(np.float64)
    for joint, part in (("neck", NECK_SHARE), ("head", 1.0 - NECK_SHARE)):
        out[:, BODY.index(joint)] = Rotation.from_euler("YXZ", part * angles).as_quat()
    return np.asarray(out / np.linalg.norm(out, axis=-1, keepdims=True), np.float32)


def as_talk(name: str, own: Talk, said: Sequence[Utterance], split: str, licence: str, credit: str) -> speech.Talk:
    """A side's sound as a talk with words and stresses, by which hands move."""
    words = tuple(
        speech.SpokenWord(word.text, word.start + item.start, word.end + item.start)
        for item in said
        for word in item.words
    )
    pcm = own.pcm / max(float(np.abs(own.pcm).max()), 1e-6) * 0.5
    stresses = find_stresses(pcm, words)
    return speech.Talk(name, own.voice, split, own.source, licence, credit, pcm, words, stresses)
