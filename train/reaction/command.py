"""`python -m train reaction`: fit the tokenizer, train the network on the talks of a folder, hand its weights out.

The folder is one that `python -m train simulate` wrote, or another in the same layout (:mod:`train.reaction.react`).
Written into OUT: `weights.pt` (the best so far by validation loss, for `python -m export`), `training.json` (what made
them), `last.ckpt` and `best.ckpt`, and TensorBoard's logs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.reaction.settings import Settings
from train.run.resume import begun

DEFAULT_OUT = Path("runs/reaction")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the recipe."""
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of talks, as `python -m train simulate` writes it")
    add("--out", type=Path, default=DEFAULT_OUT, help=f"folder of the run (default {DEFAULT_OUT})")
    add("--config", default="small", help="size of the model: tiny, small or full (default small)")
    add("--resume", action="store_true", help="continue the run in --out where it stopped")
    add("--minutes", type=float, help="stop in good order after so many minutes; the schedule does not change")
    add("--steps", type=int, default=2400, help="steps of the whole schedule (default 2400)")
    add("--rows", type=int, default=32, help="streams walked side by side (default 32)")
    add("--crop", type=int, default=125, help="frames of 40 ms a step walks (default 125)")
    add("--rate", type=float, default=1e-3, help="highest learning rate (default 0.001)")
    add("--warmup", type=int, default=100, help="steps of warm-up (default 100)")
    add("--decay", type=float, default=0.05, help="weight decay of matrices (default 0.05)")
    add("--clip", type=float, default=1.0, help="largest gradient norm (default 1)")
    add("--smoothing", type=float, default=0.0, help="label smoothing (default 0)")
    add(
        "--average",
        type=float,
        default=0.0,
        help="decay of a running mean of the weights (default 0: none)",
    )
    add("--head-weights", default="", help="weight of each head's loss, such as 2,1,1,1,1 (default: all alike)")
    add("--face-off", type=float, default=0.15, help="share of time without the partner's face (default 0.15)")
    add("--audio-off", type=float, default=0.1, help="share of time without the partner's voice (default 0.1)")
    add("--own-off", type=float, default=0.1, help="share of crops with the listener's own past hidden (default 0.1)")
    add("--check-every", type=int, default=200, help="steps between validations (default 200)")
    add("--check-minutes", type=float, default=2.0, help="minutes of each validation stream (default 2)")
    add("--seed", type=int, default=0)
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--precision", choices=("32", "bf16"), default="32", help="bf16: mixed precision, for GPUs")
    add("--threads", type=int, default=2, help="of torch on the CPU (default 2)")


def run(args: argparse.Namespace) -> None:
    """Train. Raises :class:`EngineError` for data that is not there, a run in the way, or settings that changed."""
    start = time.monotonic()
    try:
        import lightning  # noqa: F401
        import tensorboard  # noqa: F401
        import torch
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed, training needs it: pip install -e '.[train]'") from error

    from models.reaction import CONFIGS, Reaction
    from train.reaction import streams
    from train.reaction.fit import fit
    from train.reaction.fitting import fit_tokenizer
    from train.reaction.react import ReactData
    from train.reaction.tokens import statistics
    from train.run.callbacks import WEIGHTS, Report, weights_of

    if args.config not in CONFIGS:
        raise EngineError(f"no config {args.config!r}; there is {', '.join(CONFIGS)}")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no GPU here; leave the option out to train on the CPU")
    settings = settings_of(args)
    data = ReactData(args.data)
    checkpoint = begun(args.out, args.resume)
    if checkpoint is not None:
        settings.must_equal(checkpoint["settings"], args.out)
        if checkpoint["global_step"] >= settings.steps:
            raise EngineError(
                f"the run in {args.out} has done its {settings.steps} steps; give another --out to train anew"
            )
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    model = Reaction(CONFIGS[settings.config])
    talks = {split: data.talks(split) for split in ("train", "val")}
    if checkpoint is None:
        fit_tokenizer(model.tokenizer, [talk.listener(name) for talk in talks["train"] for name in talk.listeners])
    else:
        model.load_state_dict(weights_of(checkpoint))
    train, val = (streams.read(model, talks[split], f"{args.data}, split {split}") for split in ("train", "val"))
    data_is = {"train": train.fingerprint, "val": val.fingerprint}
    if checkpoint is not None and checkpoint["data"] != data_is:
        raise EngineError(f"{args.data} is not the data that {args.out} was begun with; give that, or another --out")
    print(
        f"{len(train.frames)} streams, {train.minutes:.0f} min, to train on; {len(val.frames)}, {val.minutes:.0f} min, "
        f"to check; {sum(p.numel() for p in model.parameters()):,} parameters; ready after "
        f"{time.monotonic() - start:.0f} s",
        flush=True,
    )
    record = {
        "command": shlex.join(["python", "-m", "train", *sys.argv[1:]]),
        "settings": settings.to_dict(),
        "config": dataclasses.asdict(model.config),
        "data": {"folder": str(args.data), "fingerprint": data_is, "layout": data.layout},
        "minutes": {"train": train.minutes, "val": val.minutes},
        "ids": statistics(train, val, model.levels),
        "machine": _machine(),
    }

    def write(report: Report) -> None:
        best = min(report.history, key=lambda check: check["loss"])
        figures = {"weights": best, "training_s": round(report.seconds, 1), "checks": report.history}
        (args.out / "training.json").write_text(json.dumps({**record, **figures}, indent=1) + "\n", "utf-8")

    until = None if args.minutes is None else start + 60 * args.minutes
    step, ended = fit(model, settings, train, val, args.out, args.device, checkpoint is not None, until, write)
    weights = args.out / WEIGHTS
    print(f"step {step} of {settings.steps}, {ended}; {weights if weights.exists() else 'no weights yet'}", flush=True)


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that the options ask for; a run shorter than ``--check-every`` is checked at its end."""
    try:
        weights = tuple(float(part) for part in args.head_weights.split(",") if part.strip())
    except ValueError:
        raise EngineError(f"--head-weights {args.head_weights!r}: give numbers with commas between them") from None
    names = {field.name for field in dataclasses.fields(Settings)}
    values = {name: value for name, value in vars(args).items() if name in names}
    return Settings(**{**values, "head_weights": weights, "check_every": min(args.check_every, args.steps)})


def _machine() -> dict[str, Any]:
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "system": platform.platform(terse=True),
        "cores": os.cpu_count(),
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
