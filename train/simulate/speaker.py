"""A speaker for some minutes: phrases laid out as turns with pauses, the sound of a room, and the face that goes along.

Lengths of pauses are those of conversation (Campione & Veronis 2002, Speech Prosody: 0.15-0.3 s inside, 0.25-1.5 s
between phrases), with a long silence now and then, and turns of the listener's avatar, in which the speaker is silent
but for a "mhm". Mouth, lids and small head movements follow from the sound (:mod:`train.partner.face`); smiles, raised
brows, glances away and postures are drawn here, and kept as the talk's acts. Where a face was captured it is used.
"mhm" and laughs are synthetic for every voice, and no phrases.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from engine.channels import FACE
from engine.sound.resample import StreamingResampler
from train.partner.face import FaceEvent, animate, hear
from train.simulate import synth
from train.simulate.synth import VoiceParameters
from train.simulate.talk import CLIP_FRAMES, FPS, HOP, RATE, Act, Span, Talk
from train.simulate.voices import LEVEL, Phrase, Voice
from train.speech.sound import pitch_track

Array = NDArray[np.float64]

SMILES, BROWS, TILTS, LEANS = (1.5, 8.0), (1.5, 3.5), (0.5, 1.5), (0.2, 0.8)
"""Lowest and highest rates a minute of what a face does on purpose; each speaker has its own."""
SMILE_ANYWHERE, SMILE_IN_TURNS = 0.5, 0.65
"""Of ten smiles five come at any moment, up to 6.5 or so in the avatar's turns, the rest at ends of phrases: a listener
that saw them only there would answer the end, not the smile."""
SMILING = tuple(
    FACE[f"{name}{side}"]
    for name in ("mouthSmile", "mouthDimple", "cheekSquint", "eyeSquint")
    for side in ("Left", "Right")
)
BROWED = tuple(index for name, index in FACE.items() if name.startswith(("brow", "eyeWide")))
MOUTH = tuple(FACE[name] for name in ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker"))
POSE = slice(52, 58)


@dataclass
class Layout:
    """What is said when, in samples, and the spans and acts that follow from it."""

    said: list[tuple[int, Phrase]] = field(default_factory=list)
    phrases: list[Span] = field(default_factory=list)
    asked: list[Span] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    own: list[Span] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)

    def put(self, start_s: float, said: Phrase) -> float:
        """Lay ``said`` on the grid of frames; returns its end in seconds."""
        start = round(start_s * FPS) * HOP
        self.said.append((start, said))
        return (start + len(said.pcm)) / RATE


def build_talk(voice: Voice, minutes: float, seed: int) -> Talk:
    """``voice`` talking for ``minutes`` (a multiple of half a minute: whole clips); same arguments, same talk."""
    rng = np.random.default_rng(seed)
    frames = round(minutes * 60 * FPS / CLIP_FRAMES) * CLIP_FRAMES
    parameters = voice.parameters or parameters_near(voice)
    layout = _lay_out(_PhraseSource(voice, parameters, rng), parameters, frames / FPS, rng)
    return talk_of(layout, voice, frames, rng)


def talk_of(layout: Layout, voice: Voice, frames: int, rng: np.random.Generator) -> Talk:
    """What is laid out for ``voice`` as a talk of ``frames``: its acts drawn, its sound in a room, its face."""
    draw_acts(layout, frames / FPS, rng)
    clean = np.zeros(frames * HOP)
    for start, said in layout.said:
        clean[start : start + len(said.pcm)] += said.pcm
    face = _face(clean, layout, voice, rng)
    acts = tuple(sorted(layout.acts, key=lambda act: act.start_s))
    pcm = _in_a_room(clean, voice, rng)
    return Talk(voice.name, voice.source, pcm, face, tuple(layout.phrases), tuple(layout.own), acts)


class _PhraseSource:
    """Gives one phrase after the other: made on the spot, or the recorded ones in random order at one tempo."""

    def __init__(self, voice: Voice, parameters: VoiceParameters, rng: np.random.Generator) -> None:
        self._voice, self._parameters, self._rng = voice, parameters, rng
        self._rate = RATE + 200 * int(rng.integers(-12, 13))  # played at 16 kHz: pitch and tempo move by up to 15 %
        self._queue: list[Phrase] = []

    def next_phrase(self, last: bool) -> Phrase:
        """The next phrase; ``last`` of a turn, it ends in a fall or a rise."""
        rng = self._rng
        if self._voice.parameters is not None:
            ends = (0.66, 0.30, 0.04) if last else (0.54, 0.08, 0.38)
            kind = str(rng.choice(synth.KINDS, p=ends))
            pcm = synth.phrase(self._parameters, float(np.clip(rng.lognormal(1.1, 0.5), 1.0, 8.0)), kind, rng)
            level = LEVEL * rng.uniform(0.85, 1.15) / np.sqrt(np.mean(np.square(pcm)))
            return Phrase((pcm * level).astype(np.float32), kind)
        wanted, words = rng.uniform(1.5, 4.5), [self._next()]
        while sum(len(word.pcm) for word in words) < wanted * RATE:  # single words are said in a row
            words.append(self._next())
        return _strung(words, rng)

    def _next(self) -> Phrase:
        if not self._queue:
            order = self._rng.permutation(len(self._voice.phrases))
            self._queue = [self._voice.phrases[index] for index in order]
        return _played(self._queue.pop(), self._rate, self._rng)


def _strung(words: list[Phrase], rng: np.random.Generator) -> Phrase:
    """``words`` as one phrase with gaps of 80-200 ms, each word on the grid of frames; it ends as the last one does."""
    sounds, faces = [], []
    for word, following in itertools.pairwise(words):
        frames = -(-len(word.pcm) // HOP) + int(rng.integers(2, 5))
        sounds.append(np.pad(word.pcm, (0, frames * HOP - len(word.pcm))))
        if word.face is not None and following.face is not None:
            gap = frames - len(word.face)
            way = (np.arange(1, gap + 1) / (gap + 1)).astype(np.float32)[:, None]
            faces += [word.face, (1 - way) * word.face[-1] + way * following.face[0]]
    last = words[-1]
    pcm = np.concatenate([*sounds, last.pcm])
    return Phrase(pcm, last.kind, None if last.face is None else np.concatenate([*faces, last.face]))


def _played(phrase: Phrase, rate: int, rng: np.random.Generator) -> Phrase:
    """``phrase`` as if it had been recorded at ``rate``, a little louder or softer than before, its face in step."""
    change = StreamingResampler(rate, RATE)
    pcm = np.concatenate([change.push(phrase.pcm), change.flush()]) * np.float32(rng.uniform(0.85, 1.15))
    if phrase.face is None:
        return Phrase(pcm, phrase.kind)
    at = np.arange(-(-len(pcm) // HOP)) * rate / RATE
    steps = np.arange(len(phrase.face))
    face = np.stack([np.interp(at, steps, column) for column in phrase.face.T], 1).astype(np.float32)
    return Phrase(pcm, phrase.kind, face)


def parameters_near(voice: Voice) -> VoiceParameters:
    """Parameters near a recorded voice's pitch, for its "mhm" and its laugh."""
    heard = np.concatenate([item.pcm for item in voice.phrases[:4]])[: 8 * RATE].astype(float)
    pitch = pitch_track(heard * (0.1 / max(float(np.sqrt(np.mean(heard**2))), 1e-6)))
    f0 = float(np.nanmedian(pitch)) if np.isfinite(pitch).any() else 150.0
    return VoiceParameters(f0, 5.0, 1.0 if f0 < 155 else 1.17, 1.0, 0.06, 1.2)


