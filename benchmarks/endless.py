"""Does a body go on for an hour? Freezes, jumps, bones, feet and drift of a bundle that moves one, while it is turned.

``python -m benchmarks endless [BUNDLE] [--minutes 60] [--seed 0] [--silent]``. The bundle runs as it is served, as fast
as it goes. Every few seconds a control changes at random; of a bundle that takes texts it is the text, from a list, and
those controls that are choices. A bundle that hears its own avatar is given a voice, or with ``--silent`` an hour of
none. What is told:

- *freeze*: the slowest two seconds, mean speed of the joints over the speed asked for, beside the usual; and the
  longest time in which nothing moved that anybody would see;
- *jump*: the farthest that a joint went in one frame over the speed asked for, and the same within a second after
  something was turned, beside the usual (99.9 % of frames);
- *bones*: how much their lengths vary; *feet*: how fast those slide that stand; *floor*: the lowest joint; *jerk*;
- *drift*: the last ten minutes beside the first, with intervals over minutes: of all these, and of where it stands;
- *answer*: of a dancer the share of time, from some seconds after a choice on, in which its own meter shows it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.alive import speech
from benchmarks.machine import report
from engine.api.offline import Model
from engine.body.motion import limb_variation
from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.spec import InputSpec, StreamSpec
from train.report.feet import LOW, over_floor, standing

HOLD_S = (2.0, 20.0)
"""Shortest and longest time between two turns of a control."""
SLOW_S = 2.0
SETTLED_S = 4.0
PART_S = 600.0
STILL = 0.005
"""Metres a second, mean of the joints, below which nothing is seen to move."""
PROMPTS = (
    "a person walks forward",
    "a person walks in a circle",
    "someone runs",
    "a person stands still",
    "a person waves with the right hand",
    "a man kicks with the left leg",
    "a person jumps forward",
    "a person walks backward slowly",
    "a person turns around and walks on",
    "a person raises both arms",
)
Array = NDArray[np.float32]


def main(arguments: list[str]) -> int:
    """Print the figures and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endless", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", nargs="?", default="dance", help="name or folder (default dance)")
    parser.add_argument("--minutes", type=float, default=60.0, help="of moving (default 60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds that a text stays (default 10)")
    parser.add_argument("--silent", action="store_true", help="give no voice to a bundle that hears its own avatar")
    parser.add_argument("--prompts", type=Path, help="file of texts, one a line (default: ten of walking and gestures)")
    options = parser.parse_args(arguments)
    for name in ("minutes", "every"):
        if not getattr(options, name) > 0:
            raise EngineError(f"--{name} {getattr(options, name)}: give more than 0")
    prompts = PROMPTS if options.prompts is None else lines(options.prompts)
    figures = endless(
        Bundle.load(options.bundle), options.minutes, options.seed, prompts, options.every, options.silent
    )
    for name, value in figures.items():
        print(f"{name:>22}  {value}")
    report("endless", figures)
    return 0


def lines(path: Path) -> list[str]:
    """The texts of a file, one a line. Raises :class:`EngineError` where there is none."""
    try:
        found = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path}: cannot be read as text ({error}); give a file with a text in every line") from error
    if not found:
        raise EngineError(f"{path}: holds no text; give one in every line")
    return found


