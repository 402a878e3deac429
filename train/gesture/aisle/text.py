"""What is said, as a window's tokens and which of them each frame hears; and the encoders of tokens.

A frame attends to the one token that is spoken at it. Frames without a word attend to token 0, which stands for none
and is in every window, so no row of the attention is empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import EngineError

NONE = 0
"""The token of frames at which nothing is said."""
BERT_RATE = 3e-5
"""Learning rate at which the paper tunes BERT."""


class Text(NamedTuple):
    """A batch of windows' tokens: ``tokens`` (B, L) ids or (B, L, D) vectors, the first that of no word; ``at`` (B, T)
    the place among them of what is said at a frame; ``length`` (B,) how many are there, the rest fills up."""

    tokens: Tensor
    at: Tensor
    length: Tensor

    def blocked(self, heads: int) -> Tensor:
        """(B * heads, T, L): true where a frame must not look, everywhere but at its own token."""
        place = torch.arange(self.tokens.shape[1], device=self.at.device)
        return (self.at[:, :, None] != place).repeat_interleave(heads, 0)

    def filling(self) -> Tensor:
        """(B, L): true where no token is."""
        return torch.arange(self.tokens.shape[1], device=self.at.device) >= self.length[:, None]


def text_of(numbers: Tensor, table: Tensor) -> Text:
    """The :class:`Text` of windows by the ``numbers`` (B, T) of the tokens spoken at their frames, rising in time, 0
    for none; ``table`` (M,) or (M, D) has what a number stands for."""
    found = [np.unique(row, return_inverse=True) for row in np.pad(numbers.numpy(), ((0, 0), (1, 0)))]
    longest = max(len(own) for own, _ in found)
    ids = np.stack([np.pad(own, (0, longest - len(own))) for own, _ in found])
    at = np.stack([place[1:] for _, place in found])
    length = torch.tensor([len(own) for own, _ in found])
    return Text(table[torch.from_numpy(ids)], torch.from_numpy(at), length)


class Vectors(nn.Module):
    """Word vectors (B, L, ``inputs``) to (B, L, ``width``)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width)

    def forward(self, text: Text) -> Tensor:
        """A linear map."""
        result: Tensor = self.linear(text.tokens)
        return result


class Table(nn.Module):
    """Ids (B, L) of ``words`` words to (B, L, ``width``), learned."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Embedding(words, width)

    def forward(self, text: Text) -> Tensor:
        """Rows of the table."""
        result: Tensor = self.rows(text.tokens)
        return result


class Bert(nn.Module):
    """Ids (B, L) of word pieces through BERT, tuned with the rest, to (B, L, ``width``). Its mark of a text's beginning
    stands for no word."""

    def __init__(self, folder: Path, width: int) -> None:
        super().__init__()
        self.body = _loaded("AutoModel", folder)
        self.linear = nn.Linear(int(self.body.config.hidden_size), width)

    def forward(self, text: Text) -> Tensor:
        """A window is read as one text, as the seed does."""
        hidden = self.body(input_ids=text.tokens, attention_mask=(~text.filling()).long()).last_hidden_state
        result: Tensor = self.linear(hidden)
        return result


class Pieces:
    """How a BERT's folder cuts words into pieces. ``begin`` is its mark of a text's beginning."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = _loaded("AutoTokenizer", folder)
        self.begin = int(self._tokenizer.cls_token_id)

    def of(self, word: str) -> list[int]:
        """Ids of a word's pieces, at least one."""
        ids = self._tokenizer(word, add_special_tokens=False)["input_ids"]
        return [int(number) for number in ids] or [int(self._tokenizer.unk_token_id)]


def _loaded(kind: str, folder: Path) -> Any:
    """What ``transformers`` reads from a folder that the user has; nothing is fetched, no pickle is read."""
    try:
        import transformers
    except ImportError as error:
        raise EngineError(
            "words=bert is read by the package transformers, which is not installed: "
            "pip install 'reaction-engine[encoders]'"
        ) from error
    safe = {"use_safetensors": True} if kind == "AutoModel" else {}
    try:
        return getattr(transformers, kind).from_pretrained(folder, local_files_only=True, **safe)
    except Exception as error:  # whatever a file of a stranger makes the library raise
        why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise EngineError(
            f"{folder} is no BERT that transformers reads ({why}); give a folder with config.json, model.safetensors "
            "and vocab.txt or tokenizer.json"
        ) from error
