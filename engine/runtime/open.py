"""One function opens a bundle's step, wherever it is to run."""

from __future__ import annotations

from collections.abc import Sequence

from engine.bundle import Bundle
from engine.bundle.trial import trusted
from engine.runtime.protocol import Runtime, RuntimeRefusal

RUNTIMES = {"onnx:cpu": "ONNX Runtime on the processor", "onnx:cuda": "ONNX Runtime on an NVIDIA card"}


def open_runtime(
    bundle: Bundle, where: str = "onnx:cpu", rows: int = 1, buckets: Sequence[int] | None = None, threads: int = 1
) -> Runtime:
    """``rows`` rows of a bundle's step, in blocks of the sizes ``buckets`` (default: one block of all rows). Raises
    :class:`RuntimeRefusal` where it cannot run there, and never runs it elsewhere; :class:`~engine.bundle.BundleError`
    where the graph does not fit the spec, or a stranger's bundle did not pass its trial."""
    if where not in RUNTIMES:
        known = ", ".join(f"{name} ({about})" for name, about in RUNTIMES.items())
        raise RuntimeRefusal(f"runtime {where!r} is unknown; there is {known}")
    trusted(bundle)
    if where == "onnx:cuda":
        from engine.runtime.cuda import CudaRuntime

        return CudaRuntime(bundle, rows, threads, buckets)
    from engine.runtime.onnx import OnnxRuntime

    return OnnxRuntime(bundle, rows, threads, buckets)
