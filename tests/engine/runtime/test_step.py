"""A runtime's step against the model itself: parity, rollback, rows that never move each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.bundle import Bundle
from engine.runtime import RuntimeRefusal
from engine.runtime.arrays import Form, HostArrays
from engine.spec import AGE, CURSOR
from models.contract import commit, reset
from tests.engine.runtime.made import FRAMES, ROWS, TOLERANCE, Open, advance, draw, fill, same
from tests.export.tiny import HOP, WINDOW, Tiny


def test_follows_the_model_with_idle_rows_resets_and_a_late_cursor(bundle: Bundle, opened: Open):
    model, runtime, inputs = Tiny().eval(), opened(bundle, ROWS), draw()
    inputs["face"][4, 1, 7] = np.nan
    inputs["audio"][9, 2] = np.inf
    random = np.random.default_rng(1)
    state = model.initial_state(ROWS)
    state[CURSOR] = torch.tensor([0, 10**8, 2**40 + 3])
    runtime.load_state({name: value.numpy() for name, value in state.items()})
    seen = []
    for frame in range(FRAMES):
        active = random.random(ROWS) < 0.7
        if frame == 2 * WINDOW + 1:
            state = reset(model.spec.state, state, torch.tensor([False, True, False]))
            runtime.reset(1)
        with torch.inference_mode():
            given = {name: torch.from_numpy(value[frame][:, None]) for name, value in inputs.items()}
            wanted, updates = model(given, state)
            state = commit(model.spec.state, state, updates, 1, torch.from_numpy(active))
        runtime.active[:] = active
        outputs = advance(runtime, inputs, frame)
        for name, value in wanted.items():
            np.testing.assert_allclose(
                outputs[name][active], value[:, 0].numpy()[active], atol=TOLERANCE, err_msg=f"{name} at {frame}"
            )
        for name, value in runtime.state_dict().items():
            np.testing.assert_allclose(value, state[name].numpy(), atol=TOLERANCE, err_msg=f"{name} after {frame}")
        seen.append(outputs["pose"][0, 0])
    assert np.std(seen) > 0.01
    assert runtime.state_dict()["hits"].max() > 3


def test_outputs_and_inputs_are_buffers_of_rows(bundle: Bundle, opened: Open):
    runtime = opened(bundle, 2)
    assert {name: (value.shape, str(value.dtype)) for name, value in runtime.inputs.items()} == {
        "audio": ((2, HOP), "float32"),
        "face": ((2, 58), "float32"),
        "face_valid": ((2,), "float32"),
        "gain": ((2,), "float32"),
        "noise": ((2, 1), "float32"),
    }
    assert runtime.inputs["gain"].tolist() == [1.0, 1.0]
    assert runtime.inputs["noise"].tolist() == [[0.5], [0.5]]
    assert runtime.active.tolist() == [True, True]
    first = runtime.run()
    assert {name: (value.shape, str(value.dtype)) for name, value in first.items()} == {
        "pose": ((2, 4), "float32"),
        "count": ((2,), "int64"),
        "bad_input": ((2,), "float32"),
    }
    assert runtime.run()["pose"] is first["pose"]


@pytest.mark.parametrize("rows", [1, 3])
def test_every_array_of_the_host_begins_on_a_line_and_none_overlaps(rows: int):
    forms = [Form((rows, size), np.dtype(kind)) for size, kind in ((1, np.bool_), (7, np.float32), (16, np.int64))]
    made = HostArrays(forms)
    assert [(value.shape, value.dtype) for value in made.arrays] == [(form.shape, form.dtype) for form in forms]
    for index, value in enumerate(made.arrays):
        assert value.ctypes.data % 64 == 0 and value.ctypes.data == made.address + made.offsets[index]
        value[...] = index + 1
    assert [np.unique(value).tolist() for value in made.arrays] == [[True], [2.0], [3]]


def test_a_new_runtime_has_the_state_that_the_spec_says(bundle: Bundle, opened: Open):
    state = opened(bundle, 2).state_dict()
    assert state["hits"].tolist() == [3, 3] and not state["tail"].any() and not state["past"].any()
    assert state[CURSOR].tolist() == state[AGE].tolist() == [0, 0]


def test_a_run_that_is_not_committed_never_happened(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle, ROWS), draw()
    for frame in range(WINDOW + 2):
        advance(runtime, inputs, frame)
    before = runtime.state_dict()
    for frame in (17, 3):
        fill(runtime, inputs, frame)
        runtime.run()
        assert same(runtime.state_dict(), before)
    twin = opened(bundle, ROWS)
    twin.load_state(before)
    for frame in range(WINDOW + 2, FRAMES):
        assert same(advance(runtime, inputs, frame), advance(twin, inputs, frame))
    assert same(runtime.state_dict(), twin.state_dict())


def test_active_may_change_between_run_and_commit(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle, 2), draw(2)
    fill(runtime, inputs, 0)
    runtime.active[:] = [True, False]
    runtime.run()
    runtime.active[:] = [False, True]
    runtime.commit()
    state = runtime.state_dict()
    assert state[CURSOR].tolist() == [1, 0]
    assert np.any(state["past"][0]) and not np.any(state["past"][1])


def test_rows_that_were_not_run_do_not_count(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle, 4, (1, 2, 4)), draw(4)
    fill(runtime, inputs, 0)
    runtime.run([(2, 2)])  # type: ignore[list-item]
    runtime.commit(np.ones(4, np.bool_))
    assert runtime.state_dict()[CURSOR].tolist() == [0, 0, 1, 1]
    runtime.active[:] = False
    runtime.run()
    assert runtime.blocks == []
    runtime.commit()
    assert runtime.state_dict()[CURSOR].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_of_nonsense_moves_no_other(bundle: Bundle, opened: Open, bad: float):
    clean, inputs = opened(bundle, ROWS), draw()
    spoilt = opened(bundle, ROWS)
    wild = {name: value.copy() for name, value in inputs.items()}
    for name in ("audio", "face", "gain", "noise"):
        wild[name][:, 1] = bad
    for frame in range(FRAMES):
        wanted, given = advance(clean, inputs, frame), advance(spoilt, wild, frame)
        assert same({k: v[[0, 2]] for k, v in wanted.items()}, {k: v[[0, 2]] for k, v in given.items()})
        assert given["bad_input"].tolist() == [0.0, 1.0, 0.0]
        assert np.isfinite(given["pose"]).all()
    assert all(np.isfinite(value).all() for value in spoilt.state_dict().values())


def test_a_row_whose_state_is_poisoned_stays_alone(bundle: Bundle, opened: Open):
    clean, spoilt, inputs = opened(bundle, ROWS), opened(bundle, ROWS), draw()
    state = spoilt.state_dict()
    for name in ("tail", "past", "faces"):
        state[name][1] = np.nan
    state[AGE][:] = WINDOW
    spoilt.load_state(state)
    clean.load_state({**clean.state_dict(), AGE: state[AGE]})
    for frame in range(2 * WINDOW):
        wanted, given = advance(clean, inputs, frame), advance(spoilt, inputs, frame)
        assert same({k: v[[0, 2]] for k, v in wanted.items()}, {k: v[[0, 2]] for k, v in given.items()})
        assert frame >= WINDOW or np.isnan(given["pose"][1]).all()
    assert all(np.isfinite(value[[0, 2]]).all() for value in spoilt.state_dict().values())


def test_a_reset_row_is_a_new_one(bundle: Bundle, opened: Open):
    runtime, fresh, inputs = opened(bundle, 2), opened(bundle, 2), draw(2)
    for frame in range(WINDOW + 3):
        advance(runtime, inputs, frame)
    other = {name: value[0] for name, value in runtime.state_dict().items()}
    fill(runtime, inputs, 0)
    runtime.run()
    runtime.reset(1)
    with pytest.raises(RuntimeRefusal, match="commit without a run"):
        runtime.commit()
    assert all(np.array_equal(runtime.state_dict()[name][0], value) for name, value in other.items())
    assert runtime.state_dict()[CURSOR].tolist() == [WINDOW + 3] * 2
    assert runtime.state_dict()[AGE].tolist() == [WINDOW + 3, 0]
    for frame in range(WINDOW + 3):
        outputs, wanted = advance(runtime, inputs, frame), advance(fresh, inputs, frame)
        np.testing.assert_allclose(outputs["pose"][1], wanted["pose"][1], atol=1e-6)
        assert outputs["count"][1] == wanted["count"][1]


@pytest.mark.parametrize("which", [slice(None), slice(1, 3), np.array([0, 2]), np.array([True, False, True])], ids=str)
def test_rows_are_reset_as_they_are_named(bundle: Bundle, opened: Open, which: slice | np.ndarray):
    runtime, inputs = opened(bundle, ROWS), draw()
    for frame in range(3):
        advance(runtime, inputs, frame)
    runtime.reset(which)
    named = np.zeros(ROWS, np.bool_)
    named[which] = True
    state = runtime.state_dict()
    assert (state[AGE] == 0).tolist() == named.tolist()
    assert (state["tail"] == 0).all(1).tolist() == named.tolist()


def test_warming_up_runs_every_size_and_leaves_the_state(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle, 4, (1, 2, 4)), draw(4)
    advance(runtime, inputs, 0)
    before = runtime.state_dict()
    runtime.warm_up(4)
    assert same(runtime.state_dict(), before)
    with pytest.raises(RuntimeRefusal, match="commit without a run"):
        runtime.commit()


def test_updates_are_what_commit_writes(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle, ROWS), draw()
    with pytest.raises(RuntimeRefusal, match="no run waits"):
        runtime.updates()
    for frame in range(WINDOW + 1):
        fill(runtime, inputs, frame)
        runtime.run()
        updates = {name: value.copy() for name, value in runtime.updates().items()}
        runtime.commit()
    state = runtime.state_dict()
    assert set(updates) == set(runtime.spec.state)
    assert np.array_equal(state["tail"], updates["tail"])
    assert np.array_equal(state["past"][:, WINDOW % WINDOW], updates["past"])
    assert state[AGE].tolist() == [WINDOW + 1] * ROWS


def test_each_run_is_committed_once(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle), draw(1)
    advance(runtime, inputs, 0)
    with pytest.raises(RuntimeRefusal, match="commit without a run before it"):
        runtime.commit()


def test_a_state_moved_to_is_that_of_the_other_row(bundle: Bundle, opened: Open):
    runtime, inputs = opened(bundle, 2), draw(2)
    runtime.active[:] = [True, False]
    for frame in range(WINDOW + 2):
        advance(runtime, inputs, frame)
    fill(runtime, inputs, 0)
    runtime.run()
    runtime.move(0, 1)
    with pytest.raises(RuntimeRefusal, match="commit without a run"):
        runtime.commit()
    for value in runtime.state_dict().values():
        assert np.array_equal(value[0], value[1])
    before = runtime.state_dict()
    runtime.move(1, 1)
    assert same(runtime.state_dict(), before)
