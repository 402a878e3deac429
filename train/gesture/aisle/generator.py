"""The seed's generator (``JointLateClusterSoftTransformer12_G``) and its baselines of the same parts.

Audio to frames by a 2-D convolutional encoder; words by a text encoder; each frame of audio attends to the word that is
spoken at it; a U-Net; a classifier of clusters whose chances mix eight decoders (Ahuja et al. 2020). ``no_attention``
repeats a word's vector over its frames instead. ``speech2gesture`` has no words and one decoder (Ginosar et al. 2019,
"Learning Individual Styles of Conversational Gesture").
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from train.gesture.aisle.layers import AudioEncoder, Clusters, Decoders, UNet, block, places
from train.gesture.aisle.text import Text

HEADS, LAYERS = 8, 2
FEATURES, CLUSTERS = 96, 8
Kind = Literal["aisle", "no_attention", "speech2gesture", "gesticulator"]


class Size(NamedTuple):
    """``width`` of generators, ``critic`` that of the discriminator's first layer; ``feedforward`` inside the
    attention; ``rate`` of learning where none is given: a network this small, trained for minutes, wants a higher one
    than the paper's."""

    width: int
    critic: int
    feedforward: int
    rate: float


SIZES = {
    "paper": Size(256, 64, 1024, 1e-4),
    "small": Size(64, 32, 256, 5e-4),
    "tiny": Size(16, 8, 32, 2e-3),
}
"""``small`` costs about a sixteenth of ``paper``; ``tiny`` is for tests."""


class Heard(NamedTuple):
    """A batch of windows as a generator gets them: ``mel`` (B, T, 64) log-mel at 15 rows a second, normalised;
    ``text``; ``style`` (B,) whose gestures."""

    mel: Tensor
    text: Text
    style: Tensor

    def to(self, device: torch.device) -> Heard:
        """The same on a device."""
        return Heard(self.mel.to(device), Text(*(each.to(device) for each in self.text)), self.style.to(device))


class Made(NamedTuple):
    """``pose`` (B, T, 96), z-normalised; ``logits`` (B, T, 8) of clusters, None where a model has none."""

    pose: Tensor
    logits: Tensor | None


class Fusion(nn.Module):
    """Frames of audio as queries, tokens as keys and values; a frame sees its own token alone."""

    def __init__(self, width: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerDecoderLayer(width, HEADS, feedforward, dropout, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, LAYERS, nn.LayerNorm(width))

    def forward(self, audio: Tensor, tokens: Tensor, text: Text) -> Tensor:
        """Audio (B, T, C) and tokens (B, L, C), both with their positions, to (B, T, C)."""
        result: Tensor = self.decoder(
            audio, tokens, memory_mask=text.blocked(HEADS), memory_key_padding_mask=text.filling()
        )
        return result


class Generator(nn.Module):
    """The seed's generator; ``kind`` no_attention is its ablation. ``words`` encodes tokens as vectors of
    ``size.width``. With ``styles`` > 1 a learned vector says whose gestures are made, which the published one, trained
    for one speaker at a time, lacks."""

    def __init__(self, kind: Kind, size: Size, words: nn.Module, styles: int, dropout: float) -> None:
        super().__init__()
        width = size.width
        self.audio, self.words = AudioEncoder(width), words
        attends = kind == "aisle"
        self.fusion = Fusion(width, size.feedforward, dropout) if attends else None
        self.repeated = None if attends else block(width, width)
        self.style = nn.Embedding(styles, width) if styles > 1 else None
        self.join = block(2 * width, width)
        self.unet = UNet(width)
        self.clusters = Clusters(width, CLUSTERS)
        self.decoders = Decoders(width, FEATURES, CLUSTERS)

    def forward(self, heard: Heard) -> Made:
        """T must be a multiple of 32."""
        audio, text = self.audio(heard.mel), heard.text
        tokens = self.words(text)
        frames, width = audio.shape[-1], audio.shape[1]
        if self.fusion is not None:
            tokens = tokens + places(tokens.shape[1], width, tokens)
            said = self.fusion(audio.transpose(1, 2) + places(frames, width, audio), tokens, text).transpose(1, 2)
        else:
            assert self.repeated is not None
            said = tokens.gather(1, text.at[:, :, None].expand(-1, -1, width)) + places(frames, width, audio)
            said = self.repeated(said.transpose(1, 2))
        joined = self.join(torch.cat([said, audio], 1))
        if self.style is not None:
            joined = joined + self.style(heard.style)[:, :, None]
        deep = self.unet(joined)
        logits = self.clusters(deep)
        pose = self.decoders(deep, logits.softmax(1))
        return Made(pose.transpose(1, 2), logits.transpose(1, 2))


class Speech2Gesture(nn.Module):
    """Audio encoder, U-Net, one decoder of four convolutions; no words, no clusters."""

    def __init__(self, size: Size, styles: int) -> None:
        super().__init__()
        width = size.width
        self.audio, self.unet = AudioEncoder(width), UNet(width)
        self.style = nn.Embedding(styles, width) if styles > 1 else None
        self.decoder = nn.Sequential(*(block(width, width) for _ in range(4)), nn.Conv1d(width, FEATURES, 1))

    def forward(self, heard: Heard) -> Made:
        """T must be a multiple of 32."""
        audio = self.audio(heard.mel)
        if self.style is not None:
            audio = audio + self.style(heard.style)[:, :, None]
        return Made(self.decoder(self.unet(audio)).transpose(1, 2), None)
