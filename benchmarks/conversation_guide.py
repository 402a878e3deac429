"""A guide for the body, as audio2photoreal has one, made causal: a coarse token each second, drawn from the past.

Audio2photoreal draws one pose a second ahead, from both voices whole, and fills in the frames between. Live, a guide
can only come from the past; ``python -m benchmarks conversation_acts`` measures what it would bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from models.contract import Tensors
from models.conversation.config import ACTS, BODY_GROUP, RATE, ConversationConfig
from models.conversation.model import Acts, Conversation, Drawn
from train.conversation.batches import Validation
from train.conversation.recipe import ConversationRecipe
from train.conversation.settings import Settings
from train.conversation.streams import Stream, numbers_of
from train.run.recipe import Batch
from train.run.settings import settings_of

SECOND = int(RATE)
BODY = slice(ACTS - BODY_GROUP.parts, ACTS)
WEIGHT = 0.2
"""Of the tokens' cross-entropy."""


class Guided(Conversation):
    """A conversation model whose thoughts are told the token of the second that begins. ``told`` (B, T) are tokens that
    are known; where there are none it draws them, one call of :meth:`think` a frame."""

    centres: Tensor

    def __init__(self, config: ConversationConfig, centres: Tensor, seed: int) -> None:
        super().__init__(config)
        self.register_buffer("centres", centres)
        self.token, self.foretell = (
            nn.Embedding(len(centres), config.channels),
            nn.Linear(config.channels, len(centres)),
        )
        nn.init.zeros_(self.token.weight)
        self.told: Tensor | None = None
        self.chosen: Tensor | None = None
        self.frame, self.draws = 0, torch.Generator().manual_seed(seed)
        self.thought: Tensor | None = None

    def begin(self, told: Tensor | None) -> None:
        """Free runs begin, with the tokens (B, T) that are told to them, if any."""
        self.told, self.frame = told, 0

    def act(self, context: Tensor, drawn: Drawn, state: Tensors) -> tuple[Acts, Tensors]:
        """As without a guide; a run of several frames begins with a second's first one."""
        if context.shape[1] > 1:
            self.frame = 0
        return super().act(context, drawn, state)

    def tokens(self, numbers: Tensor) -> Tensor:
        """The token (B, T) of the second in which each frame of numbers (B, T, ACTS) lies, counted from the first."""
        rows, length = numbers.shape[:2]
        whole = length // SECOND * SECOND
        means = numbers[:, :whole, BODY].unflatten(1, (-1, SECOND)).mean(2)
        found = torch.cdist(means, self.centres.expand(rows, -1, -1)).argmin(-1).repeat_interleave(SECOND, 1)
        return torch.cat([found, found[:, -1:].expand(-1, length - whole)], 1)

    def think(self, context: Tensor, past: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """As without a guide, with the token added."""
        thought, updates = super().think(context, past, state)
        self.thought = thought
        if context.shape[1] > 1:  # a piece in training
            assert self.told is not None
            return thought + self.token(self.told), updates
        if self.frame % SECOND == 0:
            if self.told is not None:
                self.chosen = self.told[:, min(self.frame, self.told.shape[1] - 1)]
            else:
                chances = self.foretell(thought[:, 0]).softmax(-1)
                self.chosen = torch.multinomial(chances, 1, generator=self.draws)[:, 0]
        self.frame += 1
        assert self.chosen is not None
        return thought + self.token(self.chosen)[:, None], updates


class GuidedRecipe(ConversationRecipe):
    """Tells the tokens, and has them foretold as each second begins."""

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighed sum."""
        rest = {name: value for name, value in terms.items() if name != "guide"}
        return super().total(rest) + (WEIGHT * terms["guide"] if "guide" in terms else 0.0)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """With ``guide``, the cross-entropy of the tokens of seconds that are judged."""
        model = self.model
        assert isinstance(model, Guided)
        model.told = model.tokens(batch["acts.wanted"])
        terms = super().terms(batch)
        assert model.thought is not None
        begin = slice(SECOND, None, SECOND)
        guess = model.foretell(model.thought[:, begin])
        return terms | {"guide": cross_entropy(guess.flatten(0, 1), model.told[:, begin].flatten())}


def centres(model: Conversation, learned: Sequence[Stream], codes: int, seed: int) -> Tensor:
    """Means (codes, n) of the clusters of seconds of the talks (k-means)."""
    seconds = []
    for item in learned:
        whole = item.frames // SECOND * SECOND
        seconds.append(numbers_of(model, [item], whole)[0, :, BODY].unflatten(0, (-1, SECOND)).mean(1))
    found, _ = kmeans2(torch.cat(seconds).double().numpy(), codes, minit="++", seed=seed)
    return torch.from_numpy(found).float()


@torch.no_grad()
def foretold(model: Guided, learned: Sequence[Stream], played: Sequence[Stream], frames: int) -> dict[str, float]:
    """Nats of the truth's tokens, each from the truth's past, and under how often each token comes in training."""
    settings = settings_of(Settings, {"part": "acts"})
    recipe = GuidedRecipe(model, settings, {})
    found = [recipe.terms(batch)["guide"] for batch in Validation(played, model, settings)]
    model.told = None
    counts = torch.ones(len(model.centres))
    for item in learned:
        counts += torch.bincount(model.tokens(numbers_of(model, [item], item.frames))[0], minlength=len(counts))
    shares = (counts / counts.sum()).log()
    tokens = model.tokens(numbers_of(model, played, frames))
    return {"nats": float(torch.stack(found).mean()), "plain_nats": float(-shares[tokens].mean())}
