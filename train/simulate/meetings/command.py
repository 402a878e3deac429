"""``python -m train simulate meetings OUT``: AMI's stretches as talks with two or three real listeners each.

Needs AMI's annotations in the folder that ``$ENGINE_DATA`` names, and for voices with words the packages of extra
``[speech]``. The layout is that of ``python -m train simulate``; the same arguments give the same files.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from engine.errors import EngineError
from engine.speech.tts import missing
from train.report import events
from train.simulate.meetings.listening import listens
from train.simulate.meetings.people import meetings, require
from train.simulate.meetings.speaking import DEALT, cast_of, speaks
from train.simulate.meetings.stretches import Stretch, stretches
from train.simulate.talk import FPS, SimulatedListener
from train.simulate.write import SPLITS, Writer
from train.speech.tts import INSTALL, VOICES

ABOUT = {
    "made_of": "AMI Meeting Corpus, manual annotations (Carletta et al. 2005), CC BY 4.0",
    "real": "words, pauses, overlaps; listeners' nods, shakes, laughs, own words; gaze where `looks` are told",
    "drawn": "prosody (the synthesiser's), speakers' faces, sizes and cycles of movements, smiles, brows, blinks, sway",
}
"""What ``layout.json`` tells of the whole set."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train simulate meetings``."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; emptied first if this command made it")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn (default: 0)")
    parser.add_argument("--minutes", type=float, help="most minutes of talk, over all splits (default: all there are)")
    parser.add_argument("--talks", type=int, help="most talks over all splits, at least 3 (default: all there are)")
    parser.add_argument(
        "--synthetic",
        type=float,
        default=0.0,
        help="share of people with a synthetic voice without words, 0 to 1 (default: 0); with 1 no package is needed",
    )


