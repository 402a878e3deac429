"""``python -m train FAMILY``: the command that trains any family, and what of it a family gives.

A family's folder has a module ``command`` with ``TRAINING``, a :class:`Training`, which prepares a run from its options
and settings; everything else is the same for all and stands here. Written into OUT:
``model.safetensors`` (what the run hands out, for ``python -m export`` and the evaluations), ``best.safetensors`` (the
best so far, while it runs), ``training.json`` (what made them), ``last.ckpt`` and ``best.ckpt`` to continue it, and
TensorBoard's logs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import EngineError
from train.run.resume import BEST, LAST, MODEL, RECORD, earlier, state, weights_of
from train.run.settings import RunSettings, given_settings, listed, settings_of

if TYPE_CHECKING:
    from torch import nn

    from train.run.callbacks import History
    from train.run.recipe import Batches, Recipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to begin or to go on. ``frames`` are walked in a step; ``summary`` says in a line what it is
    trained on; ``record`` goes into ``training.json``. ``finish`` completes the trained model, whose weights are those
    to keep, in place, and says in a few words what it did."""

    recipe: Recipe
    batches: Batches
    validation: Iterable[Any]
    frames: int
    summary: str
    record: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[nn.Module], str] = lambda _: ""


class Training(Protocol):
    """What a family gives: its settings, the options that say where its data are, and how a run is prepared."""

    settings: type[RunSettings]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Options of the family's data; ``--data`` among them."""

    def prepare(self, args: argparse.Namespace, settings: Any, before: dict[str, Any] | None) -> Prepared:
        """Read the data and build the model, with the weights of the state ``before`` where a run goes on. Raises
        :class:`EngineError` for what cannot be trained on."""


def add_arguments(parser: argparse.ArgumentParser, family: str, training: Training) -> None:
    """Options of the command of a family."""
    out = Path("runs") / family
    add = parser.add_argument
    training.add_arguments(parser)
    add("--out", type=Path, default=out, help=f"folder of the run (default {out})")
    add("--settings", type=Path, metavar="YAML", help="settings by name; with --sweep, ranges as well")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting, above those of --settings")
    add("--sweep", type=int, metavar="TRIALS", help="try so many draws from the ranges in --settings (Optuna)")
    add("--resume", action="store_true", help="continue the run, or the sweep, in --out where it stopped")
    add("--minutes", type=float, help="stop in good order after so many minutes; the schedule does not change")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--wandb", metavar="PROJECT", help="log to Weights & Biases as well")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = listed(training.settings)


def run(args: argparse.Namespace, training: Training) -> None:
    """Train, or sweep. Raises :class:`EngineError` for data that is not there, a run in the way, or settings that
    changed."""
    try:
        import lightning  # noqa: F401
        import tensorboard  # noqa: F401
        import torch
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed, training needs it: pip install -e '.[train]'") from error
    if args.device == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no GPU here; leave the option out to train on the CPU")
    values = given_settings(args.settings, args.set)
    if args.sweep is None:
        train(args, training, settings_of(training.settings, values), args.out)
        return
    from train.run.sweep import sweep

    sweep(args, training.settings, values, lambda settings, out: train(args, training, settings, out))


def train(args: argparse.Namespace, training: Training, settings: RunSettings, out: Path) -> float:
    """A session of the run in ``out``; the loss of the weights that it hands out at its validation (infinite where
    there is none yet)."""
    import torch

    from models import checkpoint
    from train.run.trainer import Ended, Session, fit

    start = time.monotonic()
    resume = args.resume and args.sweep is None
    before = earlier(out, resume)
    done = before is not None and before["global_step"] >= settings.steps
    if before is not None:
        settings.must_equal(before["settings"], out)
        if done and (out / MODEL).is_file():
            raise EngineError(f"the run in {out} has done its {settings.steps} steps; give another --out to train anew")
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    prepared = training.prepare(args, settings, before)
    recipe = prepared.recipe
    if before is not None and before["data"] != recipe.data:
        raise EngineError(f"the data are not those that {out} was begun with; give those, or another --out")
    out.mkdir(parents=True, exist_ok=True)
    log.info(f"{prepared.summary}; ready after {time.monotonic() - start:.0f} s")
    record = _record(prepared)

    def write(history: History) -> None:
        best = min(history.checks, key=lambda check: check["loss"])
        found = {"best": best, "last": history.checks[-1], "training_s": round(history.seconds, 1)}
        text = json.dumps({**record, **found, "checks": history.checks}, indent=1)
        (out / RECORD).write_text(text + "\n", "utf-8")

    ended = Ended(settings.steps, "done")
    if not done:
        until = None if args.minutes is None else start + 60 * args.minutes
        session = Session(out, args.device, resume, until, args.wandb)
        ended = fit(recipe, prepared.batches, prepared.validation, prepared.frames, session, write)
    if not (out / BEST).exists():
        print(f"step {ended.step} of {settings.steps}, {ended.reason}; no weights yet", flush=True)
        return float("inf")
    model = recipe.model.cpu()
    model.load_state_dict(weights_of(state(out / (LAST if settings.keep == "last" else BEST))))
    more = prepared.finish(model)
    checkpoint.save(out / MODEL, recipe.checkpoint(model.state_dict()))
    print("; ".join(part for part in (f"step {ended.step} of {settings.steps}, {ended.reason}", more) if part), end="")
    print(f"; {out / MODEL}", flush=True)
    return float(json.loads((out / RECORD).read_text("utf-8"))[settings.keep]["loss"])


def _record(prepared: Prepared) -> dict[str, Any]:
    """What ``training.json`` says of how the weights were made."""
    import torch

    recipe: Any = prepared.recipe
    return {
        "command": shlex.join(["python", "-m", "train", *sys.argv[1:]]),
        "settings": recipe.settings.to_dict(),
        "config": recipe.model.config.to_dict(),
        "fingerprint": recipe.data,
        **prepared.record,
        "machine": {
            "system": platform.platform(terse=True),
            "cores": os.cpu_count(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }
