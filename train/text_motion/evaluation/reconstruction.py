"""How well tokenizers keep motion: held-out takes as tokens and back, the causal one beside one that sees the future.

*Codes kept*: share of groups and frames whose pose code is that of the take again. *Codes alone*: the residual is
dropped, as on edited spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.checkpoint import load
from models.text_motion.config import TOKEN, TextMotionConfig
from models.text_motion.features import decode, encode
from models.text_motion.layout import Layout
from models.text_motion.posecodes.table import GROUPS, KINDS, of_kind
from models.text_motion.tokenizer import Tokenizer, Tokens
from train.report.criteria import Criterion, judge
from train.report.evaluation import Counts, Derived, Pooled, Section, measure
from train.report.intervals import Tally, by_group
from train.report.tables import Metric
from train.text_motion.evaluation import geometry
from train.text_motion.evaluation.edits import PLACE_S, PLACES, Edit, Outcome, outcome, own_frame, places, read
from train.text_motion.evaluation.rows import Ask

Array = NDArray[np.floating]

MOST_RATIO = 1.5
"""Times the error of the tokenizer that sees the future that the causal one's may be."""
_KEPT = {kind: f"kept_{kind}" for kind in KINDS}
METRICS = (
    Metric("pose", "pose mm", "tokens", "mean distance of the joints in the body's own frame: no drift of its way", 1),
    Metric("pose_ratio", "/ future", "tokens", "that error over that of the tokenizer that sees the future"),
    Metric("mpjpe", "MPJPE mm", "tokens", "mean distance of the joints, pelvis on pelvis: drifting turns count, mm", 1),
    Metric("pa", "PA mm", "tokens", "the same after the similarity that fits each frame best, mm", 1),
    Metric("world", "world mm", "tokens", "mean distance of the joints where they are, from a common start, mm", 1),
    Metric("acceleration", "accel. m/s²", "tokens", "mean distance of the joints' accelerations, m/s²"),
    Metric("ratio", "MPJPE / future", "tokens", "MPJPE over that of the tokenizer that sees the future"),
    Metric("kept", "codes kept", "tokens", "share of groups and frames with the pose code of the take", 3),
    *(Metric(key, kind, "tokens", f"the same of groups of kind {kind}", 3) for kind, key in _KEPT.items()),
)


class Coded(NamedTuple):
    """A take (T, 22, 3) as features tell it, from x = z = 0 facing +Z, and its tokens."""

    group: str
    motion: Array
    tokens: Tokens


@dataclass(frozen=True)
class Named:
    """A tokenizer under its name."""

    name: str
    tokenizer: Tokenizer

    @property
    def layout(self) -> Layout:
        """Of its features."""
        return self.tokenizer.config.body

    @torch.no_grad()
    def code(self, motion: Array, group: str = "") -> Coded:
        """Tokens of a motion (T, 22, 3) in metres, of as many whole tokens as there are."""
        count = len(motion) // TOKEN
        given = torch.from_numpy(np.ascontiguousarray(motion[: TOKEN * count], np.float32))
        features = encode(given, self.layout, backward=True)[None]
        first = torch.from_numpy(read(motion[: TOKEN * count : TOKEN]))[None]
        placed = decode(features[0], self.layout, backward=True)
        return Coded(group, np.asarray(placed.numpy()), self.tokenizer.encode(features, first))

    @torch.no_grad()
    def decode(self, tokens: Tokens, edited: Tensor | None = None) -> Array:
        """The motion (T, 22, 3) of tokens; residuals are dropped where ``edited`` (1, N)."""
        rows = self.tokenizer.decode(tokens, edited)[0]
        return np.asarray(decode(rows, self.layout, backward=True).numpy())


@dataclass(frozen=True)
class DecodedRow:
    """Takes and what was made of each, (group, take, decoded)."""

    name: str
    about: str
    kind: str
    pairs: Sequence[tuple[str, Array, Array]]


@dataclass(kw_only=True)
class Reconstruction(Section):
    """Tokenizers beside each other."""

    def sentences(self) -> list[str]:
        """Whether the causal one's error is near that of the one that sees the future."""
        words = "over that of the tokenizer that sees the future"
        asked = [
            Criterion("pose_ratio", f"error of the pose {words}", high=MOST_RATIO),
            Criterion("ratio", f"MPJPE {words}", high=MOST_RATIO),
        ]
        return [
            f"{row.name}: {judged.sentence}"
            for row in self.results
            if row.kind == "model"
            for judged in judge(row, asked)
        ]


def opened(name: str, path: Path) -> Named:
    """The tokenizer of a checkpoint of training. Raises :class:`EngineError` for another."""
    kept = load(path)
    if kept.family != "text_motion":
        raise EngineError(f"{path} holds weights of family {kept.family!r}; give one of text_motion")
    config = TextMotionConfig.from_dict(kept.config)
    if config.body.name != "humanml3d":
        raise EngineError(f"{path}: a tokenizer of {config.body.name}; tokens are read from bodies of 22 joints")
    tokenizer = Tokenizer(config)
    own = {key.removeprefix("tokenizer."): value for key, value in kept.state.items() if key.startswith("tokenizer.")}
    try:
        tokenizer.load_state_dict(own)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise EngineError(f"{path} holds no tokenizer of its configuration ({reason}); train it again") from error
    return Named(name, tokenizer.eval())