def endless(
    bundle: Bundle,
    minutes: float,
    seed: int = 0,
    prompts: Sequence[str] = PROMPTS,
    every: float = 10.0,
    silent: bool = False,
) -> dict[str, Any]:
    """The figures of so many ``minutes``. Raises :class:`EngineError` for a bundle without a body."""
    spec = bundle.spec
    if not any(item.name == "body" and item.skeleton for item in spec.outputs):
        raise EngineError(f"{bundle.name}: publishes no body; give a bundle that moves one")
    frames = max(round(minutes * 60 * spec.rate), round(4 * SLOW_S * spec.rate))
    turned = {
        item.name: schedule(item, frames, spec.rate, seed + k)
        for k, item in enumerate(spec.controls)
        if not item.shape and (item.names or not spec.texts)
    }
    leads = next((item.name for item in spec.texts if not item.follows), "")
    texts = said(len(prompts), frames, round(every * spec.rate), round(PART_S * spec.rate), seed) if leads else None
    changing: list[NDArray[Any]] = [*turned.values(), *([] if texts is None else [texts])]
    starts = sorted({0}.union(*((1 + np.flatnonzero(np.diff(values))).tolist() for values in changing)))
    kept = [name for name in ("body", "shown") if name in {item.name for item in spec.outputs}]
    voice = voices(spec, silent)
    made: dict[str, list[NDArray[Any]]] = {name: [] for name in kept}
    with Model(bundle, seed=seed) as model:
        for start, end in zip(starts, [*starts[1:], frames], strict=True):
            settings: dict[str, Any] = {name: float(values[start]) for name, values in turned.items()}
            if texts is not None and (start == 0 or texts[start] != texts[start - 1]):
                settings[leads] = prompts[texts[start]]
            heard = {name: hops[np.arange(start, end) % len(hops)] for name, hops in voice.items()}
            outputs = model.run(heard, frames=end - start, **settings)
            for name in kept:
                made[name].append(outputs[name])
    whole = {name: np.concatenate(values) for name, values in made.items()}
    return judged(bundle, whole["body"], whole.get("shown"), turned, starts[1:])


