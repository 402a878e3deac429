"""A body that does what a text says, frame by frame and without end, and whose pose codes can be held while it runs.

PGR2M (Jeong & Choi 2025, arXiv:2512.22464, after CoMo, Huang et al. 2024) made into a stream. Every fourth frame a
token is drawn: the base transformer gives the chances of 70 pose codes from the codes before and the text, the refine
transformer the residual ids; the causal decoder turns tokens into features frame by frame, the stage these into a body.
Pose codes that somebody holds take the place of those that were drawn, so everything that follows goes on from them.
When what the text asks for is done (``END``) the body stands idle until another text is set: the stream never ends.

A step does the work of a token in every frame and keeps it every fourth: rows of a batch are at different frames of
their tokens, and a graph that branches for each would be slower than the work it saves (measured: see the card).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.errors import EngineError
from engine.spec import AGE, CURSOR, StateSpec
from engine.text.fields import FIELDS
from models.contract import StreamModel, Tensors, commit, finite, named, part
from models.sampling import NOISE, TEMPERATURE, sample
from models.text_motion.base import BaseTransformer
from models.text_motion.condition import PROMPT
from models.text_motion.config import LEVELS, TOKEN, Config, TextMotionConfig
from models.text_motion.config import named as configuration
from models.text_motion.posecodes.codes import khot
from models.text_motion.posecodes.table import END, GROUPS, SIZES, STARTS
from models.text_motion.posture import PostureHold
from models.text_motion.refine import RefineTransformer
from models.text_motion.spec import AFTER, FREE, HOLD, motion_spec
from models.text_motion.stage import LocalPose, Stage, travel
from models.text_motion.tokenizer import Tokenizer

IMPOSSIBLE = -1e9
"""Logit of a bin that its group does not have."""
CHANGED = 1e-3
"""Difference between two vectors of texts beyond which they are of two texts."""
LONGEST = 1e6
"""Tokens beyond which the time of a text stands still."""


class TextMotion(StreamModel):
    """See the module docstring. Inputs: ``prompt`` and eleven fields as vectors of texts, ``hold`` (70 bins, -1 free),
    ``temperature``, ``after`` (what the body does when the text is done: 0 idles, 1 does it again), ``noise``. Outputs:
    ``body`` (22, 3) metres, ``codes`` (70) and ``residual`` ids (6) of the token, and ``ended``, 1 while it idles
    because the text is done."""

    licence = "Apache-2.0"
    bins_at: Tensor
    missing: Tensor
    last_bins: Tensor
    places: Tensor

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = Tokenizer(config)
        self.base, self.refine = BaseTransformer(config), RefineTransformer(config)
        self.pose, self.posture, self.stage = LocalPose(), PostureHold(), Stage()
        most = max(SIZES)
        columns = [[start + min(k, size - 1) for k in range(most)] for start, size in zip(STARTS, SIZES, strict=True)]
        self.register_buffer("bins_at", torch.tensor(columns), persistent=False)
        missing = [[0.0 if k < size else IMPOSSIBLE for k in range(most)] for size in SIZES]
        self.register_buffer("missing", torch.tensor(missing), persistent=False)
        self.register_buffer("last_bins", torch.tensor(SIZES) - 1, persistent=False)
        # A field that is said of another part of the body is another text, though the sum of all is the same.
        self.register_buffer("places", torch.linspace(0.5, 1.5, len(FIELDS))[:, None], persistent=False)
        if config.servable:
            self.spec = motion_spec(config, self._state_specs())

    def __getattr__(self, name: str) -> Any:
        """What a module holds; a model that is trained as a yardstick has no spec, and says why."""
        if name == "spec":
            raise EngineError(
                f"a text_motion model with causal={self.config.causal} and layout {self.config.layout} is for "
                "training and evaluation; serve a causal one of humanml3d"
            )
        return super().__getattr__(name)

    def _state_specs(self) -> dict[str, StateSpec]:
        """The token in force, the text it goes by, the rings, and what decoder, hold and stage carry."""
        config = self.config
        state = {
            "bins": StateSpec((len(GROUPS),), dtype="int64", initial=FREE),
            "ids": StateSpec((LEVELS,), dtype="int64"),
            "text": StateSpec((2 * config.text,)),
            "since": StateSpec((1,)),
            "done": StateSpec((1,)),
        }
        for name, network in (("base", self.base), ("refine", self.refine)):
            for key, ring in network.state_specs().items():
                # A row a frame, of which those of a token's first frames count: rows of a ring advance every frame.
                state[f"{name}.{key}"] = StateSpec((TOKEN * ring.shape[0], *ring.shape[1:]), kind="ring")
        state |= named("decoder", self.tokenizer.decoder.state_specs())
        state |= named("posture", self.posture.state_specs())
        return state | named("stage", self.stage.state_specs())

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """One frame after another: each may begin a token, and is decoded."""
        rings = {name for name, spec in self.spec.state.items() if spec.kind == "ring"}
        running, written, shown = state, [], []
        length = inputs[NOISE].shape[1]
        for frame in range(length):
            outputs, updates = self._frame({name: value[:, frame] for name, value in inputs.items()}, running)
            updates = {name: value[:, None] if name in rings else value for name, value in updates.items()}
            shown.append(outputs)
            written.append(updates)
            if frame + 1 < length:
                running = commit(self.spec.state, running, updates, 1)
        outputs = {name: torch.stack([item[name] for item in shown], 1) for name in shown[0]}
        return outputs, written[-1] | {name: torch.cat([item[name] for item in written], 1) for name in rings}

    def _frame(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Outputs (B, ...) and updates of one frame; of rings the row (B, ...)."""
        phase = state[AGE] % TOKEN
        begins = (phase == 0)[:, None]
        hold = torch.minimum(inputs[HOLD].round().long(), self.last_bins)
        token, updates = self._token(inputs, hold, state)
        drawn = {name: torch.where(begins, token[name], state[name]) for name in token}
        # What is held is held from this frame on; in tokens to come it is the past.
        bins = torch.where(hold >= 0, hold, drawn["bins"])
        drawn["bins"] = torch.where(begins, bins, drawn["bins"])
        pose = self.tokenizer.pose_latent(bins)
        edited = (hold >= 0).any(-1, keepdim=True)
        latent = pose + torch.where(edited, 0.0, self.tokenizer.quantizer.decode(drawn["ids"]))
        rows, decoder = self.tokenizer.decoder(latent[:, None], part(state, "decoder"), phase[:, None])
        features = rows * self.tokenizer.std + self.tokenizer.mean
        posed, posture = self.posture(self.pose(features), part(state, "posture"), hold[:, None])
        body, stage = self.stage(posed, part(state, "stage"), travel(features))
        updates |= drawn | named("decoder", decoder) | named("posture", posture) | named("stage", stage)
        outputs = {"body": body[:, 0], "codes": bins, "residual": drawn["ids"], "ended": drawn["done"][:, 0]}
        return outputs, updates

    def _token(self, inputs: Tensors, hold: Tensor, state: Tensors) -> tuple[Tensors, Tensors]:
        """The token that would begin here, as state, and the rows of the rings."""
        vectors = torch.stack([inputs[name] for name in (PROMPT, *FIELDS)], 1)
        text = torch.cat([vectors[:, 0], (vectors[:, 1:] * self.places).sum(1)], -1)
        same = (text - state["text"]).abs().amax(-1, keepdim=True) < CHANGED
        ended = torch.where(same, state["done"], 0.0)
        since = torch.where(same, state["since"], 0.0)
        vectors = vectors * (1.0 - ended)[..., None]
        before = state["bins"]
        logits, base = self.base(
            khot(before)[:, None], since, vectors[:, None], self._tokens_of(part(state, "base"), state)
        )
        draws = logits[:, :, self.bins_at] + self.missing
        chosen = sample(draws, inputs[NOISE][:, None, :-1], inputs[TEMPERATURE][:, None])[:, 0]
        bins = torch.where(hold >= 0, hold, chosen)
        asked = vectors[:, 0].square().sum(-1, keepdim=True) > 0.0
        done = (inputs[NOISE][:, -1:] < logits[:, 0, END : END + 1].sigmoid()) & asked
        kept = self.tokenizer.quantizer.decode(state["ids"]) * (before[:, :1] >= 0)
        context, refine = self.refine.context(
            self.tokenizer.pose_latent(bins)[:, None],
            kept[:, None],
            vectors[:, None],
            self._tokens_of(part(state, "refine"), state),
        )
        ids, _ = self.refine.choose(context[:, 0], self.tokenizer.quantizer.tables())
        token = {
            "bins": bins,
            "ids": ids,
            "text": finite(text),
            # The clock begins anew with another text, with the idling after an end, and with doing it again.
            "since": torch.where(done, 0.0, (since + 1.0).clamp_max(LONGEST)),
            "done": torch.where(done, 1.0 - inputs[AFTER][:, None], ended),
        }
        rings = named("base", base) | named("refine", refine)
        return token, {name: row[:, 0] for name, row in rings.items()}

    def _tokens_of(self, rings: Tensors, state: Tensors) -> Tensors:
        """Rings of a row a frame as rings of a row a token: every fourth row, those of frames that began one."""
        first = (state[CURSOR] - state[AGE]) % TOKEN
        seen: Tensors = {CURSOR: state[CURSOR] // TOKEN, AGE: state[AGE] // TOKEN}
        for name, ring in rings.items():
            if name in seen:
                continue
            by_token = ring.unflatten(1, (-1, TOKEN))
            index = first[:, None, None, None].expand(-1, by_token.shape[1], 1, by_token.shape[3])
            seen[name] = by_token.gather(2, index)[:, :, 0]
        return seen


def build(config: Config = "small") -> TextMotion:
    """The model of a configuration, as plain values or by name, with random weights."""
    return TextMotion(configuration(config))
