"""``python -m train calibrate WEIGHTS OUT --data DIR``: how boldly the trained listener draws, set without training.

A network that is unsure spreads its plans: it nods now and then at the wrong moment and too seldom at the right one.
``--plan-slope`` sharpens each plan's log-odds and an offset is found, over the validation listeners with their own
past given, so that the mean rate stays that of the people (as Platt 1999 fits a sigmoid, with the slope given).
``--sharpness`` multiplies the logits of the face's ids, one number a head: above 1 calmer, below 1 livelier. Both are
stored with the weights; the served ``temperature`` comes on top.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    from torch import Tensor

    from models.reaction import Reaction
    from train.reaction.streams import Streams

CROP, MOST = 250, 24
"""Frames of one pass, and streams looked at, about."""
SEARCH = 60
"""Halvings of the interval in which the offset lies."""
FARTHEST = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("weights", type=Path, help="model.safetensors of a training run")
    parser.add_argument("out", type=Path, help="file for the calibrated weights")
    parser.add_argument("--data", type=Path, required=True, help="folder the run was trained on; its split val is read")
    parser.add_argument("--plan-slope", type=float, default=1.0, help="factor on the log-odds of plans (default 1)")
    parser.add_argument(
        "--sharpness", default="", help="factor on the logits of each head of the face, such as 1.1,1,1,1,1"
    )


def run(args: argparse.Namespace) -> None:
    """Calibrate and write."""
    from models.checkpoint import Checkpoint, save
    from models.reaction import Reaction
    from models.registry import create
    from train.reaction import streams
    from train.reaction.react import ReactData

    model = create("reaction", args.weights)
    assert isinstance(model, Reaction)
    if not args.plan_slope > 0:
        raise EngineError(f"--plan-slope {args.plan_slope:g}: give a number above 0")
    sharpness = _sharpness(args.sharpness, model.tokenizer.heads)
    model.gain.fill_(1.0)
    model.offset.fill_(0.0)
    val = streams.read(model, ReactData(args.data).talks("val"), f"{args.data}, split val")
    odds, rates = plan_odds(model, val)
    first = 0
    for head, codes in enumerate(model.levels):
        if head < model.tokenizer.heads:
            model.gain[first : first + codes] = sharpness[head]
        else:
            plan = head - model.tokenizer.heads
            model.gain[first : first + codes] = args.plan_slope
            model.offset[first + 1] = offset(args.plan_slope * odds[plan], rates[plan])
            name = model.config.plans[plan]
            print(f"{name}: {60 * 25 * rates[plan]:.2f} a minute, offset {model.offset[first + 1]:.3f}")
        first += codes
    save(args.out, Checkpoint("reaction", model.config.to_dict(), model.state_dict()))
    print(f"wrote {args.out}")


def plan_odds(model: Reaction, streams: Streams) -> tuple[Tensor, list[float]]:
    """Log-odds (plans, N) of every plan at every frame given the listeners' own past, and the true rates a frame."""
    import torch

    from models.contract import commit, initial_state

    frames = int(streams.frames.min())
    rows = range(0, len(streams.frames), max(1, len(streams.frames) // MOST))
    talks, starts = streams.talk_start[rows], streams.start[rows]
    heard, seen = (torch.stack([value[at : at + frames] for at in talks]) for value in (streams.heard, streams.face))
    ids, turned = (torch.stack([value[at : at + frames] for at in starts]) for value in (streams.ids, streams.controls))
    there = torch.ones(len(rows), frames)
    given = {"heard": heard, "partner_audio_valid": there, "partner_face": seen, "partner_face_valid": there}
    given |= {
        "partner_face_age": torch.zeros_like(there),
        "expressiveness": turned[..., 0],
        "self_speaking": turned[..., 1],
    }
    ids = ids.long()
    previous = torch.cat([torch.full_like(ids[:, :1], model.codes), ids[:, :-1]], 1)
    state, found = initial_state(model.react_state, len(rows)), []
    with torch.inference_mode():
        for first in range(0, frames, CROP):
            part = {name: value[:, first : first + CROP] for name, value in given.items()}
            logits, updates = model.react(part, previous[:, first : first + CROP], state)
            state = commit(model.react_state, state, updates, logits.shape[1])
            plans = logits[:, :, model.tokenizer.heads :]
            found.append(plans[..., 1] - plans[..., 0])
    rates = ids[..., model.tokenizer.heads :].float().mean((0, 1)).tolist()
    return torch.cat(found, 1).flatten(0, 1).T.clone(), rates


def offset(odds: Tensor, rate: float) -> float:
    """The number which, added to log-odds (N,), brings their mean probability to ``rate``."""
    low, high = -FARTHEST, FARTHEST
    for _ in range(SEARCH):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float((odds + middle).sigmoid().mean()) < rate else (low, middle)
    return 0.5 * (low + high)


def _sharpness(given: str, heads: int) -> list[float]:
    try:
        values = [float(part) for part in given.split(",") if part.strip()] or [1.0] * heads
    except ValueError:
        values = []
    if len(values) != heads or not all(value > 0 for value in values):
        raise EngineError(f"--sharpness {given!r}: give {heads} numbers above 0 with commas between them")
    return values
