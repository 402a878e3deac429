"""A wish in a person's own words ("raise your left hand to your head for two seconds") as settings of a running engine,
by a language model that the person names.

What may be set, and in which words, is what the engine announces. The model's answer is one JSON object of settings.
It is checked here by the same grammar by which the engine reads them; one that cannot be used goes back once with the
reason, and what then still cannot be used is refused: nothing that was not checked reaches the engine. All of this is
a client's work, beside the frames.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from engine.errors import EngineError, SpecError, clean
from engine.feeds.texts import LONGEST_TEXT, NONE
from engine.listing import blocks, controls, spoken, texts
from engine.phrases import read
from engine.spec_items import InputSpec
from engine.text.tidy import tidy

Which = Literal["all", "hold", "fields"]
LONGEST_WISH = 2000
"""Characters."""
_TRIES = 2
_SHOWN = 400
_WIDTH = 200


def settings(
    wish: str, told: Mapping[str, Any], answer: Callable[[list[dict[str, str]]], str], which: Which = "all"
) -> dict[str, str]:
    """Settings by name that fulfil ``wish`` on the engine that announced ``told``. ``answer`` is the language model:
    messages in, text out. ``which``: postures that are held in words, texts, or both. Raises :class:`EngineError` where
    the engine takes none of these, where the wish is none, or where no answer of :data:`_TRIES` can be used."""
    if not tidy(wish) or len(wish) > LONGEST_WISH:
        raise EngineError(f"a wish of {len(wish)} characters: say it in words, {LONGEST_WISH} characters at most")
    held = {item.name: item for item in spoken(told)} if which != "fields" else {}
    said = texts(told) if which != "hold" else {}
    if not held and not said:
        kinds = {"all": "neither a control that is set in words nor a text", "hold": "no control that is set in words"}
        raise EngineError(f"this engine has {kinds.get(which, 'no text')}; serve another bundle, such as text_motion")
    messages = [
        {"role": "system", "content": instruction(told, held, said)},
        {"role": "user", "content": tidy(wish)},
    ]
    trouble: EngineError | None = None
    for _ in range(_TRIES):
        content = answer(messages)
        try:
            return checked(content, held, said)
        except SpecError as error:
            trouble = error
            messages += [
                {"role": "assistant", "content": content[: 4 * LONGEST_WISH]},
                {"role": "user", "content": f"That cannot be used: {error}. Answer again with one JSON object."},
            ]
    raise EngineError(f"the model gives no answer that can be used, also when asked again: {clean(trouble, _SHOWN)}")


def instruction(told: Mapping[str, Any], held: Mapping[str, InputSpec], said: Mapping[str, Mapping[str, Any]]) -> str:
    """What the model is told before the wish."""
    lines = [
        "You set what an animated body does. Answer a wish with one JSON object and nothing else: names of settings "
        "with text values. Leave out settings that the wish does not ask for. Left and right are the body's own.",
    ]
    for name, item in said.items():
        if "follows" not in item:
            words = f'in a few plain English words, {LONGEST_TEXT} characters at most; "{NONE}" for nothing'
            lines.append(f'"{name}": what the body does, {words}.')
    fields = [name for name, item in said.items() if "follows" in item]
    if fields:
        lines.append(
            "With it, each in a few words and only where the wish speaks of it, what these do or how it is done: "
            f"{', '.join(fields)}."
        )
    now = {name: item.get("text") for name, item in said.items() if item.get("text")}
    for name, control in held.items():
        lines.append(
            f'"{name}": a posture to keep. Phrases from the list below, word for word, separated by ";", each at most '
            'once; end a phrase with "for N s" where it lasts N seconds (digits). It replaces what is held: repeat '
            f'what is to stay. "{NONE}" lets go of all. In a phrase a label takes the place of the dots:'
        )
        lines += blocks(control, width=_WIDTH)
        now[name] = controls(told)[name].get("words", NONE)
    lines.append(f"At the moment: {json.dumps(now, ensure_ascii=False)}")
    return "\n".join(lines)


def checked(content: str, held: Mapping[str, InputSpec], said: Mapping[str, Any]) -> dict[str, str]:
    """The settings in a model's answer. Raises :class:`SpecError` saying what cannot be used."""
    names = [*said, *held]
    found = _object(content)
    if not found:
        raise SpecError(f"the answer holds no JSON object with one of {', '.join(names)}")
    for name, value in found.items():
        if name not in names:
            raise SpecError(f"there is no setting {clean(name, 60)!r}; there is {', '.join(names)}")
        if not isinstance(value, str) or (name in said and len(value) > LONGEST_TEXT):
            raise SpecError(f"{name} is no text of {LONGEST_TEXT} characters at most")
        if name in held and value.strip():
            read(held[name], value)
    made = {name: value for name, value in found.items() if tidy(value)}
    if not made:
        raise SpecError(f"the answer sets nothing; give at least one of {', '.join(names)}")
    # A field that is empty beside its prompt is not to be read in the prompt either.
    empty = {name for name in found if name not in made and said.get(name, {}).get("follows") in made}
    return made | dict.fromkeys(empty, NONE)


def _object(content: str) -> dict[str, Any]:
    """The last JSON object in a text: models think aloud and write fences around it."""
    decoder, at, found = json.JSONDecoder(), content.find("{"), dict[str, Any]()
    for _ in range(_SHOWN):
        if at < 0:
            break
        try:
            made, end = decoder.raw_decode(content, at)
            found = made if isinstance(made, dict) and made else found
        except (ValueError, RecursionError):
            end = at + 1
        at = content.find("{", end)
    return found
