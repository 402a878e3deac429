"""The partner's voice as microphones give it, drawn for training: noise, other people, a telephone, an echo, a whisper.

A listener that was trained in quiet rooms takes a fan for speech and a telephone for silence. Each talk is heard once
as it is and some times more in rooms drawn here (sounds: :mod:`train.speech.rooms`); what is said, and so what the
listeners answer, stays the same. Level is left out: the features are free of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from train.simulate.talk import RATE
from train.speech import rooms
from train.speech.band import band
from train.speech.rooms import Sound

Room = Callable[[Sound, np.random.Generator, Sequence[Sound]], Sound]
SNR_DB = {"noise": (0.0, 30.0), "people": (5.0, 25.0), "music": (12.0, 30.0)}
"""How far below the voice other sounds are, drawn evenly. Louder music is heard as music, and nothing in it."""
T60_S, DIRECT_DB = (0.2, 1.0), (-3.0, 9.0)
"""How long a room sounds on, and how much louder than all its echo the voice itself is."""
ON_THE_PHONE = 0.25
"""Share of rooms from which somebody calls."""


def hear_in_room(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """``voice`` (n,) at 16 kHz in a room drawn by ``rng``, at its own power. ``others`` are voices of other people."""
    names = [name for name in ROOMS if others or name != "crowded"]
    sound = ROOMS[names[int(rng.integers(len(names)))]](voice, rng, others)
    if rng.uniform() < ON_THE_PHONE:
        sound = rooms.phone(sound, RATE)
    return np.clip(rooms.at_level(sound, rooms.dbfs(voice)), -1.0, 1.0)


def noisy(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """A fan, hiss, the wind or the mains."""
    seed, count, level = int(rng.integers(2**31)), len(voice), rooms.VOICE_DBFS
    kinds = (
        lambda: rooms.white(count, level, seed),
        lambda: rooms.pink(count, RATE, level, seed),
        lambda: rooms.fan(count, RATE, level, seed),
        lambda: rooms.hum(count, RATE, float(rng.choice((50.0, 60.0))), level),
    )
    return _beside(voice, kinds[int(rng.integers(len(kinds)))](), rng, "noise")


def clattering(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """Somebody types."""
    return _beside(voice, rooms.clicks(len(voice), RATE, rooms.VOICE_DBFS, int(rng.integers(2**31))), rng, "noise")


def crowded(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """Three to six of the ``others`` at once."""
    people, seed = int(rng.integers(3, 7)), int(rng.integers(2**31))
    return _beside(voice, rooms.babble(others, len(voice), RATE, rooms.VOICE_DBFS, seed, people), rng, "people")


def playing(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """A band."""
    return _beside(voice, band(len(voice), RATE, rooms.VOICE_DBFS, int(rng.integers(2**31))), rng, "music")


def echoing(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """A bare room."""
    return rooms.echoing(voice, RATE, rng.uniform(*T60_S), int(rng.integers(2**31)), rng.uniform(*DIRECT_DB))


def whispered(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """The same words without a voice."""
    return rooms.whispered(voice, RATE, rooms.dbfs(voice), int(rng.integers(2**31)))


def calling(voice: Sound, rng: np.random.Generator, others: Sequence[Sound]) -> Sound:
    """A telephone and nothing else."""
    return rooms.phone(voice, RATE)


def _beside(voice: Sound, other: Sound, rng: np.random.Generator, kind: str) -> Sound:
    return rooms.beside(voice, other, rng.uniform(*SNR_DB[kind]), rooms.dbfs(voice))


ROOMS: dict[str, Room] = {
    "noisy": noisy,
    "clattering": clattering,
    "crowded": crowded,
    "playing": playing,
    "echoing": echoing,
    "whispered": whispered,
    "calling": calling,
}
"""Every kind of room, as likely as each other."""
