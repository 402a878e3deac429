"""Words of a voice that nobody wrote down: recognisers that people install, fed piece by piece.

Both are given sound as it comes and give words when they are sure of them: a word counts when two hypotheses in a row
begin with it (LocalAgreement-2; Machacek et al. 2023, "Turning Whisper into Real-Time Transcription System"), or when
its utterance is over. What was given is never taken back.

- ``pocketsphinx`` (extra ``[words]``) brings an English model of its own. Words come 0.4 to 1 s late; about one in five
  is wrong in clear read speech.
- ``whisper`` runs a model of faster-whisper, which both are the user's to install. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, clean
from engine.speech.align import RATE, heard, sphinx
from engine.speech.spoken import SpokenWord, as_word

NAMES = ("pocketsphinx", "whisper")
DEFAULT_MODEL = "base.en"
"""Of whisper."""
PARTIAL_S = 0.2
"""After so much more speech PocketSphinx is asked what it has heard so far."""
ROUND_S, BUFFER_S = 0.7, 20.0
"""How often whisper looks at what it has not given yet, and how much of that it looks at, at most."""
_SAME_S = 0.3  # a word that begins within so much of one with its text is that one


class Recogniser(Protocol):
    """Takes sound of one voice in pieces; times count in seconds from the first sample."""

    def push(self, pcm: NDArray[np.float32]) -> list[SpokenWord]:
        """Hear ``pcm`` (n,) at :data:`~engine.speech.align.RATE`; the words that are sure now, in order of time."""
        ...

    def finish(self) -> list[SpokenWord]:
        """The sound is over; the words that were not yet given."""
        ...


def recogniser(name: str, model: str = "") -> Recogniser:
    """The recogniser called ``name``, one of :data:`NAMES`. Raises :class:`EngineError` where it, or its model, is not
    installed."""
    if name == "pocketsphinx" and not model:
        return Sphinx()
    if name == "whisper":
        return Whisper(model or DEFAULT_MODEL)
    raise EngineError(f"recogniser {name} {model}".rstrip() + ": give pocketsphinx, or whisper and its model")


def of_sound(blocks: Iterable[NDArray[np.float32]], by: Recogniser) -> list[SpokenWord]:
    """All words of a sound that is there whole."""
    return [*(word for block in blocks for word in by.push(block)), *by.finish()]


class Agreement:
    """What two hypotheses in a row say alike, from behind the last word that was given."""

    def __init__(self) -> None:
        self.until = 0.0
        """Where the last word ended that was given."""
        self._last: list[SpokenWord] = []

    def hear(self, words: Sequence[SpokenWord]) -> list[SpokenWord]:
        """A further hypothesis; the words that are sure by it."""
        new = self._behind(words)
        sure = 0
        for one, other in zip(new, self._last, strict=False):
            if one.text.casefold() != other.text.casefold() or abs(one.start - other.start) > _SAME_S:
                break
            sure += 1
        self._last = new[sure:]
        return self._give(new[:sure])

    def over(self, words: Sequence[SpokenWord]) -> list[SpokenWord]:
        """The last hypothesis of an utterance; all its words are sure."""
        self._last = []
        return self._give(self._behind(words))

    def _behind(self, words: Sequence[SpokenWord]) -> list[SpokenWord]:
        return [word for word in words if (word.start + word.end) / 2 > self.until]

    def _give(self, words: list[SpokenWord]) -> list[SpokenWord]:
        self.until = max([self.until, *(word.end for word in words)])
        return words


class Sphinx:
    """PocketSphinx, utterance by utterance as its own endpointer cuts them."""

    def __init__(self) -> None:
        self._decoder = sphinx()
        from pocketsphinx import Endpointer

        self._ends = Endpointer(sample_rate=RATE)
        self._rest = b""
        self._begun: float | None = None
        self._fed = 0.0
        self._agreed = Agreement()

    def push(self, pcm: NDArray[np.float32]) -> list[SpokenWord]:
        """As :meth:`Recogniser.push`."""
        self._rest += np.round(np.clip(pcm, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        size = self._ends.frame_bytes
        found: list[SpokenWord] = []
        while len(self._rest) >= size:
            frame, self._rest = self._rest[:size], self._rest[size:]
            found += self._take(self._ends.process(frame))
        return found

    def finish(self) -> list[SpokenWord]:
        """As :meth:`Recogniser.finish`."""
        speech = self._ends.end_stream(self._rest) if self._rest else None
        return [*self._take(speech), *self._over()]

    def _take(self, speech: bytes | None) -> list[SpokenWord]:
        if speech is None:
            return []
        if self._begun is None:
            self._begun, self._fed = self._ends.speech_start, 0.0
            self._decoder.start_utt()
        self._decoder.process_raw(speech)
        before, self._fed = self._fed, self._fed + len(speech) / 2 / RATE
        if not self._ends.in_speech:
            return self._over()
        return self._agreed.hear(self._said()) if self._fed // PARTIAL_S > before // PARTIAL_S else []

    def _said(self) -> list[SpokenWord]:
        begun = self._begun or 0.0
        return [SpokenWord(word.text, begun + word.start, begun + word.end) for word in heard(self._decoder)]

    def _over(self) -> list[SpokenWord]:
        if self._begun is None:
            return []
        self._decoder.end_utt()
        said = self._said()
        self._begun = None
        return self._agreed.over(said)


class Whisper:
    """A model of faster-whisper over what was not given yet, again and again."""

    def __init__(self, model: str) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise EngineError(
                "recogniser whisper: faster-whisper is not installed: pip install faster-whisper"
            ) from error
        try:
            self._model = WhisperModel(model, device="auto", compute_type="default", local_files_only=True)
        except Exception as error:  # whatever its libraries raise for a model that is not there
            raise EngineError(
                f"recogniser whisper: model {model} does not load ({clean(error)[:150]}); give the folder of one "
                "for faster-whisper, or fetch it once with its own download_model"
            ) from error
        self._english = model.endswith(".en") and not Path(model).exists()
        self._sound = np.zeros(0, np.float32)
        self._begins = 0.0
        self._new = 0
        self._agreed = Agreement()

    def push(self, pcm: NDArray[np.float32]) -> list[SpokenWord]:
        """As :meth:`Recogniser.push`."""
        self._sound = np.concatenate([self._sound, pcm])
        self._new += len(pcm)
        if self._new < ROUND_S * RATE:
            return []
        self._new = 0
        sure = self._agreed.hear(self._said())
        ends = self._begins + len(self._sound) / RATE
        if ends - self._begins > BUFFER_S:  # silence, or rounds that never agreed: what there is counts
            sure += self._agreed.over(self._said())
            self._agreed.until = ends
        self._cut(max(self._agreed.until - self._begins, 0.0))
        return sure

    def finish(self) -> list[SpokenWord]:
        """As :meth:`Recogniser.finish`."""
        return self._agreed.over(self._said()) if len(self._sound) else []

    def _said(self) -> list[SpokenWord]:
        language = "en" if self._english else None
        settings: dict[str, Any] = {"language": language, "beam_size": 1, "condition_on_previous_text": False}
        segments, _ = self._model.transcribe(self._sound, word_timestamps=True, vad_filter=True, **settings)
        found = []
        for segment in segments:
            for word in segment.words or ():
                text, end = as_word(word.word), min(word.end, len(self._sound) / RATE)
                if text and word.start <= end:
                    found.append(SpokenWord(text, self._begins + word.start, self._begins + end))
        return found

    def _cut(self, seconds: float) -> None:
        """Forget what was given."""
        count = min(int(seconds * RATE), len(self._sound))
        self._sound = self._sound[count:]
        self._begins += count / RATE
