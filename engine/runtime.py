"""Run a bundle's step with ONNX Runtime, one frame at a time, without copying what need not move.

Every input and output is bound once to a buffer that this object owns. Small state goes to and fro between two such
sets; rings stay where they are and gain one row a frame. Nothing is counted until :meth:`OnnxStep.commit`, so a step
whose answer came too late is undone by not committing it. Measured on one core: the bound call costs 8 us beyond the
graph, against 17 us for a call that passes arrays.

The graph's names: a spec's inputs and outputs as they are, shape ``(B, 1, *shape)``; ``state.NAME`` in, ``next.NAME``
out for small state (rows that are not active keep theirs, inside the graph), ``row.NAME`` out for a ring's new row;
``cursor`` and ``age``, int64 (B,); ``active``, bool (B,).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle, BundleError
from engine.errors import EngineError
from engine.spec import AGE, CURSOR, SpecError, StreamSpec

Array = NDArray[Any]

ACTIVE = "active"
BATCH = "batch"
"""Name of the batch dimension in an exported graph. It is fixed when a session is made: measured, a graph with a free
batch then runs as fast as one exported for that size (100 us against 105 us unfixed on a 4-layer step)."""

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_ELEMENTS = {"float32": "tensor(float)", "int64": "tensor(int64)", "bool": "tensor(bool)"}


class RuntimeRefusal(EngineError):
    """A step cannot be run as asked; the message names what was asked, what there is and the remedy."""


class OnnxStep:
    """One session of a bundle with ``batch`` rows of state.

    Fill ``inputs`` (name -> ``(batch, *shape)``, float32 or int64, in place) and ``active`` (bool ``(batch,)``), then
    :meth:`run`, then :meth:`commit`. ``inputs`` start at each input's ``missing`` value, ``active`` all True.
    ``threads`` counts ONNX Runtime's compute threads. ``provider`` is ``"cpu"`` or ``"cuda"``; a session that did not
    get the provider asked for is refused, never run on another. Raises :class:`~engine.bundle.BundleError` where the
    graph does not match the spec.
    """

    def __init__(self, bundle: Bundle, batch: int = 1, threads: int = 1, provider: str = "cpu") -> None:
        if batch < 1 or threads < 1:
            raise RuntimeRefusal(f"{bundle.name}: batch {batch}, threads {threads}: both must be at least 1")
        self.bundle = bundle
        self.spec: StreamSpec = bundle.spec
        self.batch = batch
        self.provider = provider
        self._session = _session(bundle, batch, threads, provider)
        wanted_inputs, wanted_outputs = graph_signature(self.spec)
        _check(bundle, "input", self._session.get_inputs(), wanted_inputs, batch)
        _check(bundle, "output", self._session.get_outputs(), wanted_outputs, batch)

        def buffer(wanted: tuple[str, tuple[int, ...]]) -> Array:
            return _aligned((batch, *wanted[1]), wanted[0])

        self._in = {name: buffer(what) for name, what in wanted_inputs.items() if not name.startswith("state.")}
        self._out = {item.name: buffer(wanted_outputs[item.name]) for item in self.spec.outputs}
        small = [name for name, item in self.spec.state.items() if item.kind == "small"]
        self._rings: dict[str, Array] = {}
        self._rows: dict[str, Array] = {}
        self._pools = self._pool(batch)
        self._small = [{name: buffer(wanted_inputs[f"state.{name}"]) for name in small} for _ in range(2)]
        self._bindings = [self._bind(self._small[side], self._small[1 - side]) for side in range(2)]
        self._side = 0
        self._pending = False

        # Squeezing the axis of one frame gives views: what the caller writes is what the graph reads.
        self.inputs: dict[str, Array] = {item.name: self._in[item.name][:, 0] for item in self.spec.inputs}
        self.active: NDArray[np.bool_] = self._in[ACTIVE]
        self._outputs: dict[str, Array] = {item.name: self._out[item.name][:, 0] for item in self.spec.outputs}
        self._moves = np.ones(batch, np.bool_)
        for item in self.spec.inputs:
            self.inputs[item.name][...] = item.missing
        self.active[...] = True
        for name, ring in self._rings.items():
            ring[...] = self.spec.state[name].initial
        self.reset(slice(None))

    def run(self) -> dict[str, Array]:
        """Outputs of one frame, name -> ``(batch, *shape)``: views that the next run overwrites. Rows that are not
        active hold nothing of use. State does not move until :meth:`commit`."""
        self._session.run_with_iobinding(self._bindings[self._side])
        self._moves[:] = self.active
        self._pending = True
        return self._outputs

    def commit(self) -> None:
        """Make the last run count for the rows that were active in it. Raises :class:`RuntimeRefusal` without a run."""
        if not self._pending:
            raise RuntimeRefusal(
                f"{self.bundle.name}: commit without a run before it; each run is committed once at most"
            )
        self._pending = False
        self._side = 1 - self._side
        cursor, age = self._in[CURSOR], self._in[AGE]
        rows = np.flatnonzero(self._moves)
        for rings, written in self._pools:
            rings[:, rows, cursor[rows] % rings.shape[2]] = written[:, rows]
        cursor += self._moves
        age += self._moves

    def reset(self, row: int | slice) -> None:
        """Make a row (or slice of rows) new: small state initial, age 0; cursor and rings stay, as age masks them. A
        run that was not committed is dropped."""
        self._pending = False
        for name, value in self._small[self._side].items():
            value[row] = self.spec.state[name].initial
        self._in[AGE][row] = 0

    def warm_up(self, runs: int = 3) -> None:
        """Run ``runs`` times on the inputs as they stand and leave the state as it was: first runs allocate, slowly."""
        for _ in range(runs):
            self._session.run_with_iobinding(self._bindings[self._side])
        self._pending = False

    def updates(self) -> dict[str, Array]:
        """What committing the last run will change: small state whole ``(batch, *shape)``, of each ring its new row
        ``(batch, *shape[1:])``, as views. Raises :class:`RuntimeRefusal` where no run waits to be committed."""
        if not self._pending:
            raise RuntimeRefusal(f"{self.bundle.name}: no run waits to be committed; look at updates after run")
        return {**self._small[1 - self._side], **self._rows}

    def state_dict(self) -> dict[str, Array]:
        """Copies of all state, name -> ``(batch, *shape)``, and of ``cursor`` and ``age`` ``(batch,)``."""
        state = {**self._small[self._side], **self._rings, CURSOR: self._in[CURSOR], AGE: self._in[AGE]}
        return {name: value.copy() for name, value in state.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take over what :meth:`state_dict` gave, here or of another session of this bundle and batch size."""
        self._pending = False
        own = {**self._small[self._side], **self._rings, CURSOR: self._in[CURSOR], AGE: self._in[AGE]}
        if set(own) != set(state):
            raise RuntimeRefusal(f"{self.bundle.name}: state {sorted(set(own) ^ set(state))} is missing or unknown")
        for name, value in own.items():
            if state[name].shape != value.shape:
                raise RuntimeRefusal(
                    f"{self.bundle.name}: state {name} has shape {state[name].shape}, this session needs {value.shape}"
                )
            value[...] = state[name]

    def _pool(self, batch: int) -> list[tuple[Array, Array]]:
        """Make rings and their new rows. Those of one shape lie side by side, each whole, so that one assignment
        writes all their rows: measured for 8 rings, 7 us a frame against 40."""
        alike: dict[tuple[str, tuple[int, ...]], list[str]] = {}
        for name, item in self.spec.state.items():
            if item.kind == "ring":
                alike.setdefault((item.dtype, item.shape), []).append(name)
        pools = []
        for (dtype, shape), names in alike.items():
            rings = _aligned((len(names), batch, *shape), dtype)
            written = _aligned((len(names), batch, *shape[1:]), dtype)
            self._rings |= dict(zip(names, rings, strict=True))
            self._rows |= dict(zip(names, written, strict=True))
            pools.append((rings, written))
        return pools

    def _bind(self, current: Mapping[str, Array], following: Mapping[str, Array]) -> Any:
        binding = self._session.io_binding()
        states = {f"state.{name}": value for name, value in {**current, **self._rings}.items()}
        for name, value in {**self._in, **states}.items():
            binding.bind_input(name, "cpu", 0, value.dtype.type, value.shape, value.ctypes.data)
        results = {f"next.{name}": value for name, value in following.items()}
        results |= {f"row.{name}": value for name, value in self._rows.items()}
        for name, value in {**self._out, **results}.items():
            binding.bind_output(name, "cpu", 0, value.dtype.type, value.shape, value.ctypes.data)
        return binding


