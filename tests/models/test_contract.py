"""Every layer and model keeps the contract: chunking, causality, long runs, rows that do not touch each other."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.spec import AGE, CURSOR
from models.contract import BAD_INPUT, StreamModel, Tensors, commit, reset
from tests.models.cases import CASES, LAYERS, LONG, ContractCase, draw_inputs
from tests.models.tiny import TinyRolling, gaussian

torch.set_num_threads(1)
FAR = 10**8

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@cache
def model_of(case: ContractCase) -> StreamModel:
    """The case's model with fixed random weights, in evaluation mode."""
    torch.manual_seed(7)
    return case.build().eval()


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def same(case: ContractCase, ours: Tensors, theirs: Tensors) -> None:
    """Both hold the same tensors within the case's tolerance."""
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(
            ours[name], theirs[name], atol=case.atol, rtol=case.rtol, msg=lambda text, name=name: f"{name}: {text}"
        )


def rows(values: Tensors, index: int) -> Tensors:
    """The given batch row of every tensor."""
    return {name: value[index : index + 1] for name, value in values.items()}


def span(values: Tensors, first: int, last: int | None = None) -> Tensors:
    """The given frames of every tensor."""
    return {name: value[:, first:last] for name, value in values.items()}


@every_case
def test_step_returns_what_the_spec_says(case: ContractCase):
    model = model_of(case)
    outputs, updates = model(draw_inputs(model.spec, 2, 3, 0), model.initial_state(2))
    stated = {item.name: ((2, 3, *item.shape), item.dtype) for item in model.spec.outputs}
    assert {k: (tuple(v.shape), str(v.dtype)[6:]) for k, v in outputs.items()} == stated
    stated = {
        name: ((2, *spec.shape) if spec.kind == "small" else (2, 3, *spec.shape[1:]), spec.dtype)
        for name, spec in model.spec.state.items()
    }
    assert {k: (tuple(v.shape), str(v.dtype)[6:]) for k, v in updates.items()} == stated
    for item in model.spec.outputs:
        assert bool((outputs[item.name] >= item.low).all() and (outputs[item.name] <= item.high).all()), item.name


@every_case
def test_any_chunking_equals_the_whole(case: ContractCase):
    model = model_of(case)
    inputs = draw_inputs(model.spec, 2, case.frames, 1)
    whole, end = model.scan(inputs, model.initial_state(2))

    @settings(max_examples=case.examples, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.integers(1, case.frames), min_size=1, max_size=8))
    def check(sizes: list[int]) -> None:
        pieces, state, first, turn = [], model.initial_state(2), 0, 0
        while first < case.frames:
            last = min(first + sizes[turn % len(sizes)], case.frames)
            outputs, updates = model(span(inputs, first, last), state)
            state = commit(model.spec.state, state, updates, last - first)
            pieces.append(outputs)
            first, turn = last, turn + 1
        same(case, {k: torch.cat([piece[k] for piece in pieces], 1) for k in whole}, whole)
        same(case, state, end)

    check()
    stepped, state = model.scan(inputs, model.initial_state(2), chunk=1)
    same(case, stepped, whole)
    same(case, state, end)


@every_case
def test_future_cannot_change_the_past(case: ContractCase):
    model, change = model_of(case), case.frames // 2
    inputs, others = (draw_inputs(model.spec, 2, case.frames, seed) for seed in (2, 3))
    mixed = {name: torch.cat([inputs[name][:, :change], others[name][:, change:]], 1) for name in inputs}
    before, _ = model.scan(inputs, model.initial_state(2))
    after, _ = model.scan(mixed, model.initial_state(2))
    differs = torch.zeros(case.frames, dtype=torch.bool)
    for name in before:
        differs |= (before[name] != after[name]).transpose(0, 1).flatten(1).any(1)
    assert not bool(differs[:change].any()), f"frame {int(differs.nonzero()[0])} saw the inputs of frame {change}"
    if case.prompt:
        answered = int(differs.nonzero()[0]) - change
        assert answered <= model.spec.lookahead, f"answers {answered} frames late, spec says {model.spec.lookahead}"


@every_case
def test_very_long_streams_stay_in_shape(case: ContractCase):
    walk(case, case.long_frames)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", [case for case in CASES if case.long_frames < LONG], ids=lambda case: case.name)
def test_models_that_loop_walk_as_far_as_the_others(case: ContractCase):
    walk(case, LONG)


