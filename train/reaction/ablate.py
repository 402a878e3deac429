"""``python -m train ablate WEIGHTS OUT``: the trained listener with a part switched off, to measure what it gives.

Writes two checkpoints beside each other: ``gates_off.safetensors``, in which every cross-modal gate is 0, so that no
stream sees another and the listener no partner, and ``no_past.safetensors``, in which the listener's own past is not
shown to the network.
Export each and give it to ``python -m train evaluate`` as one more ``--bundle``. The network was not trained again for
the lack; it has met a hidden past in training (``own_off``), closed gates it has not.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("weights", type=Path, help="model.safetensors of a training run")
    parser.add_argument("out", type=Path, help="folder for the ablated weights")


def run(args: argparse.Namespace) -> None:
    """Write both."""
    import torch

    from models.checkpoint import SUFFIX, Checkpoint, save
    from models.reaction import Reaction
    from models.registry import create

    model = create("reaction", args.weights)
    assert isinstance(model, Reaction)
    args.out.mkdir(parents=True, exist_ok=True)
    whole = model.state_dict()
    gates = {name: torch.zeros_like(value) if name.endswith(".gate") else value for name, value in whole.items()}
    shown = whole["past_in.weight"].clone()
    shown[:, : model.past.width] = 0.0
    for name, weights in {"gates_off": gates, "no_past": {**whole, "past_in.weight": shown}}.items():
        path = args.out / f"{name}{SUFFIX}"
        save(path, Checkpoint("reaction", model.config.to_dict(), weights))
        print(f"wrote {path}")
