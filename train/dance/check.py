"""What ``python -m train check dance`` looks at: every take of a folder, or one file, as training reads it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from train.check import Checked
from train.dance.options import add_take_arguments, how
from train.dance.takes import Examined, Take, examine, split_takes

TURNED = " turned upright"
"""How a body file's note ends its first words where the body did not stand along Y."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("takes", type=Path, metavar="PATH", help="folder of takes, or a take")
    add_take_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawn splits, as in training (default 0)")


def check(args: argparse.Namespace) -> Iterator[Checked]:
    """Each take. Raises :class:`EngineError` where there is none, or a list of pairs or of splits does not fit."""
    found = [item for item in examine(args.takes, how=how(args)) if item.source.asked]
    takes = sorted((item.take for item in found if item.take is not None), key=lambda take: take.name)
    splits: dict[str, list[str]] = {}
    for part in split_takes(takes, seed=args.seed, splits=args.splits) if takes else []:
        splits.setdefault(part.recording, []).append(part.split)
    for item in found:
        split = "+".join(splits.get(item.take.name, [])) if item.take is not None else ""
        yield Checked(item.source.path.name, _read(item, split), _notes(item), item.problem)


def _read(item: Examined, split: str) -> dict[str, str]:
    body, take = item.body, item.take
    read = {"style": item.source.style, "take": item.source.name, "split": split}
    if body is not None:
        read |= {
            "frames": str(len(body.motion)),
            "fps": f"{body.motion.rate:g}",
            "unit": f"{body.unit:.4g} m",
            "up": next((note.split(TURNED)[0] for note in body.notes if TURNED in note), "Y up"),
            "skeleton": f"{body.motion.skeleton.name}, {len(body.motion.skeleton.joints)} joints",
        }
    if take is not None:
        read |= {"sound": f"{100 * take.sound.mean():.1f} %", "partner": take.partner or ""}
    return read


def _notes(item: Examined) -> list[str]:
    notes = [] if item.body is None else list(item.body.notes)
    return notes + (_of_take(item.take, item.source.partner) if item.take is not None else [])


def _of_take(take: Take, partner: Path | None) -> list[str]:
    found = []
    if partner is not None and take.partner is None:
        found.append(f"dances alone: the partner's file {partner.name} cannot be used")
    if not take.sound.any():
        found.append("no frame is undamaged: nothing of it is used")
    return found
