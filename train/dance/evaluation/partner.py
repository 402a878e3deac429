"""Dancing with someone: where one stands and faces beside a partner, and whether one moves when the partner does.

A pair of a held-out take has a dancer whose partner is given to the bundle; what it dances is compared with what that
dancer really did. Rows: **truth**; **seeing**, the bundle with the partner; **not seeing**, the partner withheld;
**wrong partner**, the bundle sees the partner of another take and is judged beside this one.

- **distance** between the two bodies' centres, **bearing** of the partner seen from the dancer (0 straight ahead) and
  **facing**, the dancer's facing against the partner's: mean absolute difference from the truth at the same moment.
- **together**: correlation of the two bodies' speeds, at the lag within a second where it is highest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import facing
from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.evaluation.rows import DanceRow
from train.dance.evaluation.served import Dancer
from train.dance.labels import LEVELS
from train.dance.takes import RATE, Take
from train.report import evaluation as frame
from train.report.evaluation import Counts, Derived, Section
from train.report.intervals import Sums, Tally, by_group, interval
from train.report.tables import Metric

Array = NDArray[np.floating]

LAG_S = 1.0
SMOOTH = 9  # frames: 0.3 s
METRICS = (
    Metric("distance", "distance m", "partner", "mean distance between the two bodies' centres"),
    Metric("distance_off", "off m", "partner", "mean absolute difference of that distance from the truth's"),
    Metric("bearing_off", "bearing off °", "partner", "the same of the partner's bearing, degrees", 0),
    Metric("facing_off", "facing off °", "partner", "the same of facing against the partner's, degrees", 0),
    Metric("faced", "faced", "partner", "share of frames in which the dancer faces the partner within 45 degrees"),
    Metric("together", "together", "partner", f"highest correlation of the two speeds, lags up to {LAG_S:g} s"),
    Metric("lag", "lag s", "partner", "the lag there; positive where the dancer follows"),
    Metric("at_once", "at lag 0", "partner", "correlation of the two speeds at no lag"),
)


class Off(NamedTuple):
    """A metric of how far a dance is from the truth, what a sentence calls it, and its unit."""

    metric: str
    words: str
    unit: str


OFF = (Off("distance_off", "distance", " m"), Off("bearing_off", "bearing", "°"), Off("facing_off", "facing", "°"))


class Partner(Section):
    """Rows: the truth, and each bundle as seeing, not seeing and with the wrong partner."""

    def sentences(self) -> list[str]:
        """Whether seeing the partner helps: the difference to not seeing, drawn as a pair."""
        found = []
        for name in (row.name.removesuffix(", seeing") for row in self.results if row.kind == "model"):
            seeing = self.result(f"{name}, seeing")
            for key, words, unit in OFF:
                for words_other in ("not seeing", "wrong partner"):
                    other = self.result(f"{name}, {words_other}")
                    low, high = interval(other.metrics[key] - seeing.metrics[key])
                    sure = "surely better" if low > 0 else "surely worse" if high < 0 else "no sure difference"
                    found.append(
                        f"{name}: {words} to the partner off by {seeing.value(key):.2f}{unit} seeing, by "
                        f"{other.value(key):.2f}{unit} {words_other}: {sure}."
                    )
            real, stranger = self.result("truth"), self.result(f"{name}, wrong partner")
            low, _ = interval(seeing.metrics["together"] - stranger.metrics["together"])
            found.append(
                f"{name}: moves with the partner at {seeing.value('together'):.2f} (truth "
                f"{real.value('together'):.2f}, beside a stranger {stranger.value('together'):.2f})"
                + ("." if low > 0 else "; not surely more than beside a stranger.")
            )
        return found


class Duet(NamedTuple):
    """A held-out pair, all (T, J, 3): what a dancer ``real``ly did, the ``partner``, another pair's partner; ``sound``
    (T,) where both recordings are."""

    group: str
    real: Array
    partner: Array
    wrong: Array
    sound: NDArray[np.bool_]


@dataclass(frozen=True)
class DuetRow:
    """A row: what it ``dances`` beside a partner, one or more times, each (T, J, 3)."""

    name: str
    about: str
    kind: str
    dances: Callable[[Duet], Iterable[Array]]


def measure(
    dancers: Mapping[str, Dancer], truth: DanceRow, takes: Sequence[Take], skeleton: Skeleton, settle: int, seed: int
) -> Partner:
    """Every bundle that watches, beside the held-out dancers who have a partner; each of a pair is the partner once.
    Raises :class:`EngineError` where no bundle watches or no held-out take has a partner."""
    watching = {name: dancer for name, dancer in dancers.items() if dancer.watches}
    if not watching:
        raise EngineError(f"--partner: none of {', '.join(dancers) or 'no bundles'} has a body as input; leave it out")
    if not skeleton.across:
        raise EngineError(f"--partner: skeleton {skeleton.name!r} names no joints across the hips")
    pairs = duets(truth, takes, settle)
    rows = [DuetRow("truth", "held-out dancers who have a partner", "people", lambda pair: [pair.real])]
    for name, dancer in watching.items():
        rows += _rows(name, dancer)
    seconds = sum(len(pair.real) - settle for pair in pairs) / RATE

    def count(row: DuetRow) -> Counts:
        counted = (
            (pair.group, tally(made, pair.real, pair.partner, pair.sound[settle:], settle, skeleton))
            for pair in pairs
            for made in row.dances(pair)
        )
        return Counts(by_group(counted), seconds)

    results = frame.measure(rows, count, lambda own, _: Derived(_metrics(own.tally)), seed)
    title = f"With a partner: {results[0].groups} held-out pairs, {seconds:.0f} s"
    return Partner(title=title, metrics=METRICS, results=results)


def duets(truth: DanceRow, takes: Sequence[Take], settle: int) -> list[Duet]:
    """The held-out takes that have a partner and are long enough. Raises :class:`EngineError` for fewer than two."""
    by_name = {take.name: take for take in takes}
    held = {dance.name for dance in truth.dances}
    pairs = [
        (take, by_name[take.partner])
        for take in takes
        if take.name in held and take.partner and len(take.motion) > 2 * settle
    ]
    groups = sorted({own.group for own, _ in pairs})
    if len(groups) < 2:
        raise EngineError(f"--partner: {len(groups)} held-out pairs; at least 2 are needed for wrong partners")
    found = []
    for own, other in pairs:
        after = groups[(groups.index(own.group) + 1) % len(groups)]
        stranger = next(partner for _, partner in pairs[::-1] if partner.group == after)
        beside, wrong = other.motion.positions, stranger.motion.positions
        looped = wrong[np.arange(len(beside)) % len(wrong)]
        found.append(Duet(own.group, own.motion.positions, beside, looped, own.sound & other.sound))
    return found


def _rows(name: str, dancer: Dancer) -> list[DuetRow]:
    level = LEVELS.index("medium")
    kind = "ablation" if name == "untrained" else "model"
    return [
        DuetRow(f"{name}, seeing", "sees the partner", kind, lambda pair: dancer.beside(pair.partner, level, True)),
        DuetRow(
            f"{name}, not seeing", "the partner withheld", "ablation", lambda p: dancer.beside(p.partner, level, False)
        ),
        DuetRow(
            f"{name}, wrong partner",
            "sees another pair's partner",
            "ablation",
            lambda pair: dancer.beside(pair.wrong, level, True),
        ),
    ]


def tally(made: Array, real: Array, partner: Array, sound: NDArray[np.bool_], settle: int, skeleton: Skeleton) -> Tally:
    """What is counted of one dance ``made`` (T, J, 3) beside a ``partner``, ``real`` being what the dancer did; the
    first ``settle`` frames are left out, and of the others those that are not ``sound`` (T - settle,)."""
    own, truth = (relation(x[settle:], partner[settle:], skeleton) for x in (made, real))
    use = sound & np.isfinite(own).all(1)
    off = np.abs(own - truth)
    off[:, 1:] = np.abs(np.angle(np.exp(1j * off[:, 1:])))
    sums: Sums = {
        "frames": np.array(float(use.sum())),
        "distance": own[use, 0].sum(),
        "faced": np.array(float((np.abs(own[use, 1]) < np.pi / 4).sum())),
        "off": off[use].sum(0),
        "dances": np.array(1.0),
        "lags": correlations(made[settle:], partner[settle:]),
    }
    return Tally({name: np.asarray(value, float) for name, value in sums.items()}, {})


def relation(body: Array, partner: Array, skeleton: Skeleton) -> Array:
    """Distance in metres, bearing and facing in radians, (T, 3), of a ``partner`` seen from a ``body``, (T, J, 3)."""
    way = (partner.mean(1) - body.mean(1))[:, [0, 2]]
    ahead, theirs = facing(skeleton, body), facing(skeleton, partner)
    bearing = np.angle(np.exp(1j * (np.arctan2(way[:, 0], way[:, 1]) - ahead)))
    return np.stack([np.linalg.norm(way, axis=1), bearing, np.angle(np.exp(1j * (theirs - ahead)))], 1)


def correlations(body: Array, partner: Array) -> Array:
    """Correlation of the two bodies' smoothed speeds at every lag of the body after the partner, from -1 to 1 s."""
    most = round(LAG_S * RATE)
    own, other = (_speed(x) for x in (body, partner))
    found = []
    for lag in range(-most, most + 1):
        late, early = (own[lag:], other[: len(other) - lag]) if lag >= 0 else (own[:lag], other[-lag:])
        deviation = late.std() * early.std()
        found.append(((late - late.mean()) * (early - early.mean())).mean() / deviation if deviation > 1e-12 else 0.0)
    return np.array(found)


def _speed(positions: Array) -> Array:
    shape = positions - positions.mean(1, keepdims=True)
    speed = np.linalg.norm(np.diff(shape, axis=0), axis=-1).mean(1)
    return np.convolve(speed, np.full(SMOOTH, 1.0 / SMOOTH), "valid")


def _metrics(row: Tally) -> dict[str, Array]:
    frames, off = row.sums["frames"], row.sums["off"] / row.sums["frames"][:, None]
    lags = row.sums["lags"] / row.sums["dances"][:, None]
    best = lags[0].argmax()
    middle = lags.shape[1] // 2
    return {
        "distance": row.sums["distance"] / frames,
        "distance_off": off[:, 0],
        "bearing_off": np.degrees(off[:, 1]),
        "facing_off": np.degrees(off[:, 2]),
        "faced": row.sums["faced"] / frames,
        "together": lags[:, best],
        "lag": (lags.argmax(1) - middle) / RATE,
        "at_once": lags[:, middle],
    }
