"""A model over arrays, as fast as it goes: what a live session computes, without devices, clock and sockets.

with engine.open("reaction", seed=1) as model:
    faces = model.run({"partner_audio": pcm})["face"]            # (T, 58) of (n,) samples at model.spec.sample_rate
    model.reset(seed=1)
    face = model.step({"partner_audio": pcm[:640]}, nod_rate=2)["face"]  # (58,): one frame, and the state goes on
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bundle import DEFAULT, Bundle
from engine.errors import EngineError
from engine.feeds.gather import NEVER_S
from engine.feeds.held import Held, Vector
from engine.noise import uniform
from engine.roles import ROLES
from engine.runtime import Runtime, drive, open_runtime
from engine.sound.front_end import FrontEnd
from engine.sources.media import MediaFile
from engine.spec import InputSpec, StreamSpec
from engine.text.encoder import TextEncoder, text_encoders

Array = NDArray[Any]
Inputs = Mapping[str, ArrayLike | None]
_INT16 = 32768.0
log = logging.getLogger(__name__)
_COMES = ("samples", "latest", "events")
"""Feeds whose absence a model is told of."""


def open(bundle: str | Path | Bundle = DEFAULT, *, rows: int = 1, seed: int = 0, device: str = "cpu") -> Model:
    """A bundle's model: a name that ships with the engine (reaction, rules, dance, effort) or a bundle's folder.
    ``rows`` independent streams are run together; ``device`` is "cpu" or "cuda". Raises :class:`EngineError` where the
    bundle cannot be read or does not run there."""
    return Model(bundle if isinstance(bundle, Bundle) else Bundle.load(bundle), rows, seed, device)


def read_audio(path: str | Path, rate: int, raw: bool = False) -> NDArray[np.float32]:
    """The sound of a recording (WAV, MP3, FLAC, a film, ...) as mono samples (n,) from -1 to 1 at ``rate`` Hz; (0,) of
    one without sound. It is what a live session would hear of it (:mod:`engine.sound.front_end`), or with ``raw`` the
    mean of the channels as they are. Raises :class:`EngineError` where it cannot be read; of a damaged one comes what
    there is, and a warning, as for what is wrong with its sound."""
    file, front_end = MediaFile(path), FrontEnd(on=not raw)
    sound = np.concatenate([np.zeros(0, np.float32), *(block.samples for block in file.audio(rate, front_end))])
    for text in (*([] if file.problem is None else [file.problem]), *front_end.meter.notices):
        log.warning("%s: %s", path, text)
    return sound


class Model:
    """See the module, and :func:`open`. ``spec`` says what a frame takes and gives: names, shapes, units, rates.

    Inputs are arrays by the names of ``spec.inputs``, of the shapes there; with several ``rows`` (rows, *shape). Sound
    is float32 from -1 to 1, or int16, one hop of ``spec.hop`` samples a frame. What is heard or seen and is not given,
    or given as None, counts as absent in that frame. Controls and texts are given by name and stay until they are
    changed, or for the frames that they were asked for (``hold="hands together for 2 s"``). Noise is drawn by ``seed``
    and the number of the frame, in row r by ``seed`` + r, as in a live session with that seed; validities and ages
    follow; each of these may be given by name instead. Used by one thread.
    """

    def __init__(self, bundle: Bundle, rows: int = 1, seed: int = 0, device: str = "cpu") -> None:
        self.bundle = bundle
        self.spec: StreamSpec = bundle.spec
        self.rows = rows
        self._opened: Runtime | None = open_runtime(bundle, f"onnx:{device}", rows)
        self._encoders: dict[str, TextEncoder] = {}
        self.reset(seed)

    def reset(self, seed: int = 0) -> None:
        """Forget everything, controls included, and begin with frame 0 of ``seed``."""
        if not 0 <= seed <= 2**63:
            raise EngineError(f"seed {seed}: give a whole number from 0 to 2^63")
        self._runtime.reset(slice(None))
        self._seed, self._frame = seed, 0
        self._vectors: dict[tuple[str, str], Vector] = {}
        self._held = Held(self.spec, {}, self._encode)
        self._last: dict[str, int] = {}
        """Of each input that has an age, the frame in which it was given last."""

    def step(self, inputs: Inputs | None = None, **controls: Any) -> dict[str, Array]:
        """The outputs (*shape) of the next frame by name; of several rows (rows, *shape). Raises :class:`EngineError`
        for an input or control that is unknown or does not fit; the state stays as it was then."""
        given = {name: value for name, value in (inputs or {}).items() if value is not None}
        arrays = {name: self._array(name, value, 0) for name, value in given.items()}
        return {name: values[0] for name, values in self._run(arrays, 1, controls).items()}

    def run(self, inputs: Inputs | None = None, frames: int | None = None, **controls: Any) -> dict[str, Array]:
        """The outputs (T, *shape), or (T, rows, *shape), of T frames from the present state on, by name. ``inputs`` are
        (T, *shape), or (T, rows, *shape); sound of one row may be (n,) samples, whose last hop is filled with silence.
        ``frames`` says how many there are where no input does. Raises as :meth:`step`."""
        given = {name: value for name, value in (inputs or {}).items() if value is not None}
        arrays = {name: self._array(name, value, 1) for name, value in given.items()}
        counts = {name: len(value) for name, value in arrays.items()} | ({} if frames is None else {"frames": frames})
        if len(set(counts.values())) != 1:
            told = ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing given says how many"
            raise EngineError(f"{self.bundle.name}: how many frames? {told}; give inputs of one length, or frames")
        return self._run(arrays, next(iter(counts.values())), controls)

    def close(self) -> None:
        """Let the runtime's memory go; safe to call twice."""
        self._opened = None

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _runtime(self) -> Runtime:
        if self._opened is None:
            raise EngineError(f"the model of bundle {self.bundle.name} was closed; open it again")
        return self._opened

    def _run(self, arrays: Mapping[str, Array], frames: int, controls: Mapping[str, Any]) -> dict[str, Array]:
        runtime = self._runtime
        self._set(controls)

        def fill(frame: int) -> None:
            self._fill(runtime.inputs, {name: values[frame] for name, values in arrays.items()})

        made = drive(runtime, fill, frames)
        return made if self.rows > 1 else {name: values[:, 0] for name, values in made.items()}

    def _fill(self, inputs: Mapping[str, Array], given: Mapping[str, Array]) -> None:
        """Write all inputs (rows, *shape) of the next frame."""
        held = self._held.at(self._frame)
        for item in self.spec.inputs:
            if ROLES[item.role].feed in _COMES:
                self._follow(inputs, item, item.name in given)
        for item in self.spec.inputs:
            if item.name in given:
                inputs[item.name][...] = given[item.name]
            elif item.name in held.values:
                inputs[item.name][...] = np.reshape(held.values[item.name], item.shape)
                if item.role == "text" and item.validity is not None and item.validity not in given:
                    inputs[item.validity][...] = float(item.name in held.texts)
            elif item.role == "noise":
                for row in range(self.rows):
                    drawn = uniform(self._seed + row, self._frame, int(np.prod(item.shape)))
                    inputs[item.name][row] = drawn.reshape(item.shape)
        self._frame += 1

    def _follow(self, inputs: Mapping[str, Array], item: InputSpec, there: bool) -> None:
        """What goes along with something that is heard or seen: whether it is there, and how old it is."""
        if not there:
            inputs[item.name][...] = item.missing
        else:
            self._last[item.name] = self._frame
        if item.validity is not None:
            inputs[item.validity][...] = float(there)
        if item.age is not None:
            last = self._last.get(item.name)
            inputs[item.age][...] = NEVER_S if last is None else min(NEVER_S, (self._frame - last) / self.spec.rate)

    def _set(self, controls: Mapping[str, Any]) -> None:
        """Set controls and texts, or none of them where a text cannot be encoded."""
        if not controls:
            return
        for name, text in self._held.encoded(controls).items():
            self._encoders = self._encoders or text_encoders(self.bundle)
            self._vectors[name, text] = self._encoders[name].encode(text).vector
        self._held.set(controls)
        self._vectors.clear()

    def _encode(self, name: str, text: str, done: Callable[[Vector | EngineError], None]) -> None:
        done(self._vectors[name, text])

    def _array(self, name: str, value: ArrayLike, axes: int) -> Array:
        """An input as (frames, rows, *shape), from a value of the frame's shape (``axes`` 0) or of many frames (1)."""
        item = self.spec.input(name)
        wanted = item.shape if self.rows == 1 else (self.rows, *item.shape)
        try:
            found = np.asarray(value)
            if item.role == "audio" and found.dtype == np.int16:
                found = found.astype(np.float32) / _INT16
            found = found.astype(item.dtype)
        except (TypeError, ValueError) as error:
            raise EngineError(f"input {name} of bundle {self.bundle.name}: no numbers; give {_form(wanted)}") from error
        if axes and item.role == "audio" and found.ndim == 1 and self.rows == 1:
            found = np.pad(found, (0, -len(found) % self.spec.hop)).reshape(-1, self.spec.hop)
        if found.ndim != axes + len(wanted) or found.shape[axes:] != wanted:
            form = _form(("frames", *wanted) if axes else wanted)
            raise EngineError(f"input {name} of bundle {self.bundle.name} has shape {_form(found.shape)}; give {form}")
        return found.reshape(-1, self.rows, *item.shape) if axes else found.reshape(1, self.rows, *item.shape)


def _form(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})" if shape else "one number"
