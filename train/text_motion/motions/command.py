"""``python -m train motions OUT``: a set of texts and motions in HumanML3D's layout, made of ``text_motion_cmu20``.

Beside what :func:`train.text_motion.write.write_set` writes: ``keywords/NAME.json`` (the eleven fields of each caption,
read by the same rules that read a prompt in serving), ``weights.csv`` (how often training draws each clip) and
``clips.csv`` (what each clip is: split, theme, person, take, first frame, frames). The same data give the same files,
byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch

from engine.errors import EngineError
from engine.text.fields import read_fields
from train.files import FileError, reason
from train.text_motion.data import KEYWORDS
from train.text_motion.motions.build import Clip, build
from train.text_motion.motions.signals import RATE
from train.text_motion.motions.takes import FOLDER
from train.text_motion.motions.weights import write_weights
from train.text_motion.write import SPLITS, write_set


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train motions``."""
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; new or empty")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help=f"the recordings (default: {FOLDER} in the folder ENGINE_DATA)"
    )


def run(args: argparse.Namespace) -> None:
    """Write the set to ``args.out`` and print what is in it."""
    _check(args.out)
    torch.set_num_threads(1)  # clips are small, and numbers that are summed in one order are the same everywhere
    data = args.data
    if data is None:
        shared = os.environ.get("ENGINE_DATA")
        if not shared:
            raise EngineError(
                f"no recordings: give --data FOLDER, or set ENGINE_DATA to the folder that holds {FOLDER}"
            )
        data = Path(shared) / FOLDER
    clips = build(data, lambda line: print(line, flush=True))
    print(f"writing {len(clips)} clips to {args.out}", flush=True)
    write(args.out, clips)
    print(table(clips))


def write(out: Path, clips: Sequence[Clip]) -> None:
    """The whole set in the folder ``out``, which must be new or empty."""
    write_set(out, clips)
    try:
        (out / KEYWORDS).mkdir()
        for clip in clips:
            fields = [
                {name: words for name, words in read_fields(caption.text).items() if words} for caption in clip.captions
            ]
            text = json.dumps(fields, indent=0, sort_keys=True)
            (out / KEYWORDS / f"{clip.name}.json").write_text(text + "\n", "utf-8", newline="\n")
        write_weights(out, {clip.name: clip.weight for clip in clips})
        rows = [f"{c.name},{c.split},{c.theme},{c.person},{c.take},{c.first},{len(c.joints)}\n" for c in clips]
        (out / "clips.csv").write_text(
            "name,split,theme,person,take,first,frames\n" + "".join(rows), "utf-8", newline="\n"
        )
    except OSError as error:
        raise FileError(
            f"{out}: cannot be written, {reason(error)}; check the path, the rights and the space"
        ) from error


def table(clips: Sequence[Clip]) -> str:
    """Minutes, clips, captions, words and plain walks of each split; mirrored copies are not counted."""
    lines = [
        f"{'split':6}{'minutes':>9}{'clips':>7}{'captions':>10}{'distinct':>10}{'words':>8}{'walks':>8}{'drawn':>8}"
    ]
    for split in SPLITS:
        found = [clip for clip in clips if clip.split == split and not clip.name.startswith("M")]
        texts = [caption.text for clip in found for caption in clip.captions]
        walks = [clip for clip in found if clip.theme == "walk"]
        total = sum(clip.weight for clip in found) or 1.0
        lines.append(
            f"{split:6}{sum(len(clip.joints) for clip in found) / RATE / 60:10.2f}{len(found):10}{len(texts):10}"
            f"{len(set(texts)):10}{len({word for text in texts for word in text.split()}):10}"
            f"{len(walks) / max(len(found), 1):10.0%}{sum(clip.weight for clip in walks) / total:10.0%}"
        )
    return "\n".join([*lines, "walks: share of plain walks among the clips, and among those that training draws"])


def _check(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise EngineError(f"{out}: is there already; give a folder that is new or empty")
