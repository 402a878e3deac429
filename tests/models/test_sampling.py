"""The sampler draws what it should, survives what it must, and the base generates what its steps would."""

from __future__ import annotations

import pytest
import torch

from models.contract import StreamModel, commit
from models.sampling import IDS, PREVIOUS, sample
from tests.models.cases import draw_inputs
from tests.models.tiny import TinySampler

NAN, INF = float("nan"), float("inf")


def draws(logits: list[float], temperature: float, count: int = 20_000, seed: int = 0) -> torch.Tensor:
    """``count`` ids of one distribution."""
    noise = torch.rand(1, count, 1, generator=torch.Generator().manual_seed(seed))
    table = torch.tensor(logits).expand(1, count, 1, len(logits))
    return sample(table, noise, torch.full((1, count), temperature)).flatten()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_follow_the_softmax(temperature: float):
    logits = [1.0, 0.0, -1.0, 2.0, 0.5, -INF, 0.3]
    chances = (torch.tensor(logits, dtype=torch.float64) / temperature).softmax(0)
    counts = torch.bincount(draws(logits, temperature), minlength=len(logits)).double()
    assert counts[5] == 0
    wanted = chances * counts.sum()
    chi_square = ((counts - wanted).square() / wanted.clamp_min(1e-9)).sum()
    assert float(chi_square) < 20.5, "5 degrees of freedom: above 20.5 in one of 1000 fair samplers"


def test_heads_and_frames_draw_from_their_own_noise():
    logits = torch.zeros(1, 5000, 2, 4)
    noise = torch.rand(1, 5000, 2, generator=torch.Generator().manual_seed(3))
    ids = sample(logits, noise, torch.ones(1, 5000))
    assert torch.equal(ids, (noise * 4).long())


@pytest.mark.parametrize("temperature", [0.0, 1e-12, 1e-4])
def test_no_temperature_is_the_argmax(temperature: float):
    logits = torch.randn(3, 50, 2, 9, generator=torch.Generator().manual_seed(4))
    noise = torch.rand(3, 50, 2, generator=torch.Generator().manual_seed(5))
    ids = sample(logits, noise, torch.full((3, 50), temperature))
    gaps = logits.topk(2, -1).values
    clear = gaps[..., 0] - gaps[..., 1] > 0.01
    assert torch.equal(ids[clear], logits.argmax(-1)[clear])


@pytest.mark.parametrize(
    ("logits", "allowed"),
    [
        ([-INF, 0.0, -INF, 0.0], {1, 3}),
        ([-INF, -INF, -INF, -INF], {0, 1, 2, 3}),
        ([NAN, 0.0, NAN, -INF], {1}),
        ([NAN, NAN, NAN, NAN], {0, 1, 2, 3}),
        ([INF, 0.0, 5.0, -INF], {0}),
        ([3e38, -3e38, 0.0, 3e38], {0, 3}),
        ([0.0, 0.0, 0.0, -200.0], {0, 1, 2}),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_extreme_logits_give_possible_ids(logits: list[float], allowed: set[int], temperature: float):
    edges = torch.tensor([0.0, 1e-30, 0.25, 0.5, 0.75, 1.0 - 2.0**-24, 1.0])
    noise = torch.cat([edges, torch.rand(200, generator=torch.Generator().manual_seed(6))])[None, :, None]
    table = torch.tensor(logits).expand(1, noise.shape[1], 1, 4)
    ids = sample(table, noise, torch.full(noise.shape[:2], temperature)).flatten().tolist()
    assert set(ids) == allowed


@pytest.fixture
def model() -> StreamModel:
    torch.manual_seed(7)
    return TinySampler().eval()


@torch.inference_mode()
def test_generating_agrees_with_the_network_given_the_same_ids(model: TinySampler):
    inputs = draw_inputs(model.spec, 2, 40, 8)
    inputs["temperature"][:] = 0.0
    outputs, _ = model(inputs, model.initial_state(2))
    logits, _ = model.logits(inputs, outputs[IDS], model.initial_state(2))
    chosen = logits.gather(-1, outputs[IDS][..., None])[..., 0]
    torch.testing.assert_close(chosen, logits.amax(-1), atol=1e-4, rtol=1e-4)
    assert len(outputs[IDS].unique()) > 3


@torch.inference_mode()
def test_training_pass_goes_on_from_its_state(model: TinySampler):
    inputs = draw_inputs(model.spec, 2, 12, 9)
    ids = torch.randint(0, model.codes, (2, 12, model.heads), generator=torch.Generator().manual_seed(10))
    whole, _ = model.logits(inputs, ids, model.initial_state(2))
    first, updates = model.logits({k: v[:, :5] for k, v in inputs.items()}, ids[:, :5], model.initial_state(2))
    carried = {k: v for k, v in model.spec.state.items() if not k.startswith("decoder.")}
    state = commit(carried, model.initial_state(2), updates, 5)
    rest, _ = model.logits({k: v[:, 5:] for k, v in inputs.items()}, ids[:, 5:], state)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_first_frame_sees_the_start_id_and_later_ones_the_last_draw(model: TinySampler):
    state = model.initial_state(1)
    assert state[PREVIOUS].tolist() == [[model.codes] * model.heads]
    outputs, updates = model(draw_inputs(model.spec, 1, 3, 11), state)
    assert torch.equal(updates[PREVIOUS], outputs[IDS][:, -1])


@torch.inference_mode()
def test_temperature_turns_while_the_stream_runs(model: TinySampler):
    inputs = draw_inputs(model.spec, 64, 40, 12)
    inputs["x"][:] = inputs["x"][:1]
    inputs["temperature"][:, :20], inputs["temperature"][:, 20:] = 0.0, 2.0
    ids, _ = model(inputs, model.initial_state(64))
    spread = [len(torch.unique(ids[IDS][:, frame], dim=0)) for frame in (10, 30)]
    assert spread[0] == 1
    assert spread[1] > 10


def test_gradients_reach_the_network(model: TinySampler):
    inputs = draw_inputs(model.spec, 2, 8, 13)
    ids = torch.zeros(2, 8, model.heads, dtype=torch.int64)
    logits, _ = model.logits(inputs, ids, model.initial_state(2))
    torch.nn.functional.cross_entropy(logits.flatten(0, 2), ids.flatten()).backward()
    idle = {name.partition(".")[0] for name, value in model.named_parameters() if value.grad is None}
    assert idle == {"smooth"}, "only the decoder has no part in the logits"
