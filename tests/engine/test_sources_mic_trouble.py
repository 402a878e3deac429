"""Microphones in trouble: names of any bytes; a sound server that dies, hangs and comes back with other devices."""

from __future__ import annotations

import atexit
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.clock import FakeClock
from engine.errors import EngineError
from engine.feeds.samples import AudioRing
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.sources import choose, mic, portaudio
from engine.sources.mic import MicSource, microphones
from engine.wire import Flag
from tests.engine.feeds.made import feeds
from tests.engine.pretended_portaudio import Named, Server, heard_first, sounddevice_over
from tests.engine.session.scene import MS, PERIOD, SPEC, START, Puppet, Scene, flags
from tests.engine.test_sources_mic import HOP, Ports, Rig

DEVICES = [
    Named(b"Lautsprecher", 0),
    Named(b"Kopfh\xf6rer \x1b[2J\r\nMic", 1, 44_100.0),
    Named("Mikrofon für alle".encode(), 2),
    Named(b"\xff\xfe\xfd", 2, 16_000.0),
]
SHOWN = ["1 Kopfh\ufffdrer ?[2J Mic", "2 Mikrofon für alle", "3 \ufffd\ufffd\ufffd"]


def test_names_of_any_bytes_are_listed_and_hide_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with sounddevice_over(DEVICES) as (module, _):
        lines = microphones(module)
        assert lines == [
            f"{SHOWN[0]} (44100 Hz, 1 channels)",
            f"{SHOWN[1]} (48000 Hz, 2 channels)",
            f"{SHOWN[2]} (16000 Hz, 2 channels)",
        ]
        monkeypatch.setattr(mic, "_portaudio", lambda: module)
        told = choose.devices()  # of `engine devices` and `engine doctor`
        assert all(f"  {line}\n" in told for line in lines) and "\x1b" not in told
        with pytest.raises(EngineError, match=re.escape(f"inputs: {', '.join(SHOWN)}. Choose")):
            MicSource("webcam", module)


@pytest.mark.parametrize(
    ("asked", "number"), [("kopfh", 1), ("Kopfh\ufffdrer", 1), (1, 1), ("3", 3), ("\ufffd", 1), (None, 3), ("ALLE", 2)]
)
def test_a_microphone_with_such_a_name_is_found_and_opened(asked: int | str | None, number: int) -> None:
    with sounddevice_over(DEVICES, default=3) as (module, library):
        source = MicSource(asked, module)
        source.start(feeds(audio=AudioRing(16_000, HOP, 1)), FakeClock())
        source.stop()
        device = DEVICES[number]
        assert library.opened == [(number, device.inputs, device.rate)]
        assert source.name == f"microphone {SHOWN[number - 1].split(' ', 1)[1]}"


def test_of_a_sounddevice_that_hides_its_library_no_device_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = Ports()

    def query(device: int | None = None, kind: str | None = None) -> Any:
        if device in (None, 1):
            b"Mikro \xe9".decode()
        return ports.devices[device or 0]

    monkeypatch.setattr(ports, "query_devices", query)
    assert microphones(ports) == ["1 Mikro \ufffd (48000 Hz, 1 channels)", "2 USB Headset Mic (44100 Hz, 1 channels)"]
    assert Rig(ports, monkeypatch, "mikro").ports.streams[0].options["device"] == 1


