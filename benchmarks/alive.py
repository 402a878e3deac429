"""Does the head look alive? A listener's events and spectra over speech, silence and noise, beside people's ranges.

``python -m benchmarks alive [--bundle rules] [--minutes 3] [--seed 0]``. Speech is read from ``$ENGINE_DATA`` if that
is set, else it is the built-in partner. Where the GRID clips are there, the same rulers measure their talking heads:
people reading to a camera, so a reference for smoothness, not for listening.

Ranges and their sources:

- nods 3-14 a minute of speech: about 6 (MultiLis, de Kok & Heylen 2011) to 15 (Japanese, Maynard 1990), best rated
  6-12 (Poppe et al. 2011); at most 1 a minute in silence or steady noise;
- blinks 8-33 a minute (Doughty 2001: 8 in primary gaze to 32.5 in conversation), intervals of CV 0.4-1.1 (skewed in
  everyone, Cruz et al. 2011), none shorter than 0.3 s;
- gaze away 8-40 % of the time (14 % Andrist et al. 2014, 25 % Argyle & Ingham 1972, 39 % of whole conversations);
- head: at least 60 % of its displacement power below 1 Hz (sway: mostly below 0.5 Hz, Prieto et al. 1996) and at most
  1 % above 7 Hz (Hadar et al. 1983: nothing faster than "rapid", 3.7-7 Hz); peak speed below 100 deg/s, twice the
  peak of recorded nods (36-49 deg/s in MaAI's templates);
- no jump (an expression weight other than lids and eyes by more than 0.2 a frame) and no freeze (0.2 s).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.listen import listen
from benchmarks.machine import report
from engine.bundle import Bundle
from engine.channels import EXPRESSION_NAMES, FACE, head_angles
from engine.runtime import open_runtime
from engine.sound.front_end import FrontEnd
from engine.sources.media import MediaFile
from train.report import events

RANGES: dict[str, tuple[float, float]] = {
    "blinks_per_min": (8.0, 33.0),
    "blink_interval_cv": (0.4, 1.1),
    "blink_interval_min_s": (0.3, 60.0),
    "gaze_away": (0.08, 0.40),
    "head_below_1hz": (0.60, 1.0),
    "head_above_7hz": (0.0, 0.01),
    "head_speed_max": (5.0, 100.0),
    "face_step_max": (0.001, 0.2),
    "freeze_s": (0.0, 0.2),
}
NOD_RANGES = {"speech": (3.0, 14.0), "silence": (0.0, 1.0), "noise": (0.0, 1.0)}
CLIPS = ("librispeech*", "librivox*", "LJ*", "dialog_*solo*", "jfk*")


def main(arguments: list[str]) -> int:
    """Print the table and the JSON line; 1 where a figure is outside its range."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks alive", description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="rules")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    bundle = Bundle.load(options.bundle)
    spec = bundle.spec
    count = round(options.minutes * 60 * spec.sample_rate)
    sounds = {
        "speech": np.resize(speech(spec.sample_rate), count),
        "silence": np.zeros(count, np.float32),
        "noise": np.random.default_rng(options.seed).normal(0, 0.05, count).astype(np.float32),
    }
    rows = {}
    for name, sound in sounds.items():
        face = listen(open_runtime(bundle), sound, seed=options.seed)["face"]
        rows[name] = measure(face, spec.rate)
    people = _grid_heads()
    outside = _print(rows, people)
    report("alive", {"bundle": bundle.name, "minutes": options.minutes, "rows": rows, "people": people} | outside)
    return int(bool(outside["outside"]))


