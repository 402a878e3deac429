"""Words of a caption with their parts of speech, by rules: the ``word/POS`` of text files.

The original makes them with spaCy; released evaluators read them (GloVe vectors of the words beside the kind of each).
Lists of closed classes and the verbs of motion that the engine knows do for captions about moving bodies. As in the
original, verbs are written in their base form and punctuation is left out.
"""

from __future__ import annotations

import re

from engine.text.field_words import MOODS, VERBS, forms

_CLASSES = {
    "DET": "a an the this that these those his her their its each both another some all",
    "ADP": "with from to in on at of by over under above below behind into onto through around across along against "
    "toward towards near up down off out for about between before after beside past as like",
    "PRON": "he she it they him them himself herself itself themselves someone somebody something who which one",
    "AUX": "is are was were be been being has have had do does did can could will would",
    "CCONJ": "and or but then while",
    "NUM": "two three four five six seven eight nine ten once twice",
    "ADV": "forward forwards backward backwards sideways clockwise counterclockwise again there very slightly back "
    "ahead together apart still upright away straight not",
    "ADJ": "left right front bent raised small big large high low long short deep wide full half quarter",
}
_CLASS = {word: name for name, words in _CLASSES.items() for word in words.split()}
_BASES: dict[str, str] = {}
for _verb in sorted(VERBS, key=len):
    for _form in forms(_verb):
        _BASES.setdefault(_form, _verb)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def tags(text: str) -> tuple[str, ...]:
    """``word/POS`` of each word of ``text``, in lower case."""
    found = []
    for word in _WORD.findall(text.lower()):
        kind = _kind(word)
        found.append(f"{_BASES[word] if kind == 'VERB' else word}/{kind}")
    return tuple(found)


def _kind(word: str) -> str:
    if word in _CLASS:
        return _CLASS[word]
    if word.isdigit():
        return "NUM"
    if word in VERBS:
        return "VERB"
    if word.endswith("ly"):
        return "ADV"
    return "ADJ" if word in MOODS else "NOUN"
