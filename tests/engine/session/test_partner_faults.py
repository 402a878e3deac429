"""What a partner's tracker or a peer may send, in front of the real dancer: its body does not jump because of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.clock import FakeClock
from engine.feeds.feeds import Feeds
from engine.feeds.latest import PoseSample
from engine.runtime import Runtime, open_runtime
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.wire import Flag, Frame

FRAMES = 60
MOST_A_FRAME = 0.12
"""Metres that the dancer's root moves in a frame at most: 3.6 m/s, a leap."""


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return open_runtime(Bundle.load("dance"))


def danced(runtime: Runtime, partner: Callable[[int, np.ndarray], np.ndarray]) -> tuple[np.ndarray, list[Flag]]:
    """The dancer's root (frames, 3), and the flags, beside a partner whose pose in frame k is ``partner(k, rest)``."""
    clock, spec = FakeClock(), runtime.spec
    runtime.reset(0)
    feeds = Feeds.of(spec, clock.now_ns())
    roots: list[np.ndarray] = []
    flags: list[Flag] = []

    def keep(frame: Frame) -> None:
        if frame.stream == 0:
            roots.append(frame.values[:3].copy())
            flags.append(frame.flags)

    slot = Slot(*(spec, feeds, keep, clock), seed=3, given={("body", "partner")}, frames=FRAMES)
    standing = spec.skeletons[0].rest_positions()
    standing += np.float32([1.0, 0.95 - standing[0, 1], 0.5])
    for index in range(FRAMES):
        at = feeds.start_ns + round((index + 1) * 1e9 / spec.rate)
        feeds.latest["body", "partner"].put(PoseSample(at, partner(index, standing).astype(np.float32), True))
    # All poses lie in the ring: what a frame sees is decided by its time alone.
    loop = Loop(runtime, clock)
    loop.join(slot)
    loop.run(threading.Event(), until_empty=True)
    return np.array(roots), flags


def fastest(roots: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(roots, axis=0), axis=1).max())


def outlier(index: int, standing: np.ndarray) -> np.ndarray:
    return standing + 1e6 if index == 40 else standing


def aside(index: int, standing: np.ndarray) -> np.ndarray:
    return standing + np.float32([5, 0, 0]) if 40 <= index < 50 else standing


def centimetres(_: int, standing: np.ndarray) -> np.ndarray:
    return 100 * standing


def huge(index: int, standing: np.ndarray) -> np.ndarray:
    return np.full_like(standing, 1e38) if index % 2 else standing


@pytest.mark.parametrize("fault", [outlier, aside, centimetres, huge])
def test_the_dancer_does_not_jump_because_of_its_partner(
    runtime: Runtime, fault: Callable[[int, np.ndarray], np.ndarray]
) -> None:
    roots, flags = danced(runtime, fault)
    assert len(roots) == FRAMES and np.isfinite(roots).all()
    assert any(Flag.UNSOUND in flag for flag in flags)
    assert fastest(roots) < MOST_A_FRAME
    calm, quiet = danced(runtime, lambda _, standing: standing)
    assert not any(Flag.UNSOUND in flag for flag in quiet)
    if fault is not centimetres:  # who sees nobody dances elsewhere
        assert np.linalg.norm(roots - calm, axis=1).max() < 1.0