def walk(case: ContractCase, frames: int) -> None:
    """A stream of so many frames, from a counter of 10^8 on."""
    model = model_of(case)
    inputs = draw_inputs(model.spec, 1, case.chunk, 4)
    state = model.initial_state(1)
    shapes = {name: value.shape for name, value in state.items()}
    state[CURSOR] += FAR
    for _ in range(frames // case.chunk):
        outputs, updates = model(inputs, state)
        state = commit(model.spec.state, state, updates, case.chunk)
        assert all(bool(torch.isfinite(value).all()) for value in outputs.values())
    assert int(state[CURSOR]) == FAR + frames
    assert int(state[AGE]) == frames
    assert {name: value.shape for name, value in state.items()} == shapes
    assert all(bool(torch.isfinite(value).all()) for value in state.values())
    if model.spec.memory is not None:
        kept = 20
        needed = model.spec.memory + kept
        assert needed <= case.chunk
        fresh, _ = model.scan(span(inputs, case.chunk - needed), model.initial_state(1))
        same(case, span(outputs, case.chunk - kept), span(fresh, needed - kept))


@every_case
def test_batch_equals_single_rows(case: ContractCase):
    model = model_of(case)
    inputs = draw_inputs(model.spec, 3, case.frames, 5)
    together, end = model.scan(inputs, model.initial_state(3), chunk=7)
    for row in range(3):
        alone, last = model.scan(rows(inputs, row), model.initial_state(1), chunk=7)
        same(case, rows(together, row), alone)
        same(case, rows(end, row), last)


@every_case
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_poison_stays_in_its_row_and_ends_with_a_reset(case: ContractCase, poison: float):
    model, sick = model_of(case), 1
    inputs = draw_inputs(model.spec, 3, case.frames, 6)
    start, stop, end = case.frames // 4, case.frames // 4 + 3, case.frames // 2
    spoiled = {name: value.clone() for name, value in inputs.items()}
    for value in spoiled.values():
        if value.is_floating_point():
            value[sick, start:stop] = poison
    clean, kept = model.scan(span(inputs, 0, end), model.initial_state(3), chunk=5)
    later, _ = model.scan(span(inputs, end), kept, chunk=5)
    first, state = model.scan(span(spoiled, 0, end), model.initial_state(3), chunk=5)
    for name, value in first.items():
        assert bool(torch.isfinite(value).all()), name
        for row in (0, 2):
            assert torch.equal(value[row], clean[name][row]), name
    assert all(bool(torch.isfinite(value).all()) for value in state.values())
    flagged = first[BAD_INPUT.name]
    floats = any(value.is_floating_point() for value in inputs.values())
    assert float(flagged.sum()) == (3 if floats and not abs(poison) < float("inf") else 0)
    assert float(flagged[sick, start:stop].sum()) == float(flagged.sum())

    state = reset(model.spec.state, state, torch.tensor([row == sick for row in range(3)]))
    rest, _ = model.scan(span(spoiled, end), state, chunk=5)
    fresh, _ = model.scan(span(rows(inputs, sick), end), model.initial_state(1), chunk=5)
    same(case, rows(rest, sick), fresh)
    for name, value in rest.items():
        for row in (0, 2):
            assert torch.equal(value[row], later[name][row]), name


@every_case
def test_stale_rings_and_old_cursors_do_not_matter(case: ContractCase):
    model = model_of(case)
    inputs = draw_inputs(model.spec, 2, case.frames, 8)
    stale = model.initial_state(2)
    stale[CURSOR] += torch.tensor([5, FAR + 3])
    for name, spec in model.spec.state.items():
        if spec.kind == "ring":
            stale[name] = 1e4 * torch.randn(stale[name].shape)
    ours, _ = model.scan(inputs, stale, chunk=4)
    theirs, _ = model.scan(inputs, model.initial_state(2), chunk=4)
    same(case, ours, theirs)


@every_case
def test_inactive_rows_do_not_move(case: ContractCase):
    model, half = model_of(case), case.frames // 2
    inputs = draw_inputs(model.spec, 2, case.frames, 9)
    _, state = model.scan(span(inputs, 0, half), model.initial_state(2))
    _, updates = model(span(inputs, half), state)
    moved = commit(model.spec.state, state, updates, case.frames - half, active=torch.tensor([True, False]))
    for name in state:
        assert torch.equal(moved[name][1], state[name][1]), name
    assert int(moved[AGE][0]) == case.frames
    everyone = commit(model.spec.state, state, updates, case.frames - half)
    for name in state:
        assert torch.equal(moved[name][0], everyone[name][0]), name


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_layers_keep_their_state_finite_without_help(case: ContractCase, poison: float):
    model = model_of(case)
    inputs = draw_inputs(model.spec, 2, 6, 10)
    for value in inputs.values():
        value[0, 2:4] = poison
    state = model.initial_state(2)
    for frame in range(6):
        _, updates = model.frames(span(inputs, frame, frame + 1), state)
        assert all(bool(torch.isfinite(value).all()) for value in updates.values()), f"frame {frame}"
        state = commit(model.spec.state, state, updates, 1)


class Keep(torch.nn.Module):
    """A denoiser that holds every waiting frame for clean already."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, : TinyRolling.window * TinyRolling.channels]


def test_rolling_diffusion_emits_a_frame_as_late_as_its_spec_says():
    model = TinyRolling()
    model.net = Keep()
    inputs = draw_inputs(model.spec, 2, 20, 11)
    outputs, _ = model.scan(inputs, model.initial_state(2))
    joined, late = gaussian(inputs["noise"]), model.spec.lookahead
    torch.testing.assert_close(outputs["pose"][:, late:], joined[:, :-late], atol=1e-5, rtol=1e-4)