def run(args: argparse.Namespace) -> None:
    """Write the set to ``args.out``. Raises :class:`EngineError` where it cannot be made."""
    torch.set_num_threads(1)
    _check(args)
    data = os.environ.get("ENGINE_DATA")
    folder = require(Path(data) if data else None)
    plan = chosen(list(itertools.chain(*map(stretches, meetings(folder)))), args.talks, args.minutes, args.seed)
    writer = Writer(args.out, _command(args), args.seed, ABOUT)
    counts: dict[str, Count] = defaultdict(Count)
    began = time.monotonic()
    for number, stretch in enumerate(plan):
        cast = cast_of(stretch, _synthetic(stretch, args.synthetic, args.seed), args.seed)
        talk = speaks(stretch, cast, args.seed)
        listeners = [listens(talk, stretch, who, args.seed) for who in stretch.listeners]
        writer.add(stretch.split, stretch.name, cast.voice, talk, listeners, facts_of(stretch))
        counts[stretch.split].add(stretch, listeners)
        print(
            f"{number + 1}/{len(plan)}  {stretch.split}  {stretch.name}: {stretch.seconds:g} s, {cast.voice.source}, "
            f"{len(talk.phrases)} phrases, {len(listeners)} listeners, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    writer.finish()
    print("\n".join(table(counts)))
    print(f"-> {args.out}")


@dataclass
class Count:
    """What a split holds so far."""

    talks: int = 0
    minutes: float = 0.0
    listened: float = 0.0  #: minutes, each listener's counted
    nods: int = 0
    shakes: int = 0
    seen: int = 0  #: nods that the ruler of all evaluations finds in the faces
    gazes: float = 0.0  #: listened minutes whose gaze was annotated

    def add(self, stretch: Stretch, listeners: Sequence[SimulatedListener]) -> None:
        """Count a talk."""
        minutes = stretch.seconds / 60.0
        self.talks, self.minutes, self.listened = (
            self.talks + 1,
            self.minutes + minutes,
            self.listened + minutes * len(listeners),
        )
        for one in listeners:
            self.nods += len(one.told["nods"])
            self.shakes += len(one.told["shakes"])
            self.seen += len(events.nods(one.face, FPS))
            self.gazes += minutes if one.told["looks"] else 0.0


def table(counts: dict[str, Count]) -> list[str]:
    """The lines that say what was made."""
    head = "split  talks  minutes  listened  nods  a minute  found in faces  shakes  gaze annotated"
    lines = [head]
    for split in SPLITS:
        of = counts[split]
        lines.append(
            f"{split:5s}  {of.talks:5d}  {of.minutes:7.1f}  {of.listened:8.1f}  {of.nods:4d}  "
            f"{of.nods / max(of.listened, 1e-9):8.2f}  {of.seen:14d}  {of.shakes:6d}  "
            f"{100 * of.gazes / max(of.listened, 1e-9):12.0f} %"
        )
    return lines


class Dealt(NamedTuple):
    """How many seconds and talks a split may have at most."""

    seconds: float
    talks: float


def chosen(found: Sequence[Stretch], talks: int | None, minutes: float | None, seed: int) -> list[Stretch]:
    """The stretches that become talks: all, or some drawn of each split in proportion to what it has, at least one.
    Raises :class:`EngineError` where a split has none."""
    total = sum(stretch.seconds for stretch in found)
    kept: list[Stretch] = []
    for split in SPLITS:
        here = [stretch for stretch in found if stretch.split == split]
        if not here:
            raise EngineError(
                f"no stretch of split {split}: the meetings have none in which one person talks for half a minute and "
                "two who listen are seen; add more of AMI's meetings"
            )
        share = sum(stretch.seconds for stretch in here) / total
        most = Dealt(np.inf if minutes is None else 60.0 * minutes * share, np.inf if talks is None else talks * share)
        order = np.random.default_rng([seed, SPLITS.index(split)]).permutation(len(here))
        taken: list[Stretch] = []
        for place in order:
            stretch = here[place]
            long = sum(one.seconds for one in taken) + stretch.seconds
            if not taken or (long <= most.seconds and len(taken) + 1 <= most.talks):
                taken.append(stretch)
        kept += sorted(taken, key=lambda stretch: stretch.name)
    return kept


def facts_of(stretch: Stretch) -> dict[str, object]:
    """What ``layout.json`` tells of a talk: ``group`` never stands on both sides of a split."""
    people = [who.person.speaker for who in stretch.listeners]
    return {
        "group": stretch.series,
        "meeting": stretch.meeting,
        "start_s": round(stretch.start_s, 1),
        "speaker": stretch.speaker.person.speaker,
        "listeners": people,
    }


def _synthetic(stretch: Stretch, share: float, seed: int) -> bool:
    """Whether a stretch's speaker is one of those without words."""
    name = f"{stretch.series}-{stretch.speaker.person.speaker}"
    return bool(np.random.default_rng([seed, 1, *name.encode()]).random() < share)


def _command(args: argparse.Namespace) -> str:
    given = {name: getattr(args, name) for name in ("seed", "minutes", "talks", "synthetic")}
    said = " ".join(f"--{name} {value:g}" for name, value in given.items() if value is not None)
    return f"python -m train simulate meetings OUT {said}"


def _check(args: argparse.Namespace) -> None:
    if args.seed < 0:
        raise EngineError(f"--seed {args.seed}: 0 or more")
    if args.minutes is not None and not args.minutes > 0:
        raise EngineError(f"--minutes {args.minutes:g}: more than 0")
    if args.talks is not None and args.talks < 3:
        raise EngineError(f"--talks {args.talks}: at least 3, one for each of train, val and test")
    if not 0 <= args.synthetic <= 1:
        raise EngineError(f"--synthetic {args.synthetic:g}: a share from 0 to 1")
    if args.synthetic < 1:
        engines = {voice.engine for voice in VOICES if voice.split in DEALT.values()}
        if package := next((name for engine in sorted(engines) if (name := missing(engine))), ""):
            raise EngineError(f"{package} is not installed, whose voices speak: {INSTALL}, or give --synthetic 1")
