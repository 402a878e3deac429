"""The contract every model obeys: a pure, causal step over any number of frames with explicit state.

``model(inputs, state) -> (outputs, updates)`` takes ``(B, T, ...)`` tensors for any T >= 1. Training calls it with a
whole sequence, serving with T = 1; tests hold that any chunking gives the same answer. ``updates`` holds each *small*
state whole and, for each *ring*, only the T new rows; :func:`commit` turns state and updates into the next state, so a
step can be thrown away and run again. No module keeps anything between calls.

Non-finite inputs never reach a network: the base class replaces them by "missing", clears the named validity, clamps
the rest to the declared range and reports the frame in the output ``bad_input``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.spec import AGE, CURSOR, OutputSpec, SpecError, StateSpec, StreamSpec

Tensors = dict[str, Tensor]
Entry = TypeVar("Entry", Tensor, StateSpec)

BAD_INPUT = OutputSpec("bad_input", names=("bad_input",), units=("flag",), low=0.0, high=1.0, codec="flag")


class StreamModel(nn.Module):
    """Base of every model. A subclass sets ``spec`` (with :data:`BAD_INPUT` among the outputs) and writes
    :meth:`frames`, which sees clean inputs only."""

    spec: StreamSpec

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Outputs ``(B, T, ...)`` and state updates for T frames of clean inputs."""
        raise NotImplementedError

    def forward(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Clean the inputs, run :meth:`frames`, add ``bad_input`` (B, T)."""
        clean, bad = sanitise(self.spec, inputs)
        outputs, updates = self.frames(clean, state)
        return {**outputs, BAD_INPUT.name: bad}, updates

    def initial_state(self, batch: int, device: torch.device | str | None = None) -> Tensors:
        """State of ``batch`` rows that have seen nothing."""
        return initial_state(self.spec.state, batch, device)

    def scan(self, inputs: Tensors, state: Tensors, chunk: int | None = None) -> tuple[Tensors, Tensors]:
        """Outputs over all frames and the state after them, fed ``chunk`` frames at a time (None: all at once)."""
        length = next(iter(inputs.values())).shape[1]
        emitted = []
        for start in range(0, length, chunk or length):
            piece = {name: value[:, start : start + (chunk or length)] for name, value in inputs.items()}
            outputs, updates = self(piece, state)
            state = commit(self.spec.state, state, updates, next(iter(piece.values())).shape[1])
            emitted.append(outputs)
        return {name: torch.cat([item[name] for item in emitted], 1) for name in emitted[0]}, state


def initial_state(specs: Mapping[str, StateSpec], batch: int, device: torch.device | str | None = None) -> Tensors:
    """Fresh tensors for the given state specs, the clock among them; batch on axis 0."""
    state = {name: torch.zeros(batch, dtype=torch.int64, device=device) for name in (CURSOR, AGE)}
    for name, spec in specs.items():
        dtype = getattr(torch, spec.dtype)
        state[name] = torch.full((batch, *spec.shape), spec.initial, dtype=dtype, device=device)
    return state


def reset(specs: Mapping[str, StateSpec], state: Tensors, rows: Tensor) -> Tensors:
    """The state with ``rows`` (bool, (B,)) made new: small state to its initial value, age to zero, rings untouched."""
    fresh = dict(state)
    fresh[AGE] = state[AGE].masked_fill(rows, 0)
    for name, spec in specs.items():
        if spec.kind == "small":
            fresh[name] = where_rows(rows, torch.full_like(state[name], spec.initial), state[name])
    return fresh


def commit(
    specs: Mapping[str, StateSpec], state: Tensors, updates: Tensors, frames: int, active: Tensor | None = None
) -> Tensors:
    """The state ``frames`` later. Rows where ``active`` (bool, (B,)) is False keep theirs, rings and clock included."""
    cursor = state[CURSOR]
    moves = torch.ones_like(cursor, dtype=torch.bool) if active is None else active
    steps = frames * moves.to(torch.int64)
    following = {CURSOR: cursor + steps, AGE: state[AGE] + steps}
    rows = torch.arange(cursor.shape[0], device=cursor.device)[:, None]
    for name, spec in specs.items():
        if spec.kind == "small":
            following[name] = where_rows(moves, updates[name], state[name])
            continue
        kept = min(frames, spec.window)
        slots = (cursor[:, None] + torch.arange(frames - kept, frames, device=cursor.device)) % spec.window
        ring = state[name].clone()
        ring[rows, slots] = where_rows(moves, updates[name][:, frames - kept :], ring[rows, slots])
        following[name] = ring
    return following


def sanitise(spec: StreamSpec, inputs: Tensors) -> tuple[Tensors, Tensor]:
    """Inputs without a non-finite or out-of-range number, and the frames (B, T) in which one stood (1) or not (0)."""
    absent = [item.name for item in spec.inputs if item.name not in inputs]
    if absent:
        raise SpecError(f"{spec.name}: inputs {absent} are missing; give every input the spec names")
    clean: Tensors = {}
    cleared: dict[str, Tensor] = {}
    bad_frames: list[Tensor] = []
    for item in spec.inputs:
        value = inputs[item.name]
        if not value.is_floating_point():
            clean[item.name] = value.clamp(int(item.low), int(item.high))
            continue
        finite = torch.isfinite(value)
        bad = ~finite.flatten(2).all(-1) if item.shape else ~finite
        bad_frames.append(bad)
        mask = bad.reshape(*bad.shape, *(1 for _ in item.shape))
        clean[item.name] = torch.where(mask, item.missing, value).clamp(item.low, item.high)
        if item.validity is not None:
            cleared[item.validity] = bad
    for name, bad in cleared.items():
        clean[name] = torch.where(bad, 0.0, clean[name])
    if not bad_frames:
        first = next(iter(clean.values()))
        return clean, torch.zeros(first.shape[:2], device=first.device)
    return clean, torch.stack(bad_frames).any(0).float()


def part(state: Tensors, name: str) -> Tensors:
    """The state of one submodule: entries under ``name.``, prefix removed, and the shared clock."""
    prefix = name + "."
    own = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
    return {**own, **{key: state[key] for key in (CURSOR, AGE) if key in state}}


def named(name: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Entries of a submodule under its dotted name, the inverse of :func:`part`."""
    return {f"{name}.{key}": value for key, value in entries.items()}


def finite(value: Tensor) -> Tensor:
    """``value`` with NaN and infinity replaced by 0: what goes into a state must be able to come out of it.

    A number less itself is 0 unless it is not finite; said so, it is two nodes of a graph fewer than ``isfinite``.
    """
    return torch.where(value - value == 0.0, value, 0.0)


def where_rows(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Per-row choice between tensors of any rank."""
    return torch.where(rows.reshape(-1, *(1 for _ in yes.shape[1:])), yes, no)
