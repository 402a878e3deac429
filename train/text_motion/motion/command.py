"""``python -m train motion generate`` and ``edit``: single motions as files, without a session.

``generate OUT TEXT ...`` makes motions of texts by a bundle, as the engine would serve them. ``edit CLIP OUT --hold
PHRASES --from FRAME --to FRAME`` changes pose codes of a motion that there is and leaves the rest of it as it was. Of
every motion both write ``NAME.npy`` (joints, T x 22 x 3, metres at 20 frames a second), ``NAME_263.npy`` (the features
of HumanML3D, T - 1 rows), ``NAME.bvh``, ``NAME.mp4`` and ``NAME.jpg``, and what was asked for.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from engine.errors import EngineError

FAMILY_BUNDLE, READER = "text_motion", "pose_codes"
LONGEST_S = 600.0
"""Seconds of a motion at most: a film of ten minutes."""
MOST = 100
"""Motions of a text at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    tools = parser.add_subparsers(dest="tool", required=True, metavar="generate|edit")
    about = "motions of texts, made by a bundle as the engine would serve them"
    _generate(tools.add_parser("generate", help=about, description=about))
    about = "a motion with some of its pose codes changed in some of its frames"
    _edit(tools.add_parser("edit", help=about, description=about))


def run(args: argparse.Namespace) -> None:
    """Check what was given, make the motions and write them."""
    if args.tool == "generate":
        from train.text_motion.motion.generate import generate  # here, so that --help is quick

        if not 1 <= args.count <= MOST:
            raise EngineError(f"--count {args.count}: give 1 to {MOST}")
        if not 0.1 <= args.seconds <= LONGEST_S:
            raise EngineError(f"--seconds {args.seconds:g}: give 0.1 to {LONGEST_S:g}")
        generate(args)
    else:
        from train.text_motion.motion.edit import edit

        if not 1 <= len(args.hold) == len(args.start) == len(args.stop):
            raise EngineError(
                f"{len(args.hold)} --hold, {len(args.start)} --from, {len(args.stop)} --to: give each --hold its own "
                "--from and --to, and at least one"
            )
        if args.rate is not None and not (math.isfinite(args.rate) and 1.0 <= args.rate <= 1000.0):
            raise EngineError(f"--rate {args.rate:g}: give 1 to 1000 frames a second")
        edit(args)


def _generate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("out", type=Path, metavar="OUT", help="folder to write; new or empty")
    add("text", nargs="*", metavar="TEXT", help="what the body does; texts stand right after OUT")
    add("--texts", type=Path, metavar="FILE", help="file with more texts, one a line")
    add("--bundle", "-b", default=FAMILY_BUNDLE, metavar="NAME|PATH", help=f"default: {FAMILY_BUNDLE}")
    add("--count", type=int, default=1, help="motions of each text (default: 1)")
    add("--seconds", type=float, default=8.0, help="of each motion (default: 8)")
    add("--seed", type=int, default=0, help="the same seed makes the same motions (default: 0)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a control of the bundle, for example temperature=0.5 or hold='left elbow bent to 90'",
    )


def _edit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("clip", type=Path, metavar="CLIP", help=".npy of joints (T, 22, 3) or of features (T, 263), or a .bvh file")
    add("out", type=Path, metavar="OUT", help="folder to write; new or empty")
    add(
        "--hold",
        action="append",
        default=[],
        metavar="PHRASES",
        help="'left elbow bent to 90; hands together', once for each --from and --to",
    )
    span = "of its span, counted from 0 at 20 frames a second; spans are widened to whole tokens of 4 frames"
    add("--from", dest="start", type=int, action="append", default=[], metavar="FRAME", help=f"first frame {span}")
    add("--to", dest="stop", type=int, action="append", default=[], metavar="FRAME", help="frame after its last")
    add("--rate", type=float, help="frames a second of a .npy of joints, where these are not 20")
    add(
        "--bundle",
        "-b",
        default=FAMILY_BUNDLE,
        metavar="NAME|PATH",
        help=f"whose decoder makes the motion (default: {FAMILY_BUNDLE}); a bundle has no encoder, so see --reader",
    )
    add(
        "--reader",
        default=READER,
        metavar="NAME|PATH",
        help=f"bundle of the same training whose encoder reads the clip (default: {READER})",
    )
    add(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="model.safetensors of a training run, which has both, in place of the two bundles",
    )
