"""Damaged, cut, empty and wrong media files: played as far as they go and named, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

from engine.errors import EngineError  # noqa: E402
from engine.sound.front_end import FrontEnd  # noqa: E402
from engine.sources.file import FileSource  # noqa: E402
from engine.sources.media import MediaFile  # noqa: E402
from tests.engine.test_sources_file import RATE, film, heard, play, tone, wav  # noqa: E402


@pytest.mark.parametrize("name", ["cut.wav", "cut.flac", "cut.mkv"])
def test_a_truncated_file_plays_what_there_is_and_says_so(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".mkv"):
        film(path, [100] * 250, sound=tone(RATE, 10.0))
    else:
        wav(path, np.random.default_rng(0).uniform(-0.5, 0.5, 10 * RATE).astype(np.float32), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 4 // 10])
    hops, _, source = play(FileSource(path, fast=True))
    assert 50 <= len(hops) <= 150
    assert sum(hop.valid for hop in hops) >= 50
    assert source.finished
    assert name in (source.problem or "")


def test_damage_in_the_middle_is_passed_over_and_named(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 10 * RATE).astype(np.float32)
    path = wav(tmp_path / "holes.flac", samples, RATE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 9_000] = bytes(9_000)
    path.write_bytes(bytes(content))
    hops, _, source = play(FileSource(path, fast=True))
    assert "holes.flac" in (source.problem or "")
    np.testing.assert_allclose(heard(hops)[: 4 * RATE], samples[: 4 * RATE], atol=1e-4)
    assert len(hops) == 250


def test_a_film_cut_before_its_index_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "cut.mp4", [100] * 50, sound=tone(RATE, 2.0))
    path.write_bytes(path.read_bytes()[:2_000])
    with pytest.raises(EngineError, match=r"cut\.mp4"):
        FileSource(path)


def refused_file(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / kind
    if kind == "garbage.wav":
        path.write_bytes(np.random.default_rng(0).bytes(50_000))
    elif kind == "empty.wav":
        path.write_bytes(b"")
    elif kind == "text.mp4":
        path.write_text("this is no film\n" * 100)
    elif kind == "header.wav":
        path.write_bytes(wav(tmp_path / "whole.wav", tone(RATE, 1.0), RATE).read_bytes()[:78])
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing.wav", "no such file"),
        ("folder", "no such file"),
        ("garbage.wav", "cannot be opened|nothing in it decodes|no audio or video"),
        ("empty.wav", "cannot be opened"),
        ("text.mp4", "cannot be opened|no audio or video"),
        ("header.wav", "nothing in it decodes"),
    ],
)
def test_what_is_no_media_file_is_refused_by_name(tmp_path: Path, kind: str, said: str) -> None:
    path = refused_file(tmp_path, kind)
    with pytest.raises(EngineError, match=said) as refusal:
        FileSource(path)
    assert str(path) in str(refusal.value)


def test_a_sound_file_with_its_sound_switched_off_has_nothing_left(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(RATE, 0.2), RATE)
    with pytest.raises(EngineError, match=r"no video .* \(streams: audio\)"):
        FileSource(path, audio=False)


def test_gaps_in_the_sound_become_invalid_silence(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for start_s in (0.0, 1.0):
            packed = np.full((1, RATE // 2), 8_000, np.int16)
            frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, round(start_s * RATE)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    samples, valid = [], []
    for block in MediaFile(path).audio(RATE, FrontEnd(on=False)):
        samples.append(block.samples)
        valid.append(np.full(len(block.samples), block.valid))
    flags = np.concatenate(valid)
    assert len(flags) == RATE * 3 // 2
    assert not flags[RATE // 2 : RATE].any()
    assert flags[: RATE // 2].all()
    assert flags[RATE:].all()
    assert np.abs(np.concatenate(samples)[RATE + 100 : RATE + 200]).min() > 0.2