def section(tokenizers: Sequence[Named], asks: Sequence[Ask], seed: int) -> Reconstruction:
    """The report's part of tokenizers on the motions of the asks, each clip's longest once."""
    takes: dict[str, Ask] = {}
    for ask in asks:
        if ask.name not in takes or len(ask.motion) > len(takes[ask.name].motion):
            takes[ask.name] = ask
    rows: list[DecodedRow] = []
    for one in tokenizers:
        coded = [one.code(ask.motion, ask.group) for ask in takes.values()]
        sees = "causal" if one.tokenizer.config.causal else "sees the future"
        whole = [(item.group, item.motion, one.decode(item.tokens)) for item in coded]
        bare = [(item.group, item.motion, one.decode(item.tokens, _all(item.tokens))) for item in coded]
        kind = "model" if one.tokenizer.config.causal else "trick"
        rows += [
            DecodedRow(one.name, f"tokens and back; {sees}", kind, whole),
            DecodedRow(f"{one.name}, codes alone", f"the same without residual; {sees}", "ablation", bare),
        ]
    yardstick = next((one.name for one in tokenizers if not one.tokenizer.config.causal), None)

    def count(row: DecodedRow) -> Counts:
        rate = tokenizers[0].layout.rate
        tallies = by_group((group, _tally(take, made, rate)) for group, take, made in row.pairs)
        return Counts(tallies, sum(len(take) for _, take, _ in row.pairs) / rate)

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        found = _means(own.tally)
        nothing = np.full(len(found["mpjpe"]), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            for key, error in (("ratio", "mpjpe"), ("pose_ratio", "pose")):
                found[key] = found[error] / _means(every[yardstick].tally)[error] if yardstick else nothing
        return Derived(found)

    title = f"Tokenizers: {len(takes)} held-out clips as tokens and back"
    return Reconstruction(title=title, metrics=METRICS, results=measure(rows, count, derive, seed))


def edited(one: Named, edits: Sequence[Edit], asks: Sequence[Ask], seed: int) -> list[Outcome]:
    """What edits do to takes that are tokenized, changed from a third of their tokens on, and decoded: no network but
    the decoder, no correction. The first tokens of the changed ones, which settle, do not count."""
    rng, found = np.random.default_rng([seed, 8]), []
    for edit in edits:
        ask = asks[int(rng.integers(len(asks)))]
        tokens = one.code(ask.motion).tokens
        count = tokens.bins.shape[1]
        first = count // 3
        bins, dropped = tokens.bins.clone(), torch.zeros(1, count, dtype=torch.bool)
        bins[:, first:, edit.group], dropped[:, first:] = edit.bin, True
        counted = slice(TOKEN * (first + 3), None)
        plain = one.decode(tokens)[counted]
        found.append(outcome(edit, one.decode(Tokens(bins, tokens.ids), dropped)[counted], plain))
    return found


def three(one: Named, ask: Ask) -> list[tuple[str, Array]]:
    """A take (T, 22, 3), its tokens decoded, and decoded with :data:`PLACES` changed one after the other, each
    with what it is."""
    coded = one.code(ask.motion)
    span = round(PLACE_S * one.layout.rate / TOKEN)
    bins, dropped = coded.tokens.bins.clone(), _all(coded.tokens) & False
    for place, edit in enumerate(places(ask.text)):
        part = slice(span * place, span * (place + 1))
        bins[:, part, edit.group], dropped[:, part] = edit.bin, True
    told = f"{one.name}: changed every {PLACE_S:g} s: {', then '.join(PLACES)}"
    return [
        (f"{ask.text} (the take)", coded.motion),
        (f"{one.name}: tokens decoded", one.decode(coded.tokens)),
        (told, one.decode(Tokens(bins, coded.tokens.ids), dropped)),
    ]


def _all(tokens: Tokens) -> Tensor:
    return torch.ones(tokens.bins.shape[:-1], dtype=torch.bool)


def _tally(take: Array, made: Array, rate: float) -> Tally:
    """Counts of a take and what was made of it, both from the same start."""
    sums = {
        "frames": float(len(take)),
        "pose": geometry.mpjpe(own_frame(made), own_frame(take)).sum(),
        "mpjpe": geometry.mpjpe(made, take).sum(),
        "pa": geometry.pa_mpjpe(made, take).sum(),
        "world": geometry.world(made, take).sum(),
        "acceleration": geometry.acceleration_error(made, take, rate).sum(),
        "steps": float(len(take) - 2),
    }
    same = read(made) == read(take)
    sums |= {key: same[:, of_kind(kind)].sum() for kind, key in _KEPT.items()}
    return Tally({key: np.asarray(value, float) for key, value in sums.items()}, {})


def _means(row: Tally) -> dict[str, Array]:
    """Metrics (D,) of pooled counts."""
    sums = row.sums
    found: dict[str, Array] = {key: 1000.0 * sums[key] / sums["frames"] for key in ("pose", "mpjpe", "pa", "world")}
    found["acceleration"] = sums["acceleration"] / sums["steps"]
    found |= {key: sums[key] / (sums["frames"] * len(of_kind(kind))) for kind, key in _KEPT.items()}
    found["kept"] = np.sum([sums[key] for key in _KEPT.values()], 0) / (sums["frames"] * len(GROUPS))
    return found
