"""ONNX Runtime sessions of a bundle: made from verified bytes, on the provider asked for, held against the spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bundle import Bundle, BundleError
from engine.runtime.protocol import BATCH, RuntimeRefusal

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_ELEMENTS = {"float32": "tensor(float)", "int64": "tensor(int64)", "bool": "tensor(bool)"}
Signature = Mapping[str, tuple[str, tuple[int, ...]]]


def make_session(bundle: Bundle, batch: int, threads: int = 1, provider: str = "cpu", file: str | None = None) -> Any:
    """A session of the bundle's step, or of another graph ``file`` of it, for batches of ``batch``. One that did not
    get the provider asked for is refused, never run on another (:class:`RuntimeRefusal`); :class:`BundleError` where
    the graph does not load."""
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
    if provider == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # CUDA and cuDNN from NVIDIA's wheels, where the system has none
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name(BATCH, batch)
    try:
        # From verified bytes, not from the path: what was hashed is what runs, and no external file can be pulled in.
        session = onnxruntime.InferenceSession(bundle.read(file or bundle.onnx.file), options, providers=[wanted])
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


def check_signature(bundle: Bundle, session: Any, wanted: tuple[Signature, Signature], batch: int) -> None:
    """Hold a session's inputs and outputs against the names, types and shapes of a spec's graph. Raises
    :class:`BundleError` naming what differs."""
    _check(bundle, "input", session.get_inputs(), wanted[0], batch)
    _check(bundle, "output", session.get_outputs(), wanted[1], batch)


def _check(bundle: Bundle, kind: str, found: list[Any], wanted: Signature, batch: int) -> None:
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
