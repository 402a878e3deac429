"""What is wrong in a person's folder, scene by scene: faults that stop training, and notes on the sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.errors import EngineError
from train.check import Checked
from train.conversation.a2p.layout import (
    AUDIO,
    BODY,
    CHECKED,
    CODES,
    FACE,
    FILES,
    FPS,
    HOP,
    LIPS,
    MISSING,
    POSE,
    RATE,
    STATS,
    TESTED,
    VERTICES,
    Array,
    Scene,
    open_scene,
    read_missing,
    read_stats,
    scene_names,
    shaped,
    unfit,
)
from train.conversation.a2p.wav import read_wav

CLIPPED, CLIPPED_SHARE = 0.999, 1e-4
SILENT_DB = -70.0
VOICES = ("own voice", "partner's voice")
ECHO = 0.5
"""Correlation with the own voice, where it alone speaks, from which the partner's channel is called an echo."""
ECHO_S, LISTENED_S = 0.5, 120.0
"""Longest delay of an echo, and how much of a scene is searched for one."""


class Echo(NamedTuple):
    """The own voice in the partner's channel: seconds later, decibels against the own channel, and correlation."""

    lag_s: float
    level_db: float
    correlation: float


def checks(path: Path) -> Iterator[Checked]:
    """The statistics, then every scene. Raises :class:`EngineError` for a folder without scenes."""
    names = scene_names(path)
    try:
        read_stats(path / STATS)
        yield Checked(STATS)
    except EngineError as error:
        yield Checked(STATS, problem=str(error))
    usable = 0
    for name in names:
        found, counts = _scene(path, name)
        usable += counts
        yield found
    if usable <= TESTED + CHECKED:
        told = f"{usable} usable scenes: {TESTED} are for test and {CHECKED} for val, none is left to train on"
        yield Checked("splits", {}, (), f"{told}; give more")


def _scene(folder: Path, name: str) -> tuple[Checked, bool]:
    """A scene, and whether it counts in the splits."""
    try:
        scene = open_scene(folder, name)
    except EngineError:
        return Checked(name, problem="; ".join(_faults(folder, name))), False
    problems: list[str] = []
    for look in (scene.poses, scene.codes, *([scene.vertices] if scene.lips is not None else [])):
        try:
            look()
        except EngineError as error:
            problems.append(str(error))
    notes: list[str] = []
    try:
        notes += _heard(scene)
    except EngineError as error:
        problems.append(str(error))
    missing = int(scene.missing.sum())
    read = {"frames": str(scene.frames), "seconds": f"{scene.frames / FPS:.1f}", "missing codes": str(missing)}
    if missing == scene.frames:
        notes.append("all face codes are missing: the scene is left out")
    if scene.lips is not None:
        read["lips"] = "yes"
    return Checked(name, read, notes, "; ".join(problems)), missing < scene.frames


def _faults(folder: Path, name: str) -> list[str]:
    """Every fault of a scene that does not open."""
    told = [f"{name}_{kind} is not there" for kind in FILES if not (folder / f"{name}_{kind}").is_file()]
    frames: int | None = None

    def tried(kind: str, rest: tuple[int, ...], length: int | None) -> int | None:
        if not (folder / f"{name}_{kind}").is_file():
            return length
        try:
            return len(shaped(folder / f"{name}_{kind}", rest, length))
        except EngineError as error:
            told.append(str(error))
            return length

    frames = tried(BODY, (POSE,), None)
    frames = tried(FACE, (CODES,), frames)
    tried(LIPS, (VERTICES, 3), frames)
    path = folder / f"{name}_{AUDIO}"
    if path.is_file():
        try:
            told += unfit(read_wav(path), frames)
        except EngineError as error:
            told.append(str(error))
    path = folder / f"{name}_{MISSING}"
    if path.is_file() and frames is not None:
        try:
            read_missing(path, frames)
        except EngineError as error:
            told.append(str(error))
    return told or [f"{name} has no frame; leave it out"]


def _heard(scene: Scene) -> list[str]:
    """Notes on the voices."""
    audio = scene.audio()
    told = []
    for voice, channel in zip(VOICES, audio.T, strict=True):
        level = 10 * np.log10(max(float((channel.astype(np.float64) ** 2).mean()), 1e-20))
        share = float((np.abs(channel) >= CLIPPED).mean())
        if level < SILENT_DB:
            told.append(f"{voice} is silent ({level:.0f} dB)")
        if share >= CLIPPED_SHARE:
            told.append(f"{voice} is clipped in {share:.2%} of its samples")
    found = echo(audio[: int(LISTENED_S * RATE)])
    if found is not None:
        told.append(
            f"the partner's channel echoes the own voice {1000 * found.lag_s:.1f} ms later at {found.level_db:.0f} dB "
            f"(correlation {found.correlation:.2f})"
        )
    return told


def echo(audio: Array) -> Echo | None:
    """The own voice of ``audio`` (n, 2) in the partner's channel, if it is there. It is looked for in frames in which
    the own channel is twice as loud as the other: elsewhere the partner's own voice would cover it; where both are
    everywhere alike it is looked for in all."""
    whole = len(audio) // HOP * HOP
    if not whole:
        return None
    frames = audio[:whole].astype(np.float64).reshape(-1, HOP, 2)
    loud = np.sqrt((frames**2).mean(1))
    active = loud[:, 0] > 0.3 * loud[:, 0].max(initial=1e-9)
    alone = active & (loud[:, 0] > 2 * loud[:, 1])
    chosen = alone if alone.sum() >= FPS else active
    spread = np.repeat(chosen, HOP)[:, None] * audio[:whole]
    size = 1 << (2 * whole - 1).bit_length()
    own, other = (np.fft.rfft(spread[:, channel].astype(np.float64), size) for channel in (0, 1))
    shared = np.fft.irfft(own.conj() * other, size)[: int(ECHO_S * RATE)]
    energy = (spread.astype(np.float64) ** 2).sum(0)
    if min(energy) <= 0:
        return None
    lag = int(np.abs(shared).argmax())
    correlation = abs(float(shared[lag])) / float(np.sqrt(energy[0] * energy[1]))
    if correlation < ECHO:
        return None
    return Echo(lag / RATE, 20 * float(np.log10(abs(shared[lag]) / energy[0])), correlation)
