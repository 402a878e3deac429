"""The whole evaluation: from a set, bundles and tokenizers to rows, sections, sentences and files."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.errors import EngineError
from models.text_motion.layout import Layout
from train.report.document import Document
from train.report.evaluation import Say
from train.report.offline import labelled
from train.report.parts import Part
from train.text_motion.data import MotionSet
from train.text_motion.evaluation import changes, edits, own, pictures, reconstruction, report, rows
from train.text_motion.evaluation.body import Reference, body_of
from train.text_motion.evaluation.evaluators import Evaluator
from train.text_motion.evaluation.reconstruction import Named
from train.text_motion.evaluation.released import released
from train.text_motion.evaluation.rows import Ask, MotionRow
from train.text_motion.evaluation.run import Moving, evaluate
from train.text_motion.evaluation.served import Prompted, Streams
from train.text_motion.vectors import Vectors

Array = NDArray[np.floating]

RESERVED = ("truth", "another take", "nearest take", "random take", "hold")
AGAIN_TEXTS = 24
"""Texts of which motions are made again and again."""
EVALUATOR = "evaluator{}.safetensors"
JOINTS = 22
"""Joints of the body that pose codes are read from."""


class Takes(NamedTuple):
    """What is asked for, and the training takes with their captions."""

    asks: list[Ask]
    held: list[Ask]
    learned: list[Ask]


class Made(NamedTuple):
    """The rows of a bundle, and its live streams."""

    rows: list[MotionRow]
    streams: Streams


def run(args: argparse.Namespace, controls: Mapping[str, str], say: Say) -> None:
    """Evaluate, print, write; the bundles with ``controls`` set."""
    torch.set_num_threads(args.threads)
    data = MotionSet(args.data)
    layout = data.layout
    models = {
        label: Prompted(Bundle.load(where), layout, args.seed, controls)
        for label, where in labelled(args.bundle, RESERVED).items()
    }
    weights = labelled(args.tokenizer, RESERVED)
    tokenizers = [reconstruction.opened(label, Path(path)) for label, path in weights.items()]
    vectors = _vectors(args.encoder, models)
    takes = _takes(args, data)
    say(f"{len(takes.asks)} captions asked for, {len(takes.learned)} to learn from")
    evaluators = _evaluators(args, takes, layout, vectors, say)
    measured = [
        rows.truth(takes.asks),
        rows.another(takes.asks, [*takes.held, *takes.learned], args.seed),
        rows.nearest(takes.asks, takes.learned, vectors),
        rows.random(takes.asks, takes.learned, args.seed),
        rows.hold(takes.asks),
    ]
    streams: dict[str, Streams] = {}
    for label, model in models.items():
        made = _moved(label, model, takes.asks, args.again)
        measured += made.rows
        streams[label] = made.streams
        say(f"{label}: moved")
    skeleton = body_of(layout)
    reference = Reference.of(skeleton, layout.rate, [ask.motion for ask in takes.learned])
    evaluation = evaluate(takes.asks, measured, evaluators, reference, args.seed, say)
    for label, live in streams.items():
        evaluation.sections[f"changes, {label}"] = changes.section(label, live, takes.asks, layout.rate, args.seed)
    if tokenizers:
        evaluation.sections["tokenizers"] = reconstruction.section(tokenizers, takes.held, args.seed)
    if args.edits and (models or tokenizers) and len(layout.joints) == JOINTS:
        _edit(args, evaluation, models, tokenizers, takes, say)
    document = report.document(evaluation)
    if args.out is not None:
        document = _written(args, document, evaluation, models, tokenizers, takes)
    document.publish(args.out)


def _vectors(encoder: Path | None, models: Mapping[str, Prompted]) -> own.Vectors:
    """What makes vectors of texts: the encoder that is named, else that of the first bundle."""
    if encoder is not None:
        return Vectors(encoder).encode
    if not models:
        raise EngineError("texts have to become vectors: give --encoder FOLDER, or a --bundle that has one")
    return next(iter(models.values())).vectors.encode


def _takes(args: argparse.Namespace, data: MotionSet) -> Takes:
    held = [ask for split in args.held_out.split(",") for ask in rows.spans(data, split.strip(), args.takes, args.seed)]
    learned = rows.spans(data, "train", args.takes, args.seed)
    if not learned:
        raise EngineError(f"{data.folder}: no training take has a caption of {rows.SHORTEST_S:g} s or more")
    return Takes(rows.asked(held, args.prompts, args.seed), held, learned)


def _evaluators(
    args: argparse.Namespace, takes: Takes, layout: Layout, vectors: own.Vectors, say: Say
) -> Sequence[Evaluator]:
    """The released evaluator, or those that are trained, or were trained before in the folder of the report."""
    if args.evaluator is not None:
        return [released(args.evaluator, layout)]
    sizes = replace(own.Sizes(), steps=args.steps)
    found = []
    for number, examples in enumerate(own.parted(rows.examples(takes.learned), args.seed)):
        if not examples:
            raise EngineError(f"{args.data}: its training takes are too few to train evaluators; give --evaluator")
        mark = hashlib.sha256(vectors(sorted({text for example in examples for text in example.texts})).tobytes())
        for example in examples:
            mark.update(example.motion.tobytes())
            mark.update("\n".join(example.texts).encode())
        key: dict[str, Any] = {"data": mark.hexdigest(), "seed": args.seed, "layout": layout.name, **asdict(sizes)}
        path = None if args.out is None else args.out / EVALUATOR.format(number)
        train = partial(own.train, examples, layout, vectors, sizes, args.seed + number, say)
        found.append(own.cached(path, key, layout, vectors, train))
    return found


def _moved(label: str, model: Prompted, asks: Sequence[Ask], again: int) -> Made:
    """The rows of a bundle: from scratch for each text, and live."""
    numbered = dict(enumerate(asks))
    first = {ask.text: number for number, ask in reversed(numbered.items())}
    few = {number: asks[number] for number in sorted(first.values())[:AGAIN_TEXTS]} if again else {}
    drawn = [model.window(few, turn) for turn in range(1, again + 1)]
    repeats = {number: [turn[number] for turn in drawn] for number in few}
    streams = model.live(numbered)
    about = f"bundle {model.bundle.name} {model.bundle.version}"
    return Made(
        [
            MotionRow(f"{label}, window", f"{about}, anew for each text", "model", model.window(numbered), repeats),
            MotionRow(f"{label}, live", f"{about}, streams in which texts change", "model", model.cut(streams)),
        ],
        streams,
    )


def _edit(
    args: argparse.Namespace,
    evaluation: Moving,
    models: Mapping[str, Prompted],
    tokenizers: Sequence[Named],
    takes: Takes,
    say: Say,
) -> None:
    """Edits of what is served, and of takes that are tokenized, as sections."""
    shown = np.concatenate([edits.read(ask.motion[::8]) for ask in takes.learned])
    wanted = edits.drawn(shown, takes.asks, args.edits, args.seed)
    for label, model in models.items():
        evaluation.sections[f"edits, {label}"] = edits.section(
            label, "held while it is served", wanted, edits.played(model, wanted), args.seed
        )
        say(f"{label}: edited")
    for one in tokenizers:
        evaluation.sections[f"edits, {one.name}"] = edits.section(
            one.name,
            "takes with their codes changed, decoded alone",
            wanted,
            reconstruction.edited(one, wanted, takes.asks, args.seed),
            args.seed,
        )


def _written(
    args: argparse.Namespace,
    document: Document,
    evaluation: Moving,
    models: Mapping[str, Prompted],
    tokenizers: Sequence[Named],
    takes: Takes,
) -> Document:
    """Motions and pictures into the folder of the report; the document that shows them."""
    args.out.mkdir(parents=True, exist_ok=True)
    layout = MotionSet(args.data).layout
    skeleton = body_of(layout)
    shown = [row for row in evaluation.rows if row.name == "truth" or row.kind == "model"]
    parts: list[Part] = pictures.drawn(shown, takes.asks, skeleton, layout.rate, args.out)
    chosen = max(takes.asks, key=lambda ask: len(ask.motion))
    if len(layout.joints) == JOINTS:
        three = [strip for one in tokenizers[:1] for strip in reconstruction.three(one, chosen)]
        three += [strip for model in models.values() for strip in edits.three(model, chosen.text)]
        if three:
            parts += pictures.edited(three, skeleton, layout.rate, args.out)
    for row in shown:
        folder = args.out / "motions" / row.name.replace(" ", "_").replace("/", "_")
        folder.mkdir(parents=True, exist_ok=True)
        for number, motion in row.motions.items():
            np.save(folder / f"{number:04d}.npy", np.asarray(motion, np.float32))
    return replace(document, filmstrips=lambda: parts)
