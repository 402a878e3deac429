"""``python -m train a2p make|check|train|sample|score``: the published system on a person's folder, stage by stage."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.conversation.a2p.training import TRAINING
from train.run import command as training

DEVICES = ("auto", "cpu", "cuda")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sub-commands."""
    commands = parser.add_subparsers(dest="program", required=True, metavar="program")
    person: dict[str, Any] = {"type": Path, "metavar": "PERSON", "help": "a person's folder"}

    add = commands.add_parser("make", help="write a made person, to try the rest on").add_argument
    add("out", type=Path, metavar="OUT", help="folder of the set")
    add("--scenes", type=int, default=8, help="default 8: 4 for test, 2 for val, 2 to train on")
    add("--seconds", type=float, default=24.0, help="of each scene (default 24)")
    add("--seed", type=int, default=0, help="default 0")

    commands.add_parser("check", help="say what is wrong in a person's folder").add_argument("data", **person)

    training.add_arguments(commands.add_parser("train", help="train one of the five models"), "a2p", TRAINING)

    add = commands.add_parser("sample", help="motions for windows of a split, as results.npy").add_argument
    add("--model", type=Path, required=True, metavar="FILE", help="weights of stage lips, face or pose")
    add("--guide", type=Path, metavar="FILE", help="weights of stage guide, for poses; without, the true poses guide")
    add("--codec", type=Path, metavar="FILE", help="weights of the guide's stage codec")
    add("--data", **person)
    add("--sound", type=Path, metavar="WAV", help="a recording in place of --data: own voice, or it and the partner's")
    add("--partner", type=Path, metavar="PERSON", help="the other person's folder: that body (flip_person)")
    add("--yaw", choices=("auto", "wrap", "keep"), default="auto", help="re-wrap the root's angle (default auto)")
    add("--split", choices=("train", "val", "test"), default="test", help="default test")
    add("--samples", type=int, metavar="N", help="windows (default: all of the split)")
    add("--repetitions", type=int, default=1, metavar="R", help="samples of each window (default 1)")
    add("--frames", type=int, help="of a window (default: as trained)")
    add("--respacing", default="ddim100", help='ddimN, N a divisor of the diffusion steps; "" all (default ddim100)')
    add("--guidance", type=float, default=10.0, help="1: the condition alone, at half the cost (default 10)")
    add("--top-p", type=float, default=0.94, help="of the guide's nucleus (default 0.94)")
    add("--seed", type=int, default=10, help="default 10")
    add("--batch", type=int, default=4, help="windows at a time (default 4)")
    add("--threads", type=int, default=1, help="of torch on the CPU (default 1)")
    add("--device", choices=DEVICES, default="auto", help="auto (default): cuda where it is")
    add("--out", type=Path, required=True, metavar="DIR", help="the samples' folder goes into it")

    add = commands.add_parser("score", help="the published measures of a results.npy").add_argument
    add("results", type=Path, metavar="results.npy")
    add("--repetitions", type=int, metavar="R", help="of each sample (default: as the file says)")
    add("--seed", type=int, default=0, help="of the pairs that are drawn (default 0)")


def run(args: argparse.Namespace) -> int:
    """One of the programs; its exit code. Raises :class:`EngineError` naming what is wrong."""
    try:
        import scipy  # noqa: F401
        import torch
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed: pip install -e '.[train]'") from error
    if args.program == "train":
        training.run(args, TRAINING)
    elif args.program == "make":
        from train.conversation.a2p.made import make

        print(make(args.out, args.scenes, args.seconds, args.seed))
    elif args.program == "check":
        from train.check import text
        from train.conversation.a2p.check import checks

        found = list(checks(args.data))
        print(text(found))
        return int(any(each.problem for each in found))
    elif args.program == "sample":
        from train.conversation.a2p.sampling import Order, sample

        if args.threads < 1:
            raise EngineError(f"--threads {args.threads}: give 1 or more")
        torch.set_num_threads(args.threads)
        if args.device == "cuda" and not torch.cuda.is_available():
            raise EngineError("--device cuda: torch sees no GPU here; leave the option out to sample on the CPU")
        device = args.device if args.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        given = {field.name: getattr(args, field.name) for field in dataclasses.fields(Order) if field.name != "device"}
        print(sample(Order(**given, device=device)))
    else:
        print(score(args.results, args.repetitions, args.seed))
    return 0


def score(path: Path, repetitions: int | None, seed: int) -> str:
    """The measures of a file, and of its truth where they have one, as JSON. Raises :class:`EngineError`."""
    from train.conversation.a2p.metrics import lips, scores
    from train.conversation.a2p.results import read_results
    from train.conversation.a2p.sampling import told

    found = read_results(path, repetitions)
    made = scores(found.motions, found.truth, found.repetitions, found.lengths, seed)._asdict()
    true = scores(found.truth, found.truth, found.repetitions, found.lengths, seed)
    values = {**made, "truth_div_g": true.div_g, "truth_div_k": true.div_k}
    lip = lips(found.motions, found.truth, found.lengths)
    return told(values if lip is None else {**values, "lip_error": lip})
