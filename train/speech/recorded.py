"""Talks of real recordings: the clips of each voice joined, with the times of the words that are known to be said.

Splits are those of :data:`train.simulate.voices.VOICE_SOURCES` (its ``val`` is ``dev`` here). A recording whose words
nobody wrote down is heard by PocketSphinx where that works (clear read speech), else left out, as are the telephone
dialogue, Mandarin, and speakers of whom there is one sentence. What there is of a voice makes its talk, so
some are shorter than 45 s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.speech.align import Aligner, feed, heard, sphinx
from train.simulate.voices import VOICE_SOURCES, VoiceSource, decode
from train.speech.joining import Piece, joined
from train.speech.talk import RATE, SpokenWord, Talk

SPLIT = {"train": "train", "val": "dev", "test": "test"}
CLIPS, GRID = "speech_clips", "face_grid_av"
MARGIN_S = 0.12  #: of sound kept before the first and after the last word of a clip
GRID_SENTENCES, GRID_TALKS = 26, 3  #: GRID's sentences are all of one form: a few talks of them are enough

_TENURE = "with tenure suzie'd have all the more leisure for yachting but her publications are no good"
WRITTEN: dict[str, str] = {
    "ami_ES2011a_headset0_40s_46s.wav": "i'm abigail claflin you can call me abbie",
    "librispeech_2412-153948-0001.flac": """it will be seen that i did not succeed in my design and that however much i
        may have met with that was new and strange i have been unable to reap any pecuniary advantage""",
    "librispeech_1088-134315-0000.wav": """as you know and as i have given you proof i have the greatest admiration in
        the world for one whose work for humanity has won such universal recognition i hope that we shall both forget
        this unhappy morning and that you will give me an opportunity of rendering to you in person""",
    **{f"emotion_Mark_{emotion}.wav": _TENURE for emotion in ("neutral", "joy", "anger")},
}
"""Words of clips whose index gives none, or not as words alone."""
HEARD = frozenset({"dialog_katie_solo.wav", "dialog_steve_solo.wav"})
"""Clips whose words PocketSphinx hears."""


class Recording(NamedTuple):
    """What makes one talk: the voice's line in the table, the talk's number, and files in order with their words:
    text to be aligned, spans that are known, or empty for words that must be heard."""

    entry: VoiceSource
    number: int
    files: tuple[Path, ...]
    words: tuple[str | tuple[SpokenWord, ...], ...]
    licence: str
    credit: str

    @property
    def name(self) -> str:
        """``real-jfk-00``."""
        return f"real-{self.entry.name}-{self.number:02d}"

    @property
    def made_of(self) -> tuple[object, ...]:
        """What decides the talk, so that one that was kept is known again."""
        return (self.name, [(path.name, path.stat().st_size) for path in self.files], self.words)


class _Clip(NamedTuple):
    pcm: NDArray[np.float32]
    words: tuple[SpokenWord, ...]


def recordings(data: Path, split: str) -> Iterator[Recording]:
    """What there is of the real voices of a split, voice by voice."""
    index = _index(data / CLIPS / "index.json", "file")
    for entry in VOICE_SOURCES:
        if SPLIT[entry.split] != split:
            continue
        if entry.name == "grid-s1":
            yield from _grid(data, entry)
        elif entry.pattern.startswith(CLIPS):
            texts = {path: _text(path.name, index) for path in sorted(data.glob(entry.pattern))}
            known = {path: text for path, text in texts.items() if text or path.name in HEARD}
            if known:
                stated = index[next(iter(known)).name]
                licence, credit = str(stated["licence"]), str(stated["source"])
                yield Recording(entry, 0, tuple(known), tuple(known.values()), licence, credit)


def recorded_talk(recording: Recording, aligner: Callable[[], Aligner]) -> Talk:
    """The talk of a recording: clip after clip with pauses of 0.35 to 1.2 s between. ``aligner`` is asked where words
    have no times."""
    rng = np.random.default_rng([len(recording.files), recording.number])
    pieces = []
    for path, words in zip(recording.files, recording.words, strict=True):
        clip = _clip(decode(path), words, aligner)
        pieces.append(Piece(clip.pcm, clip.words, float(rng.uniform(0.35, 1.2))))
    entry = recording.entry
    split, licence, credit = SPLIT[entry.split], recording.licence, recording.credit
    return joined(recording.name, entry.name, split, entry.source, licence, credit, pieces)


def _grid(data: Path, entry: VoiceSource) -> Iterator[Recording]:
    """Sentences of GRID's speaker s1, words as its .align files have them."""
    folder = data / GRID
    if not (folder / "index.json").is_file():
        return
    known = _index(folder / "index.json", "name")
    paths = [path for path in sorted(data.glob(entry.pattern)) if known.get(path.stem, {}).get("words")]
    order = np.random.default_rng(0).permutation(len(paths))
    for number in range(min(GRID_TALKS, len(paths) // GRID_SENTENCES)):
        chosen = [paths[place] for place in order[number * GRID_SENTENCES : (number + 1) * GRID_SENTENCES]]
        words = tuple(
            tuple(SpokenWord(str(text), float(start), float(end)) for start, end, text in known[path.stem]["words"])
            for path in chosen
        )
        yield Recording(entry, number, tuple(chosen), words, entry.licence, entry.credit)


def _clip(pcm: NDArray[np.float32], given: str | tuple[SpokenWord, ...], aligner: Callable[[], Aligner]) -> _Clip:
    """A clip without what comes before its first and after its last word."""
    if isinstance(given, tuple):
        words = given
    else:
        words = aligner().align(pcm, given.casefold().split()) if given else _recognised(pcm)
    first = max(0, round((words[0].start - MARGIN_S) * RATE))
    last = min(len(pcm), round((words[-1].end + MARGIN_S) * RATE))
    shift = first / RATE
    moved = tuple(
        SpokenWord(word.text, max(0.0, word.start - shift), min(word.end - shift, (last - first) / RATE))
        for word in words
    )
    return _Clip(pcm[first:last], moved)


def _recognised(pcm: NDArray[np.float32]) -> tuple[SpokenWord, ...]:
    """What PocketSphinx hears in a whole clip: one word in five is wrong, where they begin and end is mostly right."""
    decoder = sphinx()
    feed(decoder, pcm)
    return tuple(heard(decoder))


def _text(name: str, index: dict[str, dict[str, Any]]) -> str:
    return WRITTEN.get(name) or str(index.get(name, {}).get("text") or "")


def _index(path: Path, key: str) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        raise EngineError(f"{path} is missing: it says what the recordings beside it hold, put it there")
    try:
        rows = json.loads(path.read_text("utf-8"))
        return {str(row[key]): row for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise EngineError(f"{path} is no list of recordings ({error}): fetch it again") from error
