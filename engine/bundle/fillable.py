"""Which inputs of a bundle nobody could ever fill: said by name before a session starts, or a bundle is written.

An input that no feed fills stays at its ``missing`` value for ever, and the model answers with something that looks
like a reaction. The engine, ``engine doctor`` and ``python -m export`` ask here, so that all three say the same.
"""

from __future__ import annotations

from engine.bundle.bundle import Bundle
from engine.bundle.errors import BundleError
from engine.channels import FACE_NAMES
from engine.roles import ROLES
from engine.spec import InputSpec, StreamSpec

# Which feeds tell the companions of an input: validity of whatever can be absent, age of what has a time.
_TOLD = {"validity": ("samples", "latest", "events"), "age": ("latest", "events")}
_TEXT = ("text", "validity")  # of a text only whether there is one is told
_WHOLE = ("control", "validity", "ids")
"""Roles whose values may be whole numbers; all others arrive as fractions."""


def check_fillable(bundle: Bundle) -> None:
    """Raise :class:`BundleError` naming every input that no feed can fill, and why."""
    reasons = bundle.lacking() + unfillable(bundle.spec)
    if reasons:
        raise BundleError(
            f"{bundle.path}: nothing can fill some inputs of {bundle.name}: {'; '.join(reasons)}; "
            "name in the spec what the engine's feeds give"
        )


def unfillable(spec: StreamSpec) -> list[str]:
    """Why inputs of a spec cannot be filled, a line each; empty where all can. Texts and words are looked at by
    :meth:`~engine.bundle.Bundle.lacking`, since they depend on the bundle's files."""
    told = {
        name
        for item in spec.inputs
        for companion, name in (("validity", item.validity), ("age", item.age))
        if name is not None and (ROLES[item.role].feed in _TOLD[companion] or (item.role, companion) == _TEXT)
    }
    lines = []
    for item in spec.inputs:
        reason = _reason(spec, item, told)
        if reason:
            lines.append(f"{item.name!r} ({item.role}): {reason}")
    return lines


def _reason(spec: StreamSpec, item: InputSpec, told: set[str]) -> str:
    feed = ROLES[item.role].feed
    if feed == "none":
        return "no feed gives it, it is for whoever runs the model without the engine"
    if feed == "companion" and item.name not in told:
        return f"no input that has one names it as its {item.role}"
    if item.dtype != "float32" and item.role not in _WHOLE:
        return f"it is {item.dtype}, and what arrives are fractions (float32)"
    if item.role == "audio" and not spec.hop:
        return "the spec has no sample rate"
    if item.role == "face":
        return _face(item)
    return _body(spec, item) if item.role == "body" else ""


def _face(item: InputSpec) -> str:
    if item.shape == (len(FACE_NAMES),) and item.names in ((), FACE_NAMES):
        return ""
    unknown = [name for name in item.names if name not in FACE_NAMES]
    if unknown:
        return f"{unknown[0][:60]!r} is none of the {len(FACE_NAMES)} numbers of a face"
    return "" if item.names and len(item.shape) == 1 else f"shape {item.shape} is no face; name the numbers it takes"


def _body(spec: StreamSpec, item: InputSpec) -> str:
    if not item.skeleton:
        return "it names no skeleton"
    joints = len(spec.skeleton(item.skeleton).joints)
    return "" if item.shape == (joints, 3) else f"shape {item.shape} for a skeleton of {joints} joints"
