"""The microphone, through PortAudio: whatever rate and channels the device has, as mono at the model's rate.

PortAudio's callback must not wait, so it only notes the block and its time; a thread of this source mixes down,
resamples and writes to the ring, and when the device falls silent closes it and tries again, ever less often.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.sound.front_end import FrontEnd
from engine.sound.resample import StreamingResampler
from engine.sources.base import joined

BLOCK_S = 0.01
"""Seconds of sound per callback. 10 ms costs PortAudio 20 ms of buffering where 20 ms would cost 40."""
STALL_S, GONE_S = 0.5, 4.0
"""Seconds without a block after which the device counts as stalled, and as gone: only then is it opened again, since a
sound server that wakes up takes two seconds to give its first block, and more patience than that costs nothing."""
ZEROS_S = 5.0
"""Seconds of exact zeros after which the device counts as muted: a real one always has some noise."""
RETRY_FIRST_S, RETRY_LAST_S = 0.5, 8.0
"""Waits between attempts to open it again; each is twice the one before."""

_INBOX_BLOCKS = 200
_POLL_S = 0.05
_JOIN_S = 10.0


class MicSource:
    """Listens to ``device``: an index, a part of a name (upper or lower case), or None for the system's default.

    The blocks between callback and thread are bounded (2 s); the oldest are dropped (``dropped_blocks``). When no
    samples come, or only zeros, ``problem`` says so and the device is reopened as soon as it answers.

    Raises :class:`engine.errors.EngineError` when PortAudio is missing, or when there is no such input device (the
    message lists those there are). ``sounddevice`` is for tests: something like the module of that name.
    """

    def __init__(self, device: int | str | None = None, sounddevice: Any = None, owner: str = "partner") -> None:
        self.gives: Collection[Key] = (("audio", owner),)
        self._owner = owner
        self._sd = _portaudio() if sounddevice is None else sounddevice
        self._index, found = find_input(self._sd, device)
        self._device_name = str(found["name"])
        self._rate = round(float(found["default_samplerate"]))
        self._channels = min(int(found["max_input_channels"]), 2)
        self.name = f"microphone {self._device_name}"
        self.dropped_blocks = 0
        self._overflows = 0
        self._inbox: deque[tuple[NDArray[np.float32], int]] = deque(maxlen=_INBOX_BLOCKS)
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._stream: Any = None
        self._front_end = FrontEnd()
        self._resampler: StreamingResampler | None = None
        self._last_ns = self._loud_ns = self._opened_ns = self._retry_ns = 0
        self._retry_s = RETRY_FIRST_S
        self._stalled = False
        self._failure: str | None = None

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Open the device and begin. Raises :class:`EngineError` when it does not open or the model hears nothing."""
        if self._owner not in feeds.samples:
            raise EngineError(f"{self.name}: the model does not hear its {self._owner}; start without this microphone")
        self._audio, self._clock = feeds.samples[self._owner], clock
        self._front_end = feeds.front_end(self._owner)
        try:
            self._open()
        except self._errors as error:
            raise EngineError(
                f"microphone {self._device_name!r} does not open ({error}); is another program using it? Inputs: "
                f"{_listed(self._sd)}"
            ) from error
        self._last_ns = self._loud_ns = self._opened_ns
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the device."""
        self._stop.set()
        self._arrived.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        self._close()

    @property
    def finished(self) -> bool:
        """A microphone is never over."""
        return False

    @property
    def problem(self) -> str | None:
        """``microphone stalled ...``, ``microphone gives only zeros ...`` or a failure; None when all is well."""
        if self._stalled:
            silent_s = (self._clock.now_ns() - self._last_ns) / 1e9
            return joined(f"microphone stalled: no samples for {silent_s:.1f} s", self._failure)
        if (self._last_ns - self._loud_ns) / 1e9 > ZEROS_S:
            return joined("microphone gives only zeros: muted, or not permitted", self._failure)
        return self._failure

    def describe(self) -> dict[str, Any]:
        """Device, its rate in Hz and channels, and what was lost so far."""
        return {
            "source": "microphone",
            "device": self._device_name,
            "rate": self._rate,
            "channels": self._channels,
            "overflows": self._overflows,
            "dropped_blocks": self.dropped_blocks,
        }

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        return (self._sd.PortAudioError, ValueError, OSError, EngineError)

    def _open(self) -> None:
        stream = self._sd.InputStream(
            device=self._index,
            samplerate=self._rate,
            channels=self._channels,
            dtype="float32",
            blocksize=round(self._rate * BLOCK_S),
            latency="low",
            callback=self._callback,
        )
        try:
            stream.start()
        except self._errors:
            stream.close()
            raise
        self._stream = stream
        self._resampler = StreamingResampler(self._rate, self._audio.rate)
        self._opened_ns = self._clock.now_ns()

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()  # its default is to pass over errors, which a device that is gone gives
            self._stream = None

    def _callback(self, block: NDArray[np.float32], frames: int, times: Any, status: Any) -> None:
        now_ns = self._clock.now_ns()
        age_s = times.currentTime - times.inputBufferAdcTime  # of the first sample
        if not 0 < age_s < 1:  # some drivers leave the times empty
            age_s = frames / self._rate
        end_ns = now_ns - max(0, round((age_s - frames / self._rate) * 1e9))
        self._overflows += bool(status.input_overflow)
        self.dropped_blocks += len(self._inbox) == _INBOX_BLOCKS
        self._inbox.append((block.copy(), end_ns))
        self._arrived.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._arrived.wait(_POLL_S)
            self._arrived.clear()
            try:
                self._turn()
            except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
                self._failure = f"microphone: {type(error).__name__}: {error}"

    def _turn(self) -> None:
        """Pass on what arrived; if nothing did for long, close the device and try to open it again."""
        now_ns = self._clock.now_ns()
        if self._inbox:
            self._drain()
            self._last_ns, self._retry_s = now_ns, RETRY_FIRST_S
            self._stalled, self._failure = False, None
        elif self._stream is not None:
            waited_s = (now_ns - max(self._last_ns, self._opened_ns)) / 1e9
            self._stalled |= waited_s > STALL_S
            if waited_s > GONE_S:
                self._close()
                self._wait_more(now_ns)
        elif self._stream is None and now_ns >= self._retry_ns:
            self._reopen(now_ns)

    def _drain(self) -> None:
        resampler = self._resampler
        if resampler is None:
            return
        for _ in range(len(self._inbox)):  # no more than there are now: a driver may deliver without end
            block, end_ns = self._inbox.popleft()
            if block.any():
                self._loud_ns = self._clock.now_ns()
            samples = resampler.push(self._front_end.push(block, self._rate))
            self._audio.write(samples, end_ns - round(resampler.lag_s * 1e9))

    def _reopen(self, now_ns: int) -> None:
        try:
            # PortAudio lists devices once: without this a device plugged in again is never found.
            self._sd._terminate()
            self._sd._initialize()
            self._index, _ = find_input(self._sd, self._device_name)
            self._open()
        except self._errors as error:
            self._failure = str(error)
            self._wait_more(now_ns)

    def _wait_more(self, now_ns: int) -> None:
        self._retry_ns = now_ns + round(self._retry_s * 1e9)
        self._retry_s = min(self._retry_s * 2, RETRY_LAST_S)


def microphones(sounddevice: Any = None) -> list[str]:
    """The inputs there are, one line each: number, name, rate. Raises :class:`EngineError` without PortAudio."""
    module = _portaudio() if sounddevice is None else sounddevice
    return [
        f"{index} {found['name']} ({found['default_samplerate']:.0f} Hz, {found['max_input_channels']} channels)"
        for index, found in _inputs(module).items()
    ]


def find_input(sounddevice: Any, device: int | str | None) -> tuple[int, dict[str, Any]]:
    """(index, PortAudio's description) of an input device: exact name first, then the first that contains it.

    Raises :class:`EngineError` listing the inputs when there is none such.
    """
    devices = _inputs(sounddevice)
    wanted = int(device) if isinstance(device, str) and device.isdigit() else device
    if wanted is None:
        default = sounddevice.default.device[0]
        matches = [index for index in devices if index == default] or list(devices)
    elif isinstance(wanted, int):
        matches = [index for index in devices if index == wanted]
    else:
        names = {index: str(found["name"]).lower() for index, found in devices.items()}
        matches = [index for index, name in names.items() if name == wanted.lower()]
        matches += [index for index, name in names.items() if wanted.lower() in name]
    if not matches:
        which = "no microphone" if wanted is None else f"no microphone {device!r}"
        raise EngineError(f"{which} here; inputs: {_listed(sounddevice)}. Choose one by number or part of its name")
    return matches[0], devices[matches[0]]


def _inputs(sounddevice: Any) -> dict[int, dict[str, Any]]:
    try:
        found = list(sounddevice.query_devices())
    except sounddevice.PortAudioError as error:
        raise EngineError(f"PortAudio cannot list its devices: {error}") from error
    return {index: item for index, item in enumerate(found) if item["max_input_channels"] > 0}


def _listed(sounddevice: Any) -> str:
    return ", ".join(f"{index} {item['name']}" for index, item in _inputs(sounddevice).items()) or "none"


def _portaudio() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise EngineError(
            "the microphone needs sounddevice, which is not installed: pip install sounddevice"
        ) from error
    except OSError as error:
        raise EngineError(
            f"the microphone needs the PortAudio library ({error}): apt-get install libportaudio2, or play a file"
        ) from error
    return sounddevice
