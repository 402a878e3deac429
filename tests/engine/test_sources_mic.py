"""The microphone on a pretended PortAudio: devices, rates, times, stalls and coming back; and on a real one if any."""

from __future__ import annotations

import builtins
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.clock import FakeClock, MonotonicClock
from engine.errors import EngineError
from engine.feeds.samples import AudioRing
from engine.sources.mic import MicSource, microphones
from tests.engine.feeds.made import feeds

HOP = 640
MS = 1_000_000


class PortAudioError(Exception):
    """As sounddevice's."""


class Stream:
    """An input stream that gives what a test puts in."""

    def __init__(self, owner: Ports, **options: Any) -> None:
        self.options = options
        self.callback = options["callback"]
        self.open = True
        self._owner = owner
        if owner.busy:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")

    def start(self) -> None:
        if self._owner.silent_start:
            raise PortAudioError("Wait timed out")

    def close(self) -> None:
        self.open = False


class Ports:
    """What the microphone uses of the sounddevice module."""

    PortAudioError = PortAudioError

    def __init__(self, rate: float = 48_000, channels: int = 2) -> None:
        self.devices: list[dict[str, Any]] = [
            self.device("Speakers", 0),
            self.device("Built-in Mic", channels, rate),
            self.device("USB Headset Mic", 1, 44_100),
        ]
        self.default = SimpleNamespace(device=[1, 0])
        self.streams: list[Stream] = []
        self.busy = self.silent_start = False
        self.refreshed = 0

    @staticmethod
    def device(name: str, inputs: int, rate: float = 48_000) -> dict[str, Any]:
        return {"name": name, "max_input_channels": inputs, "default_samplerate": rate}

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def InputStream(self, **options: Any) -> Stream:
        self.streams.append(Stream(self, **options))
        return self.streams[-1]

    def _terminate(self) -> None:
        self.refreshed += 1

    def _initialize(self) -> None:
        self.refreshed += 1


class Rig:
    """A microphone whose thread is the test itself."""

    def __init__(self, ports: Ports, monkeypatch: pytest.MonkeyPatch, device: int | str | None = None) -> None:
        self.ports, self.clock = ports, FakeClock()
        self.ring = AudioRing(16_000, HOP, 2)
        self.mic = MicSource(device, ports)
        monkeypatch.setattr(MicSource, "_run", lambda mic: None)
        self.mic.start(feeds(audio=self.ring), self.clock)

    def deliver(self, block: np.ndarray, age_s: float | None = None, overflow: bool = False) -> None:
        """A callback of the stream in use, or of the last one, at the present time; ``age_s``: how long ago its first
        sample was captured."""
        opened = self.mic._opened
        stream = self.ports.streams[-1] if opened is None else opened.stream
        times = SimpleNamespace(currentTime=50.0, inputBufferAdcTime=0.0 if age_s is None else 50.0 - age_s)
        stream.callback(block, len(block), times, SimpleNamespace(input_overflow=overflow))

    def turn(self, advance_ms: int = 0) -> None:
        self.clock.advance(advance_ms * MS)
        self.mic._turn()


def test_the_device_is_opened_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(), monkeypatch)
    options = rig.ports.streams[0].options
    assert (options["device"], options["samplerate"], options["channels"]) == (1, 48_000, 2)
    assert options["blocksize"] <= 0.02 * 48_000
    assert rig.mic.describe()["device"] == "Built-in Mic"
    rig.mic.stop()
    assert not rig.ports.streams[0].open


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (48_000, 2), (8_000, 1)])
def test_sound_comes_out_mono_at_the_models_rate(monkeypatch: pytest.MonkeyPatch, rate: int, channels: int) -> None:
    rig = Rig(Ports(rate, channels), monkeypatch)
    sound = np.sin(2 * np.pi * 500 * np.arange(rate) / rate).astype(np.float32)
    block = rate // 100
    for first in range(0, rate, block):
        rig.clock.advance(10 * MS)
        rig.deliver(np.repeat(sound[first : first + block, None], channels, axis=1), 0.010)
        rig.turn()
    assert rig.ring.newest_hop() == 23 if rate != 16_000 else 24
    got = np.concatenate([rig.ring.read_hop(k).samples for k in range(24)])  # type: ignore[union-attr]
    want = np.sin(2 * np.pi * 500 * np.arange(len(got)) / 16_000)
    np.testing.assert_allclose(got[200:], want[200:], atol=2e-3)
    start_ns = FakeClock().now_ns()
    for k in range(24):
        assert abs(rig.ring.read_hop(k).capture_ns - (start_ns + (k + 1) * 40 * MS)) < MS // 10  # type: ignore[union-attr]
    assert rig.mic.problem is None


