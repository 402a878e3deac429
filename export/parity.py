"""The parity ladder: the same recording through the model whole, the model step by step, and the bundle.

Differences are relative to ``max(1, |value|)``, for pixels to ``max(100, |value|)``, and judged against one tolerance.
Every rung is compared to the model
step by step: its outputs, and on the runtime's rungs also the state that follows. *Teacher-forced* gives the bundle the
model's own state before every frame, so each frame is judged alone; *free-running* lets it keep its own.

A model that decides (a threshold, a draw, an event) may decide otherwise where two runtimes round otherwise, and a free
run then goes its own way. Such a frame is excused if the model itself, with inputs and state moved by at most
``MARGIN``, gives what the other gave; it is counted and named, the run is put back to the model's state, and goes on.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.bundle import Bundle
from engine.runtime import open_runtime, steps
from engine.spec import CURSOR, StreamSpec
from models.contract import StreamModel, Tensors, commit

MARGIN = 1e-5
"""How far inputs and state may be moved, relative to ``max(1, |value|)``, to call a decision a tie."""
_TRIES = 256
_MOST_TIES = 20
_LOOK_BACK = 32  # frames: a tie in hidden state may show only later, and a whole run has no state to look at on the way
USUAL = {"px": 100.0}
"""Size below which differences are told as they are, by unit, 1 where none is named: a body is hundreds of pixels tall
and about a metre, so rounding that shows in a pixel's ten-thousandth does not show in a metre's."""
Arrays = dict[str, NDArray[Any]]


@dataclass
class Rung:
    """What one way of running gave: largest difference per output (and ``state``) over ``frames`` compared frames,
    ``ties`` (excused frames), the first unexcused frame beyond tolerance, ``broken``, if any, and what was ``beyond``
    tolerance in the last frame that was."""

    name: str
    worst: dict[str, float] = field(default_factory=dict)
    frames: int = 0
    ties: list[int] = field(default_factory=list)
    broken: int | None = None
    beyond: dict[str, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        """Largest difference of all."""
        return max(self.worst.values(), default=0.0)

    def see(self, differences: dict[str, float]) -> None:
        """Take one accepted frame into account."""
        self.frames += 1
        for name, value in differences.items():
            self.worst[name] = max(self.worst.get(name, 0.0), value)


class Follower:
    """A bundle, one row, which runs frame by frame beside something else; ``frames`` at most."""

    def __init__(self, bundle: Bundle, frames: int) -> None:
        self.runtime = open_runtime(bundle)
        self._given: Mapping[str, NDArray[Any]] = {}
        self._state: Mapping[str, NDArray[Any]] | None = None
        self._steps = steps(self.runtime, self._fill, frames)

    def put(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Let the next frame go on from this state (1, *shape) and not from its own."""
        self._state = state

    def step(self, given: Mapping[str, NDArray[Any]]) -> tuple[Arrays, Arrays]:
        """Outputs and state updates (1, *shape) of the next frame, given its inputs (1, *shape)."""
        self._given = given
        outputs = {name: value.copy() for name, value in next(self._steps).items()}
        return outputs, {name: value.copy() for name, value in self.runtime.updates().items()}

    def _fill(self, _: int) -> None:
        if self._state is not None:
            self.runtime.load_state(self._state)
            self._state = None
        for name, value in self._given.items():
            self.runtime.inputs[name][...] = value


def climb(
    model: StreamModel,
    bundle: Bundle,
    inputs: Arrays,
    tolerance: float,
    advance: Callable[[], None] = lambda: None,
) -> list[Rung]:
    """The rungs whole, teacher-forced and free-running over ``inputs`` (T, *shape), one row, one thread. ``advance`` is
    called after every frame."""
    tensors = {name: torch.from_numpy(value)[None] for name, value in inputs.items()}
    frames = next(iter(inputs.values())).shape[0]
    whole, forced, free = Rung("torch whole"), Rung("onnx teacher-forced"), Rung("onnx free-running")
    usual = usual_sizes(model.spec)
    followers = {forced.name: Follower(bundle, frames), free.name: Follower(bundle, frames)}
    with torch.inference_mode():
        state = model.initial_state(1)
        sequence, _ = model.scan(tensors, state)
        sequence_from = 0
        history: deque[tuple[Tensors, Tensors]] = deque(maxlen=_LOOK_BACK)
        for frame in range(frames):
            given = {name: value[:, frame : frame + 1] for name, value in tensors.items()}
            outputs, updates = model(given, state)
            following = commit(model.spec.state, state, updates, 1)
            answer, changes = _arrays(outputs), _changes(model, updates)
            history.append((given, state))

            if whole.broken is None:
                theirs = {name: value[:, frame - sequence_from].numpy() for name, value in sequence.items()}
                if not _accept(whole, _differences(answer, theirs, usual), tolerance):
                    if not any(_undecided(model, *moment, tolerance) for moment in history):
                        whole.broken = frame
                    elif _excuse(whole, frame) and frame + 1 < frames:
                        rest = {name: value[:, frame + 1 :] for name, value in tensors.items()}
                        sequence, _ = model.scan(rest, following)
                        sequence_from = frame + 1

            row = {name: value[:, 0].numpy() for name, value in given.items()}
            followers[forced.name].put(_numpy(state))
            for rung in (forced, free):
                if rung.broken is not None:
                    continue
                theirs, their_changes = followers[rung.name].step(row)
                differences = _differences(answer, theirs, usual)
                differences["state"] = max(_differences(changes, their_changes, {}).values(), default=0.0)
                if not _accept(rung, differences, tolerance):
                    if not _reproduced(model, given, state, theirs, their_changes, tolerance):
                        rung.broken = frame
                    elif _excuse(rung, frame):
                        followers[rung.name].put(_numpy(following))
            state = following
            advance()
    return [whole, forced, free]


