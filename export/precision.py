"""The rungs of lower precision: what a step would lose and gain with its learned weights in 8 bits.

Dynamic quantisation (Jacob et al. 2018; ONNX Runtime's ``quantize_dynamic``): weights of MatMul and Gemm are stored in
8 bits, one scale a matrix, activations are rounded with a scale taken as they come. Only what was learned is rounded; a
table computed for signal processing (a Fourier basis, mel filters) keeps its 32 bits. Weights are unsigned: products of
unsigned and signed bytes saturate on processors with AVX2 alone.

Told, never shipped: the scale of an activation is taken over the whole batch, so at batch 2 one session's frame would
move another's. The rounded step is compared with the 32-bit one, which the ladder has compared with the model.

16 bits are not built: ONNX Runtime's CPU provider has no such kernels and casts to 32 bits and back around every
operator (measured, ONNX Runtime 1.31 on x86: 327 casts in place of 9 and 1.26 times the time of a step).
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engine.bundle import Bundle
from engine.runtime import drive, open_runtime, steps
from export.parity import Arrays, Follower, Rung, _differences, usual_sizes
from models.contract import StreamModel
from models.sampling import LEAST_TEMPERATURE, LOGITS, NOISE, PREVIOUS, TEMPERATURE, sample

TOLERANCE = 0.1
"""Largest difference from the 32-bit step, relative to ``max(1, |value|)``, that counts as within."""
TURN = 25
_FP16 = f"  {'onnx fp16':30} not built: ONNX Runtime's CPU provider runs it through fp32 casts, slower than fp32"
_KINDS = ("MatMul", "Gemm")


@dataclass
class Draws:
    """Ids that both precisions draw from the same noise: shares of ``frames`` (every head) and of single ``draws`` that
    agree, and for the others the farthest (in probability) that the noise was from the next id: the ``margin``."""

    frames: float
    draws: float
    margin: float


class Compared(NamedTuple):
    """Rungs *teacher-forced* (``low`` gets the state of ``exact`` before every frame) and *free-running*, and the
    outputs (T, ...) of ``exact`` and of ``low`` teacher-forced."""

    rungs: list[Rung]
    exact: Arrays
    low: Arrays


class StepSeconds(NamedTuple):
    """Median seconds of a step, run and commit, in both precisions."""

    exact: float
    low: float


def to_int8(content: bytes, model: nn.Module) -> bytes | None:
    """The graph with ``model``'s parameters, where they are weights of MatMul or Gemm, in 8 bits; None where none is.
    Everything else, inputs and outputs included, stays as it is."""
    import onnx
    import onnx_ir
    from onnx_ir.passes.common import LiftConstantsToInitializersPass
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxscript import optimizer

    folded = onnx_ir.from_proto(onnx.load_model_from_string(content))
    optimizer.fold_constants(folded)  # the quantiser looks for weights at the products, not behind a transposition
    optimizer.remove_unused_nodes(folded)
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(folded)
    graph = onnx_ir.to_proto(folded)
    _unshare(graph.graph)
    learned = set()
    for value in model.parameters():
        if value.ndim == 2:
            weight = value.detach().cpu().numpy()
            learned |= {_mark(weight), _mark(weight.T)}
    names = {item.name for item in graph.graph.initializer if _mark(onnx.numpy_helper.to_array(item)) in learned}
    constant = {item.name for item in graph.graph.initializer}
    nodes = [
        node.name
        for node in graph.graph.node  # a product of two weights (a codebook and its projection) is made once, on load
        if node.op_type in _KINDS and node.input[1] in names and node.input[0] not in constant
    ]
    if not nodes:
        return None
    del graph.graph.value_info[:]  # the quantiser turns weights about and infers the shapes between anew
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            graph, path, op_types_to_quantize=list(_KINDS), weight_type=QuantType.QUInt8, nodes_to_quantize=nodes
        )
        return path.read_bytes()


def rounded(bundle: Bundle, model: nn.Module, folder: Path) -> Bundle | None:
    """``bundle`` in 8 bits, written to ``folder``; None where ``model`` has no weight that could be rounded."""
    content = to_int8(bundle.read(bundle.onnx.file), model)
    if content is None:
        return None
    graph = dataclasses.replace(bundle.onnx, precision="int8")
    described = dataclasses.replace(bundle, path=folder, onnx=graph, tolerance={"onnx_int8": TOLERANCE})
    return described.write(content, "not kept\n", bundle.further())


def report(
    model: StreamModel,
    bundle: Bundle,
    logits: Bundle | None,
    inputs: Arrays,
    scratch: Path,
    advance: Callable[[], None] = lambda: None,
) -> list[str]:
    """Lines about ``model``'s ``bundle`` over ``inputs`` (T, *shape). Of one that draws ids, ``logits`` is the bundle
    of its network, which is then compared in its place, given the ids that the 32-bit step draws. ``advance`` is called
    after every frame of the comparison."""
    low = rounded(bundle, model, scratch / "int8")
    if low is None:
        return [f"  {'onnx int8':30} the same as fp32: no learned weight of a MatMul or Gemm", _FP16]
    if logits is None:
        lines = [_line(rung) for rung in compare(bundle, low, inputs, advance).rungs]
    else:
        network = rounded(logits, model, scratch / "int8_logits")
        assert network is not None
        kept = {item.name for item in logits.spec.inputs}
        given = {name: value for name, value in inputs.items() if name in kept} | {PREVIOUS: previous(bundle, inputs)}
        compared = compare(logits, network, given, advance)
        draws = draw(exact=compared.exact[LOGITS], low=compared.low[LOGITS], inputs=inputs)
        lines = [*(_line(rung) for rung in compared.rungs), _told(draws)]
    exact_s, low_s = timed(bundle, low, inputs)
    sizes = [item.files[item.onnx.file][1] / 1e6 for item in (low, bundle)]
    lines.append(
        f"  {'onnx int8 step':30} {sizes[0]:.2f} MB of {sizes[1]:.2f}, {1e6 * low_s:.0f} us of {1e6 * exact_s:.0f} "
        f"({low_s / exact_s:.2f} of fp32); told only, the bundle is fp32"
    )
    return [*lines, _FP16]


def compare(exact: Bundle, low: Bundle, inputs: Arrays, advance: Callable[[], None] = lambda: None) -> Compared:
    """Both precisions over the same frames; ``advance`` is called after each."""
    rungs = [Rung("onnx int8 teacher-forced"), Rung("onnx int8 free-running")]
    frames = len(next(iter(inputs.values())))
    leader, *followers = (Follower(bundle, frames) for bundle in (exact, low, low))
    usual = usual_sizes(exact.spec)
    kept: list[list[Arrays]] = [[], []]
    for frame in range(frames):
        given = {name: value[frame : frame + 1] for name, value in inputs.items()}
        wanted, moved = leader.step(given)
        kept[0].append(wanted)
        followers[0].put(leader.runtime.state_dict())  # still the state before: the frame has not been committed
        for rung, follower in zip(rungs, followers, strict=True):
            found, changes = follower.step(given)
            if follower is followers[0]:
                kept[1].append(found)
            state = max(_differences(moved, changes, {}).values(), default=0.0)
            rung.see({**_differences(wanted, found, usual), "state": state})
        advance()
    whole = [{name: np.concatenate([row[name] for row in rows]) for name in rows[0]} for rows in kept]
    return Compared(rungs, exact=whole[0], low=whole[1])


def timed(exact: Bundle, low: Bundle, inputs: Arrays) -> StepSeconds:
    """Median seconds of run and commit of both, one thread, in turns of :data:`TURN` frames."""
    runtimes = [open_runtime(bundle) for bundle in (exact, low)]
    spent: list[list[float]] = [[], []]
    for first in range(0, len(next(iter(inputs.values()))), TURN):
        turn = {name: value[first : first + TURN, None] for name, value in inputs.items()}
        for runtime, seconds in zip(runtimes, spent, strict=True):
            drive(runtime, turn, keep=(), seconds=seconds)
    return StepSeconds(exact=float(np.median(spent[0])), low=float(np.median(spent[1])))


def previous(bundle: Bundle, inputs: Arrays) -> NDArray[np.int64]:
    """The ids (T, heads) that a bundle which draws ids has before each frame of ``inputs``."""
    runtime, before = open_runtime(bundle), []
    for _ in steps(runtime, {name: value[:, None] for name, value in inputs.items()}):
        before.append(runtime.state_dict()[PREVIOUS][0])
    return np.stack(before)


def draw(exact: NDArray[np.float32], low: NDArray[np.float32], inputs: Arrays) -> Draws:
    """Compare the ids drawn from two sets of logits (T, heads, codes) with the ``noise`` (T, heads) and ``temperature``
    (T,) of ``inputs``."""
    noise, heat = (torch.from_numpy(np.nan_to_num(inputs[name], nan=0.5))[None] for name in (NOISE, TEMPERATURE))
    noise = noise[..., : exact.shape[1]]  # what follows is drawn for something else than ids
    logits = [torch.from_numpy(value)[None] for value in (exact, low)]
    mine, theirs = (sample(value, noise, heat) for value in logits)
    same = mine == theirs
    chances = (logits[0] / heat.clamp_min(LEAST_TEMPERATURE)[..., None, None]).double().softmax(-1)
    above = chances.cumsum(-1).gather(-1, mine[..., None])[..., 0]
    below = above - chances.gather(-1, mine[..., None])[..., 0]
    margin = torch.where(theirs > mine, above - noise, noise - below)[~same]
    return Draws(same.all(-1).double().mean().item(), same.double().mean().item(), max([0.0, *margin.tolist()]))


def _line(rung: Rung) -> str:
    worst = ", ".join(f"{name} {value:.1e}" for name, value in rung.worst.items())
    beyond = ", ".join(name for name, value in rung.worst.items() if value > TOLERANCE)
    return f"  {rung.name:30} {worst}; tolerance {TOLERANCE:g}: {f'beyond it in {beyond}' if beyond else 'within'}"


def _told(draws: Draws) -> str:
    return (
        f"  {'onnx int8 ids':30} as in fp32 in {draws.frames:.1%} of frames, {draws.draws:.2%} of draws; else the "
        f"noise was within {draws.margin:.1e} of the next id"
    )


def _unshare(graph: Any) -> None:
    """Give every Gemm a weight of its own: the quantiser turns one about for the first that reads it alone."""
    weights = {item.name: item for item in graph.initializer}
    read: set[str] = set()
    for node in graph.node:
        name = node.input[1] if node.op_type == "Gemm" else ""
        if name in weights and name in read:
            copy = graph.initializer.add()
            copy.CopyFrom(weights[name])
            copy.name = node.input[1] = f"{name}.{node.name}"
        read.add(name)


def _mark(weight: NDArray[np.floating]) -> tuple[tuple[int, ...], str]:
    """What tells one matrix from another, whatever its name."""
    content = np.ascontiguousarray(weight, np.float32)
    return weight.shape, hashlib.sha256(content.tobytes()).hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that the quantiser logs: shapes need no preparation where weights alone are rounded."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
