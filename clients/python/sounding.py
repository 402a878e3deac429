"""The sound that a session of one's own is given, hop by hop in its time: a microphone, a file, the engine's built-in
partner with its face, or nothing. A file is read by PyAV, a microphone by sounddevice; both are imported when they are
asked for."""

from __future__ import annotations

import importlib.util
import itertools
import math
import queue
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Hz, of whatever is not a microphone that has another."""
HOP_S = 0.02
PARTNER, SELF, FACE = "audio/partner", "audio/self", "face/partner"
FACE_EVERY = 2
"""Hops to a face of the built-in partner: 25 a second."""
AFTER_S = 1.0
"""Silence after a file's end, in which the avatar's last answer comes."""
MIC_RATES = (RATE, 48_000, 44_100)
"""Hz, tried one after the other."""
Sound = NDArray[np.int16]


class Hop(NamedTuple):
    """What is pushed together, as (name, numbers), and when its sound ended (``time.monotonic_ns``)."""

    items: list[tuple[str, Any]]
    end_ns: int


class Played:
    """Recorded sound by the name of its input, played in step at :data:`RATE` and in real time; the shorter ones are
    followed by silence. ``lasts`` is how long in seconds; with ``endless`` the partner begins again at its end."""

    rate = RATE

    def __init__(
        self, sounds: Mapping[str, Sound], face: NDArray[np.float32] | None = None, endless: bool = False
    ) -> None:
        self._sounds, self._face = sounds, face
        self.gives = [*sounds, *([] if face is None else [FACE])]
        longest = max((len(one) for one in sounds.values()), default=0)
        self.lasts = math.inf if endless or not longest else longest / RATE + AFTER_S
        self._lap = len(sounds[PARTNER]) if endless else 0

    def hops(self) -> Iterator[Hop]:
        """Without end, each in its time; where this comes late the next ones come at once."""
        began, size = time.monotonic_ns(), round(RATE * HOP_S)
        for number in itertools.count(1):
            end_ns = began + round(number * HOP_S * 1e9)
            time.sleep(max(0.0, (end_ns - time.monotonic_ns()) / 1e9))
            items: list[tuple[str, Any]] = []
            if self._face is not None and number % FACE_EVERY == 0:
                items.append((FACE, self._face[(number // FACE_EVERY - 1) % len(self._face)]))
            items += [(name, self._piece(name, (number - 1) * size, size)) for name in self._sounds]
            yield Hop(items, end_ns)

    def close(self) -> None:
        """There is nothing to close."""

    def _piece(self, name: str, first: int, size: int) -> Sound:
        sound = self._sounds[name]
        if name == PARTNER and self._lap:
            first %= self._lap
        piece = sound[first : first + size]
        return np.pad(piece, (0, size - len(piece)))


class Microphone:
    """The system's microphone, mono, at the first of :data:`MIC_RATES` that it takes. Raises ValueError where there is
    none; while it gives nothing for two seconds :meth:`hops` raises ConnectionError."""

    lasts = math.inf
    gives = (PARTNER,)

    def __init__(self) -> None:
        try:
            import sounddevice
        except ImportError:
            raise ValueError("--source mic: needs sounddevice: pip install sounddevice") from None
        except OSError as error:
            raise ValueError(f"--source mic: {error}: apt-get install libportaudio2, or give a file") from None
        self._blocks: queue.Queue[tuple[Sound, int]] = queue.Queue(100)
        for rate in MIC_RATES:
            try:
                self._stream = sounddevice.InputStream(
                    samplerate=rate, channels=1, dtype="int16", blocksize=round(rate * HOP_S), callback=self._heard
                )
                self._stream.start()
                self.rate = rate
                return
            except sounddevice.PortAudioError as error:
                why = error
        raise ValueError(f"--source mic: no microphone can be opened ({why}); plug one in, or give a file or demo")

    def hops(self) -> Iterator[Hop]:
        """As they come."""
        while True:
            try:
                block, end_ns = self._blocks.get(timeout=2.0)
            except queue.Empty:
                raise ConnectionError("the microphone has given nothing for 2 s; plug it in and start again") from None
            yield Hop([(PARTNER, block)], end_ns)

    def close(self) -> None:
        """Let go of the device."""
        self._stream.close()

    def _heard(self, block: Any, *_: object) -> None:
        with suppress(queue.Full):  # whoever takes them waits for an engine
            self._blocks.put_nowait((block[:, 0].copy(), time.monotonic_ns()))


def sounding(source: str, speech: Path | None) -> Played | Microphone:
    """What ``--source`` (mic, demo, none or a file) and ``--speech`` (a file of the avatar's own) mean. Raises
    ValueError naming what cannot be used."""
    if source == "mic":
        if speech is not None:
            raise ValueError("--speech goes with a recorded partner: --source demo, none or a file")
        return Microphone()
    own = {} if speech is None else {SELF: read_sound(speech, "--speech")}
    if source == "none":
        return Played(own)
    if source != "demo":
        return Played({PARTNER: read_sound(Path(source), "--source"), **own})
    found = importlib.util.find_spec("engine")
    folder = Path(found.origin).parent / "data" / "partner" if found and found.origin else Path("engine/data/partner")
    if not (folder / "face.npz").is_file():
        raise ValueError(f"--source demo: {folder} has no built-in partner; install the engine here, or give a file")
    with np.load(folder / "face.npz") as held:
        face = np.asarray(held["face"], np.float32)
    voice = read_sound(folder / "speech.flac", "--source")
    lap = len(face) * FACE_EVERY * round(RATE * HOP_S)  # so that voice and face stay in step from lap to lap
    return Played({PARTNER: np.pad(voice, (0, max(0, lap - len(voice))))[:lap], **own}, face, endless=True)


def read_sound(path: Path, option: str) -> Sound:
    """The first sound of a file, mono at :data:`RATE`. Raises ValueError naming what is wrong with it."""
    try:
        import av
    except ImportError:
        raise ValueError(f"{option} {path}: reading sound needs PyAV: pip install av") from None
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise ValueError(f"{option} {path}: holds no sound; give a file that does")
            mono = av.AudioResampler("s16", "mono", RATE)
            pieces = [item for frame in file.decode(audio=0) for item in mono.resample(frame)]
            pieces += mono.resample(None)
    except (OSError, av.FFmpegError) as error:
        raise ValueError(f"{option} {path}: {getattr(error, 'strerror', None) or error}; give a sound file") from None
    sound = np.concatenate([np.zeros(0, np.int16), *(item.to_ndarray()[0] for item in pieces)])
    if not len(sound):
        raise ValueError(f"{option} {path}: holds no sound; give a file that does")
    return sound