def _accept(rung: Rung, differences: dict[str, float], tolerance: float) -> bool:
    if max(differences.values()) <= tolerance:
        rung.see(differences)
        return True
    rung.beyond = {name: value for name, value in differences.items() if value > tolerance}
    return False


def _excuse(rung: Rung, frame: int) -> bool:
    """Count a tie; too many of them are no accident, and break the rung."""
    rung.ties.append(frame)
    if len(rung.ties) > _MOST_TIES:
        rung.broken = frame
    return rung.broken is None


def _numpy(state: Tensors) -> Arrays:
    return {name: value.numpy() for name, value in state.items()}


def _arrays(outputs: Tensors) -> Arrays:
    return {name: value[:, 0].numpy() for name, value in outputs.items()}


def _changes(model: StreamModel, updates: Tensors) -> Arrays:
    """State updates as a runtime reports them: small state whole, one row of each ring."""
    kinds = model.spec.state
    return {name: (updates[name] if kinds[name].kind == "small" else updates[name][:, 0]).numpy() for name in kinds}


def usual_sizes(spec: StreamSpec) -> dict[str, float]:
    """:data:`USUAL` of each output."""
    return {item.name: max(USUAL.get(unit, 1.0) for unit in item.units or ("",)) for item in spec.outputs}


def _differences(mine: Arrays, theirs: Arrays, usual: Mapping[str, float]) -> dict[str, float]:
    return {
        name: float(_gap(value, theirs[name], usual.get(name, 1.0)).max(initial=0.0)) for name, value in mine.items()
    }


def _gap(mine: NDArray[Any], theirs: NDArray[Any], usual: float) -> NDArray[np.float64]:
    """Element by element, relative to ``max(usual, |mine|)``; infinite where one is not finite and the other
    differs."""
    a, b = mine.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gap = np.abs(a - b) / np.maximum(usual, np.abs(a))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isfinite(gap), gap, math.inf))


def _nearby(model: StreamModel, given: Tensors, state: Tensors) -> tuple[Arrays, Arrays]:
    """Answers and state updates of the model for ``_TRIES`` inputs and states within the margin, one a row."""
    generator = torch.Generator().manual_seed(0)

    def moved(value: Tensor) -> Tensor:
        many = value.expand(_TRIES, *value.shape[1:]).clone()
        if not many.is_floating_point():
            return many
        shift = (torch.rand(many.shape, generator=generator) * 2 - 1) * MARGIN
        # Some rows move as one: the sum of many elements hardly moves when each goes its own way.
        together = torch.rand(_TRIES // 4, *(1 for _ in many.shape[1:]), generator=generator) * 2 - 1
        shift[: _TRIES // 4] = together * MARGIN
        return many + shift * many.abs().clamp_min(1.0)

    near = {name: moved(value) if name != CURSOR else value.expand(_TRIES) for name, value in state.items()}
    outputs, updates = model({name: moved(value) for name, value in given.items()}, near)
    return _arrays(outputs), _changes(model, updates)


def _undecided(model: StreamModel, given: Tensors, state: Tensors, tolerance: float) -> bool:
    """Whether moving by the margin makes the model's own answer jump."""
    outputs, updates = model(given, state)
    mine = {**_arrays(outputs), **_changes(model, updates)}
    nearby, usual = _nearby(model, given, state), usual_sizes(model.spec)
    moved = {**nearby[0], **nearby[1]}
    jumps = [
        _gap(np.broadcast_to(value, moved[name].shape), moved[name], usual.get(name, 1.0)).max(initial=0.0)
        for name, value in mine.items()
    ]
    return bool(max(jumps) > max(tolerance, 100 * MARGIN))


def _reproduced(
    model: StreamModel, given: Tensors, state: Tensors, theirs: Arrays, their_changes: Arrays, tolerance: float
) -> bool:
    """Whether the model gives their answer and their state for some input and state within the margin."""
    nearby, usual = _nearby(model, given, state), usual_sizes(model.spec)
    moved, wanted = {**nearby[0], **nearby[1]}, {**theirs, **their_changes}
    gaps = [
        _gap(np.broadcast_to(wanted[name], value.shape), value, usual.get(name, 1.0))
        .reshape(_TRIES, -1)
        .max(axis=1, initial=0.0)
        for name, value in moved.items()
    ]
    # A state within the margin gives answers about as far from the bundle's as the margin, on top of the tolerance.
    return bool(np.max(gaps, axis=0).min() <= max(tolerance, 100 * MARGIN))
