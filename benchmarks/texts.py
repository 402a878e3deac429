"""What do text vectors say of motion? Sentences that mean the same against sentences that mean the opposite.

``python -m benchmarks texts FOLDER ...``: folders of encoders (``python -m export encoder``) or bundles that read
texts. The sentences are in ``texts_motion.csv``: a caption, the same in other words and, for most, the opposite in
almost the same words (left for right, forward for backward, slow for fast).

*found*: of all captions and paraphrases, how often the nearest other one (of three) is the partner. *nearer*: how often
the paraphrase is nearer to its caption than the opposite is. Both by the cosine. *told*: how often the difference of a
caption from its opposite points the way that it does on average in the other sentences of the kind, so that a model of
one linear layer could tell left from right. Each of the text's vector alone and of that in a row with those of its
eleven fields (:mod:`engine.text.fields`), as a model takes them.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import report
from engine.text.encoder import TextEncoder
from engine.text.fields import FIELDS, read_fields
from engine.text.folder import encoders_in

SENTENCES = Path(__file__).with_name("texts_motion.csv")
TOP = (1, 3)
Rows = NDArray[np.float32]
KINDS = {
    "left": ("left or right", 1),
    "right": ("left or right", -1),
    "forward": ("direction", 1),
    "backward": ("direction", -1),
    "fast": ("speed", 1),
    "slow": ("speed", -1),
    "up": ("up or down", 1),
    "down": ("up or down", -1),
    "mood": ("mood", 0),
}
"""What a sentence says: what its opposite turns round, and from which side (0: it has no sides)."""


class Triple(NamedTuple):
    """A ``caption``, what it ``says`` that can be turned round, the ``same`` in other words, the ``opposite`` or ""."""

    says: str
    caption: str
    same: str
    opposite: str


def main(arguments: list[str]) -> int:
    """Print a table for each encoder and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks texts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("encoders", nargs="+", metavar="FOLDER", help="folder of an encoder, or a bundle")
    options = parser.parse_args(arguments)
    triples = sentences()
    rows = {}
    for which in options.encoders:
        rows[which] = measure(which, triples)
        _show(which, rows[which])
    report("texts", {"pairs": len(triples), "encoders": rows})
    return 0


def sentences() -> list[Triple]:
    """Those of the file."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        return [Triple(**row) for row in csv.DictReader(file)]


def measure(which: str, triples: Sequence[Triple]) -> dict[str, Any]:
    """Figures of one encoder."""
    bundle = encoders_in(which)
    name = bundle.spec.texts[0].name
    encoder = TextEncoder(bundle, name)
    files = bundle.encoders[name]
    took = []

    def encode(text: str) -> Rows:
        if not text:
            return np.zeros(encoder.width, np.float32)
        start = time.thread_time()  # of this thread, in which all of it runs: others may be busy
        vector = encoder.encode(text).vector
        took.append(time.thread_time() - start)
        return vector

    encode("warm up")
    took.clear()
    alone = {text: encode(text) for triple in triples for text in triple[1:] if text}
    whole_ms = 1e3 * float(np.median(took))
    took.clear()
    fields = {text: np.stack([encode(said) for said in _said(text)]) for text in alone}
    each_ms = 1e3 * float(np.median(took))
    return {
        "bytes": sum(bundle.files[file][1] for file in (files.onnx, files.tokenizer)),
        "width": encoder.width,
        "ms_a_caption": whole_ms,
        "ms_a_field": each_ms,
        "text": compare(triples, alone),
        "text_and_fields": compare(
            triples, {text: np.concatenate([alone[text], fields[text].reshape(-1)]) for text in alone}
        ),
    }


def _said(text: str) -> list[str]:
    said = read_fields(text)
    return [said[name] for name in FIELDS]


def compare(triples: Sequence[Triple], vectors: dict[str, Rows]) -> dict[str, Any]:
    """Shares found and nearer, of all opposites and by what they turn round; the usual cosine of both."""
    pool = np.stack([vectors[text] for triple in triples for text in (triple.caption, triple.same)])
    near = _cosines(pool, pool)
    np.fill_diagonal(near, -np.inf)
    partner = np.arange(len(pool)) ^ 1
    rank = (near > near[np.arange(len(pool)), partner][:, None]).sum(1)
    figures: dict[str, Any] = {f"found_{top}": float((rank < top).mean()) for top in TOP}
    same, opposite = [], []
    turned: dict[str, list[bool]] = {}
    ways: dict[str, list[Rows]] = {}
    for triple in triples:
        if triple.opposite:
            to = np.stack([vectors[triple.same], vectors[triple.opposite]])
            a, b = _cosines(vectors[triple.caption][None], to)[0]
            same.append(float(a))
            opposite.append(float(b))
            about, side = KINDS[triple.says]
            turned.setdefault(about, []).append(bool(a > b))
            if side:
                ways.setdefault(about, []).append(side * (vectors[triple.caption] - vectors[triple.opposite]))
    figures["nearer"] = float(np.mean([hit for hits in turned.values() for hit in hits]))
    figures["nearer_by"] = {about: f"{sum(hits)}/{len(hits)}" for about, hits in turned.items()}
    told = {about: _told(np.stack(found)) for about, found in ways.items()}
    figures["told"] = float(np.mean(np.concatenate(list(told.values()))))
    figures["told_by"] = {about: f"{sum(hits)}/{len(hits)}" for about, hits in told.items()}
    figures["cosine_same"], figures["cosine_opposite"] = float(np.mean(same)), float(np.mean(opposite))
    return figures


def _told(ways: Rows) -> NDArray[np.bool_]:
    """Of differences (N, width): which point the way of the mean of all others."""
    others = ways.sum(0) - ways
    return np.asarray((others * ways).sum(1) > 0)


def _cosines(left: Rows, right: Rows) -> NDArray[np.float64]:
    """Of all rows with all rows; 0 where one has no length."""
    a, b = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in (left, right))
    return np.asarray(a @ b.T, np.float64)


def _show(which: str, row: dict[str, Any]) -> None:
    print(f"{which}: {row['bytes'] / 1e6:.1f} MB, {row['width']} numbers, {row['ms_a_caption']:.2f} ms a caption")
    for kind in ("text", "text_and_fields"):
        found = row[kind]
        shares = ", ".join(f"found {100 * found[f'found_{top}']:.0f} % in {top}" for top in TOP)
        print(
            f"  {kind.replace('_', ' '):15} {shares}; nearer than the opposite {100 * found['nearer']:.0f} %; "
            f"told from it {100 * found['told']:.0f} %; "
            f"cosine {found['cosine_same']:.2f} to the same, {found['cosine_opposite']:.2f} to the opposite"
        )
        for what in ("nearer", "told"):
            print(f"    {what}: " + ", ".join(f"{about} {hits}" for about, hits in found[f"{what}_by"].items()))
