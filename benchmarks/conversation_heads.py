"""What draws a mouth best and cheapest in the conversation model: a flow in 1 to 8 steps, the flow distilled to one
step, or rolling diffusion; each at several look-aheads.

``python -m benchmarks conversation_heads --data SET [--steps 600] [--lookahead 0 1 2]``. The lips alone
are trained, on the captured recordings of split train (talks named ``capture-...``), with the pieces and the noise of
the same seed. A flow is trained once for each look-ahead and walked in several numbers of steps; the distilled one goes
on from it for half as many steps. The weights that play are a running mean.

What is played is kept from training: dev has a single take of the face capture, of another mood and far from all that
is learned. Of captured takes, few and long, the last by name is held out, of tracked clips, many and short, every
eighth from the fourth on. So a voice that is played was heard in training, and figures tell heads apart, not how well a
stranger's voice is followed; of one seed, without intervals.

Told by kind of capture: correlation of jaw, lips and aperture with the truth, error over the mean mouth's, frames by
which the aperture is late, jitter over the truth's. Channels that a recording did not solve are left out. ``ms`` is the
p50 of one live frame of the lips (features of the voice are not counted), batch 1 on one thread, all variants in turns;
``ratio`` is over the cheapest. Look-ahead costs nothing there, so the spread over look-aheads is the clock's noise.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from benchmarks.machine import report
from engine.errors import EngineError
from models.contract import commit, initial_state
from models.conversation.config import CAPTURES, CONFIGS, RATE, ConversationConfig, configuration
from models.conversation.lips import LipNetwork
from models.conversation.model import Conversation, build
from train.conversation.batches import ConversationBatches
from train.conversation.evaluation import lips
from train.conversation.evaluation.cases import CAPTURE, Case, read_cases
from train.conversation.evaluation.parts import lip_talks
from train.conversation.recipe import ConversationRecipe
from train.conversation.recipe_distil import DistilRecipe
from train.conversation.settings import Settings
from train.conversation.streams import Stream, fit, read
from train.report.intervals import Sums
from train.report.tables import number
from train.run.callbacks import warming
from train.run.progress import progress
from train.run.settings import settings_of

WALKS = (1, 2, 4, 8)
"""Steps in which the flow is walked."""
HEADS = (*(f"flow in {walk} step{'s'[: walk > 1]}" for walk in WALKS), "flow distilled to 1", "rolling diffusion")
EIGHTH, FOURTH = 8, 3
MEASURES = ("r_jaw", "r_lips", "r_aperture", "over_mean", "lag", "jitter")
TEMPERATURE = 1.0
ROUNDS, WARM = 300, 20
"""Frames of every variant that are timed, and those before."""


@dataclass(frozen=True)
class Variant:
    """A trained mouth, and how its head is named."""

    head: str
    lookahead: int
    lips: LipNetwork


@dataclass(frozen=True)
class Played:
    """Held-out recordings of one kind of capture, and the mean mouth (27,) of those trained on."""

    kind: str
    streams: Sequence[Stream]
    talks: Mapping[str, lips.Talk]
    mean: Tensor


def main(arguments: list[str]) -> int:
    """Print a table for each kind of capture and the JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks conversation_heads", description=" ".join((__doc__ or "").split("\n\n")[0].split())
    )
    parser.add_argument("--data", type=Path, required=True, help="set in the layout `talks` with captured recordings")
    parser.add_argument("--steps", type=int, default=600, help="of each training (default 600)")
    parser.add_argument("--lookahead", type=int, nargs="+", default=[0, 1, 2], help="in frames (default 0 1 2)")
    parser.add_argument("--config", default="small", choices=tuple(CONFIGS), help="size of the model (default small)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, pieces and noise (default 0)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"frames timed (default {ROUNDS})")
    options = parser.parse_args(arguments)
    if options.steps < 2 or options.rounds < 1 or min(options.lookahead) < 0:
        raise EngineError("give --steps of 2 or more, --rounds of 1 or more and --lookahead of 0 or more")
    torch.set_num_threads(1)
    size = configuration(options.config)
    learned, played = recordings(options.data, size)
    print(f"{options.config}, {options.steps} steps; trained on {len(learned)} captured recordings")
    print(f"held out of training: {', '.join(stream.name for part in played for stream in part.streams)}")
    variants = trained(learned, size, sorted(set(options.lookahead)), options)
    took = timed(variants, played[0].streams[0], options.rounds)
    rows: list[dict[str, Any]] = []
    for variant, seconds in zip(variants, took, strict=True):
        found = {part.kind: measured(variant, part, options.seed) for part in played}
        ratio = seconds / min(took)
        rows.append({"head": variant.head, "lookahead": variant.lookahead, "ms": 1e3 * seconds, "ratio": ratio})
        rows[-1] |= {"kinds": found}
    for part in played:
        _show(part, rows)
    for row in rows:
        row["kinds"] = {kind: {k: number(v) for k, v in found.items()} for kind, found in row["kinds"].items()}
    held = {part.kind: [stream.name for stream in part.streams] for part in played}
    report("conversation_heads", {"steps": options.steps, "seed": options.seed, "held_out": held, "rows": rows})
    return 0


def recordings(root: Path, size: ConversationConfig) -> tuple[list[Stream], list[Played]]:
    """Captured recordings of split train that are trained on, and those held out. Raises :class:`EngineError` where
    there are too few."""
    cases = read_cases(root, "train", alone=True, say=lambda text: print(text, file=sys.stderr))
    held = held_out(cases)
    if not held or len(held) == len(cases):
        raise EngineError(
            f"{root}: {len(cases)} captured recordings in train/ are too few to hold some out; give a set with two "
            f"takes of a face capture or {FOURTH + 1} tracked clips at least, named {CAPTURE}... "
            "(`python -m train simulate dialogues` writes them)"
        )
    names = {case.name for case in cases}
    streams = [stream for stream in read(build(size), root, "train") if stream.name in names]
    learned = [stream for stream in streams if stream.name not in held]
    played = []
    for index, kind in enumerate(CAPTURES):
        kept = [stream for stream in streams if stream.name in held and stream.capture == index]
        if kept:
            talks = lip_talks([case for case in cases if case.name in held and case.kind == kind])
            played.append(Played(kind, kept, talks, _mean_mouth([s for s in learned if s.capture == index])))
    return learned, played


def held_out(cases: Sequence[Case]) -> set[str]:
    """Names of the recordings that are not trained on; none of a kind of which nothing would be left."""
    takes, clips = (sorted(case.name for case in cases if case.kind == kind) for kind in CAPTURES)
    return {*takes[1:][-1:], *clips[FOURTH::EIGHTH]}


def _mean_mouth(streams: Sequence[Stream]) -> Tensor:
    mouths, known = (torch.cat([getattr(stream, name) for stream in streams]) for name in ("mouth", "known"))
    return torch.as_tensor((mouths * known).sum(0) / known.sum(0).clamp_min(1.0))


def trained(
    learned: Sequence[Stream], size: ConversationConfig, lookaheads: Sequence[int], options: argparse.Namespace
) -> list[Variant]:
    """All heads at all look-aheads."""
    variants = []
    whole, half = _settings(options, options.steps), _settings(options, options.steps // 2)
    for ahead in lookaheads:
        made: list[LipNetwork] = []
        flow = _started(learned, replace(size, lookahead=ahead, head="flow"), options.seed)
        train(flow, ConversationRecipe(flow, whole, {}), learned, f"flow, look-ahead {ahead}", flow.lips)
        for walk in WALKS:
            made.append(copy.deepcopy(flow.lips))
            made[-1].head.steps = walk
        train(flow, DistilRecipe(flow, half, {}), learned, f"distilled, look-ahead {ahead}", flow.lips)
        flow.lips.head.steps = 1
        rolling = _started(learned, replace(size, lookahead=ahead, head="rolling"), options.seed)
        train(rolling, ConversationRecipe(rolling, whole, {}), learned, f"rolling, look-ahead {ahead}", rolling.lips)
        made += [flow.lips, rolling.lips]
        variants += [Variant(head, ahead, mouth.eval()) for head, mouth in zip(HEADS, made, strict=True)]
    return variants


def _settings(options: argparse.Namespace, steps: int) -> Settings:
    asked = {"config": options.config, "seed": options.seed, "steps": steps, "check_every": steps}
    return settings_of(Settings, asked | {"part": "lips", "recorded": 1.0})


def _started(learned: Sequence[Stream], config: ConversationConfig, seed: int) -> Conversation:
    torch.manual_seed(seed)
    model = build(config)
    fit(model, learned)
    return model


def train(
    model: Conversation, recipe: ConversationRecipe, learned: Sequence[Stream], title: str, taught: nn.Module
) -> None:
    """Train a model by a recipe, and leave the running mean of the weights of ``taught``, it or a part, in it."""
    settings = recipe.settings
    setup = recipe.configure_optimizers()
    optimizer, schedule = setup["optimizer"], setup["lr_scheduler"]["scheduler"]
    average = AveragedModel(taught, avg_fn=warming(settings.average))
    model.train()
    batches = ConversationBatches(learned, model, settings)
    for index, batch in enumerate(progress(list(range(settings.steps)), title)):
        drawn = batches.batch(batch)
        torch.manual_seed(drawn["seed"])
        optimizer.zero_grad()
        recipe.total(recipe.terms(drawn)).backward()
        torch.nn.utils.clip_grad_norm_(taught.parameters(), settings.clip)
        optimizer.step()
        schedule.step()
        average.update_parameters(taught)
        if isinstance(recipe, DistilRecipe):
            recipe.on_train_batch_end(None, drawn, index)
    taught.load_state_dict(average.module.state_dict())


@torch.no_grad()
def play(variant: Variant, stream: Stream, seed: int) -> Tensor:
    """The mouth (T, 27) of a recording, frame by frame what is shown with it; all variants draw by the same numbers."""
    ahead, network = variant.lookahead, variant.lips
    own = torch.cat([stream.heard.own, stream.heard.own[-1:].expand(ahead, -1)])[None]
    length = own.shape[1]
    uniforms = torch.rand(1, length, network.draws, generator=torch.Generator().manual_seed(seed))
    capture, temperature = torch.full((1, length), stream.capture), torch.full((1, length), TEMPERATURE)
    mouth, _ = network(own, capture, uniforms, temperature, initial_state(network.state_specs(), 1))
    return torch.as_tensor(mouth[0, ahead:])


def measured(variant: Variant, part: Played, seed: int) -> dict[str, float]:
    """:data:`MEASURES` of a variant on what is held out."""
    own: Sums = {}
    mean: Sums = {}
    for index, stream in enumerate(part.streams):
        talk = part.talks[stream.name]
        mouths = (play(variant, stream, 1000 * seed + index), part.mean.expand(stream.frames, -1))
        for total, mouth in zip((own, mean), mouths, strict=True):
            for name, value in lips.tally(mouth.numpy(), talk).sums.items():
                total[name] = total.get(name, 0.0) + value[None]
    found = lips.derive(own, mean)
    return {name: float(found[name][0]) for name in MEASURES}


@torch.no_grad()
def timed(variants: Sequence[Variant], stream: Stream, rounds: int) -> list[float]:
    """Median seconds of one live frame of each variant, one after the other for every frame."""
    states = [initial_state(variant.lips.state_specs(), 1) for variant in variants]
    took: list[list[float]] = [[] for _ in variants]
    capture, temperature = torch.full((1, 1), stream.capture), torch.full((1, 1), TEMPERATURE)
    for frame in range(WARM + rounds):
        heard = stream.heard.own[None, frame % stream.frames][:, None]
        for index, variant in enumerate(variants):
            uniforms = torch.rand(1, 1, variant.lips.draws)
            start = time.perf_counter()
            _, updates = variant.lips(heard, capture, uniforms, temperature, states[index])
            took[index].append(time.perf_counter() - start)
            states[index] = commit(variant.lips.state_specs(), states[index], updates, 1)
    return [float(np.median(times[WARM:])) for times in took]


def _show(part: Played, rows: Sequence[Mapping[str, Any]]) -> None:
    seconds = sum(stream.frames for stream in part.streams) / RATE
    print(f"\nlips, {part.kind}; held-out recordings: {len(part.streams)}, {seconds:.0f} s")
    headings = ["r jaw", "r lips", "r apert.", "error", "lag", "jitter", "ms", "ratio"]
    print(f"{'head':20} ahead " + " ".join(f"{heading:>8}" for heading in headings))
    for row in rows:
        values = [*(row["kinds"][part.kind][name] for name in MEASURES), row["ms"], row["ratio"]]
        print(f"{row['head']:20} {row['lookahead']:5} " + " ".join(f"{value:8.2f}" for value in values))
