"""`--speech`: what it gives, what it refuses, and a file with its words into the feeds, the same each time."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from engine.clock import FakeClock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.feeds.words import Word
from engine.sources import mic
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.speech.choose import speech
from tests.engine.speech.made import HOP, RATE, START, own_side, write_wav

DEAF = StreamSpec("deaf", 25.0, (InputSpec("gain", "control"),), (OutputSpec("out"),))
FOLLOWS = StreamSpec(
    "follows", 25.0, (InputSpec("talks", "control", (), 0.0, 1.0, of="self", follows="speaking"),), (OutputSpec("out"),)
)
WORDS = [{"start": 0.1, "end": 0.3, "text": "one"}, {"start": 0.5, "end": 0.8, "text": "two"}]


def bundle(spec: StreamSpec) -> Any:
    return SimpleNamespace(name=spec.name, spec=spec)


@pytest.fixture()
def voice(tmp_path: Path) -> Path:
    """A second of sound, loud in its second half."""
    sound = np.random.default_rng(1).standard_normal(RATE) * 0.2
    sound[: RATE // 2] = 0.0
    return write_wav(tmp_path / "voice.wav", sound)


@pytest.fixture()
def picture(tmp_path: Path) -> Path:
    """A film without sound."""
    file = tmp_path / "film.mkv"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        for _ in range(5):
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return file


def words_file(folder: Path) -> Path:
    file = folder / "words.json"
    file.write_text(json.dumps(WORDS))
    return file


@pytest.mark.parametrize(
    "asked",
    [
        ["file"],
        ["tape", "x", "y"],
        ["tape", "x"],
        ["file", "a", "b", "c"],
        ["mic"],
        ["mic", "0", "1"],
        ["net"],
        ["net", "a", "b"],
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(asked: list[str]) -> None:
    with pytest.raises(EngineError, match=r"--speech .*give PATH.*net HOST:PORT"):
        speech(asked, [bundle(FOLLOWS)])


def test_a_bundle_that_does_not_ask_is_named(voice: Path) -> None:
    with pytest.raises(EngineError, match="bundle deaf does not ask what its own avatar says"):
        speech(["file", str(voice)], [bundle(DEAF)])
    assert speech(["file", str(voice)], [bundle(DEAF), bundle(FOLLOWS)])


@pytest.mark.parametrize("asked", [["mic", "0"], ["net", "127.0.0.1:5572"]])
def test_what_is_live_runs_no_faster_than_time(asked: list[str]) -> None:
    with pytest.raises(EngineError, match=r"--fast.*--speech file"):
        speech(asked, [bundle(FOLLOWS)], fast=True)


def test_a_film_without_sound_is_no_voice(picture: Path) -> None:
    with pytest.raises(EngineError, match="there is no sound in"):
        speech(["file", str(picture)], [bundle(FOLLOWS)])


def test_files_that_are_absent_are_named(voice: Path) -> None:
    with pytest.raises(EngineError, match=r"absent\.wav"):
        speech(["file", "absent.wav"], [bundle(FOLLOWS)])
    with pytest.raises(EngineError, match=r"absent\.vtt"):
        speech(["file", str(voice), "absent.vtt"], [bundle(FOLLOWS)])


def test_each_kind_gives_what_it_has(voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [bundle(FOLLOWS)]
    (alone,) = speech(["file", str(voice)], wanted)
    assert set(alone.gives) == {("audio", "self")}
    (spoken,) = speech(["file", str(voice), str(words_file(tmp_path))], wanted)
    assert set(spoken.gives) == {("audio", "self"), ("words", "self")}
    assert spoken.name == "speech voice.wav" and spoken.describe()["words"] == 2
    (net,) = speech(["net", "127.0.0.1:5572"], wanted)
    assert set(net.gives) == {("audio", "self"), ("words", "self"), ("speaking", "self")}
    card = {"name": "Loopback", "default_samplerate": 48_000.0, "max_input_channels": 2}
    fake = SimpleNamespace(query_devices=lambda: [card], PortAudioError=OSError)
    monkeypatch.setattr(mic, "_portaudio", lambda: fake)
    (device,) = speech(["mic", "loop"], wanted)
    assert set(device.gives) == {("audio", "self")}


LISTENS = StreamSpec("gestures", 25.0, (InputSpec("own_words", "words", (4, 4), of="self"),), (OutputSpec("out"),))


def test_a_path_alone_is_a_file_and_its_words_are_found(
    voice: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    wants = [bundle(FOLLOWS), bundle(LISTENS)]
    (alone,) = speech([str(voice)], wants)
    assert alone.describe()["words"] == 0 and "no words: gestures go by the voice alone" in caplog.text
    (named,) = speech([str(voice), str(words_file(tmp_path))], wants)
    assert named.describe()["words"] == 2 and "speech voice.wav: 2 words of words.json" in caplog.text
    words_file(tmp_path).rename(voice.with_suffix(".json"))
    (found,) = speech([str(voice)], wants)
    assert set(found.gives) == {("audio", "self"), ("words", "self")} and "2 words of voice.json" in caplog.text
    (spared,) = speech(["file", str(voice)], wants, words=["none"])
    assert spared.describe()["words"] == 0
    voice.with_suffix(".json").write_text("[]")
    with pytest.raises(EngineError, match="0 words in it"):
        speech([str(voice)], wants)
    assert speech([str(voice)], [bundle(FOLLOWS)])  # who heeds no words looks for none


@pytest.mark.parametrize(
    ("asked", "words", "says"),
    [
        (["tpae.wav"], [], "there is no file tpae.wav"),
        (["net", "127.0.0.1:5572"], ["beside"], "nothing lies beside net"),
        (["x.wav"], ["vosk"], "give beside, none, pocketsphinx or whisper"),
        (["x.wav"], ["none", "a"], "give beside"),
        (["x.wav"], ["pocketsphinx", "a"], "give beside"),
    ],
)
def test_what_cannot_be_had_of_words_is_refused(asked: list[str], words: list[str], says: str) -> None:
    with pytest.raises(EngineError, match=says):
        speech(asked, [bundle(LISTENS)], words=words)


class Session:
    """Plays a source into own-side feeds and reads frame by frame, as a session does."""

    def __init__(self, asked: list[str], *, fast: bool, loop: bool = False, capacity_s: float = 4.0) -> None:
        self.feeds: Feeds = own_side(capacity_s)
        self.words: list[Word] = []
        self.feeds.words["self"].listen(self.words.append)
        (self.source,) = speech(asked, [bundle(FOLLOWS)], fast=fast, loop=loop)
        self.source.start(self.feeds, FakeClock(START))

    def frames(self, count: int) -> list[tuple[bool, float, list[list[float]], float]]:
        """Of each frame whether its sound was there, its loudness, the newest words and whether the avatar speaks."""
        ring, found = self.feeds.samples["self"], []
        for k in range(count):
            while not ring.wait(k, 0.05) and not ring.ended:
                pass
            hop = ring.read_hop(k)
            if hop is None:
                break
            end_ns = START + (k + 1) * HOP * 1_000_000_000 // RATE
            assert hop.capture_ns == end_ns
            words = self.feeds.words["self"].newest(end_ns, 1).tolist()
            speaks = self.feeds.speaking["self"].value(end_ns)
            found.append((hop.valid, float(np.abs(hop.samples).max()), words, speaks))
            ring.consumed(k)
        self.source.stop()
        return found


def test_a_file_with_words_as_fast_as_it_goes_is_the_same_each_time(voice: Path, tmp_path: Path) -> None:
    asked = ["file", str(voice), str(words_file(tmp_path))]
    first, second = (Session(asked, fast=True).frames(100) for _ in range(2))
    assert first == second and len(first) == 25
    begun = [round(words[0][1], 3) if words[0][3] else None for _, _, words, _ in first]
    assert begun[:4] == [None, None, 0.02, 0.06] and begun[11:14] == [0.38, 0.02, 0.06]
    spoken = [speaks for _, _, _, speaks in first]
    # from 0.1 s to 0.3 s and a hang-over by its words, from 0.5 s on by words and sound
    assert spoken == [0.0] * 2 + [1.0] * 10 + [1.0] * 13
    assert all(valid for valid, *_ in first) and first[13][1] > 0.2 and first[10][1] < 0.01


def test_without_words_the_sound_tells(voice: Path) -> None:
    spoken = [speaks for *_, speaks in Session(["file", str(voice)], fast=True).frames(100)]
    assert spoken == [0.0] * 13 + [1.0] * 12


def test_words_come_again_with_each_lap(voice: Path, tmp_path: Path) -> None:
    session = Session(["file", str(voice), str(words_file(tmp_path))], fast=True, loop=True)
    session.frames(60)
    starts = [(word.start_ns - START) / 1e9 for word in session.words]
    assert starts[:5] == pytest.approx([0.1, 0.5, 1.1, 1.5, 2.1])


def test_in_real_time_no_word_comes_before_its_moment(voice: Path, tmp_path: Path) -> None:
    feeds = own_side()
    clock = FakeClock(START)
    early: list[float] = []
    heard = threading.Event()

    def watched(word: Word) -> None:
        early.append((clock.now_ns() - word.start_ns) / 1e9)
        heard.set()

    feeds.words["self"].listen(watched)
    (source,) = speech(["file", str(voice), str(words_file(tmp_path))], [bundle(FOLLOWS)])
    source.start(feeds, clock)
    while not source.finished:
        feeds.samples["self"].wait(10**6, 0.05)
    source.stop()
    assert heard.is_set() and len(early) == 2 and all(0 <= delay <= 0.02 for delay in early)
