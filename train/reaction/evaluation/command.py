"""``python -m train evaluate reaction``: measure listeners on a split of recorded or simulated talks.

Prints the tables and the conclusions, and with ``--out`` writes ``report.json``, ``report.md`` and ``report.html``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.bundle import Bundle
from engine.errors import EngineError
from train.reaction.evaluation.bundles import Listener
from train.reaction.evaluation.report import document
from train.reaction.evaluation.rows import CAUSAL, TalkRow, recorded, tricks
from train.reaction.evaluation.run import CLIPS, Listening, evaluate
from train.reaction.evaluation.scene import deal
from train.reaction.neighbours import Neighbours
from train.reaction.react import ReactData, RecordedTalk
from train.report.offline import labelled

RULES = "rules"
ABLATION_SAMPLES = 2
"""Answers at most that a model gives when the voice or the face is taken from it: enough to see what it loses."""
RESERVED = (
    *("ground truth", "redraw", CAUSAL, "random", "shifted"),
    *("mime", "lagged mime", "hold", "mean"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--data", required=True, type=Path, help="folder in the REACT2024 layout")
    parser.add_argument("--split", default="test", help="which split (default: test)")
    parser.add_argument(
        "--bundle",
        "-b",
        action="append",
        default=[],
        metavar="NAME|PATH|LABEL=PATH",
        help="a bundle to measure, may be given more than once; the rule listener always is",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="LABEL:NAME=VALUE",
        help="hold a control of a bundle, such as reaction:nod_rate=0.4 before people who nod less",
    )
    parser.add_argument("--whole", action="store_true", help="leave out the rows without a voice and without a face")
    parser.add_argument("--out", type=Path, help="folder for report.json, report.md and report.html")
    parser.add_argument("--samples", type=int, default=5, help="answers a model gives to one talk (default: 5)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="measure at most so many minutes, shared evenly by the voices")
    parser.add_argument(
        "--neighbours",
        type=Path,
        metavar="FILE",
        help="which listeners are right for which clips of the split, as a matrix (default: "
        "neighbour_emotion_SPLIT.npy in the data set); used where talks have one listener",
    )
    parser.add_argument(
        "--clips",
        type=int,
        default=CLIPS,
        help=f"clips of 30 s at most for the challenge's metrics, which are slow (default: {CLIPS})",
    )


def run(args: argparse.Namespace) -> None:
    """Evaluate, print, write."""
    data, given = ReactData(args.data), args.neighbours
    known = data.neighbours(args.split, given)
    both_ways = data.both_ways(args.split) and (known is None or known.both_ways)
    talks = data.talks(args.split, both_ways=both_ways)
    if given and all(len(talk.listeners) > 1 for talk in talks):
        raise EngineError(
            f"--neighbours {given}: every talk of split {args.split} has listeners of its own; leave it out"
        )
    chosen = models(args.bundle, args.samples, args.seed, args.set, ablated=not args.whole)
    measured = measure(talks, chosen, args.samples, args.seed, args.minutes, known, args.clips)
    document(measured).publish(args.out)


def measure(
    talks: Sequence[RecordedTalk],
    chosen: Sequence[TalkRow],
    samples: int,
    seed: int,
    minutes: float | None = None,
    neighbours: Neighbours | None = None,
    clips: int = CLIPS,
) -> Listening:
    """The evaluation of the ``chosen`` rows on ``talks``."""
    for name, value in (("samples", samples), ("clips", clips)):
        if value < 1:
            raise EngineError(f"--{name} {value}: at least 1 is needed")
    if minutes is not None and not minutes > 0:
        raise EngineError(f"--minutes {minutes:g}: give more than 0")
    scenes = deal(talks, minutes, neighbours)
    rows: list[TalkRow] = [*recorded(scenes, samples, seed)]
    people = sum(row.kind == "people" for row in rows)
    rows[people:people] = chosen
    rows += tricks()
    return evaluate(scenes, rows, samples, seed, lambda line: print(line, file=sys.stderr, flush=True), clips)


def models(
    bundles: Sequence[str], samples: int, seed: int, wanted: Sequence[str] = (), ablated: bool = True
) -> list[TalkRow]:
    """Each of ``bundles`` (``label=path``, path or name) and the rule listener as a row, and where it is ``ablated``
    without the face and without the voice. Raises :class:`EngineError` for a label that is used twice, and for a
    ``wanted`` control that is none (``label:name=value``)."""
    chosen = labelled(bundles, RESERVED)
    chosen.setdefault(RULES, RULES)
    held = _held(wanted, list(chosen))
    rows: list[TalkRow] = []
    for label, where in chosen.items():
        bundle = Bundle.load(where)
        rows.append(Listener(label, bundle, samples, seed, held=held[label]))
        if ablated:
            few = min(samples, ABLATION_SAMPLES)
            rows.append(Listener(f"{label}, voice only", bundle, few, seed, sees=False, held=held[label]))
            rows.append(Listener(f"{label}, face only", bundle, few, seed, hears=False, held=held[label]))
    return rows


def _held(wanted: Sequence[str], labels: Sequence[str]) -> dict[str, dict[str, str]]:
    """Controls to hold, by label."""
    held: dict[str, dict[str, str]] = {label: {} for label in labels}
    for item in wanted:
        label, colon, rest = item.partition(":")
        name, equals, value = rest.partition("=")
        if not colon or not equals or label not in held:
            raise EngineError(f"--set {item!r}: write LABEL:NAME=VALUE, the label one of {', '.join(labels)}")
        held[label][name] = value
    return held