def _lay_out(source: _PhraseSource, parameters: VoiceParameters, length_s: float, rng: np.random.Generator) -> Layout:
    """Turns of phrases until the time is up."""
    layout = Layout()
    clock = rng.uniform(0.4, 1.5)
    next_own = rng.uniform(15, 45)
    laughs = rng.uniform(0.0, 0.08)
    while True:
        count = int(rng.integers(2, 8))
        layout.turns.append(clock)
        for index in range(count):
            said = source.next_phrase(index == count - 1)
            clock = round(clock * FPS) / FPS
            if clock + len(said.pcm) / RATE > length_s - 0.5:
                return layout
            end = layout.put(clock, said)
            span = Span(clock, end)
            layout.phrases.append(span)
            if said.kind == "rise":
                layout.asked.append(span)
            clock = end + (rng.uniform(0.15, 0.3) if rng.random() < 0.4 else _pause(rng))
            if rng.random() < laughs and clock < length_s - 4:
                clock = _laugh(layout, parameters, end + rng.uniform(0.2, 0.4), rng) + _pause(rng)
        if clock > next_own and clock < length_s - 8:
            clock = _own_turn(layout, parameters, clock, min(length_s - 1.5, clock + rng.uniform(4, 15)), rng)
            next_own = clock + rng.uniform(25, 70)
        elif rng.random() < 0.35:
            clock += rng.uniform(4, 12)
        else:
            clock += rng.uniform(0.4, 1.0)


