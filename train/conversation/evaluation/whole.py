"""The whole evaluation: from a set, bundles and an offline model to rows, parts, sentences and files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.bundle import Bundle
from engine.errors import EngineError
from train.conversation.evaluation import loudness, pictures, plots, report, windowed
from train.conversation.evaluation.cases import KINDS, Case, read_cases, read_spoken, there
from train.conversation.evaluation.loudness import Loudness
from train.conversation.evaluation.rows import RESERVED, Row, average, simple
from train.conversation.evaluation.run import Conversing, evaluate
from train.conversation.evaluation.served import Served
from train.conversation.talks.layout import talks
from train.report.evaluation import Say
from train.report.offline import labelled

LISTENERS = ("reaction", "rules")
"""Bundles that come with the engine and only listen: beside which listening is measured."""
MOST_TRAINING = 40
"""Dialogues of the training part of which the mean is taken, at most."""


def run(args: argparse.Namespace, controls: Mapping[str, Any], say: Say) -> None:
    """Evaluate, print, write."""
    torch.set_num_threads(args.threads)
    bundles = labelled(args.bundle, RESERVED)
    for name in LISTENERS if args.listeners else ():
        bundles.setdefault(name, name)
    served = [Served(label, Bundle.load(where), args.seed, controls) for label, where in bundles.items()]
    if args.film is not None:  # before minutes are spent on measuring
        pictures.check(served[0], [talk.name for talk in talks(args.data, args.split)])
    extra: list[Row] = [*served]
    if args.windowed is not None:
        extra.append(windowed.row(args.windowed, args.seed))
    evaluation = measured(args.data, extra, args.split, args.talks, args.seed, args.takes, say)
    report.document(evaluation).publish(args.out)
    if args.out is not None:
        plots.write(evaluation, args.out)
        if args.film is not None:
            frames = pictures.save(args.out / "dialogue.mp4", served[0], evaluation.dialogues, args.film)
            say(f"dialogue.mp4: {frames} frames")
    print(report.figures(evaluation))


def measured(root: Path, extra: Sequence[Row], split: str, most: int, seed: int, takes: int, say: Say) -> Conversing:
    """The evaluation of ``extra`` rows beside the simple ones on a set. Raises :class:`EngineError` where the split
    holds nothing that can be measured."""
    captures, dialogues = (read_cases(root, split, alone, most, say) for alone in (True, False))
    if not captures and not dialogues:
        raise EngineError(f"{root}: split {split!r} holds no talk that can be measured; choose another --split")
    kinds = [kind for kind in KINDS if any(case.kind == kind for case in captures)]
    spoken, dev = (
        {kind: read_spoken(root, part, kind) if there(root, part) else [] for kind in kinds}
        for part in ("train", "dev")
    )
    training = read_cases(root, "train", False, MOST_TRAINING, say) if there(root, "train") else []
    spare = [case for cases in (*dev.values(), *spoken.values()) for case in cases]
    rules = fitted(spoken, dev, say)
    rows = simple([*captures, *dialogues], [*spare, *training], average(training, spoken), rules)
    return evaluate(dialogues, captures, [*rows, *extra], seed, takes, say)


def fitted(spoken: Mapping[str, Sequence[Case]], dev: Mapping[str, Sequence[Case]], say: Say) -> dict[str, Loudness]:
    """The loudness rule of each kind; none at all where some kind has no mouths to fit it to."""
    lacking = [kind for kind, cases in spoken.items() if not cases]
    if lacking:
        say(f"no loudness rule: the training part has no mouth that was {' or '.join(lacking)}")
        return {}
    return {kind: loudness.fit(cases, dev[kind], say) for kind, cases in spoken.items()}
