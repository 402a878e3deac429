"""Pose codes of a motion set to others for some of its frames: read as tokens, changed, and made a motion again.

As served (:mod:`models.text_motion.model`): the codes of the held groups are replaced, the residual of tokens in which
something is held is dropped, the hold servo bends the decoded pose until it shows what is asked for, and the stage
makes a body of it that stands and turns. The hold eases in and out within 0.3 s. Frames that are not edited come back
as the tokenizer gives them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import phrases
from engine.errors import EngineError
from engine.spec import InputSpec
from models.contract import initial_state
from models.text_motion.config import TOKEN
from models.text_motion.features import encode
from models.text_motion.layout import HUMANML3D
from models.text_motion.posecodes.codes import bins, measures
from models.text_motion.posecodes.table import GROUPS
from models.text_motion.posture import PostureHold
from models.text_motion.spec import BODY, FREE, HOLD, motion_spec
from models.text_motion.stage import LocalPose, Stage, travel
from models.text_motion.tokenizer import Tokenizer
from train.report.filmstrip import Excerpt
from train.text_motion.motion.clip import read_clip
from train.text_motion.motion.weights import of_bundles, of_checkpoint
from train.text_motion.motion.written import empty, write, write_json


class Asked(NamedTuple):
    """What one edit asks for: phrases as they are read back, ``bins`` (70,) with -1 for what is free, the frames that
    were asked for and those of whole tokens."""

    hold: str
    bins: tuple[int, ...]
    given: tuple[int, int]
    frames: tuple[int, int]


@dataclass(frozen=True)
class Edited:
    """A motion (T, 22, 3) and what it became; ``held`` (T, 70) is the bin asked for, -1 where none is."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    held: NDArray[np.int64]


def edit(args: argparse.Namespace) -> None:
    """Edit ``args.clip`` and write it; ``edits.json`` says what was asked for, where, and how much of it is shown."""
    torch.set_num_threads(1)
    joints = read_clip(args.clip, args.rate)
    if args.checkpoint is not None:
        tokenizer, source = of_checkpoint(args.checkpoint), str(args.checkpoint)
    else:
        tokenizer, source = of_bundles(args.bundle, args.reader), f"{args.bundle} and {args.reader}"
    wanted = asked(tokenizer, args.hold, args.start, args.stop, len(joints))
    out = empty(args.out)
    made = edited(tokenizer, joints, wanted)
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in args.clip.stem) or "clip"
    label = "; ".join(f"{each.hold} (frames {spanned(each.frames)})" for each in wanted)
    shown = [Excerpt(made.before, "as it was", "as it was"), Excerpt(made.after, label, "edited")]
    write(out, name, made.after, BODY, shown)
    told = [_told(made, each) for each in wanted]
    write_json(
        out / "edits.json",
        {
            "clip": str(args.clip),
            "model": source,
            "frames": len(joints),
            "rate": HUMANML3D.rate,
            "token": TOKEN,
            "edits": told,
        },
    )
    print(f"{out / name}.npy: {label}")
    for each, told_of in zip(wanted, told, strict=True):
        if each.given != each.frames:
            print(f"  frames {spanned(each.given)} widened to whole tokens: {spanned(each.frames)}")
        for item in told_of["groups"]:
            print(f"  {item['hold']}: shown in {item['after']:.0%} of the frames, {item['before']:.0%} before")


def asked(
    tokenizer: Tokenizer, holds: Sequence[str], starts: Sequence[int], stops: Sequence[int], frames: int
) -> list[Asked]:
    """The edits of a clip of so many ``frames``. Raises :class:`EngineError` naming a span that is outside of it, a
    phrase that says nothing, or two that contradict each other."""
    item = _control(tokenizer)
    found: list[Asked] = []
    for words, start, stop in zip(holds, starts, stops, strict=True):
        values = tuple(int(value) for value in phrases.lasting(item, words))
        if all(value == FREE for value in values):
            raise EngineError(f"--hold {words[:80]!r} holds nothing; say what to change, 'left elbow bent to 90' say")
        if not 0 <= start < stop <= frames:
            raise EngineError(f"--from {start} --to {stop}: the clip has frames 0 to {frames}; give a span inside it")
        span = start // TOKEN * TOKEN, min(-(-stop // TOKEN) * TOKEN, frames)
        for other in found:
            both = [g for g, (a, b) in enumerate(zip(values, other.bins, strict=True)) if FREE not in (a, b) and a != b]
            if both and span[0] < other.frames[1] and other.frames[0] < span[1]:
                raise EngineError(
                    f"--hold {words[:80]!r} in frames {span[0]} to {span[1]}: {phrases.group(item, both[0])!r} is held "
                    f"otherwise in frames {other.frames[0]} to {other.frames[1]}; set it once, or apart from each other"
                )
        said = "; ".join(phrases.phrase(item, group, value) for group, value in enumerate(values) if value != FREE)
        found.append(Asked(said, values, (start, stop), span))
    return found


@torch.no_grad()
def edited(tokenizer: Tokenizer, joints: Tensor, wanted: Sequence[Asked]) -> Edited:
    """``joints`` (T, 22, 3), canonical, with all edits. A last token that is not whole is filled up with its last
    frame."""
    count = len(joints)
    whole = torch.cat([joints, joints[-1:].expand(-count % TOKEN, -1, -1)])
    held = torch.full((len(whole), len(GROUPS)), FREE)
    for each in wanted:
        row = torch.tensor(each.bins)
        span = slice(each.frames[0], -(-each.frames[1] // TOKEN) * TOKEN)
        held[span] = torch.where(row != FREE, row, held[span])
    tokens = tokenizer.encode(encode(whole, HUMANML3D, backward=True)[None], bins(measures(whole[::TOKEN]))[None])
    by_token = held[None, ::TOKEN]
    tokens = tokens._replace(bins=torch.where(by_token != FREE, by_token, tokens.bins))
    features = tokenizer.decode(tokens, (by_token != FREE).any(-1))
    posture, stage = PostureHold(), Stage()
    posed, _ = posture(LocalPose()(features), initial_state(posture.state_specs(), 1), held[None])
    body, _ = stage(posed, initial_state(stage.state_specs(), 1), travel(features))
    return Edited(joints.numpy(), body[0, :count].numpy(), held[:count].numpy())


def spanned(span: tuple[int, int]) -> str:
    """A span in words."""
    return f"{span[0]} to {span[1]}"


def _control(tokenizer: Tokenizer) -> InputSpec:
    """The control that reads what is held."""
    return next(item for item in motion_spec(tokenizer.config, {}).controls if item.name == HOLD)


def _told(made: Edited, each: Asked) -> dict[str, Any]:
    """An edit as plain values: what was asked, where, and the share of its frames that show it, before and after."""
    start, stop = each.frames
    groups = []
    for group, value in enumerate(each.bins):
        if value == FREE:
            continue
        before, after = (
            float((bins(measures(torch.from_numpy(motion[start:stop])))[:, group] == value).float().mean())
            for motion in (made.before, made.after)
        )
        label = GROUPS[group].phrases(value)[0]
        groups.append(
            {"group": group, "bin": value, "hold": label, "before": round(before, 4), "after": round(after, 4)}
        )
    return {"hold": each.hold, "asked": list(each.given), "frames": [start, stop], "groups": groups}
