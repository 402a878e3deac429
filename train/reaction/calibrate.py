"""``python -m train calibrate WEIGHTS OUT --data DIR``: how boldly the trained listener draws, set without training.

A network that is unsure spreads its plans: it nods now and then at the wrong moment and too seldom at the right one.
``--plan-slope`` sharpens each plan's log-odds and an offset is found, over the validation listeners with their own
past given, so that the mean rate stays that of the people (as Platt 1999 fits a sigmoid, with the slope given). Left
to its own past a network plans at another rate than that (its own nods are not those it was taught beside), so the
listeners are then run free for ``--minutes`` each, again and again, until they plan as often as the people did. How
often people nod while somebody talks is kept as well: served, a listener holds to it in every room
(:mod:`models.reaction.odds`). ``--silent`` says how much less it nods while nobody talks, ``--smiles`` how much a smile
that is told counts, and the lack of one.
``--sharpness`` multiplies the logits of the face's ids, one number a head: above 1 calmer, below 1 livelier. Both are
stored with the weights; the served ``temperature`` comes on top.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import EngineError
from train.simulate.talk import FPS

if TYPE_CHECKING:
    from torch import Tensor

    from models.reaction import Reaction
    from train.reaction.streams import Streams

CROP, MOST = 250, 24
"""Frames of one pass, and streams looked at, about."""
SEARCH = 60
"""Halvings of the interval in which the offset lies."""
FARTHEST = 30.0
PASSES = 4
"""Free runs, each of which moves the offsets by how far the rates were off."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("weights", type=Path, help="model.safetensors of a training run")
    parser.add_argument("out", type=Path, help="file for the calibrated weights")
    parser.add_argument("--data", type=Path, required=True, help="folder the run was trained on; its split val is read")
    parser.add_argument("--plan-slope", type=float, default=1.0, help="factor on the log-odds of plans (default 1)")
    parser.add_argument(
        "--minutes", type=float, default=2.0, help="free run of each listener (default 2; 0: none, own past given)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn in free runs (default 0)")
    parser.add_argument(
        "--bolder",
        action="append",
        default=[],
        metavar="PLAN=LOGODDS",
        help="more of a plan than people while the partner is seen, such as smile=1.2: added to its log-odds",
    )
    parser.add_argument(
        "--silent", type=float, default=0.0, help="added to the log-odds of a nod while nobody talks, such as -2.5"
    )
    parser.add_argument(
        "--smiles",
        default="0,0",
        metavar="TOLD,UNTOLD",
        help="added to the log-odds of a smile when the partner is seen to smile, and when not, such as 4,-3",
    )
    parser.add_argument(
        "--sharpness", default="", help="factor on the logits of each head of the face, such as 1.1,1,1,1,1"
    )


def run(args: argparse.Namespace) -> None:
    """Calibrate and write."""
    import torch

    from models.checkpoint import Checkpoint, save
    from models.reaction import Reaction
    from models.registry import create
    from train.reaction import streams
    from train.reaction.react import ReactData

    model = create("reaction", args.weights)
    assert isinstance(model, Reaction)
    if not args.plan_slope > 0:
        raise EngineError(f"--plan-slope {args.plan_slope:g}: give a number above 0")
    if not math.isfinite(args.silent):
        raise EngineError(f"--silent {args.silent:g}: give a number")
    if not args.minutes >= 0:
        raise EngineError(f"--minutes {args.minutes:g}: give 0 or more")
    sharpness, bolder = _sharpness(args.sharpness, model.tokenizer.heads), _bolder(args.bolder, model.config.plans)
    smiles = _numbers("--smiles", args.smiles, 2)
    model.gain.fill_(1.0)
    model.offset.fill_(0.0)
    model.offset_seen.fill_(0.0)
    model.usual.fill_(0.0)
    val = streams.read(model, ReactData(args.data).talks("val"), f"{args.data}, split val")
    looked = look_at(model, val)
    odds, rates = plan_odds(model, looked)
    first = 0
    for head, codes in enumerate(model.levels):
        if head < model.tokenizer.heads:
            model.gain[first : first + codes] = sharpness[head]
        else:
            plan = head - model.tokenizer.heads
            model.gain[first : first + codes] = args.plan_slope
            model.offset[first + 1] = offset(args.plan_slope * odds[plan], rates[plan])
        first += codes
    free = free_running(model, looked, rates, round(60 * FPS * args.minutes), args.seed)
    for name, rate, run, column in zip(model.config.plans, rates, free, _columns(model), strict=True):
        told = f"; free {60 * FPS * run:.2f}" if args.minutes else ""
        print(f"{name}: people {60 * FPS * rate:.2f} a minute{told}; offset {model.offset[column]:.3f}")
    for column, kind in zip(_columns(model), model.config.plans, strict=True):
        model.offset_seen[column] = bolder.get(kind, 0.0)
    if "nod" in model.config.plans:
        model.usual = torch.tensor([nods_in_talk(model, looked), args.silent, *smiles])
        print(f"nod: people {60 * FPS * float(model.usual[0]):.2f} a minute in which somebody talks")
    save(args.out, Checkpoint("reaction", model.config.to_dict(), model.state_dict()))
    print(f"wrote {args.out}")


class Looked(NamedTuple):
    """Streams that are looked at, side by side."""

    given: dict[str, Tensor]  #: what :meth:`Reaction.react` reads, each (rows, frames, ...)
    ids: Tensor  #: (rows, frames, heads) of the people


