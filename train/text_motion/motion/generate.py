"""Motions of texts by a bundle: each text in streams of its own, from the start, driven as the engine drives them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.text.tidy import tidy
from models.text_motion.layout import HUMANML3D
from train.files import read_text
from train.report.filmstrip import Excerpt
from train.run.settings import pair
from train.text_motion.evaluation.served import HOLD, Change, Prompted
from train.text_motion.motion.written import empty, write, write_text

LONGEST_NAME = 40
"""Letters of a text in a file's name."""


def generate(args: argparse.Namespace) -> None:
    """Make and write ``args.count`` motions of each text; ``texts.txt`` says which file is of which text."""
    texts = asked(args.text, args.texts)
    bundle = Bundle.load(args.bundle)
    settings = dict(pair(item, "temperature=0.5") for item in args.set)
    hold = None
    if HOLD in settings:
        words = settings.pop(HOLD)
        hold = np.asarray(bundle.spec.check_controls({HOLD: words})[HOLD], np.int64)
    torch.set_num_threads(1)
    model = Prompted(bundle, HUMANML3D, args.seed, settings)
    model.vectors.encode(texts)  # a text that is refused is refused before anything is written
    out = empty(args.out)
    frames = max(2, round(args.seconds * HUMANML3D.rate))
    wanted = [
        (f"{name}_{turn}" if args.count > 1 else name, text)
        for name, text in named(texts)
        for turn in range(args.count)
    ]
    bodies = model.play([[Change(0, text, hold)] for _, text in wanted], frames).bodies
    for (name, text), body in zip(wanted, bodies, strict=True):
        if not np.isfinite(body).all():
            raise EngineError(f"bundle {bundle.name}: {text!r} gives a motion that is not finite; export it again")
        write(out, name, body, model.skeleton, [Excerpt(body, text, text)])
        print(f"{out / name}.npy: {text}", flush=True)
    write_text(out / "texts.txt", "".join(f"{name}\t{text}\n" for name, text in wanted))


def asked(given: Sequence[str], file: Path | None) -> list[str]:
    """All texts, cleaned as serving cleans them. Raises :class:`EngineError` for an empty one, or none."""
    texts = [tidy(text) for text in given]
    if "" in texts:
        raise EngineError(f"text {texts.index('') + 1} is empty; say what the body does, such as 'a person walks'")
    if file is not None:
        texts += [line for line in map(tidy, read_text(file).splitlines()) if line]
    if not texts:
        raise EngineError(f"no text{f' in {file}' if file else ''}; say what the body does, or give --texts FILE")
    return texts


def named(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Each text with a name for its files: its number and its first words."""
    digits = max(2, len(str(len(texts))))
    return [
        (f"{number:0{digits}d}_{re.sub(r'[^a-z0-9]+', '_', text.lower())[:LONGEST_NAME].strip('_') or 'text'}", text)
        for number, text in enumerate(texts, 1)
    ]