@pytest.mark.parametrize("asked", ["", " ", "²", "-1"])
def test_what_names_no_microphone_is_refused(asked: str) -> None:
    with pytest.raises(EngineError, match="inputs: 1 Built-in Mic, 2 USB Headset Mic"):
        MicSource(asked, Ports())


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs is given up after a moment."""
    monkeypatch.setattr(portaudio, "ANSWER_S", 1.0)
    monkeypatch.setattr(portaudio, "CLOSE_S", 0.1)
    monkeypatch.setattr(mic, "JOIN_S", 0.3)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.let_go.set()


def lost(rig: Rig, server: Server) -> None:
    heard_first(rig, server)
    server.dead = True  # and the microphone has noticed
    for _ in range(60):
        rig.turn(100)


def back(rig: Rig, server: Server, *devices: dict[str, Any]) -> None:
    """It is started again, with these devices, and the microphone has noticed."""
    server.dead, server.devices = False, list(devices)
    opened = len(server.streams)
    for _ in range(120):
        rig.turn(100)
        if len(server.streams) > opened:
            return
    raise AssertionError("it was not opened again")


def tone(rig: Rig, rate: int, channels: int) -> float:
    """Play a second of 500 Hz at ``rate`` through the present stream; the frequency (Hz) that is heard."""
    rig.ring.skip_to(rig.ring.written // HOP + 1)
    first = rig.ring.written
    sound = np.sin(2 * np.pi * 500 * np.arange(rate) / rate).astype(np.float32) / 8
    for at in range(0, rate, rate // 100):
        rig.clock.advance(10 * MS)
        rig.deliver(np.repeat(sound[at : at + rate // 100, None], channels, axis=1), 0.010)
        rig.turn()
    hops = [rig.ring.read_hop(k) for k in range(first // HOP + 3, rig.ring.newest_hop() + 1)]
    heard = np.concatenate([hop.samples for hop in hops if hop is not None and hop.valid])
    assert len(heard) > 8000
    return float(np.abs(np.fft.rfft(heard, 16_000)).argmax())


@pytest.mark.parametrize("close_raises", [False, True])
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (16_000, 1), (44_100, 1), (96_000, 8)])
def test_a_sound_server_that_is_killed_and_started_again_is_heard_at_the_right_pitch(
    monkeypatch: pytest.MonkeyPatch, server: Server, rate: int, channels: int, close_raises: bool
) -> None:
    rig = Rig(server, monkeypatch)
    assert tone(rig, 48_000, 2) == pytest.approx(500, abs=2)
    server.close_raises = close_raises
    lost(rig, server)
    assert "Unanticipated host error" in (rig.mic.problem or "")
    server.dead, server.devices = False, []
    for _ in range(100):
        rig.turn(100)
    assert "no microphone 'Built-in Mic' here; inputs: none" in (rig.mic.problem or "")
    back(rig, server, Ports.device("Other", 2), Ports.device("More", 0), Ports.device("Built-in Mic", channels, rate))
    used = min(channels, 2)
    options = server.streams[-1].options
    assert (options["device"], options["samplerate"], options["channels"]) == (2, rate, used)
    assert (rig.mic.describe()["rate"], rig.mic.describe()["channels"]) == (rate, used)
    assert tone(rig, rate, used) == pytest.approx(500, abs=2)
    assert rig.mic.problem is None
    rig.mic.stop()


def test_an_impossible_rate_is_named_and_tried_again(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    rig = Rig(server, monkeypatch)
    lost(rig, server)
    back(rig, server, Ports.device("Built-in Mic", 1, 1000))
    rig.deliver(np.ones((10, 1), np.float32))
    rig.turn()
    assert "sample rate 1000 Hz" in (rig.mic.problem or "") and not server.streams[-1].open
    back(rig, server, Ports.device("Built-in Mic", 1, 16_000))
    assert tone(rig, 16_000, 1) == pytest.approx(500, abs=2)


def test_zeros_after_a_loss_are_no_mute(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    rig = Rig(server, monkeypatch)
    lost(rig, server)
    back(rig, server, Ports.device("Built-in Mic", 2))
    rig.deliver(np.zeros((480, 2), np.float32))
    rig.turn()
    assert rig.mic.problem is None


def test_where_the_default_was_asked_for_another_takes_its_place(
    monkeypatch: pytest.MonkeyPatch, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(server, monkeypatch)
    lost(rig, server)
    server.default.device = [0, 1]
    back(rig, server, Ports.device("Webcam Mic", 1, 16_000))
    assert rig.mic.describe()["device"] == "Webcam Mic" and rig.mic.name == "microphone Built-in Mic"
    assert "microphone Built-in Mic is gone; Webcam Mic is heard instead" in caplog.text
    assert tone(rig, 16_000, 1) == pytest.approx(500, abs=2)


@pytest.mark.parametrize(("asked", "instead"), [(1, False), ("1", False), ("built", False), ("mic", True)])
def test_only_what_was_asked_for_is_heard_instead(
    monkeypatch: pytest.MonkeyPatch, server: Server, asked: int | str, instead: bool
) -> None:
    rig = Rig(server, monkeypatch, asked)
    lost(rig, server)
    server.dead, server.devices, server.default.device = False, [Ports.device("Webcam Mic", 1)], [0, 1]
    for _ in range(400):
        rig.turn(100)
    assert (rig.mic.describe()["device"] == "Webcam Mic") == instead


def test_blocks_of_a_stream_that_was_given_up_are_not_heard(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    rig = Rig(server, monkeypatch)
    lost(rig, server)
    back(rig, server, Ports.device("Built-in Mic", 1, 16_000))
    times, status = SimpleNamespace(currentTime=0.0, inputBufferAdcTime=0.0), SimpleNamespace(input_overflow=False)
    server.streams[0].callback(np.ones((HOP, 2), np.float32), HOP, times, status)
    rig.turn()
    assert rig.ring.written == 0


def test_a_close_that_hangs_is_left_behind_and_the_device_heard_again(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    rig = Rig(server, monkeypatch)
    server.hangs = {"close"}
    lost(rig, server)
    back(rig, server, Ports.device("Built-in Mic", 1, 16_000))
    assert tone(rig, 16_000, 1) == pytest.approx(500, abs=2)


@pytest.mark.parametrize("call", ["end", "list", "open"])
def test_a_library_that_hangs_is_named_and_used_again_when_it_answers(
    monkeypatch: pytest.MonkeyPatch, server: Server, call: str
) -> None:
    rig = Rig(server, monkeypatch)
    heard_first(rig, server)
    server.hangs = {call}
    for _ in range(70):
        rig.turn(100)
    assert "the sound system gives no answer for 1 s" in (rig.mic.problem or "")
    server.hangs = set()
    server.let_go.set()
    back(rig, server, Ports.device("Built-in Mic", 1, 16_000))
    while rig.mic._opened is None:  # what was opened may be of a call that was given up, and comes late
        rig.turn(100)
    assert tone(rig, 16_000, 1) == pytest.approx(500, abs=2)
    rig.mic.stop()
    while any(stream.open for stream in server.streams):  # also the one that came late
        threading.Event().wait(0.05)


@pytest.mark.parametrize("calls", [{"close"}, {"close", "end", "list", "open"}])
@pytest.mark.parametrize("when", ["heard", "gone"])
def test_the_engine_ends_though_the_library_hangs(
    monkeypatch: pytest.MonkeyPatch, server: Server, calls: set[str], when: str
) -> None:
    unregistered: list[Any] = []
    monkeypatch.setattr(atexit, "unregister", unregistered.append)
    clock, source = FakeClock(), MicSource(None, server)
    source.start(feeds(audio=AudioRing(16_000, HOP, 1)), clock)
    server.hangs = set(calls)
    if when == "gone":
        clock.advance(60_000 * MS)
        wait = threading.Event()
        assert any(source._opened is None or wait.wait(0.01) for _ in range(1000))
    source.stop()  # would never come back
    assert unregistered == [server._exit_handler] or len(unregistered) > 1  # or the process would wait for it
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(("microphone", "portaudio"))]
    assert all(thread.daemon for thread in threads)


def test_a_start_that_hangs_is_refused(server: Server) -> None:
    source = MicSource(None, server)
    server.hangs = {"open"}
    with pytest.raises(EngineError, match=r"'Built-in Mic' does not open \(opening: the sound system gives no answer"):
        source.start(feeds(audio=AudioRing(16_000, HOP, 1)), FakeClock())
    source.stop()


def test_a_microphone_that_is_lost_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """Two of them share the library, and to look for devices anew it has to be ended."""
    lost_one, other = Rig(server, monkeypatch, 1), Rig(server, monkeypatch, 2)
    for _ in range(300):
        lost_one.turn(100)
    assert server.refreshed == 0 and other.mic._opened is not None and other.mic._opened.stream.open


@pytest.mark.parametrize("arrival_ms", [0, 15])
def test_in_a_session_frames_go_on_in_time_while_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, server: Server, arrival_ms: int
) -> None:
    """The real loop and slot over the real microphone: gone from the 50th frame for ten seconds."""
    puppet = Puppet()
    puppet.spec = replace(SPEC, sample_rate=16_000, inputs=(replace(SPEC.inputs[0], shape=(HOP,)), *SPEC.inputs[1:]))
    puppet.inputs["voice"] = np.zeros((1, HOP), np.float32)
    scene = Scene(gives=(), step=puppet)  # type: ignore[arg-type]
    clock, ports = scene.clock, Ports(16_000, 1)
    source = MicSource(None, ports)
    monkeypatch.setattr(MicSource, "_run", lambda _: None)
    source.start(scene.feeds, clock)
    told = (scene.runtime.spec, scene.feeds, scene._keep, clock)
    slot = Slot(*told, given=source.gives, sources=[source], frames=400)
    loop = Loop(scene.runtime, clock)
    for run in range(400):
        puppet.script[run] = lambda _: clock.advance(4 * MS)
    block = np.full((160, 1), 0.1, np.float32)

    def heard() -> None:
        times = SimpleNamespace(currentTime=9.0, inputBufferAdcTime=9.0 - 0.01 - arrival_ms / 1000)
        ports.streams[-1].callback(block, 160, times, SimpleNamespace(input_overflow=False))
        source._turn()

    for tick in range(1, 1700):
        at = START + tick * 10 * MS
        gone = 200 <= tick < 1200
        clock.at(at + arrival_ms * MS, source._turn if gone else heard)
    loop.join(slot)
    loop.run(scene.stop, until_empty=True)
    frames = scene.frames
    assert [frame.seq for frame in frames] == list(range(400)) and slot.stats.late == 0
    found = flags(frames, Flag.NO_FACE | Flag.FIRST)
    assert found[5:48] == [Flag(0)] * 43 and found[-80:] == [Flag(0)] * 80
    assert found[52:298] == [Flag.SILENT | Flag.DEGRADED] * 246
    published = np.diff([frame.publish_ns for frame in frames[52:298]])
    assert set(published.tolist()) == {PERIOD}
    assert max(frame.publish_ns - frame.due_ns for frame in frames[52:298]) <= 4 * MS
    assert slot.stats.stages["capture_to_publish"].count < 160
    assert ports.refreshed > 0
