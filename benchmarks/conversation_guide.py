"""Whether a coarse plan of the body is worth its place in the conversation model: audio2photoreal draws one pose a
second ahead, from both voices whole, and fills in the frames between; live, it can only come from the past.

``python -m benchmarks conversation_guide --data SET [--steps 800]``. The acts alone are trained three times, with the
pieces and the noise of one seed: without a guide; with one, a token each second among ``--codes`` (k-means of the mean
of the body's numbers over a second), told in training and drawn from the past alone in free runs; and the same network
told in its free runs which tokens the truth will have, which nobody live can know: what a guide could give at most.

Told on the dialogues of split dev, which are not trained on, in free runs of a length: Fréchet distance (of the body's
numbers, in units of their spread) of poses, of means over seconds and of velocities; speed of the hands' numbers over
the truth's in own speech and while the partner speaks; and how well the token is foretold, in nats under its plain
frequencies. Free runs are not calibrated. One seed, without intervals.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.conversation_heads import train
from benchmarks.machine import report
from engine.errors import EngineError
from models.contract import Tensors
from models.conversation.config import ACTS, BODY_GROUP, CONFIGS, RATE, ConversationConfig, configuration
from models.conversation.model import SPEECH, Conversation
from train.conversation.batches import Validation
from train.conversation.calibrate import free_run
from train.conversation.recipe import ConversationRecipe
from train.conversation.settings import Settings
from train.conversation.streams import Stream, fit, fit_usual, read, styles_of, with_moods
from train.report import frechet
from train.report.tables import number
from train.run.recipe import Batch
from train.run.settings import settings_of

SECOND = int(RATE)
BODY = slice(ACTS - BODY_GROUP.parts, ACTS)
CODES, WEIGHT = 32, 0.2
"""Tokens, and weight of their cross-entropy."""
GUIDES = ("no guide", "guide from the past", "guide that knows")
MEASURES = ("fd_pose", "fd_second", "fd_velocity", "speech", "listening")


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


def main(arguments: list[str]) -> int:
    """Print a table and the JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks conversation_guide", description=" ".join((__doc__ or "").split("\n\n")[0].split())
    )
    parser.add_argument("--data", type=Path, required=True, help="set in the layout `talks` with dialogues")
    parser.add_argument("--steps", type=int, default=800, help="of each training (default 800)")
    parser.add_argument("--codes", type=int, default=CODES, help=f"tokens (default {CODES})")
    parser.add_argument("--seconds", type=int, default=40, help="of each free run (default 40)")
    parser.add_argument("--config", default="small", choices=tuple(CONFIGS), help="size of the model (default small)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, pieces and noise (default 0)")
    options = parser.parse_args(arguments)
    if options.steps < 2 or options.codes < 2 or options.seconds < 2:
        raise EngineError("give --steps, --codes and --seconds of 2 or more")
    torch.set_num_threads(1)
    size = configuration({**configuration(options.config).to_dict(), "styles": list(styles_of(options.data))})
    reader = Conversation(size)
    parts = with_moods({split: read(reader, options.data, split) for split in ("train", "dev")})
    learned, played = (_acted(parts[split]) for split in ("train", "dev"))
    frames = min(options.seconds * SECOND, *(item.frames for item in played))
    print(f"{options.config}, {options.steps} steps; {len(learned)} dialogues, {len(played)} held out")
    rows: list[dict[str, Any]] = []
    plain = _started(Conversation, learned, size, options.seed)
    _taught(plain, ConversationRecipe(plain, _settings(options), {}), learned, GUIDES[0])
    rows.append(_row(GUIDES[0], plain, played, frames, options.seed))
    centres = _centres(plain, learned, options)
    guided = _started(lambda config: Guided(config, centres, options.seed), learned, size, options.seed)
    _taught(guided, GuidedRecipe(guided, _settings(options), {}), learned, GUIDES[1])
    guided.told = None
    rows.append(_row(GUIDES[1], guided, played, frames, options.seed) | _foretold(guided, learned, played, frames))
    guided.told, guided.frame = guided.tokens(_numbers(guided, played, frames)), 0
    rows.append(_row(GUIDES[2], guided, played, frames, options.seed))
    headings = ["FD pose", "FD second", "FD veloc.", "speech", "listening"]
    print(f"{'':22}" + " ".join(f"{heading:>10}" for heading in headings))
    for row in rows:
        print(f"{row['guide']:22}" + " ".join(f"{row[name]:10.3f}" for name in MEASURES))
    told = rows[1]
    print(f"the token of a second: {told['nats']:.2f} nats from the past, {told['plain_nats']:.2f} by its frequency")
    rows = [{key: value if key == "guide" else number(value) for key, value in row.items()} for row in rows]
    report("conversation_guide", {"steps": options.steps, "seed": options.seed, "codes": options.codes, "rows": rows})
    return 0


