"""When another text is set, does the body jump? Speeds and accelerations there, against those elsewhere.

Of every change of text in the live streams the largest speed and acceleration of any joint are taken from the frame in
which the text is set on for :data:`WINDOW_S` seconds, and so of stretches of the same length that begin at least
:data:`APART_S` seconds after a change and end before the next one; and of the held-out takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.report.criteria import FAIL, PASS
from train.report.evaluation import Counts, Derived, Pooled, Section, measure
from train.report.intervals import Tally, by_group
from train.report.tables import Metric
from train.text_motion.evaluation.geometry import sizes
from train.text_motion.evaluation.rows import Ask
from train.text_motion.evaluation.served import Streams

Array = NDArray[np.floating]

WINDOW_S, APART_S = 0.8, 1.6
WANTED = 100
"""Changes that are to be looked at, at least."""
QUANTILE = 0.99
"""Of the stretches elsewhere, beyond which a change counts as a jump."""
MOST = 0.05
"""Share of changes that may be jumps: with no difference it would be 0.01."""
SLOPE = 1.5
"""Times the largest acceleration elsewhere that the largest at a change may be."""

METRICS = (
    Metric("speed", "speed m/s", "changes", "largest speed of a joint in a stretch, mean over stretches"),
    Metric("speed_peak", "largest", "changes", "the largest of all", peak=True),
    Metric("acceleration", "accel. m/s²", "changes", "largest acceleration of a joint in a stretch, mean", 1),
    Metric("acceleration_peak", "largest", "changes", "the largest of all", 1, peak=True),
    Metric("jumps", "jumps %", "changes", "stretches whose acceleration exceeds 99 % of those elsewhere"),
    Metric("stretches", "stretches", "changes", "how many", 0, peak=True),
)


@dataclass(frozen=True)
class StretchRow:
    """Stretches as a row: (group, largest speed, largest acceleration) of each."""

    name: str
    about: str
    kind: str
    peaks: Sequence[tuple[str, float, float]]


@dataclass(kw_only=True)
class Changes(Section):
    """Changes of text against the rest of the streams."""

    of: str

    def sentences(self) -> list[str]:
        """Whether bodies jump when another text is set."""
        at, elsewhere = self.results[0], self.results[1]
        share, slope = at.value("jumps"), at.value("acceleration_peak") / elsewhere.value("acceleration_peak")
        met = share <= 100.0 * MOST and slope <= SLOPE
        few = "" if at.groups >= WANTED else f" ({WANTED} are wanted)"
        return [
            f"{self.of}: {PASS if met else FAIL}: of {at.groups} changes of text{few} {share:.1f} % are jumps, asked "
            f"for at most {100 * MOST:g} % (1 % of stretches elsewhere are); the largest acceleration at one is "
            f"{slope:.2f} times that elsewhere, asked for at most {SLOPE:g}."
        ]


def peaks(motion: Array, rate: float) -> tuple[float, float]:
    """The largest speed and acceleration of any joint of a motion (T, J, 3)."""
    return float(sizes(motion, 1, rate).max()), float(sizes(motion, 2, rate).max())


def stretches(streams: Streams, rate: float) -> tuple[list[Array], list[Array]]:
    """Motions around changes of text, from two frames before (what a second difference needs), and elsewhere."""
    window, apart = round(WINDOW_S * rate), round(APART_S * rate)
    at, elsewhere = [], []
    for place in streams.places.values():
        body = streams.bodies[place.row]
        if place.start >= 2:  # the first text of a stream changes nothing
            at.append(body[place.start - 2 : place.start + window])
        for start in range(place.start + apart, place.stop - window + 1, window):
            elsewhere.append(body[start - 2 : start + window])
    return at, elsewhere


def section(name: str, streams: Streams, asks: Sequence[Ask], rate: float, seed: int) -> Changes:
    """The report's part of the live streams of ``name``; bootstrapped over stretches, of the truth over takes."""
    at, elsewhere = stretches(streams, rate)
    window = round(WINDOW_S * rate) + 2
    people = [
        (ask.group, ask.motion[start : start + window])
        for ask in asks
        for start in range(0, len(ask.motion) - window + 1, window)
    ]
    rows = [
        _row("at changes", "model", "from the frame in which another text is set", list(_numbered(at)), rate),
        _row("elsewhere", "model", "stretches of the same streams far from changes", list(_numbered(elsewhere)), rate),
        _row("truth", "people", "stretches of held-out takes", people, rate),
    ]
    limit = float(np.quantile([one[2] for one in rows[1].peaks], QUANTILE))

    def count(row: StretchRow) -> Counts:
        tallies = by_group((group, _tally(speed, slope, limit)) for group, speed, slope in row.peaks)
        return Counts(tallies, len(row.peaks) * WINDOW_S)

    def derive(own: Pooled, _: Mapping[str, Pooled]) -> Derived:
        sums = own.tally.sums
        found = {key: sums[key] / sums["stretches"] for key in ("speed", "acceleration")} | own.tally.peaks
        return Derived(found | {"jumps": 100.0 * sums["jumps"] / sums["stretches"], "stretches": sums["stretches"]})

    title = f"Changes of text, {name} live: the {WINDOW_S:g} s after another text is set"
    return Changes(title=title, metrics=METRICS, results=measure(rows, count, derive, seed), of=name)


def _row(name: str, kind: str, about: str, motions: Sequence[tuple[str, Array]], rate: float) -> StretchRow:
    return StretchRow(name, about, kind, [(group, *peaks(motion, rate)) for group, motion in motions])


def _numbered(motions: Sequence[Array]) -> Iterator[tuple[str, Array]]:
    return ((f"{number:05d}", motion) for number, motion in enumerate(motions))


def _tally(speed: float, acceleration: float, limit: float) -> Tally:
    sums = {"speed": speed, "acceleration": acceleration, "jumps": float(acceleration > limit), "stretches": 1.0}
    peaks_ = {"speed_peak": speed, "acceleration_peak": acceleration}
    return Tally({k: np.array(v) for k, v in sums.items()}, {k: np.array(v) for k, v in peaks_.items()})
