"""Recordings: the store's alignment, the sound, the video file read back, and the choice of moments."""

from __future__ import annotations

import av
import numpy as np
import pytest

from clients.opencv.panel import draw_canvas, trace_row
from clients.opencv.store import FrameStore, level
from clients.opencv.video import (
    OutputError,
    check_output,
    contact_sheet,
    moments_of_interest,
    pictures,
    sound,
    write_video,
)
from clients.python.subscriber import decode

from . import fake


def receive(store: FrameStore, message: bytes, now_ns: int = 10) -> None:
    frame = decode(message)
    assert frame is not None
    store.add(frame, now_ns)


def filled(seqs: list[int], monitor: bool = True, **weights: float) -> FrameStore:
    store = FrameStore(fake.read(fake.description("tcp://127.0.0.1:1", monitor)))
    for seq in seqs:
        if monitor:
            receive(store, fake.frame(seq, np.full(fake.HOP, seq / 100.0), 256))
        receive(store, fake.frame(seq, fake.face(**weights)), seq * 40_000_000)
        if monitor:
            receive(store, fake.frame(seq, fake.face(headYaw=0.3), 257))
    return store


def test_parts_of_a_moment_meet_by_frame_number_in_any_order():
    store = filled([3, 4], jawOpen=0.5)
    moment = store.moments[4]
    assert moment.face["jawOpen"] == 0.5
    assert moment.partner is not None and moment.partner["headYaw"] == pytest.approx(0.3)
    np.testing.assert_allclose(moment.voice, 0.04)


def test_the_store_keeps_as_many_as_asked_and_counts_what_is_missed():
    store = FrameStore(fake.read(fake.description("tcp://127.0.0.1:1")), keep=3)
    for seq in (5, 6, 7, 10, 9):
        receive(store, fake.frame(seq, fake.face()))
    assert list(store.moments) == [6, 7, 10], "a frame that is not newer makes no moment"
    assert store.missed == 2


def test_a_frame_of_the_wrong_length_or_an_unknown_stream_is_ignored():
    store = FrameStore(fake.read(fake.description("tcp://127.0.0.1:1")))
    receive(store, fake.frame(1, np.zeros(57)))
    receive(store, fake.frame(1, np.zeros(58), 9))
    assert store.moments == {}


def test_sound_is_placed_by_frame_number_with_silence_in_gaps():
    voice = sound(filled([10, 12]))
    assert voice is not None and voice.shape == (3 * fake.HOP,)
    np.testing.assert_allclose(voice.reshape(3, fake.HOP)[:, 0], [0.10, 0.0, 0.12], atol=1e-6)
    assert sound(filled([1, 2], monitor=False)) is None


def test_pictures_repeat_over_gaps():
    shown = list(pictures(filled([1, 2, 5])))
    assert len(shown) == 5
    assert shown[2] is shown[1] and shown[3] is shown[1] and shown[4] is not shown[1]


@pytest.mark.parametrize("frames", [50, 7])
def test_video_has_every_frame_and_sound_of_the_same_length(tmp_path, frames):
    images = [np.full((48, 64, 3), 5 * index % 250, np.uint8) for index in range(frames)]
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(frames * fake.HOP) / fake.SAMPLE_RATE).astype(np.float32)
    path = tmp_path / "small.mp4"
    assert write_video(path, images, fake.RATE, tone, fake.SAMPLE_RATE) == frames
    with av.open(str(path)) as file:
        grey = [float(frame.to_ndarray(format="gray").mean()) for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        audio, rate = file.streams.audio[0], file.streams.video[0].average_rate
        heard = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio)])
    assert len(grey) == frames and float(rate) == fake.RATE
    np.testing.assert_allclose(grey, [image.mean() for image in images], atol=6)
    assert heard.size / audio.rate == pytest.approx(frames / fake.RATE, abs=0.15)
    assert 0.25 < np.std(heard[2048 : tone.size - 1024]) < 0.45


