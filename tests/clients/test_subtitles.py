"""Words under films: the right line at the right moment, its present word marked, in any script; sound beside them."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from clients.opencv.panel import AVATAR_INK, PAPER
from clients.opencv.store import FrameStore
from clients.opencv.strip import Shot, film
from clients.opencv.subtitles import TALL, Subtitles, subtitled
from clients.opencv.video import pictures, sound
from clients.python.announced import Announced
from engine.body.skeleton import skeleton

from . import fake
from .test_screen import dancing

WORDS = [("there", 0.6, 1.0), ("hello", 0.2, 0.5), ("again", 3.0, 3.4)]


def mark(band: np.ndarray) -> tuple[int, int] | None:
    """From which to which column a word is marked."""
    columns = np.nonzero((band[TALL - 11] == np.array(AVATAR_INK, np.uint8)).all(1))[0]
    return (int(columns[0]), int(columns[-1])) if len(columns) else None


def inked(band: np.ndarray) -> np.ndarray:
    """Columns in which something is drawn."""
    return np.nonzero((band != np.array(PAPER, np.uint8)).any((0, 2)))[0]


def test_the_present_word_is_marked_and_the_line_goes_when_it_is_over() -> None:
    titles = Subtitles(WORDS, 400)
    assert not len(inked(titles.draw(0.1)))
    first, second = mark(titles.draw(0.3)), mark(titles.draw(0.7))
    assert first is not None and second is not None and first[1] < second[0]
    assert mark(titles.draw(0.55)) is None and len(inked(titles.draw(0.55)))  # between two words the line stays
    assert (titles.draw(0.3) != titles.draw(0.7)).any()
    assert len(inked(titles.draw(2.1))) and not len(inked(titles.draw(2.3)))
    third = mark(titles.draw(3.2))
    assert third is not None and third[0] == first[0]  # after a pause a line of its own


def test_a_line_holds_what_fits_and_words_that_overlap_are_both_there() -> None:
    many = [("word", 0.3 * k, 0.3 * k + 0.3) for k in range(40)]
    titles = Subtitles(many, 300)
    places = [mark(titles.draw(0.3 * k + 0.1)) for k in range(40)]
    assert all(place is not None and place[1] < 300 for place in places)
    assert len(set(places)) < 10
    over = Subtitles([("one", 0.0, 2.0), ("two", 1.0, 1.2)], 300)
    late = mark(over.draw(1.1))
    assert late is not None and late[0] > 40 and mark(over.draw(1.5)) is None
    assert Subtitles([("x" * 400, 0.0, 1.0)], 100).draw(0.5).shape == (TALL, 100, 3)
    assert not len(inked(Subtitles([], 100).draw(0.5)))


@pytest.mark.parametrize("text", ["привет", "世界", "día", "👋", "a\u0301", "???"])
def test_every_script_is_drawn(text: str) -> None:
    band = Subtitles([(text, 0.0, 1.0)], 300).draw(0.5)
    assert len(inked(band)) > 5 and mark(band) is not None


def test_pictures_get_the_words_of_their_time() -> None:
    plain = [np.zeros((20, 200, 3), np.uint8)] * 40
    made = list(subtitled(plain, WORDS, 10.0))
    assert all(picture.shape == (20 + TALL, 200, 3) for picture in made)
    assert mark(made[2][20:]) == mark(Subtitles(WORDS, 200).draw(0.25))


def test_a_film_of_a_body_with_words_and_voice(tmp_path: Path) -> None:
    body = skeleton("cmu").to_dict()
    motion = np.tile(skeleton("cmu").rest_positions(), (15, 1, 1)).astype(np.float32)
    file = tmp_path / "talk.mp4"
    voice = (0.3 * np.sin(np.arange(12_000) / 5)).astype(np.float32)
    count = film(file, [Shot(motion, body)], 15.0, (160, 160), words=WORDS, voice=voice, sample_rate=12_000)
    with av.open(str(file)) as told:
        assert count == 15 and told.streams.video[0].height == 160 + TALL
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in told.decode(audio=0)])
    assert abs(len(heard) / 12_000 - 1.0) < 0.2 and np.abs(heard).max() > 0.2


def said(store: FrameStore, *words: tuple[str, float, float]) -> Announced:
    told = fake.dance("tcp://127.0.0.1:1", False)
    listed = [[text, round(start * 1e9), round(end * 1e9)] for text, start, end in words]
    return fake.read({**told, "said": listed})


def test_a_recording_has_the_words_that_were_announced() -> None:
    store = dancing(30, monitor=False)
    zero = store.recent(40)[0].frame.capture_ns / 1e9
    plain = list(pictures(store))
    store.learn(said(store, ("hello", zero + 0.2, zero + 0.5)))
    store.learn(said(store, ("hello", zero + 0.2, zero + 0.5), ("there", zero + 0.6, zero + 0.9)))
    assert [word[0] for word in store.words()] == ["hello", "there"]
    assert store.words()[0][1:] == pytest.approx((0.2, 0.5), abs=1e-6)
    told = list(pictures(store))
    assert told[0].shape == (720 + TALL, 1280, 3) and (told[7][:720] == plain[7]).all()
    at = [number for number, picture in enumerate(told) if mark(picture[720:])]
    assert [number / store.rate for number in (at[0], at[-1])] == pytest.approx([0.2, 0.9], abs=2.0 / store.rate)
    assert sound(store) is None


def test_own_voice_and_partner_are_heard_together() -> None:
    told = fake.description("tcp://127.0.0.1:1")
    own = fake.stream(258, "own_audio", "input", fake.PCM, ["sample"] * fake.HOP, "pcm") | {"of": "self"}
    store = FrameStore(fake.read({**told, "streams": [*told["streams"], own]}))
    from .test_video import receive

    for seq in range(4):
        receive(store, fake.frame(seq, fake.values("face", seq), 0), seq)
        for number, level in ((256, 0.25), (258, 0.5)):
            receive(store, fake.frame(seq, np.full(fake.HOP, level, np.float32), number), seq)
    heard = sound(store)
    assert heard is not None and heard.shape == (2, 4 * fake.HOP)
    assert np.allclose(heard[0], 0.5) and np.allclose(heard[1], 0.25)  # the own voice on the left


@pytest.mark.parametrize("bad", [[["a"]], [["a", "b", 1]], [["a", 1, -1]], [5], [["a", 1, 2, 3]], [[None, 1, 2]]])
def test_words_that_are_none_are_refused(bad: object) -> None:
    told = fake.dance("tcp://127.0.0.1:1", False)
    with pytest.raises(ValueError):
        Announced.read(json.loads(json.dumps({**told, "said": bad})))
