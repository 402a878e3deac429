"""A bundle's words and their numbers, from a file with one word a line."""

from __future__ import annotations

from engine.bundle import Bundle, BundleError
from engine.text.tidy import plain

UNKNOWN = 0
MOST_WORDS = 200_000
MOST_BYTES = 8 << 20


class Vocabulary:
    """Numbers for words: that of the line on which a word stands, counted from 0. The first line stands for all words
    that are not listed (:data:`UNKNOWN`), whatever is written there. Words are compared in lower case and without the
    punctuation around them; of two lines that are the same word so, the first counts.

    ``file`` is by default the one that the bundle names as its vocabulary; without one every word is unknown. Raises
    :class:`~engine.bundle.BundleError` for a file that is no such list.
    """

    def __init__(self, bundle: Bundle, file: str = "") -> None:
        name = file or bundle.vocabulary
        self._numbers: dict[str, int] = {}
        if not name:
            return
        content = bundle.read(name)
        if len(content) > MOST_BYTES:
            raise BundleError(f"{bundle.path}: {name} has {len(content)} bytes, {MOST_BYTES} at most; list fewer words")
        try:
            lines = content.decode().splitlines()
        except UnicodeDecodeError:
            raise BundleError(f"{bundle.path}: {name} is no UTF-8 text; write one word a line") from None
        if not 2 <= len(lines) <= MOST_WORDS:
            raise BundleError(
                f"{bundle.path}: {name} has {len(lines)} lines; give one that stands for unknown words, then one word "
                f"a line, {MOST_WORDS} at most"
            )
        for number, line in enumerate(lines[1:], 1):
            word = plain(line)
            if word:
                self._numbers.setdefault(word, number)

    def number(self, word: str) -> int:
        """The number of a word as it was said or written."""
        return self._numbers.get(plain(word), UNKNOWN)
