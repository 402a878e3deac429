"""A set in memory as endless streams: features, pose codes of every frame, texts as numbers and their vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.errors import EngineError
from engine.text.fields import FIELDS, read_fields
from models.text_motion.config import TOKEN
from models.text_motion.features import encode
from models.text_motion.posecodes.codes import bins, measures
from models.text_motion.tokenizer import Tokenizer
from train.text_motion.data import MotionSet
from train.text_motion.joins import SHORTEST, Chains, Clip, join

STREAM = 600
"""Tokens (two minutes) of one stream."""
STANDS = ("stand still", "stands still", "standing still")
"""Words of captions of clips that serve as the idle stance."""


@dataclass(frozen=True)
class Streams:
    """Streams of a split, end to end: S of them of equal length, N tokens in all.

    ``rows`` (4 N, width) backward features, ``bins`` (4 N, 70) of every frame, of each token its ``text``, ``since``
    and ``last`` as :class:`train.text_motion.joins.Joined` says; ``texts`` are the sentences that numbers stand for."""

    rows: Tensor
    bins: Tensor
    text: Tensor
    since: Tensor
    last: Tensor
    length: int
    texts: Sequence[str]
    fingerprint: str

    @property
    def tokens(self) -> int:
        """Of all streams together."""
        return len(self.text)

    def starts(self, segment: int, step: int = 1) -> np.ndarray:
        """Tokens at which ``segment`` tokens of one stream begin, every ``step``-th."""
        inside = np.arange(0, self.length - segment + 1, step)
        return (np.arange(self.tokens // self.length)[:, None] * self.length + inside).ravel()


@dataclass(frozen=True)
class Texts:
    """Vectors of sentences and of their fields: ``vectors`` (U, text), the first all zeros, and of each sentence the
    row of its own vector and of its eleven fields, ``rows`` (count, 12)."""

    vectors: Tensor
    rows: Tensor

    def of(self, numbers: Tensor) -> Tensor:
        """Vectors (..., 12, text) of texts by number; zeros for none (-1)."""
        rows = self.rows[numbers.clamp_min(0)] * (numbers >= 0)[..., None]
        return self.vectors[rows]


def clips(
    data: MotionSet, split: str, weights: Mapping[str, float], texts: list[str], stretch: float = 0.0, seed: int = 0
) -> list[Clip]:
    """The clips of a split; their captions are added to ``texts``. A caption of a part of a clip makes a clip of that
    part. With ``stretch`` each clip comes a second time, at a pace that differs by up to this share."""
    layout, found = data.layout, []
    random = np.random.default_rng(seed)
    known = {text: number for number, text in enumerate(texts)}
    for name in data.names(split):
        joints = data.joints(name)
        captions = data.captions(name)
        if len(joints) < TOKEN * SHORTEST or not np.isfinite(joints).all():
            continue
        for text in (caption.text for caption in captions):
            if text not in known:
                known[text] = len(texts)
                texts.append(text)
        pace = float(np.exp(random.uniform(-1.0, 1.0) * np.log1p(stretch)))
        parts = [(slice(None), [item for item in captions if item.whole])]
        parts += [(item.frames(len(joints), layout.rate), [item]) for item in captions if not item.whole]
        for part, said in parts:
            if captions and not said:
                continue  # only its parts are told
            numbers = tuple(known[item.text] for item in said)
            still = any(words in item.text for item in said for words in STANDS)
            for played in [joints[part]] if pace == 1.0 else [joints[part], paced(joints[part], pace)]:
                if len(played) >= TOKEN * SHORTEST:
                    rows = encode(torch.from_numpy(np.array(played, np.float32)), layout, backward=True).numpy()
                    found.append(Clip(name, rows, numbers, weights.get(name, 1.0), still))
    if not found:
        raise EngineError(f"{data.folder}: no clip of split {split!r} can be trained on; see `python -m train check`")
    return found


def paced(joints: np.ndarray, pace: float) -> np.ndarray:
    """Joints (T, J, 3) played ``pace`` times as fast, between frames by straight lines."""
    at = np.arange(0.0, len(joints) - 1.0, pace)
    low = at.astype(np.int64)
    share = (at - low)[:, None, None].astype(np.float32)
    return joints[low] * (1 - share) + joints[low + 1] * share


def joined(made: Sequence[Clip], data: MotionSet, texts: list[str], minutes: float, seed: int) -> Streams:
    """``minutes`` of streams of clips; texts that ask for two things are added to ``texts``."""
    random = np.random.default_rng(seed)
    chains = Chains(texts)
    count = max(1, round(60 * minutes * data.layout.rate / TOKEN / STREAM))
    streams = [join(made, chains, data.layout, STREAM, random) for _ in range(count)]
    rows = torch.from_numpy(np.concatenate([item.rows[: TOKEN * STREAM] for item in streams]))
    text, since, last = (
        torch.from_numpy(np.concatenate([getattr(item, name)[:STREAM] for item in streams]))
        for name in ("text", "since", "last")
    )
    texts[:] = chains.texts
    mark = hashlib.sha256(rows.numpy().tobytes() + text.numpy().tobytes()).hexdigest()[:16]
    return Streams(rows, _bins(rows, data), text, since, last, STREAM, texts, mark)


def _bins(rows: Tensor, data: MotionSet) -> Tensor:
    """Pose codes (T, 70) of features, which tell the body in its own frame already."""
    layout = data.layout
    if len(layout.joints) != 22:
        raise EngineError(f"{data.folder}: pose codes are read from 22 joints, {layout.name} has {len(layout.joints)}")
    found = []
    for start in range(0, len(rows), 8192):
        piece = rows[start : start + 8192]
        found.append(bins(measures(own_frame(piece, data))))
    return torch.cat(found).to(torch.int16)


def own_frame(rows: Tensor, data: MotionSet) -> Tensor:
    """Joints (T, J, 3) in the body's own frame, pelvis above the origin, of features (T, width)."""
    layout = data.layout
    pelvis = torch.nn.functional.pad(rows[:, layout.slices["height"]], (1, 1))
    others = rows[:, layout.slices["ric"]].unflatten(-1, (-1, 3))
    return torch.cat([pelvis[:, None], others], 1)


