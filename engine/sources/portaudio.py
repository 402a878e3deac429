"""PortAudio as this process uses it: which inputs there are, and opening, closing and looking for them anew.

It is reached through sounddevice, which leaves three things to its caller:

- A device's name is bytes of whatever encoding the driver has; sounddevice raises for those that are no UTF-8, for the
  whole list and for opening. Here they are shown with replacement characters, and cleaned.
- Where a sound server hangs or dies, a call may never return. So all calls are made in one thread of their own (the
  library wants no more than one), each is waited for :data:`ANSWER_S` at most, and one that hangs is left behind.
- The library lists devices once. To see one that was plugged in it has to be ended and begun again, which closes all
  that is open: done only while nothing is.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import EngineError, clean
from engine.sources.calls import Calls

ANSWER_S, CLOSE_S = 10.0, 2.0
"""Seconds for which the library is waited for: a sound server may have to start, or a headset to connect; and when
closing, where nobody waits for sound any more."""
BLOCK_S = 0.01
"""Seconds of sound per callback. 10 ms costs PortAudio 20 ms of buffering where 20 ms would cost 40."""
MOST_CHANNELS = 2
_MOST_DEVICES = 1000


class Input(NamedTuple):
    """A device that gives sound: its number in the library, its name as it may be shown, its rate (Hz) and how many
    channels it has."""

    number: int
    name: str
    rate: int
    channels: int

    @property
    def used(self) -> int:
        """How many of its channels are opened."""
        return min(self.channels, MOST_CHANNELS)


@dataclass(frozen=True, eq=False)
class Opened:
    """An input that is open."""

    device: Input
    stream: Any


class PortAudio:
    """The library behind ``module`` (sounddevice, or in tests something like it). What fails raises
    :class:`EngineError` with the reason in words."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._calls = Calls()
        self._open: set[Opened] = set()
        self._left: list[Opened] = []  # their callbacks may still be called, so nothing of them may be freed

    @classmethod
    def of(cls, module: Any) -> PortAudio:
        """The one for ``module``: several microphones share a library."""
        return _KNOWN.setdefault(id(module), cls(module))

    def inputs(self) -> list[Input]:
        """The inputs there are."""
        return self._calls("listing devices", self._inputs, ANSWER_S)

    def find(self, device: int | str | None) -> Input:
        """The input that ``device`` names (:meth:`pick`)."""
        return self._calls("listing devices", lambda: self.pick(self._inputs(), device), ANSWER_S)

    def pick(self, inputs: Sequence[Input], device: int | str | None, any_default: bool = True) -> Input:
        """Of ``inputs`` the one with this number, or this name, or the first whose name has this part; None is the
        system's default, and where it has none the first, if ``any_default``. Raises :class:`EngineError` listing them
        where there is none such."""
        wanted = int(device) if isinstance(device, str) and device.isdecimal() else device
        if wanted is None:
            default = self._module.default.device[0]
            matches = [one for one in inputs if one.number == default] or list(inputs if any_default else ())
        elif isinstance(wanted, int):
            matches = [one for one in inputs if one.number == wanted]
        else:
            part = clean(wanted).lower()
            matches = [one for one in inputs if one.name.lower() == part]
            matches += [one for one in inputs if part and part in one.name.lower()]
        if not matches:
            which = "no microphone" if wanted is None else f"no microphone {device!r}"
            raise EngineError(f"{which} here; inputs: {told(inputs)}. Choose one by number or part of its name")
        return matches[0]

    def open(
        self, choose: Callable[[Sequence[Input]], Input], heard: Callable[..., None], anew: bool = False
    ) -> Opened:
        """Open the input that ``choose`` picks of those there are; ``heard`` is PortAudio's callback, and called with
        the input that it is as its first argument. ``anew``: look first what is there now."""

        def job() -> Opened:
            if anew and not self._open:
                self._begin_again()
            device = choose(self._inputs())
            opened = self._opened(device, heard)
            self._open.add(opened)
            return opened

        return self._calls("opening", job, ANSWER_S, undo=self._close)

    def close(self, opened: Opened) -> None:
        """Close an input, whatever state it is in; where that hangs, it is left behind."""
        self._open.discard(opened)
        try:
            self._calls("closing", lambda: self._close(opened), CLOSE_S)
        except EngineError:
            self._left.append(opened)
            self.leave()

    def leave(self) -> None:
        """Do not wait for the library when the process ends: it does not answer."""
        end = getattr(self._module, "_exit_handler", None)
        if end is not None:
            atexit.unregister(end)

    def _close(self, opened: Opened) -> None:
        self._open.discard(opened)
        with suppress(Exception):  # of a device that is gone
            opened.stream.close()

    def _opened(self, device: Input, heard: Callable[..., None]) -> Opened:
        stream = self._module.InputStream(
            device=device.number,
            samplerate=device.rate,
            channels=device.used,
            dtype="float32",
            blocksize=round(device.rate * BLOCK_S),
            latency="low",
            callback=lambda *block: heard(device, *block),
        )
        try:
            stream.start()
        except BaseException:
            with suppress(Exception):
                stream.close()
            raise
        return Opened(device, stream)

    def _begin_again(self) -> None:
        with suppress(Exception):  # it may not have begun, since no sound server was there the last time
            self._module._terminate()
        self._module._initialize()

    def _inputs(self) -> list[Input]:
        try:
            found = list(self._module.query_devices())
        except UnicodeDecodeError:
            found = self._one_by_one()
        return [
            Input(
                number=number,
                name=clean(item["name"]),
                rate=round(float(item["default_samplerate"])),
                channels=int(item["max_input_channels"]),
            )
            for number, item in enumerate(found)
            if item["max_input_channels"] > 0
        ]

    def _one_by_one(self) -> list[Any]:
        """The devices, since one of them has a name that sounddevice cannot read; from now on it can."""
        module, strict = self._module, self._module.query_devices

        def readable(device: Any = None, kind: Any = None) -> Any:
            try:
                return strict(device, kind)
            except UnicodeDecodeError as error:
                if not isinstance(device, int):
                    raise
                return _described(module, device, bytes(error.object))

        if not getattr(strict, "reads_all", False):
            readable.reads_all = True  # type: ignore[attr-defined]
            module.query_devices = readable  # opening asks it for the device, too
        found: list[Any] = []
        with suppress(module.PortAudioError, IndexError):  # the end of the list
            for index in range(_MOST_DEVICES):
                found.append(module.query_devices(index))
        return found


