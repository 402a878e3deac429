"""A step per frame beside a window per chunk: the learned listener's predictor run as a stream, and as the AIS
laboratory's REACT2024 system runs its own.

``python -m benchmarks peer [--size small] [--rounds 20]``. Both are made of the same layers at the same size
(:mod:`benchmarks.window`) and given the same features, whose cost is told apart. The window way sees 256 frames in a
call, attends in both directions, and either emits 32 frames a call (its own chunking: ids come up to 1.28 s after what
they answer to) or is called for every frame (the delay of the stream). Operations are multiply-adds, counted in torch
for both. Times are of ONNX Runtime on one thread, as served: bound buffers, the stream's rings committed. Calls of all
ways take turns in one process, and what is counted is the thread's own processor time: on a shared machine long calls
are interrupted and short ones hardly ever, which would flatter the stream. The window is given its inputs for nothing,
though somebody would have to move 256 rows of them for every call.

The stream looks back 96 frames where the window has 256; the row *stream, 256 frames* has rings as long as the window.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import report
from benchmarks.window import CHUNK, SPAN, Features, Streaming, Windowed
from engine.bundle import STEP, Bundle, OnnxFile
from engine.errors import EngineError
from engine.runtime import open_runtime
from export.precision import rounded
from export.step import to_onnx
from models import registry
from models.contract import StreamModel, Tensors, commit
from models.reaction import CONFIGS, Reaction

STREAM, LONG, CHUNKED, EACH, FEATURES = (
    "stream",
    f"stream, {SPAN} frames",
    f"window, {CHUNK} frames a call",
    "window, a call a frame",
    "features of both",
)
SHARE, TIMES = 1 / 7, 20.0
"""Asked for: at most this share of the operations a frame, at least so many times faster at equal delay."""
TURN_S = 0.05
"""Every way is called for about so long before it is the next one's turn."""


@dataclasses.dataclass
class Way:
    """One way of running: ``emits`` frames a call, ``macs`` multiply-adds a call, processor seconds of single
    ``calls``."""

    emits: int
    macs: int
    calls: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0))

    @property
    def frame_us(self) -> float:
        """Median microseconds a frame."""
        return 1e6 * float(np.median(self.calls)) / self.emits

    def figures(self) -> dict[str, float]:
        """For the JSON line."""
        p50, p99 = 1e6 * np.percentile(self.calls, [50, 99])
        return {
            "frames_a_call": self.emits,
            "macs_a_frame": self.macs / self.emits,
            "call_p50_us": float(p50),
            "call_p99_us": float(p99),
            "frame_us": self.frame_us,
            "calls": len(self.calls),
        }