def graph_signature(
    spec: StreamSpec,
) -> tuple[dict[str, tuple[str, tuple[int, ...]]], dict[str, tuple[str, tuple[int, ...]]]]:
    """Inputs and outputs of a step's graph in order, name -> (dtype, shape without the batch axis). Raises
    :class:`~engine.spec.SpecError` where a spec's own name is one that the graph needs."""
    inputs = {item.name: (item.dtype, (1, *item.shape)) for item in spec.inputs}
    outputs = {item.name: (item.dtype, (1, *item.shape)) for item in spec.outputs}
    for name, item in spec.state.items():
        inputs[f"state.{name}"] = (item.dtype, item.shape)
        if item.kind == "small":
            outputs[f"next.{name}"] = (item.dtype, item.shape)
        else:
            outputs[f"row.{name}"] = (item.dtype, item.shape[1:])
    clock: dict[str, tuple[str, tuple[int, ...]]] = {CURSOR: ("int64", ()), AGE: ("int64", ()), ACTIVE: ("bool", ())}
    taken = [name for name in (*inputs, *outputs) if [*inputs, *outputs, *clock].count(name) > 1]
    if taken:
        raise SpecError(f"{spec.name}: {sorted(set(taken))} is a name that the graph uses itself; name it otherwise")
    return {**inputs, **clock}, outputs