def measure(face: NDArray[np.float32], rate: float) -> dict[str, float]:
    """All figures of one stream (T, 58)."""
    minutes = len(face) / rate / 60.0
    intervals = np.diff(events.blinks(face, rate))
    head = np.degrees(face[:, [FACE[name] for name in events.HEAD]].astype(float))
    speed = events.head_speed(face, rate)
    below, _, above = events.band_shares(head, rate, (0.0, 1.0, 7.0, rate))
    return {
        "nods_per_min": len(events.nods(face, rate)) / minutes,
        "blinks_per_min": (len(intervals) + 1) / minutes,
        "blink_interval_median_s": float(np.median(intervals)),
        "blink_interval_cv": float(intervals.std() / intervals.mean()),
        "blink_interval_min_s": float(intervals.min()),
        "gaze_away": events.away_share(face),
        "head_below_1hz": below,
        "head_above_7hz": above,
        "head_speed_mean": float(speed.mean()),
        "head_speed_max": float(speed.max()),
        "head_jerk": events.jerk(head, rate),
        "face_step_max": events.largest_step(face),
        "freeze_s": events.longest_freeze(face, rate),
    }


def speech(rate: int) -> NDArray[np.float32]:
    """Minutes of people speaking, pauses of 0.8 s between clips."""
    pieces: list[NDArray[np.float32]] = []
    for sound in voices(rate):
        pieces += [sound / (np.abs(sound).max() + 1e-6) * 0.5, np.zeros(round(0.8 * rate), np.float32)]
    return np.concatenate(pieces).astype(np.float32)


def voices(rate: int) -> list[NDArray[np.float32]]:
    """Clips of people speaking as they were recorded; the built-in partner without ``$ENGINE_DATA``."""
    folder = Path(os.environ.get("ENGINE_DATA", "")) / "speech_clips"
    paths = [path for pattern in CLIPS for path in sorted(folder.glob(pattern)) if path.suffix in (".wav", ".flac")]
    if not paths:
        import engine.sources.demo as demo

        paths = [Path(demo.__file__).parents[1] / "data" / "partner" / "speech.flac"]
    raw = [MediaFile(path).audio(rate, FrontEnd(on=False)) for path in paths]
    return [np.concatenate([block.samples for block in blocks]) for blocks in raw]


def _grid_heads() -> dict[str, float] | None:
    """Head figures of the GRID talkers, clip by clip and averaged; None without ``$ENGINE_DATA``."""
    paths = sorted((Path(os.environ.get("ENGINE_DATA", "")) / "face_grid_av" / "arkit_audio").glob("*.npz"))
    figures: list[tuple[float, ...]] = []
    for path in paths:
        with np.load(path) as stored:
            turns = np.array([head_angles(matrix[:3, :3]) for matrix in stored["head_mat"]])
            rate = float(stored["fps"])
        face = np.zeros((len(turns), len(FACE)), np.float32)
        face[:, len(EXPRESSION_NAMES) : len(EXPRESSION_NAMES) + 3] = turns
        below, _, above = events.band_shares(np.degrees(turns), rate, (0.0, 1.0, 7.0, rate))
        speed = events.head_speed(face, rate)
        figures.append((below, above, speed.mean(), speed.max(), events.jerk(np.degrees(turns), rate)))
    if not figures:
        return None
    names = ("head_below_1hz", "head_above_7hz", "head_speed_mean", "head_speed_max", "head_jerk")
    return dict(zip(names, np.mean(figures, 0).tolist(), strict=True))


def _print(rows: dict[str, dict[str, float]], people: dict[str, float] | None) -> dict[str, Any]:
    outside = []
    print(f"{'':>24}" + "".join(f"{name:>12}" for name in (*rows, "GRID people", "range")))
    for figure in next(iter(rows.values())):
        cells = ""
        for name, row in rows.items():
            low, high = NOD_RANGES[name] if figure == "nods_per_min" else RANGES.get(figure, (-np.inf, np.inf))
            bad = not low <= row[figure] <= high
            outside += [f"{name}.{figure}"] if bad else []
            cells += f"{row[figure]:>11.3f}{'!' if bad else ' '}"
        known = f"{people[figure]:>12.3f}" if people and figure in people else f"{'':>12}"
        limits = RANGES.get(figure, NOD_RANGES["speech"] if figure == "nods_per_min" else ())
        print(f"{figure:>24}{cells}{known}   {' - '.join(f'{limit:g}' for limit in limits)}")
    print("outside its range: " + (", ".join(outside) or "nothing"))
    return {"outside": outside}
