"""The learned listener's network: its size, what reaches what, and that training and serving see the same thing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.errors import EngineError
from models.contract import Tensors, commit, initial_state, sanitise
from models.listening.face import FaceFeatures
from models.reaction import CONFIGS, Reaction
from models.reaction.blocks import CrossModalBlock
from models.registry import create
from tests.models.cases import draw_inputs


@pytest.fixture(scope="module")
def tiny() -> Reaction:
    torch.manual_seed(0)
    return Reaction(CONFIGS["tiny"]).eval()


def streams(model: Reaction, frames: int, seed: int = 0) -> tuple[Tensors, Tensor]:
    """Features and previous ids, drawn."""
    inputs = draw_inputs(model.spec, 2, frames, seed)
    with torch.no_grad():
        heard, _ = model.hear(inputs, initial_state(model.hear_state, 2))
    generator = torch.Generator().manual_seed(seed)
    ids = torch.stack([torch.randint(0, codes, (2, frames), generator=generator) for codes in model.levels], -1)
    return {**inputs, "heard": heard}, ids


@torch.no_grad()
def logits(model: Reaction, given: Tensors, ids: Tensor, own: Tensor | None = None) -> Tensor:
    return model.react(given, ids, initial_state(model.react_state, 2), own)[0]


def test_small_keeps_its_budget():
    model = create("reaction")
    count = sum(value.numel() for value in model.parameters())
    assert count <= 2_400_000
    stored = sum(value.numel() * value.element_size() for value in (*model.parameters(), *model.buffers()))
    assert stored <= 10_000_000


def test_full_has_the_size_of_the_paper():
    count = sum(value.numel() for value in Reaction(CONFIGS["full"]).parameters())
    assert 0.9 * 86.1e6 < count < 1.1 * 86.1e6


def test_sizes_go_by_name():
    assert create("reaction:tiny").config == CONFIGS["tiny"]
    with pytest.raises(EngineError, match=r"huge.*tiny, small"):
        create("reaction:huge")
    with pytest.raises(EngineError, match="one size"):
        create("listener_rules:small")


@pytest.mark.parametrize("stream", ["heard", "partner_face", "expressiveness", "self_speaking", "partner_audio_valid"])
def test_every_stream_reaches_the_logits(tiny: Reaction, stream: str):
    given, ids = streams(tiny, 30)
    given["partner_face_valid"] = torch.ones(2, 30)
    given["partner_audio_valid"] = torch.ones(2, 30)
    other = {**given, stream: given[stream].flip(1) if given[stream].ndim > 2 else 0.5 * given[stream]}
    assert (logits(tiny, given, ids) - logits(tiny, other, ids)).abs().max() > 1e-4


def test_the_own_past_reaches_the_logits_unless_hidden(tiny: Reaction):
    given, ids = streams(tiny, 30)
    other = ids.flip(1)
    hidden = torch.zeros(2, 30)
    assert (logits(tiny, given, ids) - logits(tiny, given, other)).abs().max() > 1e-4
    assert torch.equal(logits(tiny, given, ids, hidden), logits(tiny, given, other, hidden))


def test_both_modalities_reach_every_block():
    """Where the original's blocks after the first attend to themselves, ours see the other stream: closing the first
    gates alone does not silence it, closing all of them does."""
    torch.manual_seed(1)
    blocks = [CrossModalBlock(16, 2, 8, 32) for _ in range(3)]
    states = [initial_state(block.state_specs(), 1) for block in blocks]

    def run(context: Tensor, closed: tuple[int, ...]) -> Tensor:
        x = torch.linspace(-1, 1, 10 * 16).reshape(1, 10, 16)
        for index, (block, state) in enumerate(zip(blocks, states, strict=True)):
            block.gate.data.fill_(0.0 if index in closed else 0.5)
            x, _ = block(x, state, context)
        return x

    one, two = torch.randn(1, 10, 16), torch.randn(1, 10, 16)
    with torch.no_grad():
        assert (run(one, (0,)) - run(two, (0,))).abs().max() > 1e-3
        assert (run(one, (0, 1)) - run(two, (0, 1))).abs().max() > 1e-3
        assert torch.equal(run(one, (0, 1, 2)), run(two, (0, 1, 2)))


def test_features_heard_once_serve_as_the_step_hears_them(tiny: Reaction):
    """What training computes per recording and the served step per frame are the same logits."""
    inputs = draw_inputs(tiny.spec, 2, 40, 3)
    inputs, _ = sanitise(tiny.spec, inputs)
    clean = {name: value for name, value in inputs.items() if name not in ("noise", "temperature")}
    _, ids = streams(tiny, 40, 4)
    with torch.no_grad():
        whole, _ = tiny.logits(clean, ids, tiny.initial_state(2))
        heard, _ = tiny.hear(clean, initial_state(tiny.hear_state, 2))
        start = torch.full_like(ids[:, :1], tiny.codes)
        previous = torch.cat([start, ids[:, :-1]], 1)
        react, _ = tiny.react({**clean, "heard": heard}, previous, initial_state(tiny.react_state, 2))
    torch.testing.assert_close(whole, react)


def test_codes_that_a_head_lacks_are_never_drawn(tiny: Reaction):
    inputs = draw_inputs(tiny.spec, 3, 60, 5)
    inputs["temperature"] = torch.full((3, 60), 2.0)
    with torch.no_grad():
        outputs, _ = tiny.scan(inputs, tiny.initial_state(3))
    assert all(int(outputs["ids"][..., head].max()) < codes for head, codes in enumerate(tiny.levels))


def test_state_carried_over_crops_equals_one_long_crop(tiny: Reaction):
    given, ids = streams(tiny, 60, 6)
    whole = logits(tiny, given, ids)
    state, pieces = initial_state(tiny.react_state, 2), []
    with torch.no_grad():
        for first in (0, 20, 40):
            part = {name: value[:, first : first + 20] for name, value in given.items()}
            answer, updates = tiny.react(part, ids[:, first : first + 20], state)
            state = commit(tiny.react_state, state, updates, 20)
            pieces.append(answer)
    torch.testing.assert_close(whole, torch.cat(pieces, 1), atol=1e-4, rtol=1e-4)


def test_rest_is_learnt_from_what_is_seen():
    features = FaceFeatures()
    face = torch.zeros(1, 500, 58)
    face[..., 43] = 0.3  # a mouth that curves up at rest
    face[:, 300:320, 43] = 0.9
    given = {"partner_face": face, "partner_face_valid": torch.ones(1, 500), "partner_face_age": torch.zeros(1, 500)}
    seen, _ = features(given, initial_state(features.state_specs(), 1))
    change = seen[0, :, 58 + 43]
    assert change[:300].abs().max() < 0.02 and change[310] > 0.5 and change[400:].abs().max() < 0.05
    given["partner_face_age"] = torch.full((1, 500), 2.0)
    hidden, _ = features(given, initial_state(features.state_specs(), 1))
    assert hidden.abs().max() == 0


def test_nod_rate_is_a_factor_on_the_odds_of_setting_out_on_a_nod_and_on_nothing_else(tiny: Reaction) -> None:
    given, ids = streams(tiny, 6)
    one, three, none = (
        logits(tiny, {**given, "nod_rate": torch.full_like(given["nod_rate"], rate)}, ids) for rate in (1.0, 3.0, 0.0)
    )
    head = tiny.tokenizer.heads + tiny.config.plans.index("nod")
    odds = [values[:, :, head, 1] - values[:, :, head, 0] for values in (one, three, none)]
    torch.testing.assert_close(odds[1] - odds[0], torch.full_like(odds[0], 3.0).log())
    assert (odds[2] - odds[0]).max() < -10.0
    others = [index for index in range(tiny.heads) if index != head]
    torch.testing.assert_close(three[:, :, others], one[:, :, others])


def test_noticing_answers_as_reacting_does(tiny: Reaction) -> None:
    given, ids = streams(tiny, 6)
    noticed = tiny.notice(given, ids, initial_state(tiny.react_state, 2))
    torch.testing.assert_close(noticed.logits, logits(tiny, given, ids))
    assert noticed.cues.shape == (2, 6, len(tiny.config.cues))
    deaf = {**given, "heard": torch.zeros_like(given["heard"])}
    assert (tiny.notice(deaf, ids, initial_state(tiny.react_state, 2)).cues - noticed.cues).abs().max() > 1e-4