def _session(bundle: Bundle, batch: int, threads: int, provider: str) -> Any:
    import onnxruntime  # a tenth of a second: only those who run a graph pay for it

    if provider not in PROVIDERS:
        raise RuntimeRefusal(f"provider {provider!r} is unknown; there is {', '.join(PROVIDERS)}")
    wanted = PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise RuntimeRefusal(
            f"provider {provider!r}: this ONNX Runtime ({onnxruntime.__version__}) was built without it and has "
            f"{', '.join(available)}; install onnxruntime-gpu in place of onnxruntime, or use provider 'cpu'"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name(BATCH, batch)
    try:
        # From verified bytes, not from the path: what was hashed is what runs, and no external file can be pulled in.
        session = onnxruntime.InferenceSession(bundle.read(bundle.onnx.file), options, providers=[wanted])
    except BundleError:
        raise
    except Exception as error:  # the runtime's own exceptions share no narrower base
        reason = " ".join(str(error).split())[:300]
        raise BundleError(
            f"{bundle.path}: ONNX Runtime {onnxruntime.__version__} refuses the graph: {reason}"
        ) from error
    got = session.get_providers()
    if got[0] != wanted:
        raise RuntimeRefusal(
            f"provider {provider!r}: asked for {wanted}, the session got {', '.join(got)}: its driver or libraries are "
            "missing (CUDA and cuDNN of the versions that ONNX Runtime names); mend them or use provider 'cpu'"
        )
    return session


def _check(
    bundle: Bundle, kind: str, found: list[Any], wanted: Mapping[str, tuple[str, tuple[int, ...]]], batch: int
) -> None:
    there = {item.name: item for item in found}
    for name in (*wanted, *there):
        if name not in there:
            raise BundleError(f"{bundle.path}: the graph has no {kind} {name!r} that its spec needs; export it again")
        if name not in wanted:
            raise BundleError(
                f"{bundle.path}: the graph has an {kind} {name!r} that its spec does not; export it again"
            )
        dtype, shape = wanted[name]
        if there[name].type != _ELEMENTS.get(dtype):
            raise BundleError(
                f"{bundle.path}: graph {kind} {name!r} is {there[name].type}, the spec says {dtype}; export it again"
            )
        if list(there[name].shape) not in ([BATCH, *shape], [batch, *shape]):
            raise BundleError(
                f"{bundle.path}: graph {kind} {name!r} has shape {there[name].shape}, "
                f"the spec says {[batch, *shape]} at batch {batch}; export it again"
            )


def _aligned(shape: tuple[int, ...], dtype: str, alignment: int = 64) -> Array:
    """Zeros that start on a cache line, where ONNX Runtime's kernels read them fastest."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    raw = np.zeros(size + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size].view(kind).reshape(shape)
