"""``python -m train simulate gestures OUT``: talks and simulated people who gesture to them, in the layout of PATS.

Talks are of ``$ENGINE_DATA``, or of synthetic voices where it is not set. The same arguments and recordings give the
same files, byte for byte.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from engine.errors import EngineError
from train.simulate.gestures.build import Built, Order, build
from train.simulate.gestures.persona import PERSONAS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train simulate gestures``."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write, new or empty")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn (default: 0)")
    parser.add_argument(
        "--minutes", type=float, default=80.0, help="of talks, 75 %% to train, 10 %% dev, 15 %% test (default: 80)"
    )
    parser.add_argument(
        "--gesturers", type=int, default=6, help=f"people who gesture, 1 to {len(PERSONAS)} (default: 6)"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="folder that keeps talks, so that they are made once")


def run(args: argparse.Namespace) -> None:
    """Write the set to ``args.out``."""
    torch.set_num_threads(1)
    if args.seed < 0:
        raise EngineError(f"--seed {args.seed}: 0 or more")
    data = os.environ.get("ENGINE_DATA")
    order = Order(args.minutes, args.seed, args.gesturers, Path(data) if data else None, args.cache)
    command = f"python -m train simulate gestures OUT --minutes {args.minutes:g} --seed {args.seed}"
    build(args.out, order, f"{command} --gesturers {args.gesturers}", _say, _seen)


def _say(line: str) -> None:
    print(line, flush=True)


def _seen(built: Built) -> None:
    """Nothing is made of an interval beyond its file."""
