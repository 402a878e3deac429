"""Streaming layers with explicit state; see ``models/README.md``."""

from models.layers.attention import TransformerBlock, WindowedAttention
from models.layers.audio import MFCC, Energy, LogMel
from models.layers.base import Layer
from models.layers.conv import CausalConv1d
from models.layers.feedforward import FeedForward
from models.layers.lstm import LSTM
from models.layers.norm import LayerNorm
from models.layers.pitch import Pitch, PitchTrack

__all__ = [
    "LSTM",
    "MFCC",
    "CausalConv1d",
    "Energy",
    "FeedForward",
    "Layer",
    "LayerNorm",
    "LogMel",
    "Pitch",
    "PitchTrack",
    "TransformerBlock",
    "WindowedAttention",
]
