"""What one frame of a model takes, gives and carries: inputs, outputs and state, each as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.plain import STRICT

InputRole = Literal["audio", "face", "body", "feature", "words", "control", "text", "validity", "age", "noise", "ids"]
StateKind = Literal["small", "ring"]


@dataclass(frozen=True)
class InputSpec:
    """One input of a frame: what it is (``role``, see :mod:`engine.roles`) and, if heard or seen, whose (``of``).

    ``low`` and ``high`` bound every element (values are clamped, so a wild number cannot reach a state).
    ``missing`` fills a frame that holds a non-finite number; where ``validity`` names another input, that one is set
    to 0 on the same frame. ``age`` names the input that carries this one's age in seconds. Controls use ``missing`` as
    their default. A control with ``names`` is a choice: its values are 0 to the number of names less one, and it is
    set by name. A body, shape (joints, 3) in metres, names its ``skeleton``. ``speed`` (units a second) is the
    fastest that any element of a face or body is believed to move; what jumps farther does not reach the model. A
    control that ``follows`` "speaking" is 1 while the one it is ``of`` speaks and 0 otherwise, unless set by hand. A
    text that ``follows`` another text input is what the rules of :mod:`engine.text.fields` read in that one under this
    input's name, unless set by hand.

    A control of shape (N,) with ``choices`` is set in words (:mod:`engine.phrases`): element i is *free* at -1, its
    ``missing`` value, or holds one of the labels ``choices[i]`` at 0, 1 and so on. ``names[i]`` says with one ``{}``
    what the label is of ("left elbow {}"). Names and labels give other ways to say the same after a ``|``; the first is
    shown.
    """

    name: str
    role: InputRole
    shape: tuple[int, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    missing: float = 0.0
    validity: str | None = None
    age: str | None = None
    unit: str = ""
    names: tuple[str, ...] = ()
    dtype: str = "float32"
    about: str = ""
    skeleton: str = ""
    of: str = ""
    speed: float = math.inf
    follows: str = ""
    choices: tuple[tuple[str, ...], ...] = ()

    __pydantic_config__: ClassVar = STRICT


@dataclass(frozen=True)
class OutputSpec:
    """One output of a frame; ``names`` label the elements of its flattened shape, ``codec`` says how they are to be
    understood (:data:`engine.roles.CODECS`, or a family of codecs with a name: ``codes:NAME``). Joint positions
    (joints, 3) and local rotations (joints, 4; quaternions x, y, z, w) of a body name its ``skeleton``."""

    name: str
    shape: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    dtype: str = "float32"
    skeleton: str = ""
    codec: str = "numbers"

    __pydantic_config__: ClassVar = STRICT


@dataclass(frozen=True)
class StateSpec:
    """One state tensor per row. ``small``: shape as given, returned whole by every step. ``ring``: ``shape[0]`` slots
    of which a step returns only the new row, written at ``cursor % shape[0]`` by whoever runs the model."""

    shape: tuple[int, ...]
    kind: StateKind = "small"
    dtype: str = "float32"
    initial: float = 0.0

    __pydantic_config__: ClassVar = STRICT

    @property
    def window(self) -> int:
        """Slots of a ring."""
        return self.shape[0]
