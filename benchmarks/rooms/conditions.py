"""The rooms: what a listener is given in each, and which other one says how it should behave there.

Each is made when it is asked for: all of them together would fill the memory. A sound is as a sound card or a file
gives it, (n,) or (n, channels), before the front end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.listen import Partner
from benchmarks.rooms import faces, languages, music
from train.speech import rooms as sounds
from train.speech.band import band
from train.speech.rooms import VOICE_DBFS, Sound

CLEAN, SILENCE, STILL = "clean voice, -26 dBFS", "silence", "a still face"
READERS, TRACKED, FIRST_LANGUAGE = "readers, unseen", "readers, tracked face", "English"
LEVELS, SNRS, ONCE = (-16, -36, -44, -52, -60), (10, 0), ("fan", "typing")
"""Levels of the voice, how far noises and music are below it, and which of them only by the first."""
Play = Callable[[int, float], Sound]
"""What sounds beside a voice, or alone: a number of samples and a level in dBFS to (n,)."""


@dataclass(frozen=True)
class Condition:
    """A room. ``make`` gives who is heard and seen there; ``against`` is the room whose behaviour it should leave as it
    is; where it is not ``spoken``, nobody speaks, and whoever nods is wrong."""

    name: str
    group: str
    make: Callable[[], Partner]
    against: str
    spoken: bool = True


def all_rooms(clips: Sequence[Sound], rate: int, count: int, recorded: Sequence[Path]) -> list[Condition]:
    """All rooms in the order of the table: voices ``clips`` for ``count`` samples at ``rate`` Hz; ``recorded`` is
    music to play beside what is made. A name stands for one room."""
    clean, rest = sounds.speech(clips, rate, count), faces.still(count * faces.FPS // rate)
    songs = _songs(rate, recorded)
    noises = _noises(clips, rate)
    changes = {"level": _levels(), "line": _lines(rate), "distance": _distances(rate)}
    for group, plays in (("noise", noises), ("music", songs)):
        changes[group] = {
            f"{name} at {snr} dB": partial(_beside, play, snr)
            for name, play in plays.items()
            for snr in (SNRS if name not in ONCE else SNRS[:1])
        }
    found = [Condition(CLEAN, "level", partial(Partner, clean), CLEAN)]
    for group, rooms in changes.items():
        found += [Condition(name, group, partial(_changed, change, clean), CLEAN) for name, change in rooms.items()]
    quiet = np.zeros(count, np.float32)
    found.append(Condition(SILENCE, "nobody", partial(Partner, quiet), SILENCE, spoken=False))
    for name, play, level in _alone(rate, songs):
        make = partial(_only, play, count, level)
        found.append(Condition(f"{name} alone at {level:.0f} dBFS", "nobody", make, SILENCE, spoken=False))
    found.append(Condition(STILL, "nobody", partial(Partner, quiet, rest), SILENCE, spoken=False))
    for level in (-30, -15):
        make = partial(_only, sounds.white, count, level, rest)
        found.append(Condition(f"{STILL}, white at {level} dBFS", "nobody", make, STILL, spoken=False))
    for language in languages.languages() if languages.available() else ():
        found.append(Condition(language, "language", partial(_said, language, rate, count), FIRST_LANGUAGE))
    return found + list(_faces(clean, rest, rate))


def _changed(change: Callable[[Sound], Sound], clean: Sound) -> Partner:
    return Partner(change(clean))


def _only(play: Play, count: int, level: float, face: faces.Face | None = None) -> Partner:
    return Partner(play(count, level), face)


def _beside(play: Play, snr: float, voice: Sound) -> Sound:
    return sounds.beside(voice, play(len(voice), VOICE_DBFS - snr), snr)


def _said(language: str, rate: int, count: int) -> Partner:
    """The same sentences in another language by the same synthesiser."""
    return Partner(sounds.speech(languages.spoken(language, rate), rate, count))


def _levels() -> dict[str, Callable[[Sound], Sound]]:
    """A voice louder and softer than the clean one."""

    def level(dbfs: float, sound: Sound) -> Sound:
        return np.clip(sound * np.float32(10 ** ((dbfs - VOICE_DBFS) / 20)), -1.0, 1.0).astype(np.float32)

    def laptop(sound: Sound) -> Sound:
        return level(-44.0, sound) + sounds.white(len(sound), -70.0)

    return {f"voice at {dbfs} dBFS": partial(level, dbfs) for dbfs in LEVELS} | {"laptop: -44, hiss at -70": laptop}


def _lines(rate: int) -> dict[str, Callable[[Sound], Sound]]:
    """What cables and sound cards do."""

    def hum(sound: Sound, hertz: float, dbfs: float) -> Sound:
        return sounds.hum(len(sound), rate, hertz, dbfs)

    def six(sound: Sound) -> Sound:
        channels = np.stack([sounds.white(len(sound), -75.0)] * 6, 1)
        channels[:, 2] = sound
        return channels

    return {
        "offset 0.1": lambda sound: sound + np.float32(0.1),
        "offset -0.3": lambda sound: sound - np.float32(0.3),
        "hum 50 Hz at -30 dBFS": lambda sound: sound + hum(sound, 50.0, -30.0),
        "hum 60 Hz at -20 dBFS": lambda sound: sound + hum(sound, 60.0, -20.0),
        "one channel of two": lambda sound: np.stack([sound, np.zeros_like(sound)], 1),
        "one channel, hiss on the other": lambda sound: np.stack([sounds.white(len(sound), -50.0), sound], 1),
        "opposite polarity": lambda sound: np.stack([sound, -sound], 1),
        "opposite polarity, offset, hum": lambda sound: (
            np.stack([sound, -sound], 1) + (np.float32(0.1) + hum(sound, 50.0, -35.0))[:, None]
        ),
        "centre of 5.1": six,
    }


def _distances(rate: int) -> dict[str, Callable[[Sound], Sound]]:
    """A telephone, bare rooms, whispers, shouting."""

    def soft(sound: Sound) -> Sound:
        return sounds.whispered(sound, rate, -45.0) + sounds.white(len(sound), -70.0)

    return {
        "telephone": partial(sounds.phone, rate=rate),
        "echo of 0.4 s": partial(sounds.echoing, rate=rate, t60_s=0.4),
        "echo of 0.9 s": partial(sounds.echoing, rate=rate, t60_s=0.9),
        "whisper": partial(sounds.whispered, rate=rate),
        "soft whisper: -45, hiss at -70": soft,
        "shouting, cut off by 12 dB": sounds.shouted,
    }


def _noises(clips: Sequence[Sound], rate: int) -> dict[str, Play]:
    """What sounds in rooms beside a voice."""
    return {
        "white": sounds.white,
        "pink": lambda count, level: sounds.pink(count, rate, level),
        "babble": lambda count, level: sounds.babble(clips, count, rate, level),
        "fan": lambda count, level: sounds.fan(count, rate, level),
        "typing": lambda count, level: sounds.clicks(count, rate, level),
    }


def _songs(rate: int, recorded: Sequence[Path]) -> dict[str, Play]:
    """Two songs made by code, and the recordings by their names."""

    def song(seed: int, count: int, level: float) -> Sound:
        return band(count, rate, level, seed)

    def recording(path: Path, count: int, level: float) -> Sound:
        return music.played(path, rate, count, level)

    made: dict[str, Play] = {f"band {seed}": partial(song, seed) for seed in (1, 2)}
    return made | {path.stem: partial(recording, path) for path in recorded}


def _alone(rate: int, songs: dict[str, Play]) -> Iterator[tuple[str, Play, float]]:
    """What sounds where nobody speaks, and how loud."""
    noises = _noises([], rate)
    yield "hum of 50 Hz", lambda count, level: sounds.hum(count, rate, 50.0, level), -30.0
    for level in (-40.0, -30.0, -15.0):
        yield "white", noises["white"], level
    for name in ("pink", "fan", "typing"):
        yield name, noises[name], -30.0
    for name, play in songs.items():
        yield name, play, VOICE_DBFS


def _faces(clean: Sound, rest: faces.Face, rate: int) -> Iterator[Condition]:
    """The same voices with a face: simulated, tracked, tracked with channels missing, and with smiles laid over."""
    quiet = np.zeros_like(clean)

    def simulated(sound: Sound) -> Partner:
        return Partner(sound, faces.simulated(sound, rate))

    yield Condition("clean voice, simulated face", "face", partial(simulated, clean), CLEAN)
    heard, seen = faces.readers(rate, len(clean))
    assert seen is not None
    yield Condition(READERS, "face", partial(Partner, heard), READERS)
    yield Condition("readers, simulated face", "face", partial(simulated, heard), READERS)
    yield Condition(TRACKED, "face", partial(Partner, heard, seen), READERS)
    for name, channels in faces.MISSING.items():
        make = partial(Partner, heard, faces.without(seen, channels))
        yield Condition(f"readers, {name}", "face", make, READERS)
    for kind in faces.SMILES:
        yield Condition(f"{kind}: still", "smile", partial(_smiling, quiet, rest, kind), STILL, spoken=False)
        yield Condition(f"{kind}: reading", "smile", partial(_smiling, heard, seen, kind), TRACKED)


def _smiling(sound: Sound, face: faces.Face, kind: str) -> Partner:
    return Partner(sound, faces.smiling(face, kind))