def main(arguments: list[str]) -> int:
    """Print table, ratios and the JSON line; 1 where one of the two targets is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peer", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="small", choices=tuple(CONFIGS), help="size of the listener (default small)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of every way (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and features (default 0)")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        raise EngineError(f"--rounds {options.rounds}: give at least 1")
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    model = registry.create(f"reaction:{options.size}")
    assert isinstance(model, Reaction)
    kinds = predictors(model)
    ways = measure(kinds, options.rounds, options.seed)
    told = ratios(ways)
    print(
        f"reaction:{options.size}, window {model.config.window}: one thread, batch 1\n"
        f"{'':34}{'frames':>8}{'M mult-adds':>13}{'call p50':>11}{'call p99':>11}{'a frame':>11}\n"
        f"{'':34}{'a call':>8}{'a frame':>13}{'us':>11}{'us':>11}{'us':>11}"
    )
    for name, way in ways.items():
        row = way.figures()
        print(
            f"{name:34}{way.emits:>8}{row['macs_a_frame'] / 1e6:>13.2f}{row['call_p50_us']:>11.0f}"
            f"{row['call_p99_us']:>11.0f}{row['frame_us']:>11.0f}"
        )
    for name, value in told.items():
        print(f"{name:>60}: {value:.3f}")
    missed = [
        *([f"operations above 1/{1 / SHARE:g}"] if told["operations, stream / window's chunks"] > SHARE else []),
        *([f"less than {TIMES:g} times"] if told["time at equal delay, window / stream"] < TIMES else []),
    ]
    print(f"asked for: at most 1/{1 / SHARE:g} of the operations, {TIMES:g} times less time at equal delay; missed: "
          f"{', '.join(missed) or 'nothing'}")  # fmt: skip
    figures = {name: way.figures() for name, way in ways.items()}
    report("peer", {"size": options.size, "ways": figures, "ratios": told, "missed": missed})
    return int(bool(missed))


def predictors(model: Reaction) -> dict[str, StreamModel]:
    """The networks compared, all with the weights of ``model``, and the features that they are given."""
    kinds = {
        STREAM: Streaming(model),
        LONG: Streaming(model, SPAN - 1),  # a frame attends to itself as well
        CHUNKED: Windowed(model, CHUNK),
        EACH: Windowed(model, 1),
        FEATURES: Features(model),
    }
    return {name: kind.eval() for name, kind in kinds.items()}


def measure(kinds: dict[str, StreamModel], rounds: int, seed: int) -> dict[str, Way]:
    """Every way's operations and times: ONNX Runtime in 32 bits, then, labelled, in 8 bits and eager torch."""
    ways: dict[str, Way] = {}
    calls: dict[str, Callable[[], None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for index, (name, kind) in enumerate(kinds.items()):
            given = _given(kind, seed)
            emits, macs = CHUNK if name == CHUNKED else 1, operations(kind, given)
            bundle = bundled(kind, Path(folder) / str(index))
            eight = None if name == FEATURES else rounded(bundle, kind, Path(folder) / f"{index}.int8")
            for label, file in ((name, bundle), (f"{name}, int8", eight)):
                if file is not None:
                    ways[label], calls[label] = Way(emits, macs), _served(file, given)
            if name != FEATURES:
                label = f"{name}, eager torch"
                ways[label], calls[label] = Way(emits, macs), _eager(kind, given)
        for name, seconds in in_turns(calls, rounds).items():
            ways[name].calls = seconds
    return dict(sorted(ways.items(), key=lambda item: (item[0].endswith("torch"), item[0].endswith("int8"))))


def ratios(ways: dict[str, Way]) -> dict[str, float]:
    """What the benchmark is for."""
    told = {
        "operations, stream / window's chunks": ways[STREAM].macs / (ways[CHUNKED].macs / CHUNK),
        f"operations, {LONG} / window's chunks": ways[LONG].macs / (ways[CHUNKED].macs / CHUNK),
    }
    for suffix in ("", ", int8", ", eager torch"):
        one, chunk, each = (ways[f"{name}{suffix}"].frame_us for name in (STREAM, CHUNKED, EACH))
        told[f"time at its own chunks, window / stream{suffix}"] = chunk / one
        told[f"time at equal delay, window / stream{suffix}"] = each / one
    return told


def operations(kind: StreamModel, given: Tensors) -> int:
    """Multiply-adds of one call, matrix products and convolutions, at batch 1."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        kind(given, kind.initial_state(1))
    return counter.get_total_flops() // 2


def in_turns(calls: dict[str, Callable[[], None]], rounds: int) -> dict[str, np.ndarray]:
    """Processor seconds of single calls of each, in turns of :data:`TURN_S` (one at least, the first left out)."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            begun = time.perf_counter()
            while True:
                start = time.thread_time()
                call()
                spent[name].append(time.thread_time() - start)
                if time.perf_counter() - begun > TURN_S:
                    break
    return {name: np.array(times) for name, times in spent.items()}


def bundled(model: StreamModel, folder: Path) -> Bundle:
    """A model exported as for serving, with no more said about it than loading needs."""
    graph = to_onnx(model)
    nothing = dict.fromkeys(("licence", "description", "training_data", "credits", "command", "commit"), "none")
    onnx = OnnxFile(STEP, graph.opset, graph.ir, "fp32")
    return Bundle(folder, model.spec.name, "0", model.spec, onnx, **nothing).write(graph.content, "not kept\n")


def _given(kind: StreamModel, seed: int) -> Tensors:
    """One frame of inputs (1, 1, *shape): features of unit variance, everything there."""
    generator = torch.Generator().manual_seed(seed)
    made: dict[str, Any] = {}
    for item in kind.spec.inputs:
        shape = (1, 1, *item.shape)
        if item.dtype == "int64":
            made[item.name] = torch.randint(int(item.low), int(item.high), shape, generator=generator)
        elif item.name.endswith("_valid"):
            made[item.name] = torch.ones(shape)
        else:
            made[item.name] = torch.randn(shape, generator=generator).clamp(item.low, item.high)
    return made


def _served(bundle: Bundle, given: Tensors) -> Callable[[], None]:
    """A call of the bundle as the engine makes it."""
    runtime = open_runtime(bundle)
    for name, value in given.items():
        runtime.inputs[name][...] = value[:, 0].numpy()

    def call() -> None:
        runtime.run()
        runtime.commit()

    return call


def _eager(kind: StreamModel, given: Tensors) -> Callable[[], None]:
    """A call of the model in torch, its state carried on."""
    state = kind.initial_state(1)

    def call() -> None:
        nonlocal state
        with torch.inference_mode():
            _, updates = kind(given, state)
            state = commit(kind.spec.state, state, updates, 1)

    return call
