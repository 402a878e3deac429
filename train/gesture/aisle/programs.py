"""The seed's programs as functions: an experiment begun or continued, and whole intervals sampled of it."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from engine.errors import EngineError
from engine.plain import PlainError, read
from train.files import FileError
from train.gesture.aisle.book import Book, state_of
from train.gesture.aisle.data import Split, chosen, read_split, told
from train.gesture.aisle.model import Aisle
from train.gesture.aisle.sampling import (
    Join,
    Scored,
    WindowCheck,
    confusion,
    generate,
    in_pixels,
    metrics,
    scored,
    write_sample,
)
from train.gesture.aisle.settings import EXP, FINGERPRINT, NAMES, SPEAKERS, Settings, settings_of_args
from train.gesture.aisle.trainer import Trainer
from train.gesture.aisle.words import Source, resolved, source_of
from train.gesture.pats.reader import Interval, PatsSet
from train.run.progress import progress

log = logging.getLogger(__name__)
LISTED = 1000
"""Speakers that a file may name."""


class Loaded(NamedTuple):
    """An experiment read back."""

    book: Book
    settings: Settings
    model: Aisle
    source: Source


def begin(data: Path, save: Path, settings: Settings, minutes: float | None = None, device: str = "cpu") -> str:
    """A new experiment in the folder ``save``; what it ended with, in a line."""
    folder = PatsSet(data, log.warning)
    intervals = chosen(folder, "train", settings.speaker)
    source = source_of(settings, intervals)
    settings = resolved(settings, source)
    torch.manual_seed(settings.seed)
    speakers = list(dict.fromkeys(settings.speaker or sorted({interval.speaker for interval in intervals})))
    model = Aisle(settings, speakers, source)
    model.measured.fit(intervals, settings.seed)
    train, dev = _splits(folder, intervals, settings, model, source)
    name = next(name for name, kind in NAMES.items() if kind == settings.model)
    book = Book.begin(save, settings, name)
    args = {**settings.to_dict(), EXP: book.prefix.split("_")[1], SPEAKERS: speakers, FINGERPRINT: _mark(train)}
    book.write_json("args.args", args)
    model.to(device)
    return _train(Trainer(model, settings, train, book, _check(dev, settings)), minutes)


def resume(state: Path, data: Path, minutes: float | None = None, device: str = "cpu") -> str:
    """The same experiment, continued."""
    book, settings, model, source = _opened(state)
    folder = PatsSet(data, log.warning)
    intervals = chosen(folder, "train", settings.speaker)
    model.measured.load_state_dict(
        {
            name.removeprefix("measured."): value
            for name, value in state_of(book.load("state.p"), "model", state).items()
            if name.startswith("measured.")
        }
    )
    train, dev = _splits(folder, intervals, settings, model, source)
    if book.args().get(FINGERPRINT) != _mark(train):
        raise EngineError(f"{data} is not the set that {book.prefix} was begun with; give that one, or begin anew")
    model.to(device)
    trainer = Trainer(model, settings, train, book, _check(dev, settings))
    trainer.resume()
    if trainer.progress.epoch >= settings.num_epochs:
        raise EngineError(f"{book.prefix} has done its {settings.num_epochs} epochs; begin anew without --resume")
    return _train(trainer, minutes)


def load(weights: Path) -> Loaded:
    """An experiment by its ``PREFIX_weights.p``. Raises :class:`EngineError` for what does not read or fit."""
    loaded = _opened(weights)
    state = state_of(loaded.book.load(), "", weights)
    try:
        loaded.model.load_state_dict(state)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise FileError(
            f"{weights}: does not fit the settings beside it ({why}); keep an experiment's files together"
        ) from error
    loaded.model.eval()
    return loaded


def sample(
    weights: Path, data: Path, splits: Sequence[str], join: Join = "fade", device: str = "cpu"
) -> dict[str, float | None]:
    """Gestures for all intervals of ``splits``, written beside the weights with the metrics of each split together and
    of each speaker; returns the former."""
    book, settings, model, source = load(weights)
    folder = PatsSet(data, log.warning)
    together: dict[str, float] = {}
    apart: dict[str, dict[str, float]] = {speaker: {} for speaker in model.measured.speakers}
    matrices: dict[str, Any] = {}
    for name in splits:
        intervals = chosen(folder, name, settings.speaker)
        split = _read(intervals, settings, model.cpu(), source)
        model.to(device)
        found: list[Scored] = []
        for number in progress(range(len(split.spans)), f"sampling {name}"):
            span = split.spans[number]
            made = generate(model, split, number, join)
            speaker = span.interval.speaker
            rows = in_pixels(made, model.measured, speaker)
            write_sample(book.samples, name, speaker, span.interval.interval_id, rows)
            truth = split.pose[span.first : span.first + span.frames]
            found.append(scored(made, truth, model.measured, speaker))
            matrices[span.interval.interval_id] = {
                "split": name,
                "speaker": speaker,
                "video": span.interval.video,
                "frames": confusion(found[-1]).tolist(),
            }
        together |= metrics(found, name)
        for speaker in apart:
            own = [item for item in found if item.speaker == speaker]
            apart[speaker] |= metrics(own, name) if own else {}
    book.write_json("cummMetrics.json", _plain(together))
    book.write_json("metrics.json", {"same": {speaker: _plain(values) for speaker, values in apart.items()}})
    book.write_json("clusters.json", matrices)
    return _plain(together)


def _opened(file: Path) -> Loaded:
    """The experiment of a file, its model not yet with its weights."""
    book = Book.of(file)
    args = book.args()
    try:
        names = read(list[str], args.get(SPEAKERS))
    except PlainError as error:
        raise FileError(f"{book.path('args.args')}: {SPEAKERS}: {error}; give the file that training wrote") from None
    if not 0 < len(names) <= LISTED:
        raise FileError(f"{book.path('args.args')}: names {len(names)} speakers; 1 to {LISTED} are read")
    settings = settings_of_args(args, book.path("args.args"))
    source = source_of(settings, [])
    return Loaded(book, settings, Aisle(settings, names, source), source)


def _splits(
    folder: PatsSet, intervals: Sequence[Interval], settings: Settings, model: Aisle, source: Source
) -> tuple[Split, Split]:
    train = _read(intervals, settings, model, source)
    dev = _read(chosen(folder, "dev", settings.speaker), settings, model, source)
    log.info(f"train: {told(train)}; dev: {told(dev)}; words: {source.kind}")
    return train, dev


def _read(intervals: Sequence[Interval], settings: Settings, model: Aisle, source: Source) -> Split:
    length, hop = settings.time, settings.window_hop
    return read_split(intervals, model.measured, source, settings.audio, length, hop, settings.double)


def _check(dev: Split, settings: Settings) -> WindowCheck:
    return WindowCheck(dev, "dev", settings.num_iters * settings.batch_size)


def _train(trainer: Trainer, minutes: float | None) -> str:
    trainer.book.log(f"begins at epoch {trainer.progress.epoch}")
    until = None if minutes is None else time.monotonic() + 60.0 * minutes
    why = trainer.run(until)
    trainer.book.log(why)
    return f"{why}: {trainer.progress.total} steps, {trainer.book.path('weights.p')}"


def _mark(split: Split) -> str:
    """Of all that training sees."""
    digest = hashlib.sha256()
    for values in (split.pose, split.mel, split.cluster, split.token, split.table, split.starts):
        digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    """For JSON, which knows no number that is none."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
