"""The losses of a step equal a computation by hand, and each step moves one of the two networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.train.gesture.aisle.sets import SPEAKERS, made_set
from train.gesture.aisle.adversary import Adversary, Losses, grown
from train.gesture.aisle.data import Batch, Split, chosen, read_split
from train.gesture.aisle.importance import importance
from train.gesture.aisle.layers import velocity
from train.gesture.aisle.model import Aisle
from train.gesture.aisle.settings import Settings
from train.gesture.aisle.words import Source
from train.gesture.pats.reader import PatsSet

torch.set_num_threads(1)
CRITIC, GENERATOR = 0.1, 0.9
"""Coins."""


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    intervals = chosen(PatsSet(made_set(tmp_path_factory.mktemp("set") / "set", 70)), "train", ())
    model = Aisle(Settings(size="tiny"), SPEAKERS, Source("table"))
    model.measured.fit(intervals, 0)
    return read_split(intervals, model.measured, Source("table"), "time", 64, 5, False)


def stepped(split: Split, coin: float, **settings: object) -> tuple[Aisle, Batch, Losses]:
    torch.manual_seed(0)
    given = Settings(size="tiny", dropout=0.0, **settings)  # type: ignore[arg-type]
    model = Aisle(given, SPEAKERS, Source("table")).train()
    batch = split.batch(torch.arange(0, len(split.starts), 2))
    losses = Adversary(model.G, model.D, given).losses(batch, 650, coin)
    model.zero_grad()
    losses.total.backward()
    return model, batch, losses


def moved(module: nn.Module) -> bool:
    return any(each.grad is not None and bool(each.grad.any()) for each in module.parameters())


def test_a_generators_step(split: Split) -> None:
    model, batch, losses = stepped(split, GENERATOR)
    assert losses.generator and moved(model.G)
    made = model.G(batch.heard)
    assert model.D is not None and made.logits is not None
    scores = model.D(velocity(made.pose))
    pose = (made.pose - batch.pose).abs().mean()
    gan = -scores.log_softmax(-1)[..., 1].mean()
    cluster = -made.logits.log_softmax(-1).gather(-1, batch.cluster[..., None]).mean()
    torch.testing.assert_close(losses.total, pose + 1.2 * gan + cluster)  # 650 steps: twice .1 more
    assert losses.weight is not None
    torch.testing.assert_close(losses.weight, importance(scores))


def test_a_discriminators_step(split: Split) -> None:
    model, batch, losses = stepped(split, CRITIC)
    assert model.D is not None
    assert not losses.generator and moved(model.D) and not moved(model.G)
    assert losses.weight is not None and len(losses.weight) == len(batch.pose)
    # running means of the generator moved once, by what weighed the windows; the step itself used them as they are
    assert losses.parts["real_D"] + 1.2 * losses.parts["fake_D"] == pytest.approx(losses.total.item(), rel=1e-5)
    real = model.D(velocity(batch.pose))
    assert losses.parts["real_D"] == pytest.approx(-real.log_softmax(-1)[..., 1].mean().item(), rel=1e-4)


def test_a_discriminators_step_judges_the_generator_as_it_is_used(split: Split) -> None:
    model, batch, losses = stepped(split, CRITIC, weighted=0)
    assert model.D is not None
    scores = model.D(velocity(model.G.eval()(batch.heard).pose))  # its running means did not move
    assert losses.parts["fake_D"] == pytest.approx(-scores.log_softmax(-1)[..., 0].mean().item(), rel=1e-4)


def test_without_importance_nothing_weighs(split: Split) -> None:
    _, _, losses = stepped(split, GENERATOR, weighted=0)
    assert losses.weight is None
    _, _, losses = stepped(split, CRITIC, weighted=0)
    assert losses.weight is None


def test_weights_in_the_loss_are_an_option(split: Split) -> None:
    model, batch, losses = stepped(split, GENERATOR, loss_weights="importance")
    made = model.G(batch.heard).pose
    assert losses.weight is not None
    expected = ((made - batch.pose).abs().mean((1, 2)) / losses.weight).mean()
    assert losses.parts["pose"] == pytest.approx(expected.item(), rel=1e-5)


def test_one_score_as_published_without_importance(split: Split) -> None:
    model, batch, losses = stepped(split, GENERATOR, weighted=0, scores=True)
    assert model.D is not None
    scores = model.D(velocity(model.G(batch.heard).pose))
    assert scores.shape[-1] == 1
    assert losses.parts["G_gan"] == pytest.approx((1 - scores).abs().mean().item(), rel=1e-5)


def test_plain_training_of_gesticulator(split: Split) -> None:
    model, batch, losses = stepped(split, CRITIC, model="gesticulator")
    assert model.D is None and losses.generator and set(losses.parts) == {"pose"}
    # in the first epochs no pose is fed back
    assert not moved(model.G.past) and moved(model.G.speech)  # type: ignore[arg-type]
    model.eval()
    model.G.epoch = 11
    torch.testing.assert_close(model.G(batch.heard, batch.pose).pose, model.G(batch.heard).pose)
    model.G.epoch = 6
    assert not torch.allclose(model.G(batch.heard, batch.pose).pose, model.G(batch.heard).pose)


def test_gesticulator_gets_fewer_true_poses(split: Split) -> None:
    model, batch, _ = stepped(split, CRITIC, model="gesticulator")
    model.eval()
    model.G.epoch = 7  # every 16th pose is its own

    def moved_by(place: int) -> torch.Tensor:
        other = batch.pose.clone()
        other[:, place] += 1.0
        apart = model.G(batch.heard, other).pose - model.G(batch.heard, batch.pose).pose
        return apart.abs().amax((0, 2)) > 1e-7

    assert not moved_by(15).any()
    assert moved_by(14)[15:18].all() and not moved_by(14)[:15].any() and not moved_by(14)[31:].all()


def test_weights_of_the_adversarial_losses_grow_to_two() -> None:
    assert [grown(1.0, step) for step in (0, 299, 300, 3000, 30_000)] == pytest.approx([1.0, 1.0, 1.1, 2.0, 2.0])