def look_at(model: Reaction, streams: Streams) -> Looked:
    """About :data:`MOST` of ``streams``, as long as the shortest."""
    import torch

    frames = int(streams.frames.min())
    rows = range(0, len(streams.frames), max(1, len(streams.frames) // MOST))
    talks, starts = streams.talk_start[rows], streams.start[rows]
    heard, seen = (torch.stack([value[at : at + frames] for at in talks]) for value in (streams.heard[0], streams.face))
    ids, turned = (torch.stack([value[at : at + frames] for at in starts]) for value in (streams.ids, streams.controls))
    there = torch.ones(len(rows), frames)
    given = {"heard": heard, "partner_audio_valid": there, "partner_face": seen, "partner_face_valid": there}
    given |= {
        "partner_face_age": torch.zeros_like(there),
        "expressiveness": turned[..., 0],
        "self_speaking": turned[..., 1],
        "nod_rate": streams.nod_rate[list(rows)][:, None].expand_as(there),
    }
    return Looked(given, ids.long())


def plan_odds(model: Reaction, looked: Looked) -> tuple[Tensor, list[float]]:
    """Log-odds (plans, N) of every plan at every frame given the listeners' own past, and the true rates a frame."""
    import torch

    from models.contract import commit, initial_state

    ids = looked.ids
    previous = torch.cat([torch.full_like(ids[:, :1], model.codes), ids[:, :-1]], 1)
    state, found = initial_state(model.react_state, len(ids)), []
    with torch.inference_mode():
        for first in range(0, ids.shape[1], CROP):
            part = {name: value[:, first : first + CROP] for name, value in looked.given.items()}
            logits, updates = model.react(part, previous[:, first : first + CROP], state)
            state = commit(model.react_state, state, updates, logits.shape[1])
            plans = logits[:, :, model.tokenizer.heads :]
            found.append(plans[..., 1] - plans[..., 0])
    rates = ids[..., model.tokenizer.heads :].float().mean((0, 1)).tolist()
    return torch.cat(found, 1).flatten(0, 1).T.clone(), rates


def nods_in_talk(model: Reaction, looked: Looked) -> float:
    """How often a frame people plan a nod while somebody talks to them. Raises :class:`EngineError` if nobody does."""
    talks = model.hearing.talks(looked.given["heard"])
    if not talks.any():
        raise EngineError(
            "nobody talks in the validation data: nothing says how often people nod; give talks with voices"
        )
    nods = looked.ids[..., model.tokenizer.heads + model.config.plans.index("nod")]
    return float(nods[talks].double().mean())


def free_running(model: Reaction, looked: Looked, rates: Sequence[float], frames: int, seed: int) -> list[float]:
    """Move the offsets of ``model`` until its plans, drawn on its own past over ``frames`` of each stream, come at
    ``rates`` a frame; the rates of the last run. Nothing is run or moved for 0 frames."""
    found = [0.0] * len(rates)
    for turn in range(PASSES if frames else 0):
        found = planned(model, looked, frames, seed)
        if turn + 1 < PASSES:
            for column, rate, run in zip(_columns(model), rates, found, strict=True):
                if rate:
                    model.offset[column] += math.log(rate / max(run, 0.1 * rate))
    return found


def planned(model: Reaction, looked: Looked, frames: int, seed: int) -> list[float]:
    """How often a frame each plan is drawn when every id is drawn, over the first ``frames`` of the streams."""
    import torch

    from models.contract import commit, initial_state
    from models.sampling import sample

    rng = torch.Generator().manual_seed(seed)
    rows, length, heads = looked.ids.shape
    length = min(length, frames)
    state, usual = initial_state(model.react_state, rows), torch.ones(rows, 1)
    previous = torch.full((rows, 1, heads), model.codes)
    count = torch.zeros(heads - model.tokenizer.heads)
    with torch.inference_mode():
        for frame in range(length):
            part = {name: value[:, frame : frame + 1] for name, value in looked.given.items()}
            logits, updates = model.react(part, previous, state)
            state = commit(model.react_state, state, updates, 1)
            previous = sample(logits, torch.rand(rows, 1, heads, generator=rng), usual)
            count += previous[:, 0, model.tokenizer.heads :].sum(0)
    return [float(value) / (rows * length) for value in count]


def _columns(model: Reaction) -> list[int]:
    """Where the log-odds of each plan stand among the flat outputs."""
    ends = list(itertools.accumulate(model.levels))
    return [end - 1 for end in ends[model.tokenizer.heads :]]


def offset(odds: Tensor, rate: float) -> float:
    """The number which, added to log-odds (N,), brings their mean probability to ``rate``."""
    low, high = -FARTHEST, FARTHEST
    for _ in range(SEARCH):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float((odds + middle).sigmoid().mean()) < rate else (low, middle)
    return 0.5 * (low + high)


def _bolder(given: Sequence[str], plans: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in given:
        plan, _, value = item.partition("=")
        try:
            found[plan] = float(value)
        except ValueError:
            found[plan] = math.nan
        if plan not in plans or not math.isfinite(found[plan]):
            raise EngineError(f"--bolder {item!r}: write PLAN=LOGODDS, the plan one of {', '.join(plans)}")
    return found


def _sharpness(given: str, heads: int) -> list[float]:
    values = _numbers("--sharpness", given, heads) if given.strip() else [1.0] * heads
    if not all(value > 0 for value in values):
        raise EngineError(f"--sharpness {given!r}: give {heads} numbers above 0 with commas between them")
    return values


def _numbers(option: str, given: str, count: int) -> list[float]:
    try:
        values = [float(part) for part in given.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise EngineError(f"{option} {given!r}: give {count} numbers with commas between them")
    return values
