"""The controls and texts of a running engine as a person reads them, from what it announces.

A control whose elements are choices has many phrases (text_motion's ``hold`` 392). Elements with the same labels stand
together, so that they are a dozen lines.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.control import LARGEST
from engine.errors import EngineError, SpecError, clean
from engine.phrases import FREE, first, phrase, plain, trouble
from engine.spec_items import InputSpec

_WIDEST, _NARROWEST = 120, 40
_SHOWN = 60


def controls(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The announced controls by name."""
    found = told.get("controls")
    listed = found if isinstance(found, list) else []
    return {str(item["name"]): item for item in listed if isinstance(item, dict) and "name" in item}


def texts(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The announced texts by name."""
    found = told.get("texts")
    listed = found if isinstance(found, dict) else {}
    return {str(name): item for name, item in listed.items() if isinstance(item, dict)}


def spoken(told: Mapping[str, Any]) -> list[InputSpec]:
    """The announced controls that are set in words, as the grammar takes them. Raises :class:`SpecError` for one whose
    phrases cannot be told apart."""
    return [_spoken(name, item) for name, item in controls(told).items() if item.get("groups")]


def overview(told: Mapping[str, Any]) -> str:
    """A line for each control and text: its name, what it is now, what it may be."""
    rows = [(name, *_control(name, item)) for name, item in controls(told).items()]
    for name, item in texts(told).items():
        follows = f", follows {clean(item['follows'], _SHOWN)}" if item.get("follows") else ""
        rows.append((name, repr(clean(item.get("pending") or item.get("text", ""), _SHOWN)), f"text{follows}"))
    if not rows:
        return "this engine has no controls"
    wide = [min(max(len(row[column]) for row in rows), _SHOWN // (1 + column)) for column in (0, 1)]
    return "\n".join(f"{name:{wide[0]}}  {now:{wide[1]}}  {may}".rstrip() for name, now, may in rows)


def one(told: Mapping[str, Any], name: str, words: Sequence[str] = ()) -> str:
    """All that a control may be; of one that is set in words only what has these ``words`` in its name. Raises
    :class:`EngineError` where there is no such control, or nothing with these words."""
    known = controls(told) | texts(told)
    if name not in known:
        raise EngineError(f"no control {clean(name, _SHOWN)!r}; there is {', '.join(known) or 'none'}")
    if name in texts(told) or not known[name].get("groups"):
        return overview({"controls": [known[name]] if name in controls(told) else [], "texts": _only(told, name)})
    item = _spoken(name, known[name])
    wanted = plain(" ".join(words)).split()
    chosen = [place for place, said in enumerate(item.names) if set(wanted) <= set(plain(said).split())]
    if not chosen:
        raise EngineError(
            f"{name} has nothing with {' '.join(wanted)!r} in its name; `engine controls {name}` lists all"
        )
    example = phrase(item, chosen[0], 0)
    now = clean(known[name].get("words", ""), 4 * _SHOWN)
    head = [f"{name}: {now}", f'engine set {name}="{example}", several with ; between, "... for 2 s", or {name}=none']
    return "\n".join([*head, *blocks(item, chosen)])


def blocks(item: InputSpec, chosen: Sequence[int] | None = None, width: int = 0) -> Iterator[str]:
    """The lines that list names and labels of a control's elements, those with the same labels together."""
    wide = width or min(max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST), _WIDEST)
    alike: dict[tuple[str, ...], list[str]] = {}
    for place in range(len(item.names)) if chosen is None else chosen:
        alike.setdefault(item.choices[place], []).append(first(item.names[place]).replace("{}", "..."))
    for labels, names in alike.items():
        yield from textwrap.wrap("; ".join(names), wide, subsequent_indent="  ")
        yield from textwrap.wrap(
            "... " + ", ".join(map(first, labels)), wide, initial_indent="    ", subsequent_indent="    "
        )


def _spoken(name: str, item: Mapping[str, Any]) -> InputSpec:
    groups = [one for one in item["groups"] if isinstance(one, dict)] if isinstance(item["groups"], list) else []
    names = tuple(str(one.get("name", "")) for one in groups)
    found = [one.get("choices") for one in groups]
    choices = tuple(tuple(map(str, labels)) if isinstance(labels, list) else () for labels in found)
    most = max(map(len, choices), default=0)
    made = InputSpec(name, "control", (len(names),), FREE, most - 1, FREE, names=names, choices=choices)
    reason = trouble(made)
    if reason:
        raise SpecError(f"what the engine announces of {clean(name, _SHOWN)} cannot be used: {reason}")
    return made


def _control(name: str, item: Mapping[str, Any]) -> tuple[str, str]:
    """What a control is now, and what it may be."""
    choices, groups, value = item.get("choices"), item.get("groups"), item.get("value")
    about = clean(item.get("about", ""), _SHOWN)
    if isinstance(groups, list) and groups:
        said = f"words for {len(groups)} elements: engine controls {name}"
        return clean(item.get("words", ""), _SHOWN // 2), f"{said}; {about}".rstrip("; ")
    if isinstance(choices, list) and choices:
        now = next((name for place, name in enumerate(choices) if place == value), value)
        may = ", ".join(map(str, choices))
    else:
        values = value if isinstance(value, list) else [value]
        now = ",".join(f"{each:g}" if _number(each) else str(each) for each in values)
        low, high = (f"{item[key]:g}" if _number(item.get(key)) else "any" for key in ("low", "high"))
        may = f"{low} to {high}" + (f", {len(values)} numbers" if len(values) > 1 else "")
    follows = f", follows {clean(item['follows'], _SHOWN)}" if item.get("follows") else ""
    return clean(now, _SHOWN // 2), f"{clean(may, 4 * _SHOWN)}{follows}; {about}".rstrip("; ")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def _only(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: texts(told)[name]} if name in texts(told) else {}
