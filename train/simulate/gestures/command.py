"""``python -m train simulate gestures OUT``: talks and simulated people who gesture to them, in the layout of PATS.

Talks are of ``$ENGINE_DATA``, or of synthetic voices where it is not set. The same arguments and recordings give the
same files, byte for byte.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

import torch

from engine.errors import EngineError
from train.simulate.gestures.build import Built, Order, build
from train.simulate.gestures.persona import PERSONAS

LONGEST_STRIP_S = 24.0  #: of each interval that is drawn


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
    parser.add_argument(
        "--strips",
        type=int,
        default=0,
        metavar="N",
        help="pictures of the first N intervals of each split (default: 0)",
    )


def run(args: argparse.Namespace) -> None:
    """Write the set to ``args.out``."""
    torch.set_num_threads(1)
    for option in ("seed", "strips"):
        if getattr(args, option) < 0:
            raise EngineError(f"--{option} {getattr(args, option)}: 0 or more")
    data = os.environ.get("ENGINE_DATA")
    order = Order(args.minutes, args.seed, args.gesturers, Path(data) if data else None, args.cache)
    command = f"python -m train simulate gestures OUT --minutes {args.minutes:g} --seed {args.seed}"
    build(args.out, order, f"{command} --gesturers {args.gesturers}", _say, Strips(args.out / "strips", args.strips))


def _say(line: str) -> None:
    print(line, flush=True)


class Strips:
    """Draws the first ``count`` intervals of each split into ``folder``: as planned, and as they can be known."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._drawn: Counter[str] = Counter()

    def __call__(self, built: Built) -> None:
        if self._drawn[built.talk.split] >= self._count:
            return
        from train.simulate.gestures.pictures import save_strip

        self._drawn[built.talk.split] += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{built.talk.split}.{built.talk.name}.{built.planned.persona.name}"
        end = min(LONGEST_STRIP_S, built.talk.seconds)
        save_strip(self._folder / f"{name}.png", built.talk, built.planned, built.body, 0.0, end)
        save_strip(self._folder / f"{name}.live.png", built.talk, built.known, built.live, 0.0, end)
