"""Streaming layers with explicit state; see ``models/README.md``."""

from models.layers.attention import TransformerBlock, WindowedAttention
from models.layers.audio import MFCC, Energy, LogMel
from models.layers.conv import CausalConv1d
from models.layers.feedforward import FeedForward
from models.layers.lstm import LSTM
from models.layers.norm import LayerNorm, RMSNorm
from models.layers.pitch import Pitch
from models.layers.stack import Layer, Stack

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
    "RMSNorm",
    "Stack",
    "TransformerBlock",
    "WindowedAttention",
]
