"""A text in, the vector of an input of role text out: by the tokenizer and the graph that the bundle brings.

Slow (milliseconds to seconds), so never called in the frame path: see :mod:`engine.text.conditioner`.
"""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle, BundleError
from engine.errors import EngineError
from engine.feeds.held import LONGEST_TEXT, Vector
from engine.runtime.session import check_signature, make_session
from engine.text.tidy import tidy
from engine.text.vocabulary import Vocabulary

MOST_TOKENIZER_BYTES = 64 << 20
Ids = NDArray[np.int64]


class Encoded(NamedTuple):
    """The ``vector`` of a text, and whether the text was ``cut`` because it has more tokens than the encoder takes."""

    vector: Vector
    cut: bool


class Tokens(Protocol):
    """Makes ids of a text."""

    def __call__(self, text: str) -> tuple[list[int], int]:
        """Ids of those tokens that fit, and how many did not."""
        ...


class TextEncoder:
    """Encodes texts for the input ``name`` of a bundle; used by one thread at a time.

    Raises :class:`~engine.bundle.BundleError` where the bundle has no encoder for it, where the tokenizer does not read
    or the graph is not as :class:`engine.bundle.manifest.EncoderFiles` says; :class:`EngineError` where the package
    ``tokenizers`` is needed and not installed.
    """

    def __init__(self, bundle: Bundle, name: str) -> None:
        self.bundle, self.name = bundle, name
        files = bundle.encoders.get(name)
        if files is None:
            there = ", ".join(bundle.encoders) or "none"
            raise BundleError(
                f"{bundle.path}: no encoder for its text input {name!r} (encoders: {there}); export it again with one"
            )
        self.width = int(np.prod(bundle.spec.input(name).shape))
        self.kind: Hashable = (files, self.width)
        """Encoders of one kind give the same vectors."""
        self.tokens = files.tokens
        listed = files.tokenizer.endswith(".txt")
        self._split: Tokens = (_ByWords if listed else _ByLibrary)(bundle, files.tokenizer, self.tokens)
        ids = ("int64", (self.tokens,))
        signature = {"ids": ids, "mask": ids}, {"vector": ("float32", (self.width,))}
        try:
            self._session = make_session(bundle, 1, file=files.onnx)
            check_signature(bundle, self._session, signature, 1)
        except BundleError as error:
            raise BundleError(f"encoder {files.onnx} of text input {name!r}: {error}") from error

    def named(self, name: str) -> TextEncoder:
        """This encoder for another input of its kind, with the same graph in memory."""
        other = copy(self)
        other.name = name
        return other

    def encode(self, text: str) -> Encoded:
        """The vector (width,) of a text, read only. Raises :class:`EngineError` for a text that is too long, has no
        words left when it is cleaned or none of which the tokenizer makes a token, and where tokenizer or graph fail or
        give numbers that are not finite."""
        said = tidy(text[:LONGEST_TEXT])
        if not said or len(text) > LONGEST_TEXT:
            raise EngineError(
                f"text {self.name} of {len(text)} characters: give words, {LONGEST_TEXT} characters at most"
            )
        try:
            ids, left_out = self._split(said)
            if not ids:
                raise EngineError(f"text {self.name}: its encoder knows nothing of it; say it in words")
            given = self._padded(ids)
            vector = np.array(self._session.run(["vector"], given)[0], np.float32).reshape(-1)
        except (KeyboardInterrupt, SystemExit, EngineError):
            raise
        except BaseException as error:  # a tokenizer's panic is no Exception, and ONNX Runtime's errors share no base
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise EngineError(f"text {self.name}: the encoder of bundle {self.bundle.name} fails ({reason})") from error
        if len(vector) != self.width or not np.isfinite(vector).all():
            raise EngineError(
                f"text {self.name}: the encoder of bundle {self.bundle.name} gives {len(vector)} numbers, not "
                f"{self.width} finite ones; say it in other words, or export the bundle again"
            )
        vector.flags.writeable = False
        return Encoded(vector, left_out > 0)

    def _padded(self, ids: list[int]) -> dict[str, Ids]:
        """The inputs of the graph, filled up with zeros where the mask is 0."""
        row, mask = np.zeros((2, 1, self.tokens), np.int64)
        row[0, : len(ids)], mask[0, : len(ids)] = ids, 1
        return {"ids": row, "mask": mask}


def text_encoders(bundle: Bundle) -> dict[str, TextEncoder]:
    """An encoder for every text input of a bundle; those that need the same share one graph. Raises as
    :class:`TextEncoder`."""
    made: dict[str, TextEncoder] = {}
    for item in bundle.spec.texts:
        kind = bundle.encoders.get(item.name), int(np.prod(item.shape))
        alike = next((one for one in made.values() if one.kind == kind), None)
        made[item.name] = TextEncoder(bundle, item.name) if alike is None else alike.named(item.name)
    return made


class _ByWords:
    """Tokens are words of a list, as of :class:`Vocabulary`."""

    def __init__(self, bundle: Bundle, file: str, tokens: int) -> None:
        self._known, self._most = Vocabulary(bundle, file), tokens

    def __call__(self, text: str) -> tuple[list[int], int]:
        ids = [self._known.number(word) for word in text.split()]
        return ids[: self._most], max(0, len(ids) - self._most)


class _ByLibrary:
    """Tokens of a file of the package ``tokenizers``; cut as that does, so that its closing token is kept."""

    def __init__(self, bundle: Bundle, file: str, tokens: int) -> None:
        content = bundle.read(file)
        if len(content) > MOST_TOKENIZER_BYTES:
            raise BundleError(
                f"{bundle.path}: {file} has {len(content)} bytes, {MOST_TOKENIZER_BYTES} at most; use a smaller one"
            )
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EngineError(
                f"bundle {bundle.name} encodes texts with the package tokenizers, which is not installed: "
                "pip install 'reaction-engine[text]'"
            ) from error
        self._most = tokens
        try:
            self._tokenizer: Any = Tokenizer.from_buffer(content)
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(tokens)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of the library is no Exception
            reason = " ".join(str(error).split())[:200]
            raise BundleError(f"{bundle.path}: {file} is no readable tokenizer ({reason}); export it again") from error

    def __call__(self, text: str) -> tuple[list[int], int]:
        found = self._tokenizer.encode(text)
        # With a limit below what a text is framed by, the library gives more than it was told to.
        beyond = len(found.overflowing) + max(0, len(found.ids) - self._most)
        return list(found.ids[: self._most]), beyond
