"""Does a dance go on for an hour? Freezes, jumps, bones and drift of a bundle that moves a body, its controls turned.

``python -m benchmarks endless [--bundle dance] [--minutes 60] [--seed 0]``. The bundle runs as it is served, as fast as
it goes; every few seconds a choice, the speed or the variety changes at random. What is told:

- *freeze*: the slowest two seconds, mean speed of the joints over the speed asked for, beside the usual;
- *jump*: the farthest that a joint went in one frame over the speed asked for, and the same within a second after a
  control was turned, beside the usual (99.9 % of frames);
- *bones*: how much their lengths vary; *drift*: the last ten minutes beside the first, with intervals over minutes;
- *answer*: the share of time, from some seconds after a choice on, in which the model's own meter shows it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import report
from engine.body.motion import limb_variation
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import open_runtime
from engine.spec import InputSpec
from train.report.offline import serve

HOLD_S = (2.0, 20.0)
"""Shortest and longest time between two turns of a control."""
SLOW_S = 2.0
SETTLED_S = 4.0
PART_S = 600.0
Array = NDArray[np.float32]


def main(arguments: list[str]) -> int:
    """Print the figures and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endless", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", default="dance", help="name or folder (default dance)")
    parser.add_argument("--minutes", type=float, default=60.0, help="of dancing (default 60)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if not options.minutes > 0:
        raise EngineError(f"--minutes {options.minutes}: give more than 0")
    figures = endless(Bundle.load(options.bundle), options.minutes, options.seed)
    for name, value in figures.items():
        print(f"{name:>22}  {value}")
    report("endless", figures)
    return 0


def endless(bundle: Bundle, minutes: float, seed: int = 0) -> dict[str, Any]:
    """The figures of a dance of so many ``minutes``. Raises :class:`EngineError` for a bundle without a body."""
    spec = bundle.spec
    if not any(item.name == "body" and item.skeleton for item in spec.outputs):
        raise EngineError(f"{bundle.name}: publishes no body; give a bundle that dances")
    frames = max(round(minutes * 60 * spec.rate), round(4 * SLOW_S * spec.rate))
    turned = {item.name: schedule(item, frames, spec.rate, seed + k) for k, item in enumerate(spec.controls)}

    def fill(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
        for name, values in turned.items():
            inputs[name][...] = values[frame]

    kept = serve(open_runtime(bundle), frames, [seed], ["body", "shown"], fill)
    return judged(bundle, kept["body"][0], kept["shown"][0], turned)


def schedule(item: InputSpec, frames: int, rate: float, seed: int) -> Array:
    """Values (frames,) of a control, each held for some seconds; half of those of a number are its default. After ten
    minutes they come again, so that the first and the last ten minutes of an hour are asked for the same."""
    chance = np.random.default_rng([seed, 17])
    values = np.empty(min(frames, round(PART_S * rate)), np.float32)
    start = 0
    while start < len(values):
        hold = max(1, round(chance.uniform(*HOLD_S) * rate))
        if item.names:
            value: float = chance.integers(len(item.names))
        else:
            value = item.missing if chance.random() < 0.5 else chance.uniform(item.low, item.high)
        values[start : start + hold] = value
        start += hold
    return np.resize(values, frames)


def judged(bundle: Bundle, body: Array, shown: Array, turned: Mapping[str, Array]) -> dict[str, Any]:
    """The figures of a dance ``body`` (T, J, 3) with meter ``shown`` (T, labels) under controls ``turned`` (T,)."""
    spec = bundle.spec
    skeleton = spec.skeleton(spec.output("body").skeleton)
    pace = turned.get("speed", np.ones(len(body), np.float32))[1:]
    moved = np.linalg.norm(np.diff(body, axis=0), axis=-1) / pace[:, None]
    speed, farthest = moved.mean(1) * spec.rate, moved.max(1)
    slow = round(SLOW_S * spec.rate)
    stretch = np.convolve(speed, np.ones(slow) / slow, "valid")
    change = np.zeros(len(body) - 1, bool)
    for values in turned.values():
        for at in np.flatnonzero(np.diff(values)):
            change[at : at + round(spec.rate)] = True
    figures: dict[str, Any] = {
        "minutes": round(len(body) / spec.rate / 60, 2),
        "finite": bool(np.isfinite(body).all()),
        "speed_m_s": _round(np.median(speed)),
        "slowest_2s_m_s": _round(stretch.min()),
        "usual_step_m": _round(np.quantile(farthest, 0.999)),
        "farthest_step_m": _round(farthest.max()),
        "farthest_after_turn_m": _round(farthest[change].max()) if change.any() else None,
        "bones_vary": _round(float(limb_variation(skeleton, body).max())),
        "from_middle_m": _round(float(np.linalg.norm(body[:, 0, ::2], axis=-1).max())),
    }
    if "effort" in turned:
        figures["answer"] = answers(turned["effort"], shown, spec.rate)
    figures["drift"] = drift({"speed": speed, "hip_height": body[1:, 0, 1], "reach": _reach(body)[1:]}, spec.rate)
    return figures


def answers(asked: Array, shown: Array, rate: float) -> dict[str, float]:
    """For each level the share of frames, :data:`SETTLED_S` after it was asked for, in which it is likeliest."""
    settled = np.ones(len(asked), bool)
    for at in np.flatnonzero(np.diff(asked, prepend=np.nan)):
        settled[at : at + round(SETTLED_S * rate)] = False
    told = shown.argmax(1)
    rows = {int(level): settled & (asked == level) for level in np.unique(asked)}
    return {str(level): _round((told[own] == level).mean()) for level, own in rows.items() if own.any()}


def drift(series: Mapping[str, Array], rate: float) -> dict[str, dict[str, Any]]:
    """Of each series its mean in the first and in the last ten minutes (or thirds of less), and whether they differ by
    more than twice the standard error that their minutes give."""
    made = {}
    for name, values in series.items():
        count = min(round(PART_S * rate), len(values) // 3)
        parts = [values[:count], values[-count:]]
        minutes = [np.array([piece.mean() for piece in np.array_split(part, 10)]) for part in parts]
        error = float(np.sqrt(sum(each.var(ddof=1) / len(each) for each in minutes)))
        first, last = (float(part.mean()) for part in parts)
        made[name] = {"first": _round(first), "last": _round(last), "differs": bool(abs(last - first) > 2 * error)}
    return made


def _reach(body: Array) -> Array:
    """How far the joints are from their middle, a frame (T,)."""
    return np.asarray(np.linalg.norm(body - body.mean(1, keepdims=True), axis=-1).mean(1))


def _round(value: float) -> float:
    return float(f"{float(value):.4g}")
