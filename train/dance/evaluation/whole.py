"""The whole evaluation: from a folder of takes and bundles to rows, sections, sentences and files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import torch

from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from models.dance.model import Dance
from train.dance import efforts
from train.dance.evaluation import blind, inner, partner, recognition, report, rows
from train.dance.evaluation.instruments import EVERY
from train.dance.evaluation.rows import HUMAN, DanceRow
from train.dance.evaluation.run import Dancing, evaluate
from train.dance.evaluation.served import SETTLE, Dancer
from train.dance.labels import COMPUTED, LEVELS, label_table, parted, read_labels, recorded
from train.dance.options import how
from train.dance.splits import SPLITS
from train.dance.takes import FRAMES, RATE, Take, read_takes
from train.report.evaluation import Say, Section
from train.report.offline import labelled

RESERVED = ("truth", "train takes", "untrained", "hold", "shuffled labels")


class People(NamedTuple):
    """The truth and the training takes with the labels of both sources, and the thresholds of the computed ones."""

    truth: DanceRow
    training: DanceRow
    thresholds: efforts.Thresholds


def run(args: argparse.Namespace, controls: dict[str, str], say: Say) -> None:
    """Evaluate, print, write; the bundles with ``controls`` set."""
    torch.set_num_threads(args.threads)
    dancers = named(args, controls, say)
    body = _body(dancers)
    takes = read_takes(args.data, body, how(args), seed=args.split_seed, splits=args.splits, say=say)
    skeleton = takes[0].motion.skeleton
    truth, training, thresholds = people(takes, args.labels, args.effort, args.held_out)
    measured: list[DanceRow] = [truth, training]
    for label, dancer in dancers.items():
        fresh = label == "untrained"
        about = f"bundle {dancer.bundle.name} {dancer.bundle.version}{', never trained' if fresh else ''}"
        measured.append(rows.generated(label, about, "chance" if fresh else "model", dancer.play, args.dances, SETTLE))
        say(f"{label}: danced {3 * args.dances} dances of {args.seconds:g} s")
    model = None if args.checkpoint is None else inner.load(args.checkpoint, len(skeleton.joints))
    if model is not None:
        source = recognition.preferred(rows.windows(training, EVERY))
        measured += inner.offline(model, training, source, args.windows // len(LEVELS), args.seed, say)
    measured += [rows.hold(truth), rows.shuffled(truth, args.seed)]
    rows.check_bodies(measured, skeleton)
    evaluation = evaluate(
        rows=measured,
        training=training,
        skeleton=skeleton,
        thresholds=thresholds,
        effort=args.effort,
        most=args.windows,
        seed=args.seed,
        say=say,
    )
    evaluation.sections |= sections(args, evaluation, dancers, takes, model)
    document = report.document(evaluation)
    if args.out is not None:
        document = report.write(document, evaluation, args.out)
    document.publish(args.out)


def sections(
    args: argparse.Namespace, evaluation: Dancing, dancers: dict[str, Dancer], takes: list[Take], model: Dance | None
) -> dict[str, Section]:
    """What was asked for beyond the rows."""
    found: dict[str, Section] = {}
    if args.recognition is not None:
        if args.asked is None:
            raise EngineError("--recognition: give --asked as well, what had been asked for (asked.csv of --out)")
        found["by a person"] = blind.read(args.recognition, args.asked, args.effort, args.seed)
    truth, training = evaluation.row("truth"), evaluation.row("train takes")
    if model is not None:
        found["checkpoint"] = inner.measure(model, truth, training, evaluation.instruments, args.seed)
    if args.partner:
        skeleton = evaluation.instruments.skeleton
        found["partner"] = partner.measure(dancers, truth, takes, skeleton, SETTLE, args.seed)
    return found


def named(args: argparse.Namespace, controls: dict[str, str], say: Say) -> dict[str, Dancer]:
    """The bundles by their label, ``untrained`` among them. Raises :class:`EngineError` for a label used twice."""
    frames = SETTLE + round(args.seconds * RATE)
    if frames < SETTLE + FRAMES:
        raise EngineError(f"--seconds {args.seconds:g}: a window takes {FRAMES / RATE:.2f} s, give more")
    wanted = labelled(args.bundle, RESERVED) | ({"untrained": args.untrained} if args.untrained else {})
    found: dict[str, Dancer] = {}
    for label, where in wanted.items():
        found[label] = Dancer(Bundle.load(where), args.dances, frames, args.seed, controls)
        say(f"{label}: bundle {found[label].bundle.name} {found[label].bundle.version}")
    return found


def people(takes: list[Take], labels: Path | None, effort: str, held_out: str) -> People:
    """What the takes make. Raises :class:`EngineError` where ``held_out`` names no split that may be held out."""
    chosen = tuple(split.strip() for split in held_out.split(","))
    if not chosen or "train" in chosen or not set(chosen) <= set(SPLITS):
        raise EngineError(f"--held-out {held_out}: give val, test or both; what was trained on is never the truth")
    thresholds = efforts.fit_thresholds(takes)
    tables = {COMPUTED: efforts.computed_table(takes, thresholds, effort)}
    if labels is not None:
        given = read_labels(labels, recorded(takes))
        tables[HUMAN] = label_table(takes, parted(given)[0], effort)
    truth = rows.of_takes(
        "truth", f"held-out takes ({' and '.join(chosen)})", [t for t in takes if t.split in chosen], tables
    )
    learned = rows.of_takes("train takes", "takes learned from", [t for t in takes if t.split == "train"], tables)
    return People(truth, learned, thresholds)


def _body(dancers: dict[str, Dancer]) -> Skeleton | None:
    bodies = {label: dancer.skeleton for label, dancer in dancers.items()}
    if len({body.joints for body in bodies.values()}) > 1:
        told = ", ".join(f"{label}: {body.name}" for label, body in bodies.items())
        raise EngineError(f"the bundles move different bodies ({told}); evaluate them one by one")
    return next(iter(bodies.values()), None)
