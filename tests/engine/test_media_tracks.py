"""Which tracks are played: the default ones, those that decode, those that are asked for, and never a cover."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

from engine.bundle import Bundle  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.sources.choose import choose  # noqa: E402
from engine.sources.file import FileSource  # noqa: E402
from engine.sources.media import MediaFile, upright  # noqa: E402
from engine.sources.tracks import TrackChoice  # noqa: E402
from tests.engine.made_media import RATE, marked  # noqa: E402
from tests.engine.said import said  # noqa: E402
from tests.engine.test_choose import options  # noqa: E402
from tests.engine.test_sources_file import heard, play  # noqa: E402

SIZE = (48, 64)


def frames_of(kind: str, level: float) -> list[Any]:
    """A second of sound of one loudness, or of pictures of one grey; a cover is one picture."""
    if kind == "audio":
        packed = np.full((1, RATE), round(level * 32767) if level else 0, np.int16)
        packed[:, ::2] *= -1
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        return [frame]
    frames = []
    for k in range(1 if kind == "cover" else 25):
        frame = av.VideoFrame.from_ndarray(np.full((*SIZE, 3), round(level), np.uint8), format="rgb24")
        frame.pts, frame.time_base = k, Fraction(1, 25)
        frames.append(frame)
    return frames


def medium(path: Path, *streams: tuple[str, float, Sequence[str], dict[str, str]]) -> Path:
    """A file of streams (audio, video or cover; loudness or grey; marks; metadata)."""
    with av.open(str(path), "w") as container:
        made = []
        for kind, level, marks, about in streams:
            if kind == "audio":
                codec = {".flac": "flac", ".mp4": "aac", ".mp3": "mp3"}.get(path.suffix, "flac")
                stream = container.add_stream(codec, rate=RATE, layout="mono")
            else:
                stream = container.add_stream("png" if kind == "cover" else "mpeg4", rate=25)
                stream.height, stream.width = SIZE
                stream.pix_fmt = "rgb24" if kind == "cover" else "yuv420p"
            marked(stream, *marks)
            stream.metadata.update(about)
            made.append((stream, frames_of(kind, level)))
        for stream, frames in made:
            for packet in [*(packet for frame in frames for packet in stream.encode(frame)), *stream.encode(None)]:
                container.mux(packet)
    return path


def loudness(path: Path, choice: TrackChoice | None = None) -> float:
    hops, _, _ = play(FileSource(path, fast=True, choice=choice))
    return float(np.sqrt(np.mean(heard(hops)[RATE // 4 : RATE // 2] ** 2)))


def grey(media: MediaFile) -> float:
    return float(np.mean([upright(picture).mean() for _, picture in media.pictures()]))


def test_the_default_sound_is_heard_and_the_others_are_listed_and_can_be_chosen(tmp_path: Path) -> None:
    path = medium(
        tmp_path / "two.mkv",
        ("audio", 0.0, (), {"language": "ger", "title": "Music"}),
        ("audio", 0.1, ("default",), {"language": "eng", "title": "Voice"}),
        ("audio", 0.3, (), {"language": "fre"}),
    )
    media = MediaFile(path)
    assert [line.split(":")[0] for line in media.tracks] == ["audio 1", "audio 2", "audio 3"]
    assert 'eng, "Voice", default' in media.tracks[1]
    assert media.details["played"] == [media.tracks[1]]
    assert loudness(path) > 0.02
    assert loudness(path, TrackChoice(audio="1")) == 0
    assert loudness(path, TrackChoice(audio="ger")) == 0
    assert loudness(path, TrackChoice(audio="musi")) == 0
    assert FileSource(path, choice=TrackChoice(audio="3")).describe()["played"] == [media.tracks[2]]


@pytest.mark.parametrize("which", ["4", "0", "jpn", "chorus"])
def test_a_track_that_is_not_there_is_refused_with_those_there_are(tmp_path: Path, which: str) -> None:
    path = medium(tmp_path / "two.mkv", *(("audio", 0.1, (), {"title": name}) for name in ("Voice", "Voices off")))
    with pytest.raises(EngineError, match=r"two\.mkv: no track is called .*audio 1: .*Voice.*audio 2: "):
        MediaFile(path, choice=TrackChoice(audio=which))
    with pytest.raises(EngineError, match="several tracks are called 'voice'"):
        MediaFile(path, choice=TrackChoice(audio="voice"))
    with pytest.raises(EngineError, match="none of that kind"):
        MediaFile(path, choice=TrackChoice(video="1"))
    with pytest.raises(EngineError, match="switched off"):
        MediaFile(path, audio=False, choice=TrackChoice(audio="1"))


@pytest.mark.parametrize("words", [["sound=1"], ["audio"], ["audio="], ["audio=1", "audio=2"]])
def test_a_choice_that_is_none_is_refused(words: list[str]) -> None:
    with pytest.raises(EngineError, match=r"--track .*give audio=WHICH"):
        TrackChoice.of(words)


def test_a_choice_is_read_from_the_command_line() -> None:
    assert TrackChoice.of(["video=2", "audio=eng=x"]) == TrackChoice(audio="eng=x", video="2")


def test_the_default_picture_is_watched(tmp_path: Path) -> None:
    path = medium(tmp_path / "two.mkv", ("video", 60, (), {}), ("video", 180, ("default",), {}))
    assert grey(MediaFile(path)) == pytest.approx(180, abs=4)
    assert grey(MediaFile(path, choice=TrackChoice(video="1"))) == pytest.approx(60, abs=4)


def test_without_a_default_the_first_that_decodes_is_played(tmp_path: Path) -> None:
    path = medium(tmp_path / "two.mkv", ("audio", 0.2, (), {}), ("audio", 0.2, (), {}), ("video", 90, (), {}))
    with av.open(str(path)) as container:
        first = [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
    assert MediaFile(path).details["played"][0].startswith("audio 1")
    content = path.read_bytes()
    # The first track's packets come first, and are the same as the second's: spoil those that are found first.
    for packet in first:
        content = content.replace(packet, b"\x00" * len(packet), 1)
    path.write_bytes(content)
    assert MediaFile(path).details["played"][0].startswith("audio 2")
    assert MediaFile(path, choice=TrackChoice(audio="1")).details["played"][0].startswith("audio 1")


def test_a_cover_before_the_film_is_passed_over(tmp_path: Path) -> None:
    path = medium(tmp_path / "a.mp4", ("cover", 250, ("attached_pic",), {}), ("video", 90, ("default",), {}))
    content = path.read_bytes()
    moov = content.index(b"moov") + 4  # behind the pictures, so that moving boxes in it moves nothing else
    track, cover = (content.index(name, moov) - 4 for name in (b"trak", b"udta"))
    end = cover + int.from_bytes(content[cover : cover + 4], "big")
    path.write_bytes(content[:track] + content[cover:end] + content[track:cover] + content[end:])
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "png"  # it tests what it says
    media = MediaFile(path)
    assert len(media.tracks) == 1
    assert grey(media) == pytest.approx(90, abs=4)


def test_a_single_picture_is_no_film_beside_one_even_unmarked(tmp_path: Path) -> None:
    path = medium(tmp_path / "a.mp4", ("video", 90, (), {}))
    with av.open(str(path)) as film, av.open(str(tmp_path / "b.mp4"), "w") as out:
        still = out.add_stream("mpeg4", rate=25)
        still.height, still.width = SIZE
        copy = out.add_stream_from_template(film.streams.video[0])
        for packet in [*still.encode(frames_of("cover", 250)[0]), *still.encode(None)]:
            out.mux(packet)
        for packet in film.demux():
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    assert grey(MediaFile(tmp_path / "b.mp4")) == pytest.approx(90, abs=4)


@pytest.mark.parametrize("suffix", [".mp4", ".flac", ".mp3"])
def test_a_song_with_a_cover_has_no_film(tmp_path: Path, suffix: str) -> None:
    try:
        path = medium(tmp_path / f"song{suffix}", ("audio", 0.2, (), {}), ("cover", 250, ("attached_pic",), {}))
    except (av.error.FFmpegError, ValueError) as error:  # a PyAV built without that encoder
        pytest.skip(str(error))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    media = MediaFile(path)
    assert media.has_audio
    assert not media.has_video
    with pytest.raises(EngineError, match="no video"):
        MediaFile(path, audio=False)


def test_the_command_plays_the_track_asked_for_and_names_the_others_otherwise(tmp_path: Path) -> None:
    rules = Bundle.load("rules")
    path = medium(tmp_path / "two.mkv", ("audio", 0.1, (), {}), ("audio", 0.2, ("default",), {"language": "eng"}))
    with said() as messages:
        [source] = choose(options("file", str(path)), [rules])
    assert source.describe()["played"][0].startswith("audio 2")
    assert [line for line in messages if "audio 1: " in line and "audio 2: " in line and "--track audio=N" in line]
    with said() as messages:
        [source] = choose(options("file", str(path), track=["audio=1"]), [rules])
    assert source.describe()["played"][0].startswith("audio 1")
    assert messages == []


@pytest.mark.parametrize(("option", "value"), [("track", ["audio=1"]), ("follow", True)])
def test_only_a_file_has_tracks_to_choose_or_an_end_to_wait_at(option: str, value: Any) -> None:
    with pytest.raises(EngineError, match=f"--{option}: only a file"):
        choose(options("demo", **{option: value}), [Bundle.load("rules")])
