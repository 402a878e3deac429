"""Does a listener hear in every room? Nods a minute as the same voices come louder or softer, with an offset, with hum,
on one channel of several or with opposite polarity: as they are (before) and through the front end (after).

``python -m benchmarks rooms [--bundles rules reaction] [--minutes 3] [--seeds 8]``. The voices are those of ``alive``,
each clip at -26 dBFS. A listener's nods are counted over as many seeds: what it decides is drawn, and where a voice is
another in its last bit already, other nods are drawn. A row passes where its nods are those of the clean voice: apart
by less than 15 %, or by less than two such counts are apart by chance (2.5 standard deviations of Poisson counts, as
there are 38 comparisons).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.alive import voices
from benchmarks.listen import listeners
from benchmarks.machine import report
from engine.bundle import Bundle
from engine.runtime import open_runtime
from engine.sound.front_end import FrontEnd
from train.report import events

Sound = NDArray[np.float32]
VOICE_DBFS, PAUSE_S = -26.0, 0.8
LEVELS = (-16, -26, -36, -44, -52, -60)
WITHIN, DEVIATIONS = 0.15, 2.5
"""By how much nods may differ from those of the clean voice: a share of them, or by chance."""


def main(arguments: list[str]) -> int:
    """Print the table and the JSON line; 1 where a row is too far from the clean voice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rooms", description=__doc__.splitlines()[0])
    parser.add_argument("--bundles", nargs="+", default=["rules", "reaction"])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seeds", type=int, default=8)
    options = parser.parse_args(arguments)
    bundles = [Bundle.load(name) for name in options.bundles]
    rate = bundles[0].spec.sample_rate
    clean = speech(rate, round(options.minutes * 60 * rate))
    rooms = made(rate)
    rows: dict[str, dict[str, dict[str, int]]] = {}
    for name, room in rooms.items():
        sound = room(clean)
        rows[name] = {}
        for when, on in (("before", False), ("after", True)):
            heard = FrontEnd(on=on).push(sound, rate)
            rows[name][when] = {}
            for bundle in bundles:
                faces = listeners(open_runtime(bundle, rows=options.seeds), heard, range(options.seeds))["face"]
                rows[name][when][bundle.name] = sum(
                    len(events.nods(faces[:, row], bundle.spec.rate)) for row in range(options.seeds)
                )
    minutes = options.minutes * options.seeds
    failed = _print(rows, [bundle.name for bundle in bundles], minutes)
    changed = float(np.mean(FrontEnd().push(clean, rate) != clean))
    print(f"of the clean voice's samples the front end changed {100 * changed:.2f} %")
    figures = {"minutes": minutes, "seeds": options.seeds, "nods": rows, "clean_samples_changed": changed}
    report("rooms", figures | {"failed": failed})
    return int(bool(failed))


def speech(rate: int, count: int) -> Sound:
    """People speaking, (count,) samples at ``rate`` Hz: every clip at :data:`VOICE_DBFS`, pauses between them."""
    pause = np.zeros(round(PAUSE_S * rate), np.float32)
    pieces: list[Sound] = []
    for sound in voices(rate):
        pieces += [at_level(sound, VOICE_DBFS), pause]
    return np.resize(np.concatenate(pieces), count)


def at_level(sound: Sound, dbfs: float) -> Sound:
    """``sound`` (n,) with its power at ``dbfs``."""
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    return (sound * 10 ** (dbfs / 20) / np.sqrt(power + 1e-20)).astype(np.float32)


def made(rate: int) -> dict[str, Callable[[Sound], Sound]]:
    """The rooms by name: each makes of a clean voice (n,) what a sound card would give, (n,) or (n, channels)."""

    def hiss(sound: Sound, dbfs: float) -> Sound:
        return at_level(np.random.default_rng(0).normal(0, 1, len(sound)).astype(np.float32), dbfs)

    def hum(sound: Sound, hertz: float, dbfs: float) -> Sound:
        time = np.arange(len(sound)) / rate
        waves = sum(np.sin(2 * np.pi * hertz * k * time + k) / k for k in (1, 2, 3, 4, 5))
        return at_level(np.asarray(waves, np.float32), dbfs)

    def level(dbfs: float) -> Callable[[Sound], Sound]:
        return lambda sound: np.clip(sound * np.float32(10 ** ((dbfs - VOICE_DBFS) / 20)), -1.0, 1.0)

    def six(sound: Sound) -> Sound:
        channels = np.stack([hiss(sound, -75.0)] * 6, 1)
        channels[:, 2] = sound
        return channels

    rooms: dict[str, Callable[[Sound], Sound]] = {f"level {dbfs} dBFS": level(dbfs) for dbfs in LEVELS}
    return rooms | {
        "laptop: -44 dBFS, hiss at -70": lambda sound: level(-44.0)(sound) + hiss(sound, -70.0),
        "offset 0.1": lambda sound: sound + np.float32(0.1),
        "offset -0.3": lambda sound: sound - np.float32(0.3),
        "hum 50 Hz at -30 dBFS": lambda sound: sound + hum(sound, 50.0, -30.0),
        "hum 60 Hz at -20 dBFS": lambda sound: sound + hum(sound, 60.0, -20.0),
        "one channel of two": lambda sound: np.stack([sound, np.zeros_like(sound)], 1),
        "one channel, hiss on the other": lambda sound: np.stack([hiss(sound, -50.0), sound], 1),
        "opposite polarity": lambda sound: np.stack([sound, -sound], 1),
        "opposite polarity, offset, hum": lambda sound: (
            np.stack([sound, -sound], 1) + (0.1 + hum(sound, 50.0, -35.0))[:, None]
        ),
        "centre of 5.1": six,
        "silence": lambda sound: np.zeros_like(sound),
        "hum alone": lambda sound: hum(sound, 50.0, -30.0),
        "noise alone": lambda sound: hiss(sound, -40.0),
    }


EMPTY = ("silence", "hum alone", "noise alone")
"""Rooms in which nobody speaks: a listener who nods there is wrong."""


def _print(rows: dict[str, dict[str, dict[str, int]]], bundles: list[str], minutes: float) -> list[str]:
    """The table; the rows that fail, as room and bundle."""
    clean = rows[f"level {VOICE_DBFS:.0f} dBFS"]["before"]
    failed = []
    print(f"{'nods a minute':>34}" + "".join(f"{name:>12} before   after" for name in bundles))
    for room, row in rows.items():
        cells = ""
        for name in bundles:
            before, after = row["before"][name], row["after"][name]
            wanted = 0 if room in EMPTY else clean[name]
            bad = abs(after - wanted) > max(WITHIN * wanted, DEVIATIONS * math.sqrt(after + wanted + 1))
            failed += [f"{room}, {name}"] if bad else []
            cells += f"{before / minutes:>19.1f}{after / minutes:>8.1f}{'!' if bad else ' '}"
        print(f"{room:>34}{cells}", flush=True)
    print("too far from the clean voice: " + ("; ".join(failed) or "nothing"))
    return failed
