"""Is a listener after an hour the one of the first ten minutes? Drift, finiteness, ranges and freezes over a long run.

``python -m benchmarks hour [--bundle rules] [--minutes 60] [--seed 0] [--counter 0]`` runs a bundle for so many minutes
of its own time, as fast as it goes, over looping speech with a partner's face. The loop is chosen so that the first and
the last ten minutes are the same material: whatever differs between them, the listener brought along. A minute (the
end of the loop) is played before and not counted, so that both begin after the same sound too.

Every measure is taken minute by minute. The minutes of first and last are pairs (same sound, same face), so their
differences are judged by a 95 % t interval of their mean, widened where a listener's moods outlast a minute (by the
correlation of successive minutes, Bayley & Hammersley 1946); by a p-value, the larger one of that t and of the exact
sign-flip permutation test (Fisher 1935), adjusted for the number of measures (Benjamini & Hochberg 1995); and by their
size in standard deviations between minutes. A verdict is

- *differs*: the adjusted p-value is below 0.05;
- *same*: it is not, and the whole interval lies within the measure's margin, so that a difference that matters is
  excluded and not just unproven (equivalence testing, Schuirmann 1987);
- *open*: neither; the run is too short or the measure too noisy to tell.

The exit code is 1 where a measure differs, an output is not finite or out of its range, or the face froze.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import engine
from benchmarks.alive import RANGES, speech
from benchmarks.listen import listen
from benchmarks.machine import report
from engine.bundle import Bundle
from engine.channels import FACE
from engine.errors import EngineError
from engine.runtime import open_runtime
from engine.spec import CURSOR, StreamSpec
from train.report import events

SPAN = 10
"""Minutes compared at either end."""
LEVEL = 0.05
RELATIVE = 1 / 3
"""Margin of a measure that has no absolute one, as a share of its mean in the first span."""
MARGINS = {"gaze_away": 0.1, "pitch_deg": 2.0, "yaw_deg": 2.0, "roll_deg": 2.0}
"""Absolute margins: a tenth of all frames; two degrees of where the head rests, a small posture shift."""
CODE_MARGIN = 0.1
PAUSE_S = 0.8
"""Between laps of the built-in partner's voice, where his face waits."""
MOST_FLIPS = 2**SPAN
SEED_STRIDE = 1_000_003
"""Between the noise seeds of successive laps, so that no lap repeats another's draws."""
Array = NDArray[np.floating]


def main(arguments: list[str]) -> int:
    """Print the table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks hour", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", default="rules", help="name or folder (default rules)")
    parser.add_argument("--minutes", type=int, default=60, help="minutes counted (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise (default 0)")
    parser.add_argument("--counter", type=int, default=0, help="where the frame counter starts (default 0)")
    options = parser.parse_args(arguments)
    if options.minutes < 4 or options.counter < 0:
        raise EngineError(f"--minutes {options.minutes}, --counter {options.counter}: give 4 and 0 at least")
    bundle = Bundle.load(options.bundle)
    if "face" not in [item.name for item in bundle.spec.outputs]:
        raise EngineError(f"{bundle.name} has no output 'face' to look at; give a listener's bundle")
    span, lap = laps(options.minutes)
    outputs = run(bundle, options.minutes, lap, options.seed, options.counter)
    broken = faults(bundle.spec, outputs)
    minutes = by_minute(outputs, bundle.spec.rate, options.minutes)
    rows = judged(minutes, span, lap)
    print(f"{bundle.name} {bundle.version}: first and last {span} of {options.minutes} minutes, the same material")
    print(f"{'':>20}{'first':>10}{'last':>10}{'difference, 95 %':>31}{'margin':>9}{'size':>7}{'p':>8}  verdict")
    for name, row in rows.items():
        between = f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
        print(
            f"{name:>20}{row['first']:>10.3f}{row['last']:>10.3f}{between:>31}{row['margin']:>9.3f}"
            f"{row['size']:>+7.2f}{row['p']:>8.3f}  {row['verdict']}"
        )
    differs = [name for name, row in rows.items() if row["verdict"] == "differs"]
    print(f"broken: {'; '.join(broken) or 'nothing'}\ndiffers: {', '.join(differs) or 'nothing'}")
    told = {"bundle": bundle.name, "minutes": options.minutes, "counter": options.counter, "span": span}
    series = {name: [round(float(item), 4) for item in value] for name, value in minutes.items()}
    report("hour", {**told, "measures": rows, "broken": broken, "differs": differs, "by_minute": series})
    return int(bool(broken or differs))


def laps(minutes: int) -> tuple[int, int]:
    """Minutes compared at either end, and the longest loop that puts the same material there."""
    span = min(SPAN, minutes // 2)
    return span, math.gcd(minutes - span, span)


def run(bundle: Bundle, minutes: int, lap: int, seed: int, counter: int) -> dict[str, NDArray[Any]]:
    """Outputs (T, ...) of ``minutes`` counted minutes, whose material comes back every ``lap`` minutes."""
    spec = bundle.spec
    sound, faces = material(spec, lap)
    runtime = open_runtime(bundle)
    runtime.load_state({**runtime.state_dict(), CURSOR: np.array([counter], np.int64)})
    minute = round(60 * spec.rate)
    listen(runtime, sound[-minute * spec.hop :], faces[-minute:], seed=seed)
    played = [listen(runtime, sound, faces, seed=seed + SEED_STRIDE * (index + 1)) for index in range(minutes // lap)]
    return {name: np.concatenate([one[name] for one in played]) for name in played[0]}


def material(spec: StreamSpec, minutes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sound (N,) and faces (T, 58) of one lap: :func:`benchmarks.alive.speech`, and the built-in partner's face, which
    belongs to that voice where no recordings are given."""
    frames = round(minutes * 60 * spec.rate)
    voice = speech(spec.sample_rate)
    with np.load(Path(engine.__file__).parent / "data" / "partner" / "face.npz") as stored:
        face, face_rate = stored["face"].astype(np.float32), float(stored["fps"])
    face = np.pad(face, ((0, round(PAUSE_S * face_rate)), (0, 0)), mode="edge")
    times = np.arange(round(len(voice) / spec.hop)) * face_rate / spec.rate
    shown = face[times.astype(int) % len(face)]
    return np.resize(voice[: len(shown) * spec.hop], frames * spec.hop), np.resize(shown, (frames, face.shape[1]))


