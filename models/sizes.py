"""Sizes of a model by name: a family names a few configurations, and a checkpoint carries the plain values of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from engine.errors import EngineError


class Config(Protocol):
    """A configuration that a checkpoint can carry."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The configuration of plain values. Raises :class:`EngineError` for those of another model."""


C = TypeVar("C", bound=Config)


def sized(size: str | Mapping[str, Any] | C, sizes: Mapping[str, C], model: str) -> C:
    """The configuration that ``size`` names among ``sizes``, or whose plain values it is, or that it is itself. Raises
    :class:`EngineError` naming ``model`` and what there is."""
    if isinstance(size, Mapping):
        return type(next(iter(sizes.values()))).from_dict(size)
    if not isinstance(size, str):
        return size
    if size not in sizes:
        raise EngineError(f"no size {size!r} of the {model}; there is {', '.join(sizes)}")
    return sizes[size]
