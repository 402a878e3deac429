"""A pretended PortAudio: the C library under the real sounddevice, for names of any bytes; and a sound server that dies
and comes back, in the place of sounddevice."""

from __future__ import annotations

import atexit
import ctypes.util
import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.engine.test_sources_mic import PortAudioError, Ports, Stream


class Named(NamedTuple):
    """A device of the library: its name as bytes, its input channels and its rate (Hz)."""

    name: bytes
    inputs: int
    rate: float = 48_000.0


class Library:
    """The functions of the C library that listing and opening call."""

    def __init__(self, ffi: Any, devices: Sequence[Named], default: int) -> None:
        self._ffi, self._default = ffi, default
        self._names = [ffi.new("char[]", device.name) for device in devices]  # held, as the structures point to them
        self._infos = [
            ffi.new(
                "PaDeviceInfo *",
                {
                    "structVersion": 2,
                    "name": name,
                    "hostApi": 0,
                    "maxInputChannels": device.inputs,
                    "maxOutputChannels": 2,
                    "defaultLowInputLatency": 0.01,
                    "defaultSampleRate": device.rate,
                },
            )
            for device, name in zip(devices, self._names, strict=True)
        ]
        self._stream_info = ffi.new("PaStreamInfo *")
        self.opened: list[tuple[int, int, float]] = []
        """Of every stream: device, channels, rate."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("pa"):
            return lambda *_: 0
        return self._ffi.integer_const(name)

    def Pa_GetDeviceCount(self) -> int:
        return len(self._infos)

    def Pa_GetDeviceInfo(self, index: int) -> Any:
        return self._infos[index] if 0 <= index < len(self._infos) else self._ffi.NULL

    def Pa_HostApiTypeIdToHostApiIndex(self, _: int) -> int:
        return -1

    def Pa_GetDefaultInputDevice(self) -> int:
        return self._default

    def Pa_GetSampleSize(self, _: int) -> int:
        return 4

    def Pa_GetStreamInfo(self, _: Any) -> Any:
        return self._stream_info

    def Pa_OpenStream(self, _: Any, given: Any, out: Any, rate: float, *__: Any) -> int:
        self.opened.append((given.device, given.channelCount, rate))
        return 0


class _Ffi:
    """The real one, but for the library that it opens."""

    def __init__(self, ffi: Any, library: Library) -> None:
        self._ffi, self._library = ffi, library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ffi, name)

    def dlopen(self, _: str) -> Library:
        return self._library


@contextmanager
def sounddevice_over(devices: Sequence[Named], default: int = 0) -> Iterator[tuple[ModuleType, Library]]:
    """The real sounddevice, loaded over a pretended library."""
    binding = pytest.importorskip("_sounddevice", reason="sounddevice is not installed")
    found = importlib.util.find_spec("sounddevice")
    assert found is not None and found.origin is not None
    library, pretended = Library(binding.ffi, devices, default), ModuleType("_sounddevice")
    pretended.ffi = _Ffi(binding.ffi, library)  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("pretended_sounddevice", found.origin)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "_sounddevice", pretended)
        patch.setattr(ctypes.util, "find_library", lambda _: "pretended")
        spec.loader.exec_module(module)
    try:
        yield module, library
    finally:
        atexit.unregister(module._exit_handler)


class Server(Ports):
    """A sound server that can die, hang and come back. While ``dead`` nothing can be listed, and the library cannot
    begin; ``hangs`` names calls that do not come back before ``let_go`` is set."""

    def __init__(self, rate: float = 48_000, channels: int = 2) -> None:
        super().__init__(rate, channels)
        self.dead = False
        self.begun = True
        self.hangs: set[str] = set()
        self.close_raises = False
        self.let_go = threading.Event()
        self.ended_at_exit = False

    def _hang(self, call: str) -> None:
        if call in self.hangs:
            self.let_go.wait(60)

    def _exit_handler(self) -> None:
        self.ended_at_exit = True

    def query_devices(self) -> list[dict[str, Any]]:
        self._hang("list")
        if not self.begun:
            raise PortAudioError("PortAudio not initialized [PaErrorCode -10000]")
        return self.devices

    def InputStream(self, **options: Any) -> Stream:
        self._hang("open")
        self.streams.append(_Stream(self, **options))
        return self.streams[-1]

    def _terminate(self) -> None:
        self._hang("end")
        super()._terminate()
        if not self.begun:
            raise PortAudioError("PortAudio not initialized [PaErrorCode -10000]")
        self.begun = False
        for stream in self.streams:
            stream.open = False

    def _initialize(self) -> None:
        if self.dead:
            raise PortAudioError("Unanticipated host error [PaErrorCode -9999]")
        super()._initialize()
        self.begun = True


class _Stream(Stream):
    def close(self) -> None:
        server: Server = self._owner  # type: ignore[assignment]
        server._hang("close")
        super().close()
        if server.close_raises:
            raise PortAudioError("Stream is stopped [PaErrorCode -9983]")


def heard_first(rig: Any, server: Server) -> None:
    """Some sound, after which the device counts as one that gives sound."""
    rig.deliver(np.ones((10, server.streams[-1].options["channels"]), np.float32))
    rig.turn()