def test_two_voices_are_heard_on_either_side(tmp_path):
    frames, rate = 50, 15_000  # a rate that AAC does not have
    time = np.arange(round(frames / fake.RATE * rate)) / rate
    own, partner = (0.5 * np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in (300, 0))
    path = tmp_path / "both.mp4"
    images = [np.zeros((48, 64, 3), np.uint8)] * frames
    write_video(path, images, fake.RATE, np.stack([own, partner]), rate)
    with av.open(str(path)) as file:
        found = file.streams.audio[0].rate
        left, right = np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], 1)
    assert found == 16_000 and left.size / found == pytest.approx(frames / fake.RATE, abs=0.15)
    assert np.std(left[2048:-2048]) > 0.25 and np.std(right[2048:-2048]) < 0.02


def test_video_without_partner_has_no_sound(tmp_path):
    path = tmp_path / "mute.mp4"
    assert write_video(path, [np.zeros((32, 32, 3), np.uint8)] * 3, 25.0, None, 16000) == 3
    with av.open(str(path)) as file:
        assert not file.streams.audio


def test_an_interrupted_video_is_playable(tmp_path):
    def images():
        yield from [np.zeros((32, 32, 3), np.uint8)] * 10
        raise KeyboardInterrupt

    path = tmp_path / "cut.mp4"
    with pytest.raises(KeyboardInterrupt):
        write_video(path, images(), 25.0, np.zeros(fake.HOP * 20, np.float32), 16000)
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 10


def test_moments_of_interest_find_the_events_and_fill_up():
    store = FrameStore(fake.read(fake.description("tcp://127.0.0.1:1")))
    for seq in range(400):
        weights = {
            "headPitch": 0.3 if seq == 100 else 0.0,
            "eyeBlinkLeft": float(seq == 150),
            "eyeBlinkRight": float(seq == 150),
            "mouthSmileLeft": float(seq == 333),
            "eyeLookOutLeft": float(seq == 201),
            "eyeLookInRight": float(seq == 201),
        }
        receive(store, fake.frame(seq, fake.face(**weights)))
    chosen = moments_of_interest(store)
    words = {word: seq for seq, word in chosen if word}
    assert words == {"nod": 100, "blink": 150, "smile": 333, "gaze": 201}
    numbers = [seq for seq, _ in chosen]
    assert len(numbers) == 12 and numbers == sorted(numbers)
    assert min(np.diff(numbers)) >= 12


def test_contact_sheet_holds_the_tiles():
    sheet = contact_sheet(filled([0, 20]))
    assert sheet.shape == (900, 1440, 3)
    assert sheet[:300, :720].std() > 20 and (sheet[300:] == 40).all(), "two moments make two tiles"


def test_canvas_shows_the_partner_or_says_why_not():
    with_partner, alone = filled([1, 2, 3]), filled([1, 2, 3], monitor=False)
    shown = draw_canvas(with_partner, with_partner.recent(9), 25.0, 0)
    bare = draw_canvas(alone, alone.recent(9), 25.0, 0)
    assert shown.shape == bare.shape == (720, 1280, 3)
    np.testing.assert_array_equal(shown[60:540, 20:650], bare[60:540, 20:650])
    assert shown[90:340, 700:1240].std() > 3 * bare[90:340, 700:1240].std()


def test_traces_of_a_moment():
    moment = filled([1], mouthSmileLeft=1.0, headPitch=0.1, eyeLookOutLeft=0.5, eyeLookInRight=0.5).moments[1]
    voice, partner_smile, partner_yaw, nod, gaze, blink, smile = trace_row(moment)
    assert (partner_smile, partner_yaw, nod, gaze, blink, smile) == pytest.approx((0.0, 0.3, 0.1, 0.5, 0.0, 0.5))
    assert voice == pytest.approx(1 - 40 / 60, abs=1e-3)


def test_level_is_decibels_over_sixty():
    assert level(np.zeros(640, np.float32)) == 0.0
    assert level(np.full(640, 0.1, np.float32)) == pytest.approx(1 - 20 / 60, abs=1e-3)
    assert level(np.ones(640, np.float32)) == pytest.approx(1.0)
    assert np.isnan(level(None))


def test_bad_outputs_are_named_before_anything_is_recorded(tmp_path):
    with pytest.raises(OutputError, match=r"a\.avi: the name must end in \.mp4"):
        check_output(tmp_path / "a.avi", (".mp4",))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        check_output(tmp_path / "file" / "a.mp4", (".mp4",))
    check_output(tmp_path / "new" / "a.mp4", (".mp4",))
    assert list((tmp_path / "new").iterdir()) == []
