"""What one step of a bundle costs, and how far that is from what the machine would let it cost.

``python -m benchmarks step [--bundle NAME] [--frames 5000] [--batches 1 4 16]``. One thread, run and commit as serving
does them, on the recording of :mod:`export.recording`; filling the inputs is not counted. The floor of a step is
bytes read and written over the copy bandwidth at that working-set size, plus nodes times the cost of an empty node,
both measured in the same process between the timed steps. It leaves out arithmetic, which rules where a batch is large
or a model wide. The ratio says what is left to gain.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import report
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import drive, open_runtime
from engine.runtime.protocol import BATCH
from export.recording import recording

CHAIN = 512
"""Nodes in the chain that tells what an empty node costs."""
ROUNDS = 10
TRACK_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """Print a table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks step", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", default="rules", help="name or folder (default rules)")
    parser.add_argument("--frames", type=int, default=5000, help="steps timed at each batch size (default 5000)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16], help="batch sizes (default 1 4 16)")
    options = parser.parse_args(arguments)
    if options.frames < 1 or min(options.batches) < 1:
        raise EngineError("--frames and --batches must be at least 1")
    bundle = Bundle.load(options.bundle)
    track, source = recording(bundle.spec, TRACK_SECONDS)
    print(f"{bundle.name} {bundle.version}: {bundle.spec.rate:g} frames/s, one thread, inputs of {source}")
    figures = [measure(bundle, batch, options.frames, track) for batch in options.batches]
    for row in figures:
        print(
            f"batch {row['batch']:3}: p50 {row['p50_us']:8.1f} us, p99 {row['p99_us']:8.1f}, max {row['max_us']:8.1f}; "
            f"{row['streams_per_core']:7.1f} streams a core ({row['streams_per_core_p99']:.1f} at p99)\n"
            f"           floor {row['floor_us']:6.1f} us = {row['bytes'] / 1e6:.3f} MB at {row['copy_gb_s']:.1f} GB/s "
            f"({row['memory_us']:.1f} us) + {row['nodes']} nodes x {row['empty_node_us']:.3f} us "
            f"({row['nodes_us']:.1f} us); p50 is {row['ratio']:.2f} x the floor"
        )
    report("step", {"bundle": bundle.name, "version": bundle.version, "rate": bundle.spec.rate, "batches": figures})
    return 0


def measure(bundle: Bundle, batch: int, frames: int, track: dict[str, NDArray[Any]]) -> dict[str, float]:
    """Percentiles of ``frames`` steps at one batch size, in microseconds, and the terms of the floor."""
    runtime = open_runtime(bundle, rows=batch)
    runtime.warm_up(20)
    moved = moved_bytes(bundle, batch)
    nodes = executed_nodes(bundle, batch)
    copy, chain = copier(moved), chained()
    length = len(next(iter(track.values())))
    times: list[float] = []
    copies, empties = [], []

    def fill(frame: int) -> None:
        # The yardsticks are measured all along, so that a busy moment of the machine meets both sides of the ratio.
        if frame % max(1, frames // ROUNDS) == 0:
            copies.append(copy())
            empties.append(chain())
        for row in range(batch):
            at = (frame + row * length // batch) % length
            for name, value in track.items():
                runtime.inputs[name][row] = value[at]

    drive(runtime, fill, frames, keep=(), seconds=times)
    p50, p99, most = 1e6 * np.percentile(times, [50, 99, 100])
    memory, empty = 1e6 * float(np.median(copies)), 1e6 * float(np.median(empties))
    floor = memory + nodes * empty
    period_us = 1e6 / bundle.spec.rate
    return {
        "batch": batch,
        "frames": frames,
        "p50_us": float(p50),
        "p99_us": float(p99),
        "max_us": float(most),
        "streams_per_core": batch * period_us / float(p50),
        "streams_per_core_p99": batch * period_us / float(p99),
        "bytes": moved,
        "copy_gb_s": moved / memory / 1e3,
        "memory_us": memory,
        "nodes": nodes,
        "empty_node_us": empty,
        "nodes_us": nodes * empty,
        "floor_us": floor,
        "ratio": float(p50) / floor,
    }


def moved_bytes(bundle: Bundle, batch: int) -> int:
    """Bytes that a step must read (weights, state, inputs) and write (small state, new rows, outputs)."""
    onnx = _onnx()
    graph = onnx.load_model_from_string(bundle.read(bundle.onnx.file)).graph
    weights = sum(int(onnx.numpy_helper.to_array(item).nbytes) for item in graph.initializer)
    rows = sum(math.prod(item.shape) * np.dtype(item.dtype).itemsize for item in bundle.spec.inputs)
    rows += sum(math.prod(item.shape) * np.dtype(item.dtype).itemsize for item in bundle.spec.outputs)
    for state in bundle.spec.state.values():
        size = math.prod(state.shape) * np.dtype(state.dtype).itemsize
        rows += size + (size if state.kind == "small" else size // state.window)
    return weights + batch * rows


def executed_nodes(bundle: Bundle, batch: int) -> int:
    """Kernels that ONNX Runtime launches in one step, after its own optimisation, from its profile."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_profiling = True
    options.add_free_dimension_override_by_name(BATCH, batch)
    kinds: dict[str, Any] = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(bundle.read(bundle.onnx.file), options, ["CPUExecutionProvider"])
        feeds = {
            item.name: np.zeros([batch if size == BATCH else size for size in item.shape], kinds[item.type])
            for item in session.get_inputs()
        }
        session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_text())
    return sum(event.get("cat") == "Node" and event["name"].endswith("_kernel_time") for event in events)


def copier(moved: int) -> Callable[[], float]:
    """A function that gives the seconds in which ``moved`` bytes, half read and half written, are copied."""
    source = np.ones(max(1, moved // 2), np.uint8)
    target = np.empty_like(source)
    repeats = max(1, min(200, 20_000_000 // moved))

    def once() -> float:
        np.copyto(target, source)
        start = time.perf_counter()
        for _ in range(repeats):
            np.copyto(target, source)
        return (time.perf_counter() - start) / repeats

    return once


def chained() -> Callable[[], float]:
    """A function that gives the seconds one more node takes which has nothing to do: a chain of additions of single
    numbers, each of a graph input to the last sum, so that none can be folded; the call itself is taken off."""
    import onnxruntime

    onnx = _onnx()
    single = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("s0", "x", "y")]
    sessions = []
    for count in (1, CHAIN + 1):
        names = [f"s{index}" for index in range(count)] + ["y"]
        nodes = [onnx.helper.make_node("Add", [names[k], "x"], [names[k + 1]]) for k in range(count)]
        graph = onnx.helper.make_graph(nodes, "chain", single[:2], single[2:])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        sessions.append((session, session.io_binding()))
        for name in ("s0", "x"):
            sessions[-1][1].bind_cpu_input(name, np.ones(1, np.float32))
        sessions[-1][1].bind_output("y")

    def once() -> float:
        spent = []
        for session, binding in sessions:
            each = []
            for _ in range(9):
                start = time.perf_counter()
                session.run_with_iobinding(binding)
                each.append(time.perf_counter() - start)
            spent.append(float(np.median(each)))
        return max(spent[1] - spent[0], 0.0) / CHAIN

    return once


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise EngineError(
            "this benchmark reads the graph with onnx, which is not installed: pip install onnx"
        ) from error
    return onnx
