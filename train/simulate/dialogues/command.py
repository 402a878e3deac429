"""``python -m train simulate dialogues OUT``: dialogues of two, with the avatar of each, in the layout ``talks``.

Needs the recordings of ``$ENGINE_DATA`` and the voices of extra ``[speech]``. Begun sets are gone on with: a dialogue
that is there is kept.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from engine.errors import EngineError
from train.simulate.dialogues.build import Order, build


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train simulate dialogues``."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn (default: 0)")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="of dialogue: 76 %% train, 8 %% dev, 16 %% test (default: 60)"
    )


def run(args: argparse.Namespace) -> None:
    """Write the set to ``args.out``. Raises :class:`EngineError`."""
    torch.set_num_threads(1)
    data = os.environ.get("ENGINE_DATA")
    if not data:
        raise EngineError("ENGINE_DATA is not set: dialogues are laid on AMI's turns, name the folder of recordings")
    if args.seed < 0 or not 1 <= args.minutes <= 1500:
        raise EngineError(f"--seed {args.seed} --minutes {args.minutes:g}: give a seed of 0 or more, 1 to 1500 minutes")
    command = f"python -m train simulate dialogues OUT --minutes {args.minutes:g} --seed {args.seed}"
    build(args.out, Order(args.minutes, args.seed, Path(data)), command, lambda line: print(line, flush=True))
    print(f"-> {args.out}")
