"""What a face loses as ids: the default tokenizer against the single id of the AIS system, on listeners not fitted on.

``python -m benchmarks tokenizer --data DIR [--split test]``. Both are fitted to the listeners of split train and code
those of another split, frame by frame. Ratios of jerk (mean absolute third difference) and of speed are against the
original face; 1 is right, below is smeared, above twitches. Nods and blinks are counted by the rulers of
:mod:`train.report.events`. Perplexity is the number of equally likely ids that would be as unpredictable, without
context.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import report
from engine.channels import FACE
from models.reaction import FaceTokenizer
from models.reaction.config import AIS_GROUPS, DEFAULT_GROUPS, Group
from train.reaction.fitting import fit_tokenizer
from train.reaction.react import ReactData
from train.report import events

RATE = 25.0
SETTLED = 25
"""Frames left out at the start: every stream begins at the mean face and has to get to its own."""
PARTS = {
    "head rotation": [FACE[name] for name in ("headPitch", "headYaw", "headRoll")],
    "head translation": [FACE[name] for name in ("headX", "headY", "headZ")],
    "lids and eyes": [FACE[name] for name in events.LIDS_AND_EYES],
    "brows and mouth": [i for name, i in FACE.items() if i < 52 and name not in events.LIDS_AND_EYES],
}
CODERS: dict[str, Sequence[Group]] = {"default": DEFAULT_GROUPS, "ais": AIS_GROUPS}


def main(arguments: list[str]) -> int:
    """Print a table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tokenizer", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder in the REACT2024 layout")
    parser.add_argument("--split", default="test", help="split whose listeners are coded (default test)")
    parser.add_argument("--listeners", type=int, default=24, help="listeners coded, at most (default 24)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    data = ReactData(options.data)
    fitted = [talk.listener(name) for talk in data.talks("train") for name in talk.listeners[:1]]
    faces = [talk.listener(name) for talk in data.talks(options.split) for name in talk.listeners]
    faces = faces[:: max(1, len(faces) // options.listeners)][: options.listeners]
    rows = {}
    for name, groups in CODERS.items():
        tokenizer = FaceTokenizer(groups)
        fit_tokenizer(tokenizer, fitted)
        rows[name] = measure(tokenizer, faces)
        _show(name, rows[name])
    report("tokenizer", {"split": options.split, "listeners": len(faces), "tokenizers": rows})
    return 0


def measure(tokenizer: FaceTokenizer, faces: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """Ratios per part, events before and after, and the use of the ids per head."""
    length = min(map(len, faces))
    given = np.stack([face[:length] for face in faces])
    start = tokenizer.initial_state(len(given))
    ids, _ = tokenizer.encode(torch.from_numpy(given), start)
    shown = tokenizer.decode(ids, start)[0].numpy()
    a, b = given[:, SETTLED:].astype(float), shown[:, SETTLED:].astype(float)
    parts = {name: _compare(a[..., columns], b[..., columns]) for name, columns in PARTS.items()}
    counted = {
        what: [sum(len(count(face, RATE)) for face in side) for side in (a, b)]
        for what, count in {"nods": events.nods, "blinks": events.blinks}.items()
    }
    heads = {}
    for head, group in enumerate(tokenizer.groups):
        shares = np.bincount(ids[..., head].flatten(), minlength=tokenizer.codes[head]) / ids[..., head].numel()
        used = shares[shares > 0]
        heads[group.name] = {
            "codes": tokenizer.codes[head],
            "used": len(used),
            "perplexity": float(np.exp(-(used * np.log(used)).sum())),
        }
    return {"parts": parts, "events": counted, "heads": heads}


def _compare(before: NDArray[np.float64], after: NDArray[np.float64]) -> dict[str, float]:
    def ratio(order: int) -> float:
        mine, theirs = (np.abs(np.diff(side, order, axis=1)).mean() for side in (after, before))
        return float(mine / theirs)

    error = np.square(after - before).mean() / before.var(axis=(0, 1)).mean()
    return {"jerk_ratio": ratio(3), "speed_ratio": ratio(1), "relative_error": float(error)}


def _show(name: str, row: dict[str, Any]) -> None:
    print(name)
    for part, figures in row["parts"].items():
        print(
            f"  {part:18} jerk x{figures['jerk_ratio']:6.2f}   speed x{figures['speed_ratio']:5.2f}   "
            f"error {100 * figures['relative_error']:6.2f} % of the variance"
        )
    for head, use in row["heads"].items():
        print(f"  ids of {head:12} {use['used']:4} of {use['codes']:4} codes used, perplexity {use['perplexity']:.1f}")
    print("  " + ", ".join(f"{what} {before} -> {after}" for what, (before, after) in row["events"].items()))