def faults(spec: StreamSpec, outputs: dict[str, NDArray[Any]]) -> list[str]:
    """What no listener may do, in words: numbers that are not finite or out of their range, a frozen face."""
    found = []
    for item in spec.outputs:
        value = outputs[item.name].reshape(len(outputs[item.name]), -1)
        finite = np.isfinite(value).all(1)
        if not finite.all():
            found.append(f"{item.name} is not finite in {int((~finite).sum())} frames, first {int(finite.argmin())}")
        elif value.min() < item.low or value.max() > item.high:
            limits = f"{item.low:g} to {item.high:g}"
            found.append(f"{item.name} goes from {value.min():g} to {value.max():g}, its range is {limits}")
    frozen = events.longest_freeze(outputs["face"], spec.rate)
    if frozen > RANGES["freeze_s"][1]:
        found.append(f"the face stands still for {frozen:.2f} s")
    return found


def by_minute(outputs: dict[str, NDArray[Any]], rate: float, minutes: int) -> dict[str, Array]:
    """Every measure, minute by minute, each (minutes,)."""
    face = outputs["face"]
    pieces = face.reshape(minutes, -1, face.shape[1])
    degrees = np.degrees(pieces[..., [FACE[name] for name in events.HEAD]].astype(float))
    expression = [FACE[name] for name in events.EXPRESSION]

    def a_minute(times: list[float]) -> Array:
        return np.histogram(times, bins=minutes, range=(0.0, minutes * 60.0))[0].astype(float)

    found = {
        "nods_per_min": a_minute(events.nods(face, rate)),
        "blinks_per_min": a_minute(events.blinks(face, rate)),
        "smile_level": events.smile_level(face).reshape(minutes, -1).mean(1),
        "gaze_away": events.looks_away(face).reshape(minutes, -1).mean(1),
        "head_speed": np.array([events.head_speed(piece, rate).mean() for piece in pieces]),
        "head_jerk": np.array([events.jerk(piece, rate) for piece in degrees]),
        "face_jerk": np.array([events.jerk(piece[:, expression], rate) for piece in pieces]),
        **{name: degrees[..., column].mean(1) for column, name in enumerate(("pitch_deg", "yaw_deg", "roll_deg"))},
    }
    for head, ids in enumerate(outputs.get("ids", np.empty((0, 0))).T):
        # The commonest code of the whole run: that of the first minutes would be commonest there by choice.
        most = np.bincount(ids).argmax()
        found[f"code_{head}"] = (ids == most).reshape(minutes, -1).mean(1)
    return found


def judged(series: dict[str, Array], span: int, lap: int) -> dict[str, dict[str, Any]]:
    """The row of the table of each measure, from its minutes (minutes,)."""
    rows: dict[str, dict[str, Any]] = {}
    for name, values in series.items():
        first, last = values[:span], values[-span:]
        gap = last - first
        test = stats.permutation_test(
            (gap,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True, n_resamples=MOST_FLIPS
        )
        kept = persistence(values, lap)
        error = gap.std(ddof=1) * math.sqrt((1 + kept) / (1 - kept) / span)
        half = stats.t.ppf(1.0 - LEVEL / 2, span - 1) * error
        spread = math.sqrt((first.var(ddof=1) + last.var(ddof=1)) / 2)
        rows[name] = {
            "first": float(first.mean()),
            "last": float(last.mean()),
            "difference": float(gap.mean()),
            "low": float(gap.mean() - half),
            "high": float(gap.mean() + half),
            "margin": float(
                MARGINS.get(name, CODE_MARGIN if name.startswith("code_") else RELATIVE * abs(first.mean()))
            ),
            "persistence": kept,
            "size": float(gap.mean() / max(spread, 1e-9)),
            "p": max(float(test.pvalue), float(2.0 * stats.t.sf(abs(gap.mean()) / max(error, 1e-12), span - 1))),
        }
    adjusted = stats.false_discovery_control([row["p"] for row in rows.values()])
    for row, p in zip(rows.values(), adjusted, strict=True):
        within = -row["margin"] <= row["low"] and row["high"] <= row["margin"]
        row["p"] = float(p)
        row["verdict"] = "differs" if p < LEVEL else "same" if within else "open"
    return rows


def persistence(values: Array, lap: int) -> float:
    """Correlation of successive minutes (0 to 0.9) in what the place in the loop does not explain."""
    rest = values.reshape(-1, lap)
    rest = (rest - rest.mean(0)).ravel()
    power = float(rest @ rest)
    return min(max(float(rest[1:] @ rest[:-1]) / power, 0.0), 0.9) if power > 0.0 else 0.0
