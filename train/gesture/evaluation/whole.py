"""The whole evaluation: from a set, bundles and sampled intervals to rows, sections, sentences and files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.bundle import Bundle
from engine.errors import EngineError
from train.gesture.evaluation import people, pictures, report, rows, ruler, variants, windowed
from train.gesture.evaluation.cases import Case, read_cases
from train.gesture.evaluation.rows import GestureRow
from train.gesture.evaluation.run import Gesturing, Reference, evaluate, grouped
from train.gesture.evaluation.served import ABLATIONS, LIVE, Gesturer
from train.gesture.pats import pose
from train.gesture.pats.clusters import Clusters
from train.gesture.pats.reader import PatsSet
from train.report.document import Document
from train.report.evaluation import Say
from train.report.offline import labelled


def run(args: argparse.Namespace, controls: Mapping[str, str], say: Say) -> None:
    """Evaluate, print, write; the bundles with ``controls`` set."""
    torch.set_num_threads(args.threads)
    folder = PatsSet(args.data)
    cases = read_cases(folder, args.split, args.talks, say)
    say(f"{len(cases)} intervals of {len({case.talk.name for case in cases})} talks")
    reference = learned(folder, cases, args.seed)
    sampled = windowed.sampled(args.aisle, cases, rows.RESERVED)
    taken = [*rows.RESERVED, *(row.name for row in sampled)]
    speakers = sorted({case.speaker for case in cases})
    models = {
        label: Gesturer(Bundle.load(where), speakers, args.seed, controls)
        for label, where in labelled(args.bundle, taken).items()
    }
    measured = [*rows.usual(cases, reference.scales, args.seed), *sampled]
    for label, model in models.items():
        for given in (LIVE, *(ABLATIONS if args.ablations else ())):
            measured.append(model.row(label, cases, given))
            say(f"{measured[-1].name}: moved")
    first = sampled[0].name if sampled else ""
    over = "" if args.over == "auto" else args.over
    evaluation = evaluate(cases, measured, reference, first, over, args.seed, say)
    _sections(evaluation, [row.name for row in sampled], say)
    document = report.document(evaluation)
    if args.out is not None:
        document = _written(args, document, evaluation)
    document.publish(args.out)


def learned(folder: PatsSet, cases: Sequence[Case], seed: int) -> Reference:
    """What the training part says of these gesturers. Raises :class:`EngineError` where it has none of one."""
    found = []
    for speaker in sorted({case.speaker for case in cases}):
        own = folder.intervals("train", speaker, needs=(pose.POSE,))
        if not own:
            raise EngineError(f"{folder.folder}: {speaker} has no interval in split 'train'; add some, or leave it out")
        found += own
    return Reference(pose.fit_scales(found), Clusters.fit_set(found, seed))


def _sections(evaluation: Gesturing, sampled: Sequence[str], say: Say) -> None:
    """What only some evaluations have."""
    data = os.environ.get("ENGINE_DATA")
    beside = [
        row for row in evaluation.rows if row.kind in ("model", "offline") or row.name in (rows.TRUTH, rows.KNOWABLE)
    ]
    ruled = ruler.section(evaluation.cases, grouped(evaluation.cases, evaluation.over), evaluation.seed)
    compared = variants.section(evaluation, sampled)
    watched = people.section(evaluation.cases, beside, Path(data) if data else None, evaluation.seed)
    for name, section in (("ruler", ruled), ("variants", compared), ("AMI", watched)):
        if section is not None:
            evaluation.sections[name] = section
    if watched is None:
        say("no AMI section: it needs ENGINE_DATA with AMI's annotations and talks of its held-out people")


def _written(args: argparse.Namespace, document: Document, evaluation: Gesturing) -> Document:
    """Motions and pictures into the folder of the report; the document that shows them."""
    args.out.mkdir(parents=True, exist_ok=True)
    shown = [row for row in evaluation.rows if row.kind in ("people", "model", "offline") or row.name == rows.BEAT]
    shown = [row for row in shown if row.name != rows.REDRAW]
    parts = pictures.drawn(shown, evaluation.cases, args.strips, args.out)
    for row in (one for one in evaluation.rows if one.kind in ("model", "ablation")):
        _kept(args.out / "motions" / row.name.replace(" ", "_").replace("/", "_"), row)
    return replace(document, filmstrips=lambda: parts)


def _kept(folder: Path, row: GestureRow) -> None:
    """A row's points as ``.npy`` files (T, 52, 2), one a case."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, motion in row.motions.items():
        np.save(folder / f"{name}.npy", motion.points.astype(np.float32))