def _acted(streams: Sequence[Stream]) -> list[Stream]:
    found = [item for item in streams if item.face is not None and item.trunk is not None]
    if not found:
        raise EngineError(
            "the set has no dialogue with a face and a body: `python -m train simulate dialogues` makes them"
        )
    return found


def _settings(options: argparse.Namespace) -> Settings:
    asked = {"config": options.config, "seed": options.seed, "steps": options.steps, "check_every": options.steps}
    return settings_of(Settings, asked | {"part": "acts"})


def _started(make: Any, learned: Sequence[Stream], config: ConversationConfig, seed: int) -> Any:
    torch.manual_seed(seed)
    model = make(config)
    fit(model, learned)
    fit_usual(model, learned)
    return model


def _taught(model: Conversation, recipe: ConversationRecipe, learned: Sequence[Stream], title: str) -> None:
    train(model, recipe, learned, title, model)
    model.eval()


def _numbers(model: Conversation, streams: Sequence[Stream], frames: int) -> Tensor:
    """The truth's numbers (B, T, ACTS)."""
    return torch.stack(
        [
            model.codec.numbers(item.face[:frames], item.trunk[:frames])
            for item in streams
            if item.face is not None and item.trunk is not None
        ]
    )


def _centres(model: Conversation, learned: Sequence[Stream], options: argparse.Namespace) -> Tensor:
    """Means (codes, n) of the clusters of seconds of the talks."""
    seconds = []
    for item in learned:
        whole = item.frames // SECOND * SECOND
        seconds.append(_numbers(model, [item], whole)[0, :, BODY].unflatten(0, (-1, SECOND)).mean(1))
    found, _ = kmeans2(torch.cat(seconds).double().numpy(), options.codes, minit="++", seed=options.seed)
    return torch.from_numpy(found).float()


@torch.no_grad()
def _row(name: str, model: Conversation, played: Sequence[Stream], frames: int, seed: int) -> dict[str, Any]:
    """:data:`MEASURES` of free runs."""
    made, true = free_run(model, played, frames, seed)[0][..., BODY], _numbers(model, played, frames)[..., BODY]
    whole = frames // SECOND * SECOND
    seen = {"pose": lambda x: x, "velocity": lambda x: SECOND * x.diff(dim=1)}
    seen["second"] = lambda x: x[:, :whole].unflatten(1, (-1, SECOND)).mean(2)
    row: dict[str, Any] = {"guide": name}
    for key, take in seen.items():
        one, other = (frechet.Gaussian.of(take(value).flatten(0, 1).double().numpy()) for value in (made, true))
        row[f"fd_{key}"] = float(frechet.fid(one, other))
    fast = [value.diff(dim=1).norm(dim=-1) for value in (made, true)]
    speaks = torch.stack([item.heard.own[1:frames, SPEECH] > 0.5 for item in played])
    for key, where in (("speech", speaks), ("listening", ~speaks)):
        row[key] = float(fast[0][where].mean() / fast[1][where].mean())
    return row


@torch.no_grad()
def _foretold(model: Guided, learned: Sequence[Stream], played: Sequence[Stream], frames: int) -> dict[str, float]:
    """Nats of the truth's tokens, each from the truth's past, and under how often each token comes in training."""
    settings = settings_of(Settings, {"part": "acts"})
    recipe = GuidedRecipe(model, settings, {})
    found = [recipe.terms(batch)["guide"] for batch in Validation(played, model, settings)]
    model.told = None
    counts = torch.ones(len(model.centres))
    for item in learned:
        counts += torch.bincount(model.tokens(_numbers(model, [item], item.frames))[0], minlength=len(counts))
    shares = (counts / counts.sum()).log()
    tokens = model.tokens(_numbers(model, played, frames))
    return {"nats": float(torch.stack(found).mean()), "plain_nats": float(-shares[tokens].mean())}