def fields_of(data: MotionSet, splits: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """The fields of those captions for which the set has them."""
    found: dict[str, Mapping[str, str]] = {}
    for name in (name for split in splits for name in data.names(split)):
        written = data.fields(name) or ()
        found |= {caption.text: said for caption, said in zip(data.captions(name), written, strict=False)}
    return found


def vectors(
    texts: Sequence[str],
    encode_texts: Callable[[list[str]], np.ndarray],
    fields: Mapping[str, Mapping[str, str]] | None = None,
) -> Texts:
    """Vectors of ``texts`` and their fields by an encoder ``encode_texts`` (list -> (count, text)); ``fields`` of texts
    that somebody wrote, those of others are read by rules."""
    rows, known = [], {"": 0}
    for text in texts:
        said = (fields or {}).get(text) or read_fields(text)
        rows.append([known.setdefault(part, len(known)) for part in (text, *(said[name] for name in FIELDS))])
    made = encode_texts(list(known))
    made[0] = 0.0
    return Texts(torch.from_numpy(np.asarray(made, np.float32)), torch.tensor(rows, dtype=torch.int64))


@torch.inference_mode()
def residual_ids(tokenizer: Tokenizer, streams: Streams) -> Tensor:
    """Residual ids (N, 6) of all tokens."""
    tokenizer.eval()
    count, length = streams.tokens // streams.length, streams.length
    rows = streams.rows.unflatten(0, (count, TOKEN * length))
    first = streams.bins[::TOKEN].long().unflatten(0, (count, length))
    return torch.cat([tokenizer.encode(rows[k : k + 1], first[k : k + 1]).ids[0] for k in range(count)]).to(torch.int16)
