"""An encoder without a network: a table of word pieces, summed by how rare they are.

A vector for each piece of BERT's vocabulary, kept from MiniLM's own (``text_static_minilm64``: 64 numbers). A text is
the sum of its pieces, each weighted by log(1 + its line), since the vocabulary lists common words first; length 1. What
is no word weighs nothing: a text of unknown words only is zeros. The order of words is lost.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from torch import Tensor, nn

from export.encoders.bert import SMALLEST_NORM
from export.errors import ExportError

TOKENS = 128
CREDITS = (
    "Text encoder: a table of word pieces distilled from all-MiniLM-L6-v2 (sentence-transformers; Apache-2.0), its "
    "rows rounded to 8 bits"
)
FOLDER = "text_static_minilm64"
_UNKNOWN = "[UNK]"


class Table(nn.Module):
    """Vectors (pieces, width) and the weight of each piece (pieces)."""

    weights: Tensor

    def __init__(self, vectors: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.vectors = nn.Embedding.from_pretrained(vectors.float())
        self.register_buffer("weights", weights.float())

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The vector (1, width) of ids and mask (1, n); zeros where no id weighs anything."""
        weight = (self.weights[ids] * mask.to(torch.float32))[..., None]
        total = (self.vectors(ids) * weight).sum(1)
        vector: Tensor = total / total.square().sum(-1, keepdim=True).sqrt().clamp(min=SMALLEST_NORM)
        return vector


def load(weights: Path | None = None) -> tuple[Table, bytes, int]:
    """The table of a folder with ``vectors.npz`` and ``vocab.txt`` (default: that of ``$ENGINE_DATA``), the bytes of a
    tokenizer file and the number of tokens."""
    data = os.environ.get("ENGINE_DATA", "")
    if weights is None and not data:
        raise ExportError(f"encoder table: set ENGINE_DATA to a folder that holds {FOLDER}, or give --weights FOLDER")
    folder = weights or Path(data) / FOLDER
    try:
        pieces = (folder / "vocab.txt").read_text().split("\n")
        with np.load(folder / "vectors.npz", allow_pickle=False) as held:
            vectors = torch.from_numpy(held["vectors"].astype(np.float32))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ExportError(
            f"{folder} holds no table of word pieces ({error}); it needs vectors.npz and vocab.txt"
        ) from error
    pieces = pieces[:-1] if not pieces[-1] else pieces
    if vectors.ndim != 2 or len(vectors) != len(pieces) or _UNKNOWN not in pieces or not bool(vectors.isfinite().all()):
        raise ExportError(
            f"{folder}: vectors {tuple(vectors.shape)} for {len(pieces)} pieces; give finite numbers, one row a piece, "
            f"{_UNKNOWN} among them"
        )
    weight = torch.log1p(torch.arange(len(pieces), dtype=torch.float32))
    weight[torch.tensor([_is_mark(piece) for piece in pieces])] = 0.0
    return Table(vectors, weight).eval(), _tokenizer(pieces), TOKENS


def _is_mark(piece: str) -> bool:
    """[UNK], [CLS], [unused7]: no part of a text."""
    return len(piece) > 2 and piece.startswith("[") and piece.endswith("]")


def _tokenizer(pieces: list[str]) -> bytes:
    """BERT's uncased word pieces, without marks around the text."""
    made = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token=_UNKNOWN))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    return made.to_str().encode()
