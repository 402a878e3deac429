"""What draws expression and body best and cheapest in the conversation model: a flow in 1 to 8 steps, the flow
distilled to one step, or rolling diffusion; and whether a coarse plan of the body is worth its place.

``python -m benchmarks conversation_acts --data SET [--steps 800] [--lookahead 1] [--calibrate 0]``. The acts alone are
trained on the dialogues of split train, with the pieces and the noise of one seed: a flow, walked in several numbers of
steps; the same distilled, for half as many steps; rolling diffusion; and a flow with a guide
(:mod:`benchmarks.conversation_guide`) of ``--codes`` tokens, walked in 8 steps: drawn from the past, and, what nobody
live can have, told which tokens the truth will have, which is the most that a guide could give. The weights that play
are a running mean.

Played are the dialogues of split dev in free runs as they come and, with ``--calibrate N``, once more after N rounds of
calibration by training dialogues, as a trained model gets; one seed, without intervals. Told are Fréchet distances to
the truth, of numbers in units of their spread: the body's poses, their means over seconds, and their velocities (a
second), and the face's velocities; speed of the body over the truth's in own speech and outside of it; *tremor*, second
differences of the face over the truth's. ``ms`` is the p50 of one frame of the acts (what is heard is not counted),
batch 1 on one thread, all variants in turns; ``ratio`` is over the cheapest.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.conversation_guide import BODY, SECOND, Guided, GuidedRecipe, centres, foretold
from benchmarks.conversation_heads import HEADS, ROUNDS, WALKS, WARM, train
from benchmarks.machine import report
from engine.errors import EngineError
from models.contract import commit, initial_state
from models.conversation.config import CONFIGS, ConversationConfig, configuration
from models.conversation.model import SPEECH, Conversation, Drawn
from train.conversation.calibrate import calibrate, free_run
from train.conversation.recipe import ConversationRecipe
from train.conversation.recipe_distil import DistilRecipe
from train.conversation.settings import Settings
from train.conversation.streams import Stream, fit, fit_usual, numbers_of, read, styles_of, with_moods
from train.report import frechet
from train.report.tables import number
from train.run.settings import settings_of

GUIDES = ("8 steps, guide from the past", "8 steps, guide that knows")
CODES = 32
"""Tokens of a guide."""
FACE = slice(0, BODY.start)
SPEAKS = 0.5
"""Trace of speech from which somebody speaks."""
MEASURES = ("fd_pose", "fd_second", "fd_velocity", "fd_face", "speech", "other", "tremor")


@dataclass(frozen=True)
class Variant:
    """A trained model, and how its head is named; ``told`` (B, T) are the tokens its guide knows."""

    head: str
    lookahead: int
    model: Conversation
    told: Tensor | None = None


def main(arguments: list[str]) -> int:
    """Print a table and the JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks conversation_acts", description=" ".join((__doc__ or "").split("\n\n")[0].split())
    )
    parser.add_argument("--data", type=Path, required=True, help="set in the layout `talks` with dialogues")
    parser.add_argument("--steps", type=int, default=800, help="of each training (default 800)")
    parser.add_argument("--lookahead", type=int, nargs="+", default=[1], help="in frames (default 1)")
    parser.add_argument("--codes", type=int, default=CODES, help=f"tokens of a guide (default {CODES})")
    parser.add_argument("--calibrate", type=int, default=0, help="rounds of free runs for each head (default 0: none)")
    parser.add_argument("--seconds", type=int, default=40, help="of each free run (default 40)")
    parser.add_argument("--config", default="small", choices=tuple(CONFIGS), help="size of the model (default small)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, pieces and noise (default 0)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"frames timed (default {ROUNDS})")
    options = parser.parse_args(arguments)
    if min(options.steps, options.codes, options.seconds) < 2 or options.rounds < 1:
        raise EngineError("give --steps, --codes and --seconds of 2 or more, --rounds of 1 or more")
    if min(*options.lookahead, options.calibrate) < 0:
        raise EngineError("give --lookahead and --calibrate of 0 or more")
    torch.set_num_threads(1)
    size = replace(configuration(options.config), styles=styles_of(options.data))
    parts = with_moods({split: read(Conversation(size), options.data, split) for split in ("train", "dev")})
    learned, played = (_acted(parts[split]) for split in ("train", "dev"))
    frames = min(options.seconds * SECOND, *(item.frames for item in played))
    print(f"{options.config}, {options.steps} steps; {len(learned)} dialogues, {len(played)} held out")
    variants, nats = [], {}
    for ahead in sorted(set(options.lookahead)):
        made, told = trained(learned, played, replace(size, lookahead=ahead), options, frames)
        variants += made
        nats[str(ahead)] = told
    took = timed(variants, options.rounds)
    rows = rows_of(variants, took, played, frames, options.seed)
    _print(rows, "free runs as they come")
    if options.calibrate:
        for model in {id(variant.model): variant.model for variant in variants}.values():
            if isinstance(model, Guided):
                model.begin(None)  # and the guide that knows runs as it was calibrated without knowing
            calibrate(model, learned, settings_of(Settings, {"rounds": options.calibrate, "seed": options.seed}))
        after = rows_of(variants, took, played, frames, options.seed)
        _print(after, f"after {options.calibrate} rounds of calibration")
        rows += [row | {"calibrated": options.calibrate} for row in after]
    for told in nats.values():
        print(f"a token of the guide: {told['nats']:.2f} nats from the past, {told['plain_nats']:.2f} by its frequency")
    rows = [{key: value if key == "head" else number(value) for key, value in row.items()} for row in rows]
    given = {name: getattr(options, name) for name in ("steps", "seed", "codes", "seconds", "calibrate")}
    report("conversation_acts", {**given, "nats": nats, "rows": rows})
    return 0


def rows_of(
    variants: Sequence[Variant], took: Sequence[float], played: Sequence[Stream], frames: int, seed: int
) -> list[dict[str, Any]]:
    """What each variant's free runs are like, beside the seconds that a frame ``took``."""
    return [
        {"head": variant.head, "lookahead": variant.lookahead}
        | measured(variant, played, frames, seed)
        | {"ms": 1e3 * seconds, "ratio": seconds / min(took)}
        for variant, seconds in zip(variants, took, strict=True)
    ]


def _print(rows: Sequence[dict[str, Any]], title: str) -> None:
    headings = ["FD pose", "second", "velocity", "FD face", "speech", "other", "tremor", "ms", "ratio"]
    print(f"\n{title}\n{'head':29} ahead " + " ".join(f"{heading:>8}" for heading in headings), flush=True)
    for row in rows:
        values = " ".join(f"{row[name]:8.2f}" for name in (*MEASURES, "ms", "ratio"))
        print(f"{row['head']:29} {row['lookahead']:5} {values}")


def _acted(streams: Sequence[Stream]) -> list[Stream]:
    found = [item for item in streams if item.face is not None and item.trunk is not None]
    if not found:
        raise EngineError("the set has no dialogue with face and body: `python -m train simulate dialogues` makes them")
    return found


def trained(
    learned: Sequence[Stream],
    played: Sequence[Stream],
    config: ConversationConfig,
    options: argparse.Namespace,
    frames: int,
) -> tuple[list[Variant], dict[str, float]]:
    """All heads at one look-ahead, those with a guide last, and how well a guide's tokens are foretold."""
    whole, half = _settings(options, options.steps), _settings(options, options.steps // 2)
    ahead, made = config.lookahead, list[Conversation]()
    flow = _started(Conversation, learned, replace(config, head="flow"), options.seed)
    train(flow, ConversationRecipe(flow, whole, {}), learned, f"flow, look-ahead {ahead}", flow)
    for walk in WALKS:
        made.append(copy.deepcopy(flow))
        made[-1].head.steps = walk
    train(flow, DistilRecipe(flow, half, {}), learned, f"distilled, look-ahead {ahead}", flow)
    flow.head.steps = 1
    rolling = _started(Conversation, learned, replace(config, head="rolling"), options.seed)
    train(rolling, ConversationRecipe(rolling, whole, {}), learned, f"rolling, look-ahead {ahead}", rolling)
    middles = centres(rolling, learned, options.codes, options.seed)
    guided = _started(
        lambda size: Guided(size, middles, options.seed), learned, replace(config, head="flow"), options.seed
    )
    train(guided, GuidedRecipe(guided, whole, {}), learned, f"guided, look-ahead {ahead}", guided)
    guided.eval()
    told = foretold(guided, learned, played, frames)
    variants = [Variant(head, ahead, model.eval()) for head, model in zip(HEADS, [*made, flow, rolling], strict=True)]
    tokens = guided.tokens(numbers_of(guided, played, frames))
    variants += [Variant(GUIDES[0], ahead, guided), Variant(GUIDES[1], ahead, guided, tokens)]
    return variants, told


def _settings(options: argparse.Namespace, steps: int) -> Settings:
    asked = {"config": options.config, "seed": options.seed, "steps": steps, "check_every": steps}
    return settings_of(Settings, asked | {"part": "acts"})


def _started(
    make: Callable[[ConversationConfig], Any], learned: Sequence[Stream], config: ConversationConfig, seed: int
) -> Any:
    torch.manual_seed(seed)
    model = make(config)
    fit(model, learned)
    fit_usual(model, learned)
    return model


@torch.no_grad()
def measured(variant: Variant, played: Sequence[Stream], frames: int, seed: int) -> dict[str, float]:
    """:data:`MEASURES` of free runs."""
    model = variant.model
    if isinstance(model, Guided):
        model.begin(variant.told)
    made, true = free_run(model, played, frames, seed)[0], numbers_of(model, played, frames)
    whole = frames // SECOND * SECOND
    found = {
        "fd_pose": _apart(made[..., BODY], true[..., BODY]),
        "fd_second": _apart(
            *(value[:, :whole, BODY].unflatten(1, (-1, SECOND)).mean(2) for value in (made, true)),
        ),
    }
    for name, part in (("fd_velocity", BODY), ("fd_face", FACE)):
        found[name] = _apart(*(SECOND * value[..., part].diff(dim=1) for value in (made, true)))
    fast = [value[..., BODY].diff(dim=1).norm(dim=-1) for value in (made, true)]
    speaks = torch.stack([item.heard.own[1:frames, SPEECH] > SPEAKS for item in played])
    for name, where in (("speech", speaks), ("other", ~speaks)):
        found[name] = float(fast[0][where].mean() / fast[1][where].mean())
    shaken = [value[..., FACE].diff(n=2, dim=1).abs().mean() for value in (made, true)]
    return found | {"tremor": float(shaken[0] / shaken[1])}


def _apart(made: Tensor, true: Tensor) -> float:
    """Fréchet distance of numbers (B, T, n)."""
    one, other = (frechet.Gaussian.of(value.flatten(0, 1).double().numpy()) for value in (made, true))
    return frechet.fid(one, other)


@torch.no_grad()
def timed(variants: Sequence[Variant], rounds: int) -> list[float]:
    """Median seconds of one frame of each variant, one after the other for every frame."""
    models = [variant.model for variant in variants]
    owned = [model.act_state | model.draw_state for model in models]
    states = [initial_state(state, 1) for state in owned]
    took: list[list[float]] = [[] for _ in models]
    for variant in variants:
        if isinstance(variant.model, Guided):
            variant.model.begin(None)
    for _ in range(WARM + rounds):
        for index, model in enumerate(models):
            context = torch.zeros(1, 1, model.config.channels)
            drawn = Drawn(torch.rand(1, 1, model.drawn), torch.ones(1, 1), model.rests[:1, None])
            start = time.perf_counter()
            _, updates = model.act(context, drawn, states[index])
            took[index].append(time.perf_counter() - start)
            states[index] = commit(owned[index], states[index], updates, 1)
    return [float(np.median(times[WARM:])) for times in took]
