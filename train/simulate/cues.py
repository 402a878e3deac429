"""Moments of a talk that invite a reaction: what the simulation knows and a model must learn to hear and see.

Whether there is a cue depends on the past alone, so that a detector without foresight can find all of them and no
other. Each says when it happens and when it can be known:

- **pause**: a phrase of at least 1 s ends and silence follows (Truong, Poppe & Heylen 2010, Interspeech). The cue is
  the phrase's end; it is known once the silence has lasted 0.45 s, about their 0.4 s. Strong when the pitch has
  fallen.
- **question**: such an end on a rise of pitch (also Truong et al.); it takes the place of the pause.
- **low**: pitch below the 26th percentile of what the speaker's pitch was so far, for 110 ms after 0.7 s of speech
  (Ward & Tsukahara 2000, J. Pragmatics 32), and no such region within the last 6 s; known at once. Where the phrase
  ends soon after, both stand: they invite the same nod, and who has just nodded does not nod again.
- **smile**, **laugh**, **brow**: starts of what the speaker's face does, known once they show.

The truth is stated here alone. The rule listener (:mod:`models.listener_rules`) follows the same papers with constants
of its own, so that tuning it moves neither the cues nor what it is measured against.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from engine.errors import EngineError
from models.contract import initial_state
from models.layers import Pitch
from train.simulate.talk import FPS, HOP, RATE, Cue, Span, Talk, joined

LOW_PERCENTILE, LOW_FOR, LOW_AFTER_SPEECH = 0.26, 0.110, 0.700
"""Share of a speaker's pitch that counts as low, and seconds of it and of speech before it (Ward & Tsukahara 2000)."""
PAUSE_AFTER_SPEECH = 1.000
"""Seconds of speech after which silence is a cue (Truong, Poppe & Heylen 2010)."""
RISE_SEMITONES = 3.0
"""Rise of pitch that makes a question; Truong et al. ask for 30 Hz, three semitones at a man's 160 Hz."""
PAUSE_LEAST = 0.45
"""Silence (s) from which the end of a phrase is a cue."""
LOW_APART, LOW_KNOWN_AFTER = 6.0, 100
"""Least time (s) between two low cues, and voiced estimates (of 10 ms) from which a speaker's pitch counts as known."""
SHOWS_S = 0.2
"""Time (s) that a movement of the speaker's face takes until it shows."""
TAIL, LAST, REACH = 0.40, 0.12, 0.60
"""A phrase's last voiced seconds, those that a rise lifts, and how far before the end they may lie."""
GAP, DEEP = 2, 6.0
"""Unvoiced estimates that a low region may hold in a row, and semitones below the median that count as far down."""
ACTS = {"smile": "smile", "laugh": "laugh", "brow_raise": "brow"}
SUBFRAMES, STEP, BEHIND = 4, 0.01, 0.02
"""Pitch estimates a frame, seconds from one to the next, and seconds by which they lag (see the layer)."""
CHUNK = 250


def find_cues(talk: Talk) -> tuple[Cue, ...]:
    """The cues of ``talk`` in order of time; within the listener's own turns only those of the speaker's face."""
    if len(talk.pcm) != talk.frames * HOP:
        raise EngineError(
            f"a talk of {talk.frames} frames needs {talk.frames * HOP} samples, not {len(talk.pcm)}: cut or pad it"
        )
    runs = speech_runs(talk)
    height = semitones(talk.pcm)
    ends = [cue for run in runs if (cue := _phrase_end(run, height))]
    cues = ends + _low(runs, height)
    heard = [cue for cue in cues if not any(own.start_s <= cue.time_s < own.end_s for own in talk.own_turns)]
    seen = [
        Cue(ACTS[act.name], float(act.start_s), float(act.amount), float(act.start_s) + SHOWS_S)
        for act in talk.acts
        if act.name in ACTS
    ]
    return tuple(sorted(heard + seen, key=lambda cue: cue.time_s))


class SpeechRun(NamedTuple):
    """Speech without a pause, and the silence (s) that follows it."""

    span: Span
    silence_s: float


