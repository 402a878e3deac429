"""A bundle's step on an NVIDIA card: ONNX Runtime's CUDA provider over state that stays in the card's memory.

The card's memory is reached through the CUDA runtime library by ctypes, since neither numpy nor ONNX Runtime copies
between two addresses on it. Order: copies go to the legacy default stream, one after the other; ONNX Runtime makes its
own stream, which does not wait for that one, and waits for its own at the end of a run. So before a run everything sent
to the card is waited for (``cudaDeviceSynchronize``, some microseconds), and after it too, before outputs are fetched
and rows committed; between the two nothing else touches the buffers.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.bundle import Bundle
from engine.runtime.arrays import Bytes
from engine.runtime.device import DeviceStore, Memory
from engine.runtime.onnx import OnnxRuntime
from engine.runtime.protocol import RuntimeRefusal

TO_DEVICE, TO_HOST, WITHIN = 1, 2, 3
"""``cudaMemcpyKind``."""
_VERSIONS = ("12", "13")
_SIZE, _POINTER = ctypes.c_size_t, ctypes.c_void_p
_CALLS: dict[str, tuple[Any, ...]] = {
    "cudaMalloc": (ctypes.POINTER(_POINTER), _SIZE),
    "cudaFree": (_POINTER,),
    "cudaMemset": (_POINTER, ctypes.c_int, _SIZE),
    "cudaMemcpy": (_POINTER, _POINTER, _SIZE, ctypes.c_int),
    "cudaMemcpy2D": (_POINTER, _SIZE, _POINTER, _SIZE, _SIZE, _SIZE, ctypes.c_int),
    "cudaDeviceSynchronize": (),
}


class CudaRuntime(OnnxRuntime):
    """As :class:`~engine.runtime.onnx.OnnxRuntime`, with all state in ``memory``, by default that of the first card.
    Raises :class:`RuntimeRefusal` where there is no card, no library or no such provider."""

    where = "onnx:cuda"

    def __init__(
        self,
        bundle: Bundle,
        rows: int = 1,
        threads: int = 1,
        buckets: Sequence[int] | None = None,
        memory: Memory | None = None,
    ) -> None:
        provider = "cuda" if memory is None else memory.device
        super().__init__(
            bundle,
            rows,
            threads,
            buckets,
            provider,
            # Made after the sessions: they say better what is missing, and load the library that is found here.
            store=lambda spec, count: DeviceStore(spec, count, CudaMemory() if memory is None else memory),
        )


class CudaMemory:
    """A :class:`~engine.runtime.device.Memory`: that of the first card. Raises :class:`RuntimeRefusal` where the CUDA
    runtime library is not found or refuses."""

    device = "cuda"

    def __init__(self) -> None:
        self._library = _library()
        self._held: list[int] = []
        weakref.finalize(self, _free, self._library, self._held).atexit = False  # the process takes all with it

    def alloc(self, size: int) -> int:
        """See :class:`~engine.runtime.device.Memory`."""
        if not size:
            return 0
        address = _POINTER()
        self._call("cudaMalloc", ctypes.byref(address), size)
        assert address.value is not None
        self._held.append(address.value)
        self._call("cudaMemset", address, 0, size)
        return address.value

    def upload(self, target: int, source: Bytes) -> None:
        """See :class:`~engine.runtime.device.Memory`."""
        self._call("cudaMemcpy", target, source.ctypes.data, source.nbytes, TO_DEVICE)

    def download(self, target: Bytes, source: int) -> None:
        """See :class:`~engine.runtime.device.Memory`."""
        self._call("cudaMemcpy", target.ctypes.data, source, target.nbytes, TO_HOST)

    def copy(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, height: int) -> None:
        """See :class:`~engine.runtime.device.Memory`."""
        self._call("cudaMemcpy2D", target, target_pitch, source, source_pitch, width, height, WITHIN)

    def synchronize(self) -> None:
        """See :class:`~engine.runtime.device.Memory`."""
        self._call("cudaDeviceSynchronize")

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            said = self._library.cudaGetErrorString(code).decode(errors="replace")
            raise RuntimeRefusal(
                f"onnx:cuda: {name} failed ({code}: {said}); look at the card with nvidia-smi, or use onnx:cpu"
            )


def _free(library: Any, held: list[int]) -> None:
    for address in held:
        library.cudaFree(address)


def _library() -> Any:
    """The CUDA runtime library, its functions typed."""
    for name in _names():
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        for call, arguments in _CALLS.items():
            getattr(library, call).argtypes = arguments
        library.cudaGetErrorString.restype = ctypes.c_char_p
        return library
    raise RuntimeRefusal(
        "onnx:cuda: the CUDA runtime library (libcudart) is not found; install the wheel nvidia-cuda-runtime of the "
        "version that ONNX Runtime names, or use onnx:cpu"
    )


def _names() -> Iterator[str]:
    """Where it may be: loaded already or in the system's path, then in NVIDIA's wheels."""
    windows = sys.platform == "win32"
    names = [("cudart64_{}.dll" if windows else "libcudart.so.{}").format(version) for version in _VERSIONS]
    yield from names
    found = importlib.util.find_spec("nvidia")
    for folder in (found.submodule_search_locations or []) if found else []:
        for name in names:
            yield from map(str, sorted(Path(folder).glob(f"*/{'bin' if windows else 'lib'}/{name}")))
