"""What is said of the sound of a session: in the log once, in statistics and announcement, to a network client, by
``engine doctor``; and the flag that leaves sound alone."""

from __future__ import annotations

import threading
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import doctor
from engine.announce import Ticker
from engine.bundle import Bundle
from engine.clock import MonotonicClock
from engine.feeds.feeds import Feeds
from engine.feeds.samples import Hop
from engine.record.serving import Recorders
from engine.serve import ServeOptions, Serving, serve
from engine.session.live import LiveSession
from engine.session.pushed import PushedSound
from engine.sources import mic
from engine.sources.file import FileSource
from tests.engine.made_media import Cut, film, joined
from tests.engine.said import said
from tests.engine.sound.made import RATE, dbfs, voice
from tests.engine.test_sources_mic import Ports

FREE = "tcp://127.0.0.1:*"
QUIET = voice(14.0, -55.0)


def stereo(path: Path, left: NDArray[np.float32], right: NDArray[np.float32]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.stack([left, right], 1) * 32767).astype("<i2").tobytes())
    return path


def session_of(path: Path, raw: bool = False) -> tuple[LiveSession, list[str]]:
    """A session over the whole file, at its end, and what was logged."""
    sessions: list[LiveSession] = []

    def ready(serving: Serving) -> None:
        sessions.extend(serving.host.sessions())

    with said() as messages:
        serve(
            ServeOptions(bundles=("rules",), pub=FREE, control=FREE, fast=True, raw_sound=raw),
            [FileSource(path, fast=True)],
            ready,
        )
    return sessions[0], messages


def test_a_trouble_is_logged_once_and_stands_in_statistics_and_announcement(tmp_path: Path) -> None:
    session, messages = session_of(stereo(tmp_path / "a.wav", QUIET, -QUIET))
    troubles = [text for text in messages if "'s voice" in text]
    assert len(troubles) == 2
    assert any("too quiet" in text for text in troubles) and any("opposite polarity" in text for text in troubles)
    for told in (session.stats()["sound"]["partner"], session.describe()["sound"]["partner"]):
        assert told["voice_dbfs"] == pytest.approx(-55.0, abs=2.5)
        assert told["gain_db"] > 15.0
        assert told["channels"] == 2
        assert len(told["notices"]) == 2


def test_a_notice_is_told_once_however_often_there_is_something_to_tell(tmp_path: Path) -> None:
    session, _ = session_of(stereo(tmp_path / "a.wav", QUIET, -QUIET))
    ticker = Ticker(None, lambda: session, Recorders(None, None, "onnx:cpu"), [])  # type: ignore[arg-type]
    with said() as messages:
        for _ in range(3):
            ticker.tell()
    assert len([text for text in messages if "'s voice" in text]) == 2


def test_a_session_with_raw_sound_hears_it_as_it_is(tmp_path: Path) -> None:
    session, messages = session_of(stereo(tmp_path / "a.wav", QUIET, QUIET), raw=True)
    assert session.stats()["sound"]["partner"]["gain_db"] == 0.0
    assert any("too quiet" in text for text in messages)


def test_what_is_sent_is_heard_at_one_level_and_raw_where_it_was_asked_for() -> None:
    spec = Bundle.load("rules").spec
    for raw, level in ((False, dbfs(voice(14.0)[-2 * RATE :])), (True, dbfs(QUIET[-2 * RATE :]))):
        feeds = Feeds.of(spec, 0)
        feeds.raw_sound = raw
        pushed = PushedSound(feeds, "partner", RATE, 0)
        heard: list[Hop] = []
        for at in range(0, len(QUIET), spec.hop):
            pushed.write(QUIET[at : at + spec.hop], True, (at + spec.hop) * 1_000_000_000 // RATE)
            hop = feeds.samples["partner"].read_hop(at // spec.hop)
            assert hop is not None
            heard.append(hop)
        assert abs(dbfs(np.concatenate([hop.samples for hop in heard[-50:]])) - level) < 3.0


class Spoken(Ports):
    """A sound card that gives a voice as soon as it is opened."""

    def __init__(self, sound: NDArray[np.float32]) -> None:
        super().__init__(RATE, 1)
        self.sound = sound

    def InputStream(self, **options: Any) -> Any:
        stream = super().InputStream(**options)
        times, status = SimpleNamespace(currentTime=1.0, inputBufferAdcTime=0.0), SimpleNamespace(input_overflow=False)

        def speak() -> None:
            for at in range(0, len(self.sound), 160):
                stream.callback(self.sound[at : at + 160, None], 160, times, status)
                threading.Event().wait(0.0005)

        threading.Thread(target=speak, daemon=True).start()
        return stream


@pytest.mark.parametrize(
    ("sound", "words"),
    [(voice(3.0, -40.0), "voice at -4"), (np.zeros(RATE, np.float32), "no voice heard")],
    ids=["a voice", "muted"],
)
def test_doctor_shows_the_level_meter(monkeypatch: pytest.MonkeyPatch, sound: NDArray[np.float32], words: str) -> None:
    monkeypatch.setattr(mic, "_portaudio", lambda: Spoken(sound))
    monkeypatch.setattr(doctor, "LISTEN_S", 2.0)
    told = doctor._sound(ServeOptions(bundles=("rules",)), None)
    assert told.startswith("microphone Built-in Mic: level -")
    assert words in told


def test_doctor_says_that_a_microphone_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mic, "_portaudio", lambda: Ports())
    monkeypatch.setattr(doctor, "LISTEN_S", 0.2)
    with pytest.raises(Exception, match="gives no sound"):
        doctor._sound(ServeOptions(bundles=("rules",)), None)


def test_a_jump_in_the_time_of_a_film_is_said_once_and_is_no_problem(tmp_path: Path) -> None:
    parts = [film(tmp_path / f"{at}.ts", [Cut(2, at, at)]) for at in (5, 300)]
    _, messages = session_of(joined(tmp_path / "both.ts", *parts))
    assert len([text for text in messages if text.startswith("file both.ts: its time jumps at 2.")]) == 1
    assert not any("media file" in text for text in messages)  # it is no problem, which would degrade all that follows


def test_meters_of_two_voices_stand_side_by_side() -> None:
    feeds = Feeds.of(Bundle.load("rules").spec, MonotonicClock().now_ns())
    for owner, sound in (("partner", np.stack([QUIET, -QUIET], 1)), ("self", QUIET)):
        feeds.front_end(owner).push(sound, RATE)
    assert sorted(text.partition(":")[0] for text in feeds.notices()) == [
        "partner's voice",
        "partner's voice",
        "self's voice",
    ]
