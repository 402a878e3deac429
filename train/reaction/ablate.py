"""``python -m train ablate WEIGHTS OUT``: the trained listener with a part switched off, to measure what it gives.

Writes two state dicts beside each other: ``gates_off.pt``, in which every cross-modal gate is 0, so that no stream sees
another and the listener no partner, and ``no_past.pt``, in which the listener's own past is not shown to the network.
Export each and give it to ``python -m train evaluate`` as one more ``--bundle``. The network was not trained again for
the lack; it has met a hidden past in training (``--own-off``), closed gates it has not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.errors import EngineError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("weights", type=Path, help="weights.pt of a training run")
    parser.add_argument("out", type=Path, help="folder for the ablated weights")
    parser.add_argument("--config", default="small", help="size of the model (default small)")


def run(args: argparse.Namespace) -> None:
    """Write both."""
    import torch

    from models.reaction import Reaction
    from models.registry import create

    model = create(f"reaction:{args.config}", args.weights)
    if not isinstance(model, Reaction):
        raise EngineError(f"{args.weights} holds no learned listener")
    args.out.mkdir(parents=True, exist_ok=True)
    whole = model.state_dict()
    gates = {name: torch.zeros_like(value) if name.endswith(".gate") else value for name, value in whole.items()}
    shown = whole["past_in.weight"].clone()
    shown[:, : model.past.width] = 0.0
    for name, weights in {"gates_off": gates, "no_past": {**whole, "past_in.weight": shown}}.items():
        torch.save(weights, args.out / f"{name}.pt")
        print(f"wrote {args.out / name}.pt")
