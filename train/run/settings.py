"""What decides the outcome of a training run: one frozen, typed record a family, with what all families share.

Settings come from a YAML file and from NAME=VALUE pairs, are checked by their types and bounds (pydantic), and travel
in checkpoints and in ``training.json``. A run is continued only under the settings it was begun with; what may differ
between sessions of a run (minutes, device, folders) is not in here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from engine.errors import EngineError
from engine.plain import PlainError, read

CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)
"""How the settings of every family are read: for ``@dataclass(frozen=True, config=CHECKED)``."""
S = TypeVar("S", bound="RunSettings")


@dataclass(frozen=True, config=CHECKED)
class RunSettings:
    """What every family's recipe has. Rates are in 1 / step."""

    config: str = Field("small", description="size of the model, by name")
    seed: int = Field(0, ge=0, description="of everything that is drawn")
    steps: int = Field(2400, ge=1, description="of the whole run; the learning rate's schedule ends there")
    rate: float = Field(1e-3, gt=0, description="highest learning rate of AdamW")
    warmup: int = Field(100, ge=0, description="steps of linear warm-up")
    decay: float = Field(0.05, ge=0, description="weight decay of parameters with two or more dimensions")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    average: float = Field(0.0, ge=0, lt=1, description="decay of a running mean of the weights; 0: none")
    keep: Literal["best", "last"] = Field(
        "best", description="which weights are handed out, best by validation or last"
    )
    check_every: int = Field(200, ge=1, description="steps between validations")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="bf16: mixed precision, for GPUs")
    threads: int = Field(2, ge=1, description="of torch on the CPU; another number rounds sums otherwise")

    def __post_init__(self) -> None:
        if self.steps % self.check_every:
            raise EngineError(
                f"steps {self.steps} is no multiple of check_every {self.check_every}, so the last weights would go "
                f"unchecked; give steps={-(-self.steps // self.check_every) * self.check_every}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and checkpoints."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self).items()
        }

    def must_equal(self, other: Mapping[str, Any], path: object) -> None:
        """Raises :class:`EngineError` naming what differs from the settings ``other`` of the run at ``path``."""
        mine = self.to_dict()
        differing = [
            f"{name} was {other.get(name)!r} and is {mine.get(name)!r}"
            for name in sorted(mine.keys() | other.keys())
            if mine.get(name) != other.get(name)
        ]
        if differing:
            raise EngineError(
                f"{path} was begun with other settings: {'; '.join(differing)}. Continue with those it was begun with, "
                "or give another --out"
            )


def settings_of(kind: type[S], values: Mapping[str, Any]) -> S:
    """Settings of a family from names and values, those not given at their defaults; a run that is shorter than
    ``check_every`` is checked at its end. Raises :class:`EngineError` naming what is unknown or out of bounds."""
    usual = {field.name: default(field) for field in dataclasses.fields(kind)}
    unknown = sorted(values.keys() - usual.keys())
    if unknown:
        raise EngineError(f"no setting {', '.join(unknown)}; there is {', '.join(usual)}")
    given = dict(values)
    if "check_every" not in given and str(given.get("steps", "")).isdecimal():
        given["check_every"] = min(int(given["steps"]), usual["check_every"])
    try:
        return read(kind, given)
    except PlainError as error:
        raise EngineError(f"settings: {error}") from None


def given_settings(file: Path | None, pairs: Sequence[str]) -> dict[str, Any]:
    """What a YAML file and NAME=VALUE pairs say, the pairs above the file. Raises :class:`EngineError`."""
    return {**_of_file(file), **dict(pair(item, "steps=1200") for item in pairs)}


def pair(item: str, example: str) -> tuple[str, str]:
    """NAME and VALUE of ``NAME=VALUE``. Raises :class:`EngineError` with an ``example``."""
    name, equals, value = item.partition("=")
    if not equals or not name:
        raise EngineError(f"--set {item!r}: write NAME=VALUE, for example {example}")
    return name, value


def listed(kind: type[RunSettings]) -> str:
    """Every setting with its default and what it is, a line each, for ``--help``."""
    rows = [(f"{field.name}={default(field)}", _about(field)) for field in dataclasses.fields(kind)]
    width = max(len(name) for name, _ in rows)
    return "settings (--set NAME=VALUE):\n" + "\n".join(f"  {name:<{width}}  {about}" for name, about in rows)


def default(field: dataclasses.Field[Any]) -> Any:
    """The default of a field of a settings class."""
    value = field.default
    return value.default if hasattr(value, "default") and value is not MISSING else value


def _about(field: dataclasses.Field[Any]) -> str:
    return str(getattr(field.default, "description", None) or "")


def _of_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise EngineError(f"--settings {path}: {error.strerror}; give a YAML file") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise EngineError(
            f"--settings {path} is no YAML: {' '.join(str(error).split())[:200]}; mend the file"
        ) from error
    if not isinstance(values, dict):
        raise EngineError(f"--settings {path}: give a mapping of setting names to values")
    return {str(name): value for name, value in values.items()}
