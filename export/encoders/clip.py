"""The text half of CLIP, by ``transformers``, of a folder that a user has: what PGR2M, MoMask and CoMo condition on.

Radford et al. 2021 (https://arxiv.org/abs/2103.00020). ViT-B/32 gives 512 numbers of 77 tokens. As in those systems the
projected vector is taken as it comes, not scaled to length 1.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from export.errors import ExportError

CREDITS = "Text encoder: the text half of CLIP (OpenAI; MIT), its weights rounded to 8 bits"
_MARKS = 2  # a text is framed by a token that opens and one that closes


class ClipText(nn.Module):
    """A CLIP text model and its projection; the vector is that of the last token, which closes the text."""

    def __init__(self, body: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.body, self.projection = body, projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The vector (1, width) of ids and mask (1, n); of no tokens zeros."""
        hidden = self.body(input_ids=ids).last_hidden_state
        vector: Tensor = self.projection(hidden[:, -1])  # n is the text's own length: what fills up is cut off before
        return vector * mask[:, :1].to(vector.dtype)


def load(weights: Path | None = None) -> tuple[ClipText, bytes, int]:
    """The encoder in float32, the bytes of its tokenizer file and its number of tokens, of a folder in the layout of
    ``transformers``."""
    if weights is None:
        raise ExportError(
            "encoder clip: no weights come with it; give --weights FOLDER, a CLIP as transformers saves it "
            "(config.json, model.safetensors, tokenizer.json or vocab.json and merges.txt)"
        )
    if not (weights / "config.json").is_file():
        raise ExportError(f"{weights} holds no config.json; give a folder with a CLIP as transformers saves it")
    try:
        from transformers import AutoTokenizer, CLIPTextModelWithProjection
        from transformers.utils import logging
    except ImportError as error:
        raise ExportError(
            "encoder clip is read by the package transformers, which is not installed: "
            "pip install 'reaction-engine[encoders]'"
        ) from error
    logging.disable_progress_bar()
    try:
        model = CLIPTextModelWithProjection.from_pretrained(
            weights,
            local_files_only=True,
            use_safetensors=True,  # pickles are programs
            attn_implementation="eager",
        )
        tokenizer = AutoTokenizer.from_pretrained(weights, local_files_only=True)
        content = tokenizer.backend_tokenizer.to_str().encode()
    except Exception as error:  # whatever a file of a stranger makes the library raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ExportError(f"{weights} is no CLIP that transformers reads ({reason})") from error
    tokens = int(model.config.max_position_embeddings)
    if tokens <= _MARKS:
        raise ExportError(f"{weights}: a CLIP of {tokens} tokens has no room for a text")
    return ClipText(model.text_model, model.text_projection).float().eval(), content, tokens
