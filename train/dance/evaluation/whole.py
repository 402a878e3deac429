"""The whole evaluation: from a folder of takes and bundles to rows, sections, sentences and files."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from engine.body.export import write_bvh
from engine.body.motion import Motion
from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from models.dance.model import Dance
from train.dance import efforts
from train.dance.evaluation import blind, inner, page, partner, recognition, report, rows, strips, verdict
from train.dance.evaluation.command import SETTLE, controls
from train.dance.evaluation.instruments import EVERY
from train.dance.evaluation.rows import COMPUTED, HUMAN, Row
from train.dance.evaluation.run import Evaluation, Section, evaluate
from train.dance.evaluation.served import Dancer
from train.dance.labels import LEVELS, NONE, Label, label_table, parted, read_labels, write_labels
from train.dance.splits import SPLITS
from train.dance.takes import FRAMES, RATE, Take, read_takes

Say = Callable[[str], None]
RESERVED = ("truth", "train takes", "untrained", "hold", "shuffled labels")


def run(args: argparse.Namespace, say: Say) -> Evaluation:
    """Evaluate, print, write; the evaluation."""
    torch.set_num_threads(args.threads)
    dancers = named(args, say)
    body = _body(dancers)
    takes = read_takes(args.data, body, seed=args.split_seed, splits=args.splits, strict=False, say=say)
    skeleton = takes[0].motion.skeleton
    truth, training, thresholds = people(takes, args.labels, args.effort, args.held_out)
    measured: list[Row] = [truth, training]
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
        *(measured, training, skeleton, thresholds, args.effort, args.windows), seed=args.seed, say=say
    )
    evaluation.sections |= sections(args, evaluation, dancers, takes, model)
    told = verdict.sentences(evaluation)
    print(report.text(evaluation, told))
    if args.out is not None:
        write(evaluation, told, args.out)
        print(f"\nwritten: {args.out / 'report.json'}, {args.out / 'report.html'}")
    return evaluation


def sections(
    args: argparse.Namespace, evaluation: Evaluation, dancers: dict[str, Dancer], takes: list[Take], model: Dance | None
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


def named(args: argparse.Namespace, say: Say) -> dict[str, Dancer]:
    """The bundles by their label, ``untrained`` among them. Raises :class:`EngineError` for a label used twice."""
    frames = SETTLE + round(args.seconds * RATE)
    if frames < SETTLE + FRAMES:
        raise EngineError(f"--seconds {args.seconds:g}: a window takes {FRAMES / RATE:.2f} s, give more")
    given = [pair.partition("=") for pair in args.bundle]
    wanted = [(label, where) if equals else (Path(label).name, label) for label, equals, where in given]
    found: dict[str, Dancer] = {}
    for label, where in wanted + ([("untrained", args.untrained)] if args.untrained else []):
        if label in found or (label in RESERVED and (label, where) != ("untrained", args.untrained)):
            raise EngineError(f"--bundle {label}: the name is taken; give another as LABEL=PATH")
        found[label] = Dancer(Bundle.load(where), args.dances, frames, args.seed, controls(args.set))
        say(f"{label}: bundle {found[label].bundle.name} {found[label].bundle.version}")
    return found


def people(takes: list[Take], labels: Path | None, effort: str, held_out: str) -> tuple[Row, Row, efforts.Thresholds]:
    """The truth and the training takes with the labels of both sources, and the thresholds of the computed ones."""
    chosen = tuple(split.strip() for split in held_out.split(","))
    if not chosen or "train" in chosen or not set(chosen) <= set(SPLITS):
        raise EngineError(f"--held-out {held_out}: give val, test or both; what was trained on is never the truth")
    thresholds = efforts.fit_thresholds(takes)
    tables = {COMPUTED: efforts.computed_table(takes, thresholds, effort)}
    if labels is not None:
        given = read_labels(labels, {take.name: len(take.motion) for take in takes})
        tables[HUMAN] = label_table(takes, parted(given)[0], effort)
    truth = rows.of_takes(
        "truth", f"held-out takes ({' and '.join(chosen)})", [t for t in takes if t.split in chosen], tables
    )
    learned = rows.of_takes("train takes", "takes learned from", [t for t in takes if t.split == "train"], tables)
    return truth, learned, thresholds


def write(evaluation: Evaluation, told: dict[str, list[str]], folder: Path) -> None:
    """Everything into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    tools = evaluation.instruments
    shown = [row for row in evaluation.rows if row.name == "truth" or row.kind == "model" or row.name == "untrained"]
    pieces = [piece for row in shown for piece in strips.pieces(row, tools.source, strips.STRIP)]
    for piece in pieces:
        name = f"strip_{piece.row}_{piece.level}".replace(" ", "_").replace("/", "_")
        strips.save(strips.comic(piece, tools.skeleton), folder / f"{name}.jpg")
    strips.films(shown, tools.source, tools.skeleton, folder)
    for row in shown:
        if row.kind != "people":
            dances(row, tools.effort, tools.skeleton, folder / row.name.replace("/", "_"))
    report.write(evaluation, told, folder)
    page.write(evaluation, told, pieces, folder)


def dances(row: Row, effort: str, skeleton: Skeleton, folder: Path) -> None:
    """Every dance of a row as ``NAME.npy`` (T, J, 3) in metres; in ``bvh`` the same as takes that the labelling page
    shows (``python -m train label dance ... --blind``), and in ``asked.csv`` what each of its blocks of 40 frames was
    asked to be, in the form of labels, ``by`` the row's name."""
    (folder / "bvh").mkdir(parents=True, exist_ok=True)
    asked = []
    for dance in row.dances:
        np.save(folder / f"{dance.name}.npy", dance.positions)
        if dance.sound.all():
            write_bvh(Motion(skeleton, RATE, dance.positions), folder / "bvh" / f"{dance.name}.bvh")
        for start in range(0, len(dance) - FRAMES + 1, FRAMES):
            values = {"space": NONE, "time": NONE, effort: int(dance.levels[COMPUTED][start]) + 1}
            asked.append(Label(dance.name, start, values["space"], values["time"], row.name))
    write_labels(folder / "asked.csv", asked)


def _body(dancers: dict[str, Dancer]) -> Skeleton | None:
    bodies = {label: dancer.skeleton for label, dancer in dancers.items()}
    if len({body.joints for body in bodies.values()}) > 1:
        told = ", ".join(f"{label}: {body.name}" for label, body in bodies.items())
        raise EngineError(f"the bundles move different bodies ({told}); evaluate them one by one")
    return next(iter(bodies.values()), None)