def voices(spec: StreamSpec, silent: bool) -> dict[str, Array]:
    """For every voice of the avatar itself hops (frames, hop) of :func:`benchmarks.alive.speech`, which come again
    after ten minutes at the latest, or of silence."""
    own = [item.name for item in spec.inputs if item.role == "audio" and item.of == "self"]
    if not own:
        return {}
    sound = np.zeros(spec.hop, np.float32) if silent else speech(spec.sample_rate)[: round(PART_S * spec.sample_rate)]
    hops = sound[: len(sound) // spec.hop * spec.hop].reshape(-1, spec.hop)
    return dict.fromkeys(own, np.resize(hops, (max(1, round(PART_S * spec.rate)), spec.hop)))


def said(count: int, frames: int, hold: int, part: int, seed: int) -> NDArray[np.int64]:
    """Which of ``count`` texts is in force in every frame: each for ``hold`` frames, all of them before one comes
    again. After ``part`` frames they come again."""
    chance = np.random.default_rng([seed, 23])
    turns = -(-part // max(hold, 1))
    order = np.concatenate([chance.permutation(count) for _ in range(-(-turns // count))])[:turns]
    return np.resize(np.repeat(order, max(hold, 1))[:part], frames)


def schedule(item: InputSpec, frames: int, rate: float, seed: int) -> Array:
    """Values (frames,) of a control, each held for some seconds; half of those of a number are its default. After ten
    minutes they come again, so that the first and the last ten minutes of an hour are asked for the same."""
    chance = np.random.default_rng([seed, 17])
    values = np.empty(min(frames, round(PART_S * rate)), np.float32)
    start = 0
    while start < len(values):
        hold = max(1, round(chance.uniform(*HOLD_S) * rate))
        if item.names:
            value = float(chance.integers(len(item.names)))
        else:
            value = item.missing if chance.random() < 0.5 else chance.uniform(item.low, item.high)
        values[start : start + hold] = value
        start += hold
    return np.resize(values, frames)


def judged(
    bundle: Bundle, body: Array, shown: Array | None, turned: Mapping[str, Array], starts: Sequence[int]
) -> dict[str, Any]:
    """The figures of a ``body`` (T, J, 3) with the meter ``shown`` (T, labels) under controls ``turned`` (T,);
    ``starts`` are the frames in which something was turned."""
    spec = bundle.spec
    skeleton = spec.skeleton(spec.output("body").skeleton)
    pace = turned.get("speed", np.ones(len(body), np.float32))[1:]
    moved = np.linalg.norm(np.diff(body, axis=0), axis=-1) / pace[:, None]
    speed, farthest = moved.mean(1) * spec.rate, moved.max(1)
    slow = round(SLOW_S * spec.rate)
    stretch = np.convolve(speed, np.ones(slow) / slow, "valid")
    change = np.zeros(len(body) - 1, bool)
    for at in starts:
        change[at - 1 : at - 1 + round(spec.rate)] = True
    away = np.linalg.norm(body[:, 0, ::2], axis=-1)
    jerk = np.linalg.norm(np.diff(body, 3, axis=0), axis=-1).mean(1) * spec.rate**3
    series = {"speed": speed, "hip_height": body[1:, 0, 1], "reach": _reach(body)[1:], "jerk": jerk}
    figures: dict[str, Any] = {
        "minutes": round(len(body) / spec.rate / 60, 2),
        "finite": bool(np.isfinite(body).all()),
        "speed_m_s": _round(np.median(speed)),
        "slowest_2s_m_s": _round(stretch.min()),
        "longest_still_s": _round(_longest(speed < STILL) / spec.rate),
        "usual_step_m": _round(np.quantile(farthest, 0.999)),
        "farthest_step_m": _round(farthest.max()),
        "farthest_after_turn_m": _round(farthest[change].max()) if change.any() else None,
        "bones_vary": _round(float(limb_variation(skeleton, body).max())),
        "from_middle_m": _round(away.max()),
        "lowest_joint_m": _round(body[..., 1].min()),
        "jerk_m_s3": _round(jerk.mean()),
    }
    if skeleton.feet:
        series["slide"] = slides(skeleton, body, spec.rate)
        figures["foot_slide_m_s"] = _round(np.nanmean(series["slide"])) if np.isfinite(series["slide"]).any() else None
    if "effort" in turned and shown is not None:
        figures["answer"] = answers(turned["effort"], shown, spec.rate)
    series |= {"x": body[1:, 0, 0], "z": body[1:, 0, 2], "from_middle": away[1:]}
    figures["drift"] = drift(series, spec.rate)
    return figures


def slides(skeleton: Skeleton, body: Array, rate: float) -> Array:
    """How fast the feet that stand go over the floor, their mean in m/s, a frame (T - 1,); NaN where none stands."""
    feet = body[:, [skeleton.index(joint) for joint in skeleton.feet]]
    stands = standing(feet, np.quantile(feet[..., 1], LOW, axis=0), rate)
    total = (over_floor(feet, rate) * stands).sum(1)
    return np.asarray(np.where(stands.any(1), total / np.maximum(stands.sum(1), 1), np.nan), np.float32)


def _longest(true: NDArray[np.bool_]) -> int:
    """The longest run of frames in which something is."""
    ends = np.flatnonzero(~np.concatenate([[False], true, [False]]))
    return int(np.diff(ends).max()) - 1


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
    more than twice the standard error that their minutes give. What is NaN is left out; a part without anything else
    has no mean."""
    made = {}
    for name, values in series.items():
        count = min(round(PART_S * rate), len(values) // 3)
        parts = [values[:count], values[-count:]]
        minutes = [np.array([_mean(piece) for piece in np.array_split(part, 10)]) for part in parts]
        minutes = [each[np.isfinite(each)] for each in minutes]
        first, last = (_mean(part) for part in parts)
        differs = None
        if min(map(len, minutes)) > 1:
            error = float(np.sqrt(sum(each.var(ddof=1) / len(each) for each in minutes)))
            differs = bool(abs(last - first) > 2 * error)
        made[name] = {"first": _round(first), "last": _round(last), "differs": differs}
    return made


def _mean(values: Array) -> float:
    """Of those that are numbers; NaN where none is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _reach(body: Array) -> Array:
    """How far the joints are from their middle, a frame (T,)."""
    return np.asarray(np.linalg.norm(body - body.mean(1, keepdims=True), axis=-1).mean(1))


def _round(value: float) -> float:
    return float(f"{float(value):.4g}")
