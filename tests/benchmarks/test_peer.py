"""The window network is the streaming network: same layers, same weights, and with mask and window the same logits."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import peer
from benchmarks.window import CHUNK, SPAN, Features, Streaming, Windowed
from engine.runtime import open_runtime
from models import registry
from models.contract import Tensors
from models.reaction import Reaction
from models.sampling import LOGITS, PREVIOUS

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> Reaction:
    torch.manual_seed(0)
    built = registry.create("reaction:tiny")
    assert isinstance(built, Reaction)
    return built


@pytest.fixture(scope="module")
def features(model: Reaction) -> Tensors:
    """One window of features (1, SPAN, *shape)."""
    generator = torch.Generator().manual_seed(1)
    given = {item.name: torch.randn(1, SPAN, *item.shape, generator=generator) for item in Streaming(model).spec.inputs}
    return {**given, "partner_audio_valid": torch.ones(1, SPAN)}


def stream(model: Streaming, features: Tensors, chunk: int | None = None) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval().scan(features, model.initial_state(1), chunk)[0][LOGITS]


def window(model: Windowed, features: Tensors) -> torch.Tensor:
    with torch.inference_mode():
        outputs, _ = model.eval()({name: value[:, None] for name, value in features.items()}, model.initial_state(1))
    return joined(outputs)[:, 0]


def joined(outputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The logits of all emitted frames."""
    return torch.cat([value for name, value in outputs.items() if name.startswith(LOGITS)], -3)


def test_with_mask_and_window_both_are_one_network(model: Reaction, features: Tensors):
    wanted = stream(Streaming(model), features)
    torch.testing.assert_close(window(Windowed(model, SPAN, causal=True), features), wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(stream(Streaming(model), features, 100), wanted, atol=1e-5, rtol=0)
    both_ways = window(Windowed(model, SPAN), features)
    assert (both_ways - wanted)[:, :CHUNK].abs().max() > 0.01
    torch.testing.assert_close(window(Windowed(model), features), both_ways[:, -CHUNK:], atol=1e-5, rtol=0)


def test_a_longer_ring_answers_the_same_until_it_reaches_back_further(model: Reaction, features: Tensors):
    short, long = stream(Streaming(model), features), stream(Streaming(model, SPAN - 1), features)
    reach = model.config.window
    torch.testing.assert_close(long[:, : reach + 1], short[:, : reach + 1], atol=1e-5, rtol=0)
    assert (long - short)[:, reach + 1 :].abs().max() > 1e-4


def test_the_listener_s_own_logits_come_of_features_and_stream(model: Reaction):
    """The features benchmarked and the predictor benchmarked are, put together, what the listener runs."""
    generator = torch.Generator().manual_seed(2)
    inputs = {item.name: torch.rand(1, 30, *item.shape, generator=generator) for item in model.spec.inputs}
    ids = torch.randint(0, 25, (1, 30, model.heads), generator=generator)
    cut = Features(model).eval()
    with torch.inference_mode():
        wanted, _ = model.logits(inputs, ids, model.initial_state(1))
        previous = torch.cat([torch.full_like(ids[:, :1], model.codes), ids[:, :-1]], 1)
        given = {item.name: inputs[item.name] for item in cut.spec.inputs if item.name != PREVIOUS}
        made, _ = cut({**given, PREVIOUS: previous}, cut.initial_state(1))
    rest = {item.name: inputs[item.name] for item in Streaming(model).spec.inputs if item.name in inputs}
    torch.testing.assert_close(stream(Streaming(model), {**made, **rest}), wanted, atol=1e-5, rtol=0)


def test_weights_are_shared_and_the_model_is_left_alone(model: Reaction):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    own = {id(value) for value in model.parameters()}
    assert {id(value) for value in Windowed(model).parameters()} <= own
    assert {id(value) for value in Streaming(model).parameters()} <= own
    Streaming(model, 7)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.own_blocks[0].attention.window == model.config.window


def test_operations_are_those_of_the_shapes(model: Reaction):
    c, config = model.config.channels, model.config
    blocks = 2 * config.speaker_blocks + config.listener_blocks
    widths = model.hearing.width + 1 + model.sight.width + model.past.width + 2
    a_frame = widths * c + 2 * c * c + blocks * (8 * c * c + 2 * c * config.hidden)
    out, pairs = c * sum(model.levels), blocks * 2 * 2 * c
    kinds = (Streaming(model), Streaming(model, SPAN - 1), Windowed(model), Windowed(model, 1))
    counted = [peer.operations(kind, peer._given(kind, 0)) for kind in kinds]
    # One frame is multiplied with all channels of a ring for each head; its own value is weighed, not multiplied.
    rings = [pairs * config.heads * window + pairs // 2 * config.heads for window in (config.window, SPAN - 1)]
    assert counted == [
        a_frame + out + rings[0],
        a_frame + out + rings[1],
        SPAN * (a_frame + pairs * SPAN) + CHUNK * out,
        SPAN * (a_frame + pairs * SPAN) + out,
    ]


def test_the_exported_window_answers_as_in_torch(model: Reaction, features: Tensors, tmp_path: Path):
    network = Windowed(model)
    step = open_runtime(peer.bundled(network, tmp_path))
    for name, value in features.items():
        step.inputs[name][...] = value.numpy()
    given = joined({name: torch.from_numpy(value) for name, value in step.run().items()})
    np.testing.assert_allclose(given, window(network, features), atol=1e-4)


def test_ratios_say_how_many_times_the_window_costs():
    names = (peer.STREAM, peer.LONG, peer.CHUNKED, peer.EACH)
    ways = {}
    for suffix, factor in (("", 1.0), (", int8", 0.5), (", eager torch", 10.0)):
        for name, emits, macs, call in zip(
            names, (1, 1, 32, 1), (10, 16, 3200, 3100), (1.0, 2.0, 16.0, 15.0), strict=True
        ):
            ways[name + suffix] = peer.Way(emits, macs, factor * np.array([call, call, 9.0 * call]))
    told = peer.ratios(ways)
    assert told["operations, stream / window's chunks"] == 0.1
    assert told["operations, stream, 256 frames / window's chunks"] == 0.16
    for suffix in ("", ", int8", ", eager torch"):
        assert told[f"time at its own chunks, window / stream{suffix}"] == pytest.approx(0.5)
        assert told[f"time at equal delay, window / stream{suffix}"] == pytest.approx(15.0)
    figures = ways[peer.CHUNKED].figures()
    assert (figures["macs_a_frame"], figures["frame_us"], figures["call_p50_us"]) == (100.0, 0.5e6, 16e6)
    assert figures["call_p99_us"] > figures["call_p50_us"]


def test_turns_count_the_time_of_the_thread_alone():
    spent = peer.in_turns({"asleep": lambda: time.sleep(0.02), "busy": lambda: sum(range(300_000))}, 2)
    assert np.median(spent["busy"]) > np.median(spent["asleep"])
    assert min(map(len, spent.values())) >= 2


@pytest.mark.slow
def test_prints_the_ratios_and_ends_with_json(capsys: pytest.CaptureFixture[str]):
    code = peer.main(["--size", "tiny", "--rounds", "1"])
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert code == int(bool(told["missed"]))
    for name in (peer.STREAM, peer.LONG, peer.CHUNKED, peer.EACH):
        for suffix in ("", ", int8", ", eager torch"):
            assert told["ways"][name + suffix]["frame_us"] > 0
    assert told["ways"][peer.FEATURES]["macs_a_frame"] > 0
    assert 0 < told["ratios"]["operations, stream / window's chunks"] < 1 / 7
