"""The codec: causal, codes that begin as clusters and follow what comes to them, gradients, losses."""

from __future__ import annotations

import pytest
import torch

from train.conversation.a2p.codec import Codebook, Codec, clusters, codec_loss


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def codec() -> Codec:
    return Codec(104, 8, 16, 4)


def test_the_codec_is_causal() -> None:
    net = codec()
    poses = torch.randn(2, 20, 104)
    net.train()
    net.quantise(net.encode(poses), torch.ones(2, 20, dtype=torch.bool))
    net.eval()
    changed = poses.clone()
    changed[:, 12] += 3
    with torch.no_grad():
        assert torch.equal(net.encode(poses)[:, :12], net.encode(changed)[:, :12])
        assert not torch.equal(net.encode(poses)[:, 12:], net.encode(changed)[:, 12:])
        made, other = (net.poses(net.tokens(each)) for each in (poses, changed))
    assert torch.equal(made[:, :12], other[:, :12]) and not torch.equal(made[:, 12:], other[:, 12:])
    reach = (net.encode(poses) - net.encode(changed)).abs().sum(-1)[0] > 0
    assert reach.nonzero().flatten().tolist() == list(range(12, 20))


def test_codes_begin_as_clusters() -> None:
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    rows = (centres[:, None] + 0.1 * torch.randn(3, 50, 2)).flatten(0, 1)
    found = clusters(rows, 3)
    nearest = torch.cdist(rows, found).argmin(1)
    for number, mean in enumerate(found):  # what the rounds come to rest at
        assert torch.allclose(mean, rows[nearest == number].mean(0), atol=1e-4)
    assert clusters(rows[:2], 5).shape == (5, 2)
    book = Codebook(3, 2, 0.0)
    book.begin(rows)
    assert bool(book.begun) and float(book.counts.sum()) == 150
    kept = book.codes.clone()
    book.begin(rows + 100)
    assert torch.equal(book.codes, kept)


def test_codes_follow_running_means_and_the_dead_are_replaced() -> None:
    book = Codebook(2, 1, 2.0)
    book.begin(torch.tensor([[0.0]] * 4 + [[10.0]] * 4))
    order = book.codes[:, 0].argsort()
    low, high = int(order[0]), int(order[1])
    rows = torch.full((8, 1), 1.0)
    book.learn(rows, torch.full((8,), low))
    assert float(book.counts[low]) == pytest.approx(0.99 * 4 + 0.01 * 8)
    assert float(book.codes[low]) == pytest.approx(0.01 * 8 / (0.99 * 4 + 0.01 * 8))
    assert float(book.codes[high]) == pytest.approx(10.0)
    for _ in range(100):
        book.learn(rows, torch.full((8,), low))
    assert float(book.codes[high]) == 1.0 and float(book.counts[high]) == pytest.approx(2.0, abs=0.05)


def test_residual_levels_come_nearer_and_gradients_pass_straight_through() -> None:
    net = codec().train()
    poses = torch.randn(4, 16, 104)
    known = torch.ones(4, 16, dtype=torch.bool)
    for _ in range(20):
        latents = net.encode(poses)
        found = net.quantise(latents, known)
    errors, total = [], torch.zeros_like(latents)
    for level, book in enumerate(net.books):
        total = total + book.codes[found.ids[..., level]]  # type: ignore[index]
        errors.append(float((latents - total).detach().square().mean()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.5 * errors[0]
    (gradient,) = torch.autograd.grad(found.values.sum(), latents)
    assert torch.equal(gradient, torch.ones_like(latents))


def test_codes_do_not_learn_from_what_is_unknown_or_in_evaluation() -> None:
    poses, known = torch.randn(2, 10, 104), torch.zeros(2, 10, dtype=torch.bool)
    known[:, :5] = True
    other = poses.clone()
    other[:, 5:] = 50.0
    nets = [codec(), codec()]
    nets[1].load_state_dict(nets[0].state_dict())
    for net, each in zip(nets, (poses, other), strict=True):
        torch.manual_seed(1)
        net.train()
        net.quantise(net.encode(each), known)
    assert all(torch.equal(a, b) for a, b in zip(*(net.state_dict().values() for net in nets), strict=True))
    before = {name: value.clone() for name, value in nets[0].state_dict().items()}
    nets[0].eval().quantise(nets[0].encode(other), known)
    assert all(torch.equal(value, before[name]) for name, value in nets[0].state_dict().items())


def test_the_velocity_of_the_codec_is_in_time() -> None:
    poses = torch.zeros(1, 4, 3)
    still = torch.tensor([1.0, 2.0, 4.0]).expand(1, 4, 3)  # differs from number to number, not from time to time
    known, zero = torch.ones(1, 4, dtype=torch.bool), torch.zeros(())
    assert codec_loss(still, poses, known, zero, 0.0, 5.0) == codec_loss(still, poses, known, zero, 0.0, 0.0)
    moving = torch.arange(4.0)[None, :, None].expand(1, 4, 3)
    assert codec_loss(moving, poses, known, zero, 0.0, 1.0) - codec_loss(moving, poses, known, zero, 0.0, 0.0) == 0.5
    assert codec_loss(poses, poses, known, torch.tensor(3.0), 0.02, 0.0) == pytest.approx(0.06)
