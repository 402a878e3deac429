"""`python -m train dance`: fit the dancer on a folder of takes, and hand its weights out; or sweep over settings.

The folder holds BVH files or PirouNet's arrays (`train.dance.takes`). Written into OUT: `dancer.pt` (for `python -m
export dance` and `dance_meter`, made when a sitting ends), `training.json` (what made it), `last.ckpt` and `best.ckpt`,
`weights.pt` (the best by validation), and TensorBoard's logs.

The last weights are handed out unless `keep=best` is set: a dance walks among the latents of the training takes, so
what counts is what the decoder makes of those.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.dance.settings import Settings, from_mapping
from train.run.resume import begun

DEFAULT_OUT = Path("runs/dance")
TAKES = "body_cmu_bvh30"
DANCER = "dancer.pt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the recipe."""
    add = parser.add_argument
    add("--data", type=Path, help=f"folder of takes (default $ENGINE_DATA/{TAKES})")
    add("--labels", type=Path, help="labels given by people, as `python -m train label` writes them")
    add("--splits", type=Path, help="csv that says which take is in which split (default: drawn)")
    add("--out", type=Path, default=DEFAULT_OUT, help=f"folder of the run (default {DEFAULT_OUT})")
    add("--settings", type=Path, metavar="YAML", help="settings by name; with --sweep, ranges as well")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting, above those of --settings")
    add("--sweep", type=int, metavar="TRIALS", help="try so many draws from the ranges in --settings (Optuna)")
    add("--resume", action="store_true", help="continue the run, or the sweep, in --out where it stopped")
    add("--minutes", type=float, help="stop in good order after so many minutes; the schedule does not change")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--wandb", metavar="PROJECT", help="log to Weights & Biases as well")


def run(args: argparse.Namespace) -> None:
    """Train. Raises :class:`EngineError` for data that is not there, a run in the way, or settings that changed."""
    try:
        import lightning  # noqa: F401
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed, training needs it: pip install -e '.[train]'") from error
    values = {**_file(args.settings), **_pairs(args.set)}
    if args.sweep is not None:
        from train.dance.sweep import sweep

        sweep(args, values)
        return
    train(args, from_mapping(values), args.out)


def train(args: argparse.Namespace, settings: Settings, out: Path) -> float:
    """One run into ``out``; the best validation loss."""
    import torch

    from models.dance import SIZES, build
    from models.dance.config import named
    from train.dance.batches import Batches, Checks
    from train.dance.data import judged_by, read_data
    from train.dance.finish import finish_classifier
    from train.dance.landmarks import fit_walk
    from train.dance.recipe import Recipe
    from train.dance.streams import config_of, fit_pose, fit_sight, read
    from train.run.callbacks import BEST, LAST, WEIGHTS, Report, weights_of
    from train.run.trainer import sit

    start = time.monotonic()
    if settings.config not in SIZES:
        raise EngineError(f"no config {settings.config!r}; there is {', '.join(SIZES)}")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no GPU here; leave the option out to train on the CPU")
    checkpoint = begun(out, args.resume)
    if checkpoint is not None:
        settings.must_equal(checkpoint["settings"], out)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    data = read_data(folder(args.data), args.labels, args.splits, settings)
    parts = {split: [take for take in data.takes if take.split == split] for split in ("train", "val")}
    model = build(config_of(named(settings.config), parts["train"], settings.effort))
    if checkpoint is None:
        fit_pose(model, parts["train"])
    else:
        model.load_state_dict(weights_of(checkpoint))
    streams = read(
        *(model, parts["train"], data.levels, settings.smooth, settings.mirror, settings.turned, settings.seed)
    )
    val = read(model, parts["val"], data.levels, settings.smooth)
    if checkpoint is None:
        fit_sight(model, streams)
    data_is = {"train": streams.fingerprint, "val": val.fingerprint}
    if checkpoint is not None and checkpoint["data"] != data_is:
        raise EngineError(f"the takes are not those that {out} was begun with; give those, or another --out")
    print(
        f"{len(parts['train'])} takes, {streams.minutes:.1f} min with mirror images, to train on; "
        f"{len(parts['val'])}, {val.minutes:.1f} min, to check; "
        f"{sum(p.numel() for p in model.parameters()):,} parameters; ready after {time.monotonic() - start:.0f} s",
        flush=True,
    )
    record = {
        "command": shlex.join(["python", "-m", "train", *sys.argv[1:]]),
        "settings": settings.to_dict(),
        "config": model.config.to_dict(),
        "takes": {take.name: take.split for take in data.takes},
        "styles": dict(Counter(f"{take.style} {take.split}" for take in data.takes)),
        "labels": data.record,
        "fingerprint": data_is,
        "minutes": {"train": streams.minutes, "val": val.minutes},
    }

    def write(report: Report) -> None:
        checks = report.history
        best = min(checks, key=lambda check: check["loss"])
        figures = {"best": best, "last": checks[-1], "training_s": round(report.seconds, 1), "checks": checks}
        (out / "training.json").write_text(json.dumps({**record, **figures}, indent=1) + "\n", "utf-8")

    recipe = Recipe(model, settings, data_is)
    batches, checks = Batches(streams, model.config, settings), Checks(val, model.config, settings)
    frames = settings.rows * settings.segment + settings.windows * model.config.window
    until = None if args.minutes is None else start + 60 * args.minutes
    step, ended = sit(
        *(recipe, settings, batches, checks, frames, out, args.device, checkpoint is not None, until, write),
        wandb=args.wandb,
    )
    if not (out / WEIGHTS).exists():
        print(f"step {step} of {settings.steps}, {ended}; no weights yet", flush=True)
        return float("inf")
    kept = torch.load(out / (LAST if settings.keep == "last" else BEST), map_location="cpu", weights_only=True)
    model = model.cpu()
    model.load_state_dict(weights_of(kept))
    finish_classifier(model, streams, settings)
    landmarks = fit_walk(model, streams, data.judge or judged_by(model))
    hand_out(model, out)
    print(f"step {step} of {settings.steps}, {ended}; {landmarks} landmarks; {out / DANCER}", flush=True)
    history = json.loads((out / "training.json").read_text("utf-8"))
    return float(history[settings.keep]["loss"])


def hand_out(model: Any, out: Path) -> None:
    """Write `dancer.pt`, weights with their configuration, as `models.registry.create` reads them."""
    import torch

    torch.save({"config": model.config.to_dict(), "state": model.state_dict()}, out / f"{DANCER}.part")
    os.replace(out / f"{DANCER}.part", out / DANCER)


def folder(given: Path | None) -> Path:
    """The folder of takes. Raises :class:`EngineError` where none is given and `$ENGINE_DATA` has none."""
    if given is not None:
        return given
    root = os.environ.get("ENGINE_DATA", "")
    if not root or not (Path(root) / TAKES).is_dir():
        raise EngineError(f"--data is missing, and $ENGINE_DATA holds no {TAKES}; give a folder of BVH takes")
    return Path(root) / TAKES


def _file(path: Path | None) -> dict[str, Any]:
    import yaml

    if path is None:
        return {}
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise EngineError(f"--settings {path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(values, dict):
        raise EngineError(f"--settings {path}: give a mapping of setting names to values")
    return values


def _pairs(items: list[str]) -> dict[str, str]:
    pairs = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise EngineError(f"--set {item!r}: write NAME=VALUE, for example steps=1200")
        pairs[name] = value
    return pairs
