"""Parts of speech of the captions that are made here, as spaCy gives them to HumanML3D: ``word/POS``.

:func:`train.text_motion.tags.tags` reads anybody's captions by rules. The words of ours are known, so that none has to
be guessed: verbs and nouns come in their base form, as the original has them. A word that can be both ("turn", "kick")
is a noun after an article, an adjective or a number.
"""

from __future__ import annotations

import re

from train.text_motion.motions.wording import NUMBERS, conjugated
from train.text_motion.tags import tags

NOUNS = (
    "air arm ball ballet bar basketball block body breakdance bump car cartwheel chest circle cloth corner crouch "
    "crossover curve dance degree direction edge fist flip floor foot football footwork form frame front gesture "
    "glass ground guard hand handstand head height hip hole hoop hurry india jack jump karate kick knee knife "
    "leap leg line lunge move music officer pace pane partner person pirouette place playground pose punch "
    "referee roundhouse run salsa sequence series shodan shoulder side signal sky soccer spin spot square squat "
    "stance step stretch strike stroke style sword terrain time toe traffic trunk turn twist waist walk way "
    "window bassai empi heian"
)
VERBS = (
    "arch balance be bear bend block bounce bow box breakdance change circle clean climb close come crouch curve "
    "dance direct do draw dribble face fight flip fold get give glide go hang hold hop jog jump keep kick land "
    "lean leap lift lower lunge make move perform play point practise pull punch put raise reach rest rise run "
    "scoop shoot show sidestep signal sit spin spread squat stamp stand start stay step stop stretch strike swing "
    "take throw tilt touch turn twist walk wash watch wave whirl wipe"
)
OTHER = {
    "ADJ": "acrobatic basic big classical complicated deep downward expressive fancy few first full half indian large "
    "last latin light little long low many opposite quarter quick right left rough round several short slow small "
    "steady uneven upper wide raised rear",
    "ADV": "then ahead apart away carefully forth gracefully high higher upside upright lightly fast finally again",
    "ADP": "without as like",
    "DET": "no",
    "SCONJ": "until while",
    "PART": "not",
    "PRON": "they other nothing",
}
_NOUN = {form: noun for noun in NOUNS.split() for form in (noun, f"{noun}s", f"{noun}es")}
_NOUN |= {"feet": "foot", "children": "child"}
_VERB = {form: verb for verb in VERBS.split() for form in (verb, conjugated(verb, "s"), conjugated(verb, "ing"))}
_VERB |= {"held": "hold"}
_OTHER = {word: kind for kind, words in OTHER.items() for word in words.split()}
_NAMES = frozenset(("DET", "ADJ", "NUM"))
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def tagged(text: str) -> tuple[str, ...]:
    """``word/POS`` of each word of a caption, in lower case."""
    found: list[str] = []
    before, words = "", _WORD.findall(text.lower())
    for word, after, ruled in zip(words, [*words[1:], ""], tags(text), strict=True):
        base, kind = _tag(word, before, after, ruled.rsplit("/", 1)[1])
        found.append(f"{base}/{kind}")
        before = kind
    return tuple(found)


def known(word: str) -> bool:
    """Whether the kind of a word is told by a list, of this module or of the rules', and not guessed."""
    listed = word in _NOUN or word in _VERB or word in _OTHER
    return listed or not tags(word)[0].endswith("/NOUN")


def _tag(word: str, before: str, after: str, ruled: str) -> tuple[str, str]:
    if word in ("left", "right"):
        return word, "NOUN" if before == "DET" and after not in _NOUN else "ADJ"
    if word == "back":
        return word, "NOUN" if before == "DET" else "ADV"
    if word in _NOUN and (word not in _VERB or before in _NAMES):
        return _NOUN[word], "NOUN"
    if word in ("is", "are"):
        return "be", "AUX"
    if word in _VERB:
        return _VERB[word], "VERB"
    if word in _OTHER:
        return word, _OTHER[word]
    return word, "NUM" if word in NUMBERS[1:] else ruled