def speech_runs(talk: Talk) -> list[SpeechRun]:
    """Phrases without a pause between them joined."""
    runs = joined(talk.phrases, PAUSE_LEAST)
    following = [*(run.start_s for run in runs[1:]), talk.frames / FPS]
    return [SpeechRun(run, after - run.end_s) for run, after in zip(runs, following, strict=bool(runs))]


def semitones(pcm: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pitch of ``pcm`` (T * 640,) in semitones above 100 Hz every 10 ms, (4 T,), NaN where unvoiced, without octave
    slips that last less than 30 ms."""
    layer = Pitch(RATE, HOP, SUBFRAMES)
    state = initial_state(layer.state_specs(), 1)
    hops = torch.from_numpy(np.ascontiguousarray(pcm, np.float32)).reshape(1, -1, HOP)
    pieces = []
    with torch.inference_mode():
        for chunk in hops.split(CHUNK, 1):
            track, updates = layer(chunk, state)
            state |= updates
            pieces.append(track.hertz.flatten().double().numpy())
    hertz = np.concatenate(pieces) if pieces else np.zeros(0)
    steady = median_filter(hertz, 5)
    voiced = (hertz > 0.0) & (steady > 0.0)
    return np.where(voiced, 12.0 * np.log2(np.where(voiced, steady, 100.0) / 100.0), np.nan)


def _phrase_end(run: SpeechRun, height: NDArray[np.float64]) -> Cue | None:
    """The pause or question at the end of a run of speech, if it is long enough and silence follows."""
    span, silence = run
    if span.end_s - span.start_s < PAUSE_AFTER_SPEECH or silence < PAUSE_LEAST:
        return None
    first = max(0, _index(max(span.start_s, span.end_s - REACH)))
    tail = height[first : _index(span.end_s) + 1]
    tail = tail[np.isfinite(tail)][-round(TAIL / STEP) :]
    rise = 0.0
    if len(tail) >= round(2 * LAST / STEP):
        last = round(LAST / STEP)
        rise = float(np.median(tail[-last:]) - np.percentile(tail[:-last], 25))
    end, known = float(span.end_s), float(span.end_s) + PAUSE_LEAST
    if rise > RISE_SEMITONES:
        return Cue("question", end, 0.8, known)
    falling = np.clip(-rise / RISE_SEMITONES, 0.0, 1.0)
    return Cue("pause", end, float(0.55 + 0.2 * falling), known)


def _low(runs: list[SpeechRun], height: NDArray[np.float64]) -> list[Cue]:
    """Regions of low pitch, at the moment at which they have lasted long enough; strong where pitch is far down."""
    limit, median = _so_far(height)
    cues: list[Cue] = []
    for span, _ in runs:
        first = _index(span.start_s)
        region: list[float] = []
        gap = 0
        for index, tone in enumerate(height[first : _index(span.end_s)], first):
            gap = 0 if np.isfinite(tone) else gap + 1
            # Before the pitch is known the limit is not a number, and nothing is below it.
            if gap > GAP or (not gap and not tone < limit[index]):
                region = []
            elif not gap:
                region.append(tone)
            if gap or len(region) != round(LOW_FOR / STEP):
                continue
            time = index * STEP - BEHIND
            if time - span.start_s >= LOW_AFTER_SPEECH and (not cues or time - cues[-1].time_s >= LOW_APART):
                depth = np.clip((median[index] - np.mean(region)) / DEEP, 0.0, 1.0)
                cues.append(Cue("low", time, float(0.3 + 0.6 * depth), time + BEHIND))
    return cues


def _so_far(height: NDArray[np.float64]) -> NDArray[np.float64]:
    """Low percentile and median of the pitch up to each estimate, (2, n); NaN until there are enough of them."""
    known: list[float] = []
    found = np.full((2, len(height)), np.nan)
    for index, tone in enumerate(height):
        if np.isfinite(tone):
            insort(known, float(tone))
        if len(known) >= LOW_KNOWN_AFTER:
            found[:, index] = [known[int(share * (len(known) - 1))] for share in (LOW_PERCENTILE, 0.5)]
    return found


def _index(time_s: float) -> int:
    """The estimate that stands for a moment."""
    return round((time_s + BEHIND) / STEP)
