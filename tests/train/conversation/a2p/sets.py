"""A made person's folder, the command line, and short runs of the tiny models, for all tests of the package."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from train.conversation.a2p import command
from train.conversation.a2p.made import scene
from train.conversation.a2p.writer import SceneArrays, Writer

QUICK = ["config=tiny", "segment=60", "shortest=60", "steps=4", "check_every=2", "rows=2", "threads=1"]


def run(*words: object) -> int:
    """``python -m train a2p`` with these words."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def train(person: Path, out: Path, stage: str, *settings: str, **options: Any) -> Path:
    """A short run of a stage; its model."""
    words: list[object] = ["train", "--data", person, "--out", out, "--device", "cpu"]
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", value]
    for setting in (f"stage={stage}", *QUICK, *settings):
        words += ["--set", setting]
    run(*words)
    return out / "model.safetensors"


def made_scene(frames: int, seed: int) -> SceneArrays:
    """A scene of the made set."""
    rng = np.random.default_rng(seed)
    mixes = {"face": np.ones((4, 256), np.float32), "pose": rng.normal(0, 0.3, (6, 104)).astype(np.float32)}
    return scene(frames, mixes, rng)


def made_person(folder: Path, frames: int = 90, scenes: int = 8) -> Path:
    """A person's folder; every scene is a frame longer than the one before."""
    writer = Writer(folder)
    for number in range(scenes):
        writer.add(f"scene{number + 1:02d}", made_scene(frames + number, number))
    return writer.finish()