def told(inputs: Sequence[Input]) -> str:
    """Inputs by number and name."""
    return ", ".join(f"{one.number} {one.name}" for one in inputs) or "none"


def _described(module: Any, index: int, name: bytes) -> dict[str, Any]:
    """What sounddevice says of a device, when it can read the name. There is no public way to the rest; where the
    private one is not as it is known, the device is taken for a plain microphone, and opening it shows."""
    library = getattr(module, "_lib", None)
    if library is None:
        plain = {"max_input_channels": 1, "max_output_channels": 0, "default_samplerate": 48_000.0}
        return {"name": name.decode("utf-8", "replace"), "index": index, **plain}
    info = library.Pa_GetDeviceInfo(index)
    return {
        "name": name.decode("utf-8", "replace"),
        "index": index,
        "hostapi": info.hostApi,
        "max_input_channels": info.maxInputChannels,
        "max_output_channels": info.maxOutputChannels,
        "default_low_input_latency": info.defaultLowInputLatency,
        "default_low_output_latency": info.defaultLowOutputLatency,
        "default_high_input_latency": info.defaultHighInputLatency,
        "default_high_output_latency": info.defaultHighOutputLatency,
        "default_samplerate": info.defaultSampleRate,
    }


_LOADING = Calls()
_KNOWN: dict[int, PortAudio] = {}


def load() -> Any:
    """Sounddevice; in a thread, since loading it begins the library. Raises :class:`EngineError` where it, or the
    library, is not there."""
    return _LOADING("starting", _load, ANSWER_S)


def _load() -> Any:
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
