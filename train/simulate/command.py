"""``python -m train simulate OUT``: builds speakers, draws their listeners, and writes both as a data set.

Every split gets recorded voices (where there are any) and synthetic ones in turn. A talk is made, written and
forgotten before the next. The same arguments and recordings give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from engine.errors import EngineError
from train.simulate.cues import find_cues
from train.simulate.listeners import listen
from train.simulate.speaker import build_talk
from train.simulate.voices import Voice, recorded_voices, synthetic_voice
from train.simulate.write import SPLITS, Writer

HELD_OUT = 0.15  #: share of the talks that val and test each get
WORTH_S = 120.0  #: seconds of speech above which a voice is not taken more often


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train simulate``."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; emptied first if this command made it")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn (default: 0)")
    parser.add_argument("--talks", type=int, default=60, help="talks over all splits, at least 3 (default: 60)")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of a talk, whole half minutes (default: 5)")
    parser.add_argument("--listeners", type=int, default=4, help="listeners drawn for each talk (default: 4)")
    parser.add_argument(
        "--synthetic", type=float, default=0.5, help="share of talks with a synthetic voice, 0 to 1 (default: 0.5)"
    )


def run(args: argparse.Namespace) -> None:
    """Write the data set to ``args.out``."""
    torch.set_num_threads(1)
    _check(args)
    data = os.environ.get("ENGINE_DATA")
    plan = plan_talks(recorded_voices(Path(data) if data else None), args.talks, args.synthetic, args.seed)
    writer = Writer(args.out, _command(args), args.seed)
    began = time.monotonic()
    for number, (split, voice) in enumerate(plan):
        talk = build_talk(voice, args.minutes, _seed(args.seed, number, 0))
        talk = replace(talk, cues=find_cues(talk))
        # Tests are people, who foresee ends of phrases; what is learned from must be knowable.
        reactions = listen(talk, args.listeners, _seed(args.seed, number, 1), foresight=split == "test")
        writer.add(split, f"{number:03d}_{voice.name}", voice, talk, reactions)
        print(
            f"{number + 1}/{len(plan)}  {split}  {voice.name}: {len(talk.phrases)} phrases, {len(talk.cues)} cues, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
    writer.finish()
    minutes = len(plan) * args.minutes
    print(
        f"{len(plan)} talks, {minutes:g} minutes of speakers, {minutes * args.listeners:g} of listeners -> {args.out}"
    )


class PlannedTalk(NamedTuple):
    """Who talks, in which split."""

    split: str
    voice: Voice


def plan_talks(recorded: list[Voice], talks: int, synthetic: float, seed: int) -> list[PlannedTalk]:
    """Split and voice of each talk: 15 % val, 15 % test, recorded voices and synthetic ones in turn. Voices with more
    speech are taken more often, all of val's and test's at least once where there is room."""
    rng = np.random.default_rng([seed, talks])
    held = max(1, round(HELD_OUT * talks))
    plan: list[PlannedTalk] = []
    for split, count in zip(SPLITS, (talks - 2 * held, held, held), strict=True):
        voices = [voice for voice in recorded if voice.split == split]
        real = round(count * (1 - synthetic)) if voices else 0
        if voices and synthetic < 1:
            real = max(1, real)
        drawn = _spread(voices, real, float(rng.random())) if real else []
        made = [synthetic_voice(split, number, seed) for number in range(count - real)]
        order = rng.permutation(count)
        plan += [PlannedTalk(split, (drawn + made)[index]) for index in order]
    return plan


def _spread(voices: list[Voice], count: int, offset: float) -> list[Voice]:
    """``count`` voices, systematically over their weights: each as often as its speech deserves, give or take one."""
    weights = np.sqrt([min(voice.seconds, WORTH_S) for voice in voices])
    edges = np.cumsum(weights) / weights.sum()
    return [voices[int(np.searchsorted(edges, (k + offset) / count, "right"))] for k in range(count)]


def _seed(seed: int, number: int, purpose: int) -> int:
    return int(np.random.SeedSequence([seed, number, purpose]).generate_state(1)[0])


def _command(args: argparse.Namespace) -> str:
    options = ("seed", "talks", "minutes", "listeners", "synthetic")
    return "python -m train simulate OUT " + " ".join(f"--{name} {getattr(args, name):g}" for name in options)


def _check(args: argparse.Namespace) -> None:
    if args.talks < 3:
        raise EngineError(f"--talks {args.talks}: at least 3, one for each of train, val and test")
    if args.minutes <= 0 or args.minutes * 2 != round(args.minutes * 2):
        raise EngineError(f"--minutes {args.minutes:g}: a positive multiple of 0.5, since clips last 30 s")
    if args.listeners < 1:
        raise EngineError(f"--listeners {args.listeners}: at least 1")
    if not 0 <= args.synthetic <= 1:
        raise EngineError(f"--synthetic {args.synthetic:g}: a share from 0 to 1")