def test_capture_time_is_when_the_converter_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    rig.deliver(np.ones((HOP, 1), np.float32), age_s=0.075)  # 40 ms of sound, begun 75 ms ago
    rig.turn()
    assert rig.ring.read_hop(0).capture_ns == rig.clock.now_ns() - 35 * MS  # type: ignore[union-attr]
    rig.turn(40)
    rig.deliver(np.ones((HOP, 1), np.float32))  # a driver that leaves the times empty
    rig.turn()
    assert rig.ring.read_hop(1).capture_ns == rig.clock.now_ns()  # type: ignore[union-attr]


def test_a_stalled_microphone_is_named_reopened_ever_less_often_and_heard_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    rig.deliver(np.ones((HOP, 1), np.float32), 0.04)
    rig.turn()
    rig.turn(400)
    assert rig.mic.problem is None
    rig.turn(200)
    assert rig.mic.problem == "microphone stalled: no samples for 0.6 s"
    assert rig.ports.streams[0].open
    rig.turn(3500)
    assert not rig.ports.streams[0].open
    rig.ports.devices = rig.ports.devices[:1]  # unplugged
    tries = []
    for _ in range(300):
        before = rig.ports.refreshed
        rig.turn(100)
        if rig.ports.refreshed > before:
            tries.append(rig.clock.now_ns())
    waits = np.diff(tries) / 1e9
    np.testing.assert_allclose(waits[:4], [1, 2, 4, 8], atol=0.11)
    assert max(waits) <= 8.11
    assert "no microphone 'Built-in Mic' here" in (rig.mic.problem or "")
    rig.ports.devices = [Ports.device("Other", 1), Ports.device("Built-in Mic", 1, 16_000)]  # back, on the same number
    for _ in range(90):
        rig.turn(100)
        if len(rig.ports.streams) == 2:
            break
    rig.ring.skip_to(900)
    rig.deliver(np.full((HOP, 1), 0.5, np.float32), 0.04)
    rig.turn()
    assert rig.mic.problem is None
    assert rig.ports.streams[-1].options["device"] == 1
    rig.mic.stop()


def test_a_microphone_that_opens_but_stays_silent_is_still_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(), monkeypatch)
    for _ in range(200):
        rig.turn(100)
    assert (rig.mic.problem or "").startswith("microphone stalled: no samples for 20.0 s")
    assert len(rig.ports.streams) > 2
    rig.mic.stop()
    assert not any(stream.open for stream in rig.ports.streams)


def test_only_zeros_are_a_problem_and_sound_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    for _ in range(60):
        rig.clock.advance(100 * MS)
        rig.deliver(np.zeros((160, 1), np.float32))
        rig.turn()
    assert "only zeros" in (rig.mic.problem or "")
    rig.deliver(np.full((160, 1), 1e-4, np.float32))
    rig.turn()
    assert rig.mic.problem is None


def test_what_is_not_fetched_in_time_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    for _ in range(205):
        rig.deliver(np.ones((160, 1), np.float32), overflow=True)
    rig.turn()
    assert rig.mic.dropped_blocks == 5
    assert rig.mic.describe()["overflows"] == 205
    assert rig.ring.newest_hop() == 200 * 160 // HOP - 1


