"""Encoders small enough to be made for each test: a sentence BERT in its published layout, a table of word pieces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "walk", "##s", "run", "slowly", "left", "right", "arm")
WIDTH, HEADS, LAYERS, INNER, PLACES = 32, 4, 2, 48, 12
_ROW = 6


def tokenizer() -> bytes:
    """Word pieces with marks around a text; cuts and fills up in a way of its own."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordPiece({piece: row for row, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", 2), ("[SEP]", 3)]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    made.enable_truncation(5)
    made.enable_padding(length=5)
    return made.to_str().encode()


class Reference(nn.Module):
    """A sentence BERT of torch's own layers, written into a folder under BERT's names."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.word, self.place = nn.Embedding(len(PIECES), WIDTH), nn.Embedding(PLACES, WIDTH)
        self.kind, self.norm = nn.Embedding(2, WIDTH), nn.LayerNorm(WIDTH, 1e-12)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, 0.0, "gelu", 1e-12, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.3)
        self.eval()

    @torch.no_grad()
    def vector(self, *pieces: str) -> NDArray[np.float32]:
        """Of a text that is these pieces, framed: its mean, of length 1."""
        ids = torch.tensor([[PIECES.index(piece) for piece in ("[CLS]", *pieces, "[SEP]")]])
        values = self.word(ids) + self.place.weight[: ids.shape[1]] + self.kind.weight[0]
        mean = self.layers(self.norm(values))[0].mean(0)
        return (mean / mean.norm()).numpy()

    def save(self, folder: Path, **config: object) -> Path:
        """The folder of a sentence encoder."""
        folder.mkdir(parents=True, exist_ok=True)
        told = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "num_attention_heads": HEADS}
        told |= {"intermediate_size": INNER, "num_hidden_layers": LAYERS, "vocab_size": len(PIECES)}
        told |= {"max_position_embeddings": PLACES, "layer_norm_eps": 1e-12, **config}
        (folder / "config.json").write_text(json.dumps(told))
        (folder / "tokenizer.json").write_bytes(tokenizer())
        save_file({name: value.contiguous() for name, value in self._named().items()}, folder / "model.safetensors")
        return folder

    def _named(self) -> dict[str, Tensor]:
        found = {
            "embeddings.word_embeddings.weight": self.word.weight,
            "embeddings.position_embeddings.weight": self.place.weight,
            "embeddings.token_type_embeddings.weight": self.kind.weight,
            "pooler.dense.weight": torch.zeros(WIDTH, WIDTH),
        }
        for kind in ("weight", "bias"):
            found[f"embeddings.LayerNorm.{kind}"] = getattr(self.norm, kind)
            for number, layer in enumerate(self.layers.layers):
                name = f"encoder.layer.{number}"
                parts = getattr(layer.self_attn, f"in_proj_{kind}").chunk(3)
                for part, value in zip(("query", "key", "value"), parts, strict=True):
                    found[f"{name}.attention.self.{part}.{kind}"] = value.clone()
                for theirs, own in (
                    ("attention.output.dense", layer.self_attn.out_proj),
                    ("attention.output.LayerNorm", layer.norm1),
                    ("intermediate.dense", layer.linear1),
                    ("output.dense", layer.linear2),
                    ("output.LayerNorm", layer.norm2),
                ):
                    found[f"{name}.{theirs}.{kind}"] = getattr(own, kind)
        return {name: value.detach() for name, value in found.items()}


def table(folder: Path, rows: int | None = None) -> NDArray[np.float32]:
    """Write a table of word pieces; its vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in PIECES))
    vectors = np.random.default_rng(3).standard_normal((rows or len(PIECES), _ROW)).astype(np.float16)
    np.savez(folder / "vectors.npz", vectors=vectors)
    return vectors.astype(np.float32)
