"""Small models that read texts and words, as they should and not."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import InputSpec, OutputSpec, StreamSpec
from models.contract import BAD_INPUT, StreamModel, Tensors
from tests.engine.text.made import TOKENS, WIDTH, graph, word_level

WORDS = b"-\nwave\nbow\n"


class Told(StreamModel):
    """A pose made of a text's vector and the newest words, by learned weights."""

    licence, data = "Apache-2.0", "none: random weights"
    encoders = {"prompt": (graph(), word_level(), TOKENS), "mood": (graph(), word_level(), TOKENS)}  # noqa: RUF012
    vocabulary = WORDS

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.out = nn.Linear(WIDTH, 4)
        self.spec = StreamSpec(
            "told",
            25.0,
            (
                InputSpec("prompt", "text", (WIDTH,), -1.0, 1.0),
                InputSpec("mood", "text", (WIDTH,), -1.0, 1.0),
                InputSpec("said", "words", (2, 4), -60.0, 1000.0, of="self"),
            ),
            (OutputSpec("pose", (4,)), BAD_INPUT),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Both texts, and a little of the words."""
        return {"pose": self.out(inputs["prompt"] - inputs["mood"]) + 0.001 * inputs["said"].mean(-2)}, {}


class Unread(Told):
    """Its encoder is for an input that there is not; one of its texts has none."""

    encoders = {"prompt": Told.encoders["prompt"], "tune": Told.encoders["mood"]}  # noqa: RUF012


class Counted(Told):
    """Wants ids, which no feed gives."""

    def __init__(self) -> None:
        super().__init__()
        ids = InputSpec("step", "ids", (), low=0, high=3, dtype="int64")
        self.spec = StreamSpec("counted", 25.0, (*self.spec.inputs, ids), self.spec.outputs)

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The pose, moved by the id."""
        outputs, updates = super().frames(inputs, state)
        moved: Tensor = outputs["pose"] + inputs["step"][..., None].float()
        return {"pose": moved}, updates


class Plain(StreamModel):
    """Reads two texts of the width of the tiny table, and brings no encoder."""

    licence, data = "Apache-2.0", "none: random weights"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.out = nn.Linear(6, 4)
        texts = (InputSpec(name, "text", (6,), -1.0, 1.0) for name in ("prompt", "mood"))
        self.spec = StreamSpec("plain", 25.0, tuple(texts), (OutputSpec("pose", (4,)), BAD_INPUT))

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Of both."""
        return {"pose": self.out(inputs["prompt"] - inputs["mood"])}, {}