def test_a_driver_that_delivers_without_end_does_not_hold_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)
    written = 0

    def write(samples: np.ndarray, end_ns: int) -> bool:
        nonlocal written
        written += 1
        assert written < 1000
        rig.deliver(np.ones((160, 1), np.float32))
        return True

    monkeypatch.setattr(rig.ring, "write", write)
    for _ in range(3):
        rig.deliver(np.ones((160, 1), np.float32))
    rig.turn()
    assert written == 3


@pytest.mark.parametrize(("device", "index"), [(2, 2), ("2", 2), ("headset", 2), ("built-in mic", 1), (None, 1)])
def test_devices_are_chosen_by_number_or_name(device: int | str | None, index: int) -> None:
    ports = Ports()
    mic = MicSource(device, ports)
    assert mic.describe()["device"] == ports.devices[index]["name"]


@pytest.mark.parametrize("device", [0, 7, "webcam", "speakers"])
def test_a_wrong_device_is_refused_with_the_list(device: int | str) -> None:
    with pytest.raises(EngineError, match="inputs: 1 Built-in Mic, 2 USB Headset Mic"):
        MicSource(device, Ports())


def test_no_device_at_all_is_refused() -> None:
    ports = Ports()
    ports.devices = ports.devices[:1]
    with pytest.raises(EngineError, match="no microphone here; inputs: none"):
        MicSource(None, ports)


@pytest.mark.parametrize("fault", ["busy", "silent_start"])
def test_a_device_that_does_not_open_is_refused_by_name(fault: str) -> None:
    ports = Ports()
    setattr(ports, fault, True)
    mic = MicSource(None, ports)
    with pytest.raises(EngineError, match="'Built-in Mic' does not open"):
        mic.start(feeds(audio=AudioRing(16_000, HOP, 1)), FakeClock())
    assert not any(stream.open for stream in ports.streams)


def test_a_missing_library_is_refused_with_the_package_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def missing(error: Exception) -> Any:
        def load(name: str, *args: Any, **kwargs: Any) -> Any:
            if name == "sounddevice":
                raise error
            return original(name, *args, **kwargs)

        return load

    monkeypatch.setattr(builtins, "__import__", missing(OSError("PortAudio library not found")))
    with pytest.raises(EngineError, match="apt-get install libportaudio2"):
        MicSource()
    monkeypatch.setattr(builtins, "__import__", missing(ImportError("No module named 'sounddevice'")))
    with pytest.raises(EngineError, match="pip install sounddevice"):
        MicSource()


def test_the_thread_passes_sound_on_and_ends() -> None:
    ports = Ports(16_000, 1)
    mic, ring, before = MicSource(None, ports), AudioRing(16_000, HOP, 2), threading.active_count()
    mic.start(feeds(audio=ring), MonotonicClock())
    times = SimpleNamespace(currentTime=1.0, inputBufferAdcTime=0.96)
    ports.streams[0].callback(np.ones((HOP, 1), np.float32), HOP, times, SimpleNamespace(input_overflow=False))
    assert ring.wait(0, 60)
    mic.stop()
    mic.stop()
    assert threading.active_count() == before
    assert not ports.streams[0].open


def test_microphones_are_listed() -> None:
    assert microphones(Ports()) == ["1 Built-in Mic (48000 Hz, 2 channels)", "2 USB Headset Mic (44100 Hz, 1 channels)"]


def test_a_real_microphone_is_heard() -> None:
    try:
        mic = MicSource()
    except EngineError as error:
        pytest.skip(str(error))
    ring = AudioRing(16_000, HOP, 2)
    mic.start(feeds(audio=ring), MonotonicClock())
    try:
        assert ring.wait(10, 30)
        assert ring.read_hop(10).valid  # type: ignore[union-attr]
    finally:
        mic.stop()
