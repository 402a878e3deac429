"""The networks that evaluators are made of: motions and texts to embeddings that lie together where they belong.

The layers are those of the released evaluators (Guo et al. 2022): two strided convolutions over the features without
the contacts, a step in four frames, and a bidirectional recurrent network over these; so their weights can be read
(:mod:`.released`). The evaluator that is trained here (:mod:`.own`) is the same, smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

UNIT = 4
"""Frames of one step of the movement encoder."""
LONGEST = 196
"""Frames of a motion that are looked at, at most, as in the published evaluation."""
CONTACTS = 4
"""Last numbers of a row of features, which evaluators do not see."""


class MovementEncoder(nn.Module):
    """Features (B, T, inputs) to movements (B, T // 4, outputs)."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((inputs, hidden), (hidden, outputs)):
            layers += [nn.Conv1d(before, after, 4, 2, 1), nn.Dropout(0.2), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*layers)
        self.out_net = nn.Linear(outputs, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Movements of rows."""
        movements: Tensor = self.out_net(self.main(rows.transpose(1, 2)).transpose(1, 2))
        return movements


class SequenceEncoder(nn.Module):
    """A sequence (B, T, inputs) of known lengths to an embedding (B, outputs): what a bidirectional recurrent network
    holds at its two ends."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(inputs, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.LayerNorm(hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, outputs)
        )
        self.hidden = nn.Parameter(torch.randn(2, 1, hidden))

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings of the first ``lengths`` (B,) entries of each sequence."""
        packed = pack_padded_sequence(self.input_emb(sequence), lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed, self.hidden.repeat(1, len(sequence), 1))
        embedding: Tensor = self.output_net(torch.cat([last[0], last[1]], -1))
        return embedding


class WordEncoder(SequenceEncoder):
    """Words (B, T, 300) with their parts of speech (B, T, 15) to an embedding."""

    def __init__(self, word: int, tags: int, hidden: int, outputs: int) -> None:
        super().__init__(word, hidden, outputs)
        self.pos_emb = nn.Linear(tags, word)

    def embed(self, words: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings of sentences of ``lengths`` (B,) words."""
        embedding: Tensor = self(words + self.pos_emb(tags), lengths)
        return embedding


class MotionEncoder(nn.Module):
    """Standardised features of motions to embeddings, by the two encoders.

    A convolution sees the zeros beyond a motion's end, up to the longest that there may be, as in the published
    evaluation; so a motion's embedding does not depend on those it is made with.
    """

    def __init__(self, movement: MovementEncoder, motion: SequenceEncoder) -> None:
        super().__init__()
        self.movement, self.motion = movement, motion

    def forward(self, motions: Sequence[Tensor]) -> Tensor:
        """Embeddings (B, outputs) of at most :data:`LONGEST` rows (T, width) each; what does not fill a step is left
        out."""
        lengths = torch.tensor([len(rows) // UNIT for rows in motions])
        reach = min(UNIT * int(lengths.max()) + UNIT, LONGEST)
        padded = motions[0].new_zeros(len(motions), reach, motions[0].shape[1] - CONTACTS)
        for row, rows, count in zip(padded, motions, lengths, strict=True):
            row[: UNIT * int(count)] = rows[: UNIT * int(count), :-CONTACTS]
        embedding: Tensor = self.motion(self.movement(padded), lengths)
        return embedding
