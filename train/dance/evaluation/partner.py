"""Dancing with someone: where one stands and faces beside a partner, and whether one moves when the partner does.

A pair of a held-out take has a dancer whose partner is given to the bundle; what it dances is compared with what that
dancer really did. Rows: **truth**; **seeing**, the bundle with the partner; **not seeing**, the partner withheld;
**wrong partner**, the bundle sees the partner of another take and is judged beside this one.

- **distance** between the two bodies' centres, **bearing** of the partner seen from the dancer (0 straight ahead) and
  **facing**, the dancer's facing against the partner's: mean absolute difference from the truth at the same moment.
- **together**: correlation of the two bodies' speeds, at the lag within a second where it is highest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import facing
from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.evaluation.rows import Row
from train.dance.evaluation.served import Dancer
from train.dance.labels import LEVELS
from train.dance.takes import RATE, Take
from train.report import document
from train.report.intervals import Sums, Tally, interval, pooled, weights
from train.report.tables import Figure, aligned, cell, number

Array = NDArray[np.floating]

LAG_S = 1.0
SMOOTH = 9  # frames: 0.3 s
FIGURES = (
    Figure("distance", "distance m", "partner", "mean distance between the two bodies' centres"),
    Figure("distance_off", "off m", "partner", "mean absolute difference of that distance from the truth's"),
    Figure("bearing_off", "bearing off °", "partner", "the same of the partner's bearing, degrees", 0),
    Figure("facing_off", "facing off °", "partner", "the same of facing against the partner's, degrees", 0),
    Figure("faced", "faced", "partner", "share of frames in which the dancer faces the partner within 45 degrees"),
    Figure("together", "together", "partner", f"highest correlation of the two speeds, lags up to {LAG_S:g} s"),
    Figure("lag", "lag s", "partner", "the lag there; positive where the dancer follows"),
    Figure("at_once", "at lag 0", "partner", "correlation of the two speeds at no lag"),
)


OFF = (("distance_off", "distance", " m"), ("bearing_off", "bearing", "°"), ("facing_off", "facing", "°"))


@dataclass
class Partner:
    """``figures`` of each row, by bundle and row."""

    figures: dict[str, dict[str, Array]]
    kinds: dict[str, str]
    groups: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Its figures as plain values."""
        return {
            "groups": self.groups,
            "seconds": number(self.seconds),
            "definitions": {figure.key: figure.about for figure in FIGURES},
            "rows": {
                name: {
                    key: {"value": number(values[0]), "interval": [number(x) for x in interval(values)]}
                    for key, values in found.items()
                }
                for name, found in self.figures.items()
            },
        }

    def text(self) -> list[str]:
        """Lines for a terminal."""
        grid = [["", *(figure.heading for figure in FIGURES)]]
        grid += [[name, *(cell(found[f.key], f) for f in FIGURES)] for name, found in self.figures.items()]
        return [self._title(), *aligned(grid)]

    def html(self) -> list[str]:
        """Its part of the page."""
        heads = [(figure.heading, figure.about) for figure in FIGURES]
        rows = [
            (name, "", self.kinds[name], [cell(found[figure.key], figure) for figure in FIGURES])
            for name, found in self.figures.items()
        ]
        return [document.table(self._title(), heads, rows)]

    def sentences(self) -> list[str]:
        """Whether seeing the partner helps: the difference to not seeing, drawn as a pair."""
        told = []
        for name in (key.removesuffix(", seeing") for key, kind in self.kinds.items() if kind == "model"):
            for key, words, unit in OFF:
                for other in ("not seeing", "wrong partner"):
                    gain = self.figures[f"{name}, {other}"][key] - self.figures[f"{name}, seeing"][key]
                    low, high = interval(gain)
                    sure = "surely better" if low > 0 else "surely worse" if high < 0 else "no sure difference"
                    pair = [float(self.figures[f"{name}, {row}"][key][0]) for row in ("seeing", other)]
                    told.append(
                        f"{name}: {words} to the partner off by {pair[0]:.2f}{unit} seeing, by {pair[1]:.2f}{unit} "
                        f"{other}: {sure}."
                    )
            real, made = self.figures["truth"]["together"][0], self.figures[f"{name}, seeing"]["together"]
            blind = self.figures[f"{name}, wrong partner"]["together"]
            low, _ = interval(made - blind)
            told.append(
                f"{name}: moves with the partner at {made[0]:.2f} (truth {real:.2f}, beside a stranger {blind[0]:.2f})"
                + ("." if low > 0 else "; not surely more than beside a stranger.")
            )
        return told

    def _title(self) -> str:
        return f"With a partner: {self.groups} held-out pairs, {self.seconds:.0f} s"


def measure(
    dancers: Mapping[str, Dancer], truth: Row, takes: Sequence[Take], skeleton: Skeleton, settle: int, seed: int
) -> Partner:
    """Every bundle that watches, beside the held-out dancers who have a partner; each of a pair is the partner once.
    Raises :class:`EngineError` where no bundle watches or no held-out take has a partner."""
    watching = {name: dancer for name, dancer in dancers.items() if dancer.watches}
    if not watching:
        raise EngineError(f"--partner: none of {', '.join(dancers) or 'no bundles'} has a body as input; leave it out")
    if not skeleton.across:
        raise EngineError(f"--partner: skeleton {skeleton.name!r} names no joints across the hips")
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
    rows: dict[str, list[Tally | None]] = {"truth": [None] * len(groups)}
    kinds = {"truth": "people"}
    seconds = 0.0
    for own, other in pairs:
        group = groups.index(own.group)
        real, beside = own.motion.positions, other.motion.positions
        stranger = next(b for _, b in pairs[::-1] if b.group == groups[(group + 1) % len(groups)])
        wrong = _looped(stranger.motion.positions, len(beside))
        sound = (own.sound & other.sound)[settle:]
        seconds += len(real[settle:]) / RATE
        _add(rows["truth"], group, tally(real, real, beside, sound, settle, skeleton))
        for name, dancer in watching.items():
            level = LEVELS.index("medium")
            for words, shown, seeing in (
                ("seeing", beside, True),
                ("not seeing", beside, False),
                ("wrong partner", wrong, True),
            ):
                row = f"{name}, {words}"
                kinds[row] = "model" if words == "seeing" and name != "untrained" else "ablation"
                for made in dancer.beside(shown, level, seeing):
                    _add(
                        rows.setdefault(row, [None] * len(groups)),
                        group,
                        tally(made, real, beside, sound, settle, skeleton),
                    )
    weight = weights(len(groups), seed)
    figures = {name: _figures(pooled([t for t in found if t is not None], weight)) for name, found in rows.items()}
    return Partner(figures, kinds, len(groups), seconds)


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


def _figures(row: Tally) -> dict[str, Array]:
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


def _add(row: list[Tally | None], group: int, more: Tally) -> None:
    before = row[group]
    row[group] = more if before is None else before + more


def _looped(positions: Array, frames: int) -> Array:
    return positions[np.arange(frames) % len(positions)]
