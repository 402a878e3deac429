"""Files that are still being written: followed to where nothing more comes, or played to their present end."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="PyAV is not installed")

from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.feeds.latest import PoseRing
from engine.feeds.samples import AudioRing, Hop
from engine.sources import media
from engine.sources.file import FileSource
from engine.sources.growing import GrowingFile
from tests.engine.feeds.made import feeds
from tests.engine.made_media import RATE, Cut, film
from tests.engine.test_sources_file import HOP, Shade, tone, wav


@pytest.fixture
def recording(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A whole recording of 2.4 seconds, of the container that the test names; of a WAV the length is open."""
    suffix = request.param
    if suffix != ".wav":
        return film(tmp_path / f"whole{suffix}", [Cut(2.4, 5, 5)])
    path = wav(tmp_path / "whole.wav", tone(48_000, 2.4), 48_000)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = b"\xff" * 4
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("recording", [".ts", ".mkv", ".wav"], indirect=True)
@pytest.mark.parametrize("follow", [True, False])
def test_a_recording_is_followed_while_it_is_written(
    recording: Path, follow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "QUIET_S", 2.5)
    content, growing = recording.read_bytes(), recording.with_stem("growing")
    half = len(content) // 2
    growing.write_bytes(content[:half])
    clock = MonotonicClock()
    audio, face = AudioRing(RATE, HOP, 8), PoseRing(1000)

    def write_on() -> None:
        with growing.open("ab") as file:
            file.write(content[half:])

    source = FileSource(growing, tracker=None if recording.suffix == ".wav" else Shade(), follow=follow)
    source.start(feeds(face, audio=audio, start_ns=clock.now_ns()), clock)
    hops: list[Hop] = []
    later = threading.Timer(0.4, write_on if follow else lambda: None)
    later.start()
    try:
        while audio.wait(len(hops), 30):
            hop = audio.read_hop(len(hops))
            assert hop is not None
            hops.append(hop)
    finally:
        source.stop()
        later.join()
    heard = sum(hop.valid for hop in hops)
    if follow:
        assert heard == pytest.approx(60, abs=4)
        assert "written on while it played" in (source.problem or "")
        assert source.describe()["follow"] is True
    else:
        assert heard == pytest.approx(30, abs=12)
        assert "written" not in (source.problem or "")
    if recording.suffix != ".wav":
        last = face.newest_before(hops[-1].capture_ns)
        assert last is not None
        assert hops[-1].capture_ns - last.capture_ns < 300_000_000  # faces keep up with the sound


def test_a_file_that_was_written_on_says_how_to_follow_it(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(RATE, 0.4), RATE)
    found = media.MediaFile(path)
    with path.open("ab") as file:
        file.write(bytes(640))
    assert len(list(found.audio(RATE))) > 0
    assert "--follow" in (found.problem or "")


def test_waiting_for_more_ends_when_the_source_is_stopped(tmp_path: Path) -> None:
    source = FileSource(wav(tmp_path / "a.wav", tone(RATE, 0.2), RATE), follow=True)
    audio = AudioRing(RATE, HOP, 4)
    source.start(feeds(audio=audio), MonotonicClock())
    assert audio.wait(3, 30)
    source.stop()
    assert audio.ended
    assert [thread.name for thread in threading.enumerate() if thread.name == "player"] == []


def test_a_growing_file_gives_what_comes_and_ends_where_nothing_does(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    file = GrowingFile(path, threading.Event(), quiet_s=0.3)
    assert file.read(2) == b"ab"
    assert file.read(2) == b"c"
    later = threading.Timer(0.1, lambda: path.write_bytes(b"abcde"))
    later.start()
    assert file.read(9) == b"de"
    assert file.read(9) == b""
    assert file.ended
    path.write_bytes(b"abcdefg")
    assert file.read(9) == b""  # the end stays
    file.close()
    later.join()


@pytest.mark.parametrize("how", ["fast", "loop"])
def test_what_grows_is_neither_fast_nor_looped(tmp_path: Path, how: str) -> None:
    with pytest.raises(EngineError, match="still being written"):
        FileSource(wav(tmp_path / "a.wav", np.zeros(640, np.float32), RATE), follow=True, **{how: True})