def _pause(rng: np.random.Generator) -> float:
    """Seconds between two phrases: median 0.55."""
    return float(np.clip(rng.lognormal(np.log(0.55), 0.5), 0.25, 1.5))


def _laugh(layout: Layout, parameters: VoiceParameters, start_s: float, rng: np.random.Generator) -> float:
    """A laugh from ``start_s`` on, with a smile that outlasts it; returns when the sound ends."""
    pcm = synth.laugh(parameters, rng.uniform(0.7, 1.5), rng)
    pcm *= np.float32(LEVEL / np.sqrt(np.mean(np.square(pcm))))
    end = layout.put(start_s, Phrase(pcm))
    layout.acts.append(Act("laugh", start_s, end, 1.0))
    layout.acts.append(Act("smile", start_s - 0.3, end + rng.uniform(0.8, 2.0), rng.uniform(0.6, 0.9)))
    return end


def _own_turn(
    layout: Layout, parameters: VoiceParameters, start_s: float, end_s: float, rng: np.random.Generator
) -> float:
    """The avatar's turn: the speaker is silent, or says "mhm" once or twice. Returns when the speaker goes on."""
    layout.own.append(Span(start_s, end_s))
    for at in np.sort(rng.uniform(start_s + 1.0, end_s - 1.0, int(rng.integers(0, 3)))) if end_s - start_s > 4 else ():
        pcm = synth.hum(parameters, rng)
        layout.put(float(at), Phrase(pcm * np.float32(0.4 * LEVEL / np.sqrt(np.mean(np.square(pcm))))))
    return end_s + rng.uniform(0.15, 0.7)


def draw_acts(layout: Layout, length_s: float, rng: np.random.Generator) -> None:
    """Draw acts into ``layout``: smiles near phrase ends and in the avatar's turns, brows at questions and inside
    phrases, gaze away as a turn starts, tilts and leans; each where there is room for it."""

    def rate(bounds: tuple[float, float]) -> int:
        return int(rng.poisson(rng.uniform(*bounds) * length_s / 60))

    def act(name: str, start: float, length: float, amount: float, apart: float) -> None:
        start, end = max(0.2, start), min(start + length, length_s - 0.3)
        free = all(
            end + apart < other.start_s or start > other.end_s + apart for other in layout.acts if other.name == name
        )
        if free and end - start > 0.5:
            layout.acts.append(Act(name, start, end, amount))

    big = rng.uniform(0.3, 0.8)
    ends = [span.end_s for span in layout.phrases]
    spots = [rng.uniform(own.start_s + 0.5, own.end_s - 1.0) for own in layout.own if own.end_s - own.start_s > 1.6]
    friendly = float(np.exp(rng.uniform(*np.log(SMILES))))
    for _ in range(int(rng.poisson(friendly * length_s / 60))):
        where = rng.random()
        if where < SMILE_ANYWHERE:  # else a listener would learn that only phrase ends are smiled at
            start = rng.uniform(0.5, length_s - 2.0)
        elif where < SMILE_IN_TURNS and spots:
            start = rng.choice(spots)
        else:
            start = rng.choice(ends) + rng.normal(-0.3, 0.35)
        length = float(np.clip(rng.lognormal(0.75, 0.45), 1.0, 5.0))
        act("smile", float(start), length, float(np.clip(big + rng.normal(0, 0.15), 0.25, 1.0)), 1.5)
    for span in layout.asked:
        if rng.random() < 0.7:
            act("brow_raise", span.end_s - rng.uniform(0.7, 1.1), rng.uniform(1.2, 2.2), rng.uniform(0.35, 0.7), 0.8)
    for _ in range(rate(BROWS)):
        span = layout.phrases[rng.integers(len(layout.phrases))]
        start = rng.uniform(span.start_s, max(span.start_s, span.end_s - 0.8))
        act("brow_raise", start, rng.uniform(0.9, 1.5), rng.uniform(0.3, 0.6), 0.8)
    shy = rng.uniform(0.3, 0.8)
    for start in layout.turns:
        if rng.random() < shy:
            act("look_away", start - rng.uniform(0.0, 0.5), rng.uniform(0.9, 2.2), rng.uniform(0.5, 1.0), 0.5)
    for name, bounds, (low, high) in (("head_tilt", TILTS, (1.5, 4.0)), ("lean_in", LEANS, (2.5, 6.0))):
        for _ in range(rate(bounds)):
            act(name, rng.uniform(0.5, length_s - 5), rng.uniform(low, high), rng.uniform(0.4, 1.0), 2.0)


