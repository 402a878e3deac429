"""Layers against torch's own, and attention against the plainest way of writing it."""

from __future__ import annotations

import math

import pytest
import torch

from engine.spec import CURSOR
from models.contract import initial_state
from models.layers import LSTM, CausalConv1d, LayerNorm, TransformerBlock, WindowedAttention


def over(layer, x: torch.Tensor, *context: torch.Tensor) -> torch.Tensor:
    """The layer over a whole sequence from a fresh state."""
    return layer(x, initial_state(layer.state_specs(), len(x)), *context)[0]


def naive_attention(layer: WindowedAttention, x: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Windowed attention, one query and one head at a time."""
    query, key, value = layer.query(x), layer.key(source), layer.value(source)
    width, results = layer.width, torch.zeros_like(x)
    for row in range(x.shape[0]):
        for now in range(x.shape[1]):
            first = max(0, now - layer.window)
            for head in range(layer.heads):
                part = slice(head * width, (head + 1) * width)
                scores = [
                    float(query[row, now, part] @ key[row, then, part]) / math.sqrt(width)
                    + float(layer.bias[now - then, head])
                    for then in range(first, now + 1)
                ]
                results[row, now, part] = torch.tensor(scores).softmax(0) @ value[row, first : now + 1, part]
    return layer.out(results)


@pytest.mark.parametrize("window", [1, 4, 30])
@pytest.mark.parametrize("context", [None, 5])
@torch.inference_mode()
def test_attention_equals_the_naive_one(window: int, context: int | None):
    torch.manual_seed(0)
    layer = WindowedAttention(8, 2, window, context)
    layer.bias.copy_(torch.randn_like(layer.bias))
    x = torch.randn(2, 17, 8)
    other = [] if context is None else [torch.randn(2, 17, context)]
    torch.testing.assert_close(over(layer, x, *other), naive_attention(layer, x, *other or [x]), atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_attention_starts_with_alibi_slopes():
    layer = WindowedAttention(16, 8, 3)
    torch.testing.assert_close(layer.bias[:, 0], torch.tensor([0.0, -0.5, -1.0, -1.5]))
    torch.testing.assert_close(layer.bias[1], -(0.5 ** torch.arange(1.0, 9.0)))


@torch.inference_mode()
def test_attention_forgets_beyond_its_window():
    torch.manual_seed(1)
    layer, x = WindowedAttention(8, 2, 5), torch.randn(1, 20, 8)
    changed = x.clone()
    changed[:, 7] += 1.0
    moved = (over(layer, x) != over(layer, changed)).any(-1)[0].nonzero().flatten().tolist()
    assert moved == list(range(7, 7 + 5 + 1))


def test_attention_refuses_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="8 channels do not divide over 3 heads"):
        WindowedAttention(8, 3, 4)


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (4, 3), (5, 2)])
@torch.inference_mode()
def test_conv_equals_left_padded_convolution(kernel: int, dilation: int):
    torch.manual_seed(2)
    layer, x = CausalConv1d(8, 12, kernel, dilation), torch.randn(2, 15, 8)
    padded = torch.nn.functional.pad(x.transpose(1, 2), ((kernel - 1) * dilation, 0))
    wanted = torch.nn.functional.conv1d(padded, layer.conv.weight, layer.conv.bias, dilation=dilation)
    torch.testing.assert_close(over(layer, x), wanted.transpose(1, 2))


@torch.inference_mode()
def test_lstm_equals_torch_and_carries_its_cells():
    torch.manual_seed(3)
    layer, x = LSTM(6, 9, layers=3), torch.randn(4, 13, 6)
    wanted, (hidden, cell) = layer.lstm(x)
    y, updates = layer(x, initial_state(layer.state_specs(), 4))
    torch.testing.assert_close(y, wanted)
    torch.testing.assert_close(updates["hidden"], hidden.transpose(0, 1))
    torch.testing.assert_close(updates["cell"], cell.transpose(0, 1))


@torch.inference_mode()
def test_norm_equals_torch():
    x = 3.0 + 5.0 * torch.randn(2, 7, 16)
    torch.testing.assert_close(LayerNorm(16)(x), torch.nn.functional.layer_norm(x, (16,)))


@pytest.mark.parametrize("layer", [CausalConv1d(8, 8, 3, 2), TransformerBlock(8, 2, 5, 16)], ids=["conv", "block"])
@torch.inference_mode()
def test_a_layer_depends_on_as_many_frames_as_it_says(layer):
    x = torch.randn(1, 30, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    layer = layer.double()
    fresh = {k: v.double() if v.is_floating_point() else v for k, v in initial_state(layer.state_specs(), 1).items()}
    changed = x.clone()
    changed[:, 6, 0] += 3.0
    moved = (layer(x, fresh)[0] != layer(changed, fresh)[0]).any(-1)[0].nonzero().flatten()
    assert int(moved.min()) == 6 and int(moved.max()) == 6 + layer.memory
    assert LSTM(8, 8).memory is None


@torch.inference_mode()
def test_ring_rows_are_found_by_age_wherever_the_cursor_stands():
    torch.manual_seed(5)
    layer, x = WindowedAttention(8, 2, 6), torch.randn(3, 1, 8)
    state = initial_state(layer.state_specs(), 3)
    history = torch.randn(1, 6, 8)
    for row, cursor in enumerate((6, 11, 10**8 + 3)):
        slots = (cursor - 1 - torch.arange(6)) % 6
        for name in ("keys", "values"):
            state[name][row, slots] = history[0] * (1.0 if name == "keys" else 2.0)
        state[CURSOR][row] = cursor
    state["age"] += 4
    y = layer(x[:1].expand(3, -1, -1), state)[0]
    torch.testing.assert_close(y[1], y[0])
    torch.testing.assert_close(y[2], y[0])
    for name in ("keys", "values"):
        state[name][0, (6 - 1 - torch.arange(4, 6)) % 6] = 1e6
    torch.testing.assert_close(layer(x[:1].expand(3, -1, -1), state)[0][0], y[0])
