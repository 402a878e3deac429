"""State on a card: the same numbers as on the processor, nothing but inputs and outputs over the bus, and calls of the
CUDA library as it wants them."""

from __future__ import annotations

import ctypes
import gc
import itertools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.runtime import RuntimeRefusal, cuda, drive, open_runtime
from engine.runtime.cuda import CudaMemory, CudaRuntime
from engine.runtime.device import DeviceStore
from engine.spec import CURSOR, StreamSpec
from tests.engine.runtime.card import LINE, HostMemory
from tests.engine.runtime.made import ROWS, advance, draw, fill, same
from tests.export.tiny import WIDTH, WINDOW

TO_DEVICE, TO_HOST, WITHIN = 1, 2, 3  # cudaMemcpyKind, as the library has it
CLOCKS = (8, 8, 1)  # bytes a row of cursor, age and active


def handed(items: Any, rows: int, clocks: tuple[int, ...] = ()) -> int:
    """Bytes of inputs or outputs, each on lines of its own."""
    sizes = [math.prod(item.shape) * np.dtype(item.dtype).itemsize for item in items]
    return sum(-(-size * rows // LINE) * LINE for size in (*sizes, *clocks))


def crossed(memory: HostMemory, do: Callable[[], object]) -> tuple[int, int]:
    """Bytes that go up and down while something is done."""
    up, down = memory.up, memory.down
    do()
    return memory.up - up, memory.down - down


def ring_bytes(spec: StreamSpec) -> int:
    return sum(4 * math.prod(item.shape) for item in spec.state.values() if item.kind == "ring")


def test_no_ring_crosses_the_bus():
    """The bundle with the largest rings: a step moves a hundredth of them, and that is its inputs and outputs."""
    bundle, memory, rows = Bundle.load("reaction"), HostMemory(), 2
    runtime = CudaRuntime(bundle, rows, memory=memory)
    up, down = handed(bundle.spec.inputs, rows, CLOCKS), handed(bundle.spec.outputs, rows)
    assert 100 * (up + down) < rows * ring_bytes(bundle.spec)

    def frame() -> None:
        runtime.run()
        runtime.commit()

    for _ in range(3):
        assert crossed(memory, frame) == (up, down)
    assert crossed(memory, lambda: runtime.reset(0)) == (0, 0)
    assert crossed(memory, lambda: runtime.move(0, 1)) == (0, 0)
    assert crossed(memory, runtime.run) == (up, down)
    assert crossed(memory, lambda: runtime.commit(np.array([True, False]))) == (0, 0)


def test_a_commit_moves_the_rows_that_count_and_nothing_else(bundle: Bundle):
    memory = HostMemory()
    runtime = CudaRuntime(bundle, 4, memory=memory)
    small, new = 4 * 16 + 8, 2 * 4 * WIDTH  # tail and hits; a row of past and of faces
    for counts, calls in (([0, 0, 0, 0], 0), ([0, 1, 1, 0], 2 + 2), ([1, 0, 1, 1], 4 + 3)):
        runtime.run()
        before, done = memory.within, memory.calls
        runtime.commit(np.array(counts, np.bool_))
        assert memory.within - before == sum(counts) * (small + new)
        assert memory.calls - done == calls
    runtime.run()
    done = memory.calls
    runtime.commit()
    assert memory.calls - done == 1 + 4  # small state of all rows in one piece


def test_all_that_the_graph_is_bound_to_is_on_the_card(bundle: Bundle):
    memory = HostMemory()
    store = DeviceStore(bundle.spec, 4, memory)
    reads, writes = store.places()
    assert set(reads) == {
        *("audio", "face", "face_valid", "gain", "noise", "cursor", "age", "active"),
        *(f"state.{name}" for name in bundle.spec.state),
    }
    assert set(writes) == {"pose", "count", "bad_input", "next.tail", "next.hits", "row.past", "row.faces"}
    for place in (*reads.values(), *writes.values()):
        assert memory.holds(place.address, 4 * place.row)
    taken = sorted((place.address, 4 * place.row) for place in (*reads.values(), *writes.values()))
    assert all(at + size <= after for (at, size), (after, _) in itertools.pairwise(taken))


def test_a_bundle_with_rings_gives_what_it_gives_on_the_processor():
    bundle = Bundle.load("reaction")
    random = np.random.default_rng(0)
    inputs = {
        item.name: random.uniform(0.0, 1.0, (12, 4, *item.shape)).astype(item.dtype) for item in bundle.spec.inputs
    }
    here, there = open_runtime(bundle, rows=4), CudaRuntime(bundle, 4, memory=HostMemory())
    assert same(drive(here, inputs), drive(there, inputs))
    assert same(here.state_dict(), there.state_dict())


def test_a_session_without_state_needs_no_room_for_it(bundle: Bundle):
    """No pool at all, and none of one kind."""
    spec = bundle.spec
    for kinds in ((), ("small",), ("ring",)):
        state = {name: item for name, item in spec.state.items() if item.kind in kinds}
        memory = HostMemory()
        store = DeviceStore(StreamSpec("s", 25.0, spec.inputs, spec.outputs, state, sample_rate=4000), 2, memory)
        store.renew(np.array([0]))
        store.write(np.array([0, 1]), np.array([0, 7]))
        store.write(np.array([1]), np.array([0, 7]))
        store.move(0, 1)
        assert set(store.state()) == set(store.new()) == set(state)


def test_it_is_refused_like_any_other_where_the_provider_is_missing(bundle: Bundle):
    memory = HostMemory()
    memory.device = "tpu"
    with pytest.raises(RuntimeRefusal, match="provider 'tpu' is unknown; there is cpu, cuda"):
        CudaRuntime(bundle, memory=memory)


class Library:
    """The CUDA runtime as far as it is called: kinds of copies, pitches and order are looked at. ``held``: addresses
    not freed. ``code``: what calls return from now on."""

    def __init__(self) -> None:
        self.memory, self.code = HostMemory(), 0
        self.held: list[int] = []
        self.called: list[str] = []
        self.cudaGetErrorString = lambda code: b"no CUDA-capable device is detected"

    def answer(self, name: str) -> int:
        self.called.append(name)
        return self.code

    def cudaMalloc(self, where: Any, size: int) -> int:
        if not self.answer("malloc"):
            where._obj.value = self.memory.alloc(size)
            self.held.append(where._obj.value)
            ctypes.memset(where._obj.value, 0xFF, size)  # what is fresh is not zero
        return self.code

    def cudaFree(self, address: int) -> int:
        self.held.remove(address)
        return self.answer("free")

    def cudaMemset(self, address: Any, value: int, size: int) -> int:
        ctypes.memset(address, value, size)
        return self.answer("memset")

    def cudaMemcpy(self, target: int, source: int, size: int, kind: int) -> int:
        host = (ctypes.c_uint8 * size).from_address(source if kind == TO_DEVICE else target)
        array = np.frombuffer(host, np.uint8)
        if kind == TO_DEVICE:
            self.memory.upload(target, array)
        else:
            assert kind == TO_HOST
            self.memory.download(array, source)
        return self.answer("copy")

    def cudaMemcpy2D(self, *arguments: int) -> int:
        target, target_pitch, source, source_pitch, width, height, kind = arguments
        assert kind == WITHIN
        self.memory.copy(target, target_pitch, source, source_pitch, width, height)
        return self.answer("copy 2-D")

    def cudaDeviceSynchronize(self) -> int:
        self.memory.synchronize()
        return self.answer("synchronize")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setattr(cuda, "_library", lambda: made)
    return made


def test_the_library_is_called_as_it_wants_to_be(bundle: Bundle, library: Library):
    memory = CudaMemory()
    memory.device = "cpu"  # where the fake library's addresses are
    runtime, plain, inputs = CudaRuntime(bundle, ROWS, memory=memory), open_runtime(bundle, rows=ROWS), draw()
    for frame in range(2 * WINDOW):
        counts = np.arange(ROWS) != frame % ROWS
        for one in (runtime, plain):
            fill(one, inputs, frame)
        assert same(runtime.run(), plain.run())
        for one in (runtime, plain):
            one.commit(counts)
    for one in (runtime, plain):
        one.reset(1)
        one.move(2, 0)
    assert same(advance(runtime, inputs, 0), advance(plain, inputs, 0))
    assert same(runtime.state_dict(), plain.state_dict())
    assert runtime.state_dict()[CURSOR].max() > WINDOW


def test_what_was_sent_is_waited_for_before_a_run(bundle: Bundle, library: Library):
    memory = CudaMemory()
    memory.device = "cpu"
    runtime = CudaRuntime(bundle, memory=memory)
    library.called.clear()
    runtime.run()
    assert library.called == ["copy", "synchronize", "synchronize", "copy"]


def test_memory_is_zero_at_first(library: Library):
    memory, found = CudaMemory(), np.ones(40, np.uint8)
    memory.download(found, memory.alloc(40))
    assert not found.any()


def test_its_memory_goes_with_it(library: Library):
    memory = CudaMemory()
    memory.alloc(100)
    assert memory.alloc(0) == 0 and len(library.held) == 1
    del memory
    gc.collect()
    assert not library.held


def test_a_card_that_is_not_there_is_said(library: Library):
    library.code = 100
    with pytest.raises(RuntimeRefusal, match=r"cudaMalloc failed \(100: no CUDA-capable device.*use onnx:cpu"):
        CudaMemory().alloc(8)


def test_a_library_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch):
    tried: list[str] = []

    def refuse(name: str) -> None:
        tried.append(name)
        raise OSError(name)

    monkeypatch.setattr(cuda.ctypes, "CDLL", refuse)
    with pytest.raises(RuntimeRefusal, match=r"libcudart\) is not found; install the wheel nvidia-cuda-runtime"):
        CudaMemory()
    assert len(tried) >= 2 and all("cudart" in name for name in tried)


def test_the_library_of_a_wheel_is_found(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuda.sys, "platform", "linux")
    place = tmp_path / "cuda_runtime" / "lib" / "libcudart.so.12"
    place.parent.mkdir(parents=True)
    place.touch()
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(cuda.importlib.util, "find_spec", lambda name: found if name == "nvidia" else None)
    assert list(cuda._names()) == ["libcudart.so.12", "libcudart.so.13", str(place)]