def _face(clean: Array, layout: Layout, voice: Voice, rng: np.random.Generator) -> NDArray[np.float32]:
    """The face (T, 58): animated from sound and acts, at this speaker's size of movement, captured where it was."""
    events = [FaceEvent("speech", span.start_s, span.end_s, 1.0) for span in layout.phrases]
    events += [FaceEvent(act.name, act.start_s, act.end_s, act.amount) for act in layout.acts]
    face = animate(hear(clean, RATE), events, int(rng.integers(2**31)))
    face[:, MOUTH] *= rng.uniform(0.8, 1.2)
    face[:, POSE] *= rng.uniform(0.7, 1.4)
    face[:, BROWED] *= rng.uniform(0.85, 1.15)
    for start, said in layout.said:
        if said.face is not None:
            _lay_on(face, start // HOP, said.face, voice.captured)
    face[:, :52] = np.clip(face[:, :52], 0, 1)
    return face


def _lay_on(face: NDArray[np.float32], first: int, seen: NDArray[np.float32], captured: tuple[int, ...]) -> None:
    """Blend a captured stretch into ``face``, in place: shapes replace, acted smiles and brows stay on top of them, and
    the head's own movement is added."""
    count = min(len(seen), len(face) - first)
    into, seen = face[first : first + count], seen[:count]
    edge = np.minimum(np.arange(count) + 1, np.arange(count)[::-1] + 1)
    for channels, reach in (([k for k in captured if k < 52], 3), ([k for k in captured if k >= 52], 10)):
        share = np.clip(edge / (reach + 1), 0, 1).astype(np.float32)[:, None]
        for k in channels:
            acted = into[:, [k]]
            if k >= 52:
                into[:, [k]] = acted + share * seen[:, [k]]
            elif k in SMILING or k in BROWED:
                into[:, [k]] = np.maximum(acted, share * seen[:, [k]])
            else:
                into[:, [k]] = (1 - share) * acted + share * seen[:, [k]]


def _in_a_room(clean: Array, voice: Voice, rng: np.random.Generator) -> NDArray[np.float32]:
    """What a microphone would give: a level of -32 to -18 dBFS, some noise of a room, now and then a narrow band."""
    level = 10 ** (rng.uniform(-32, -18) / 20)
    below = rng.uniform(28, 52)
    if voice.phrases:
        below = min(below, _clearance_db(voice) + 3.0)
    hiss = lfilter([1.0], [1.0, -rng.uniform(0.5, 0.97)], rng.standard_normal(len(clean)))
    hiss *= LEVEL * 10 ** (-below / 20) / hiss.std()
    out = (clean + hiss) * (level / LEVEL)
    if rng.random() < 0.25:
        low, high = ((300, 3400), (80, 5000), (150, 7000))[rng.integers(3)]
        out = sosfilt(butter(3, (low, high), "band", fs=RATE, output="sos"), out)
    return np.asarray(out * min(1.0, 0.95 / np.abs(out).max()), np.float32)


def _clearance_db(voice: Voice) -> float:
    """How far (dB) the quietest moments of a recording lie below its speech: noise that should not stop in pauses."""
    joined = np.concatenate([item.pcm for item in voice.phrases[:30]]).astype(float)
    blocks = np.square(joined[: len(joined) // 320 * 320]).reshape(-1, 320).mean(1)
    return float(-10 * np.log10(np.percentile(blocks, 3) / blocks.mean() + 1e-9))
