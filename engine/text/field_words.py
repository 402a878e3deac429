"""The English words by which :mod:`engine.text.fields` knows parts of the body, verbs of motion and manners.

Lists, not a grammar: a word that is missing is one that the reader does not see, never one that it reads wrongly. Every
list holds base forms; :func:`forms` gives how they are written in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTS = {
    "head": "head face neck chin nose eye ear mouth",
    "torso": "torso body chest waist hip belly stomach spine pelvis trunk ribcage abdomen rib",
    "arm": "arm elbow shoulder forearm armed",
    "hand": "hand fist palm finger wrist thumb handed fingertip knuckle",
    "leg": "leg knee thigh shin calf legged lap",
    "foot": "foot ankle heel toe footed sole",
}
_PLURALS = {"foot": "feet", "calf": "calves"}
WHOSE = _words("his her their its the a an this another my your our one's person's man's woman's someone's")
"""Words after which "back" is a part of the body and not a direction."""

# What a verb speaks of where the sentence names no part: with "!" also where it names parts of others.
_VERBS = {
    "legs!": (
        "sidestep breakdance walk run jump hop skip jog sprint step march stroll wander pace strut tiptoe limp "
        "stagger stumble crawl climb sit stand squat crouch kneel lunge dance gallop leap sneak creep stomp trot "
        "shuffle skate ski cartwheel hike dash saunter pirouette moonwalk roam waddle tread balance rise fall lie "
        "hurdle vault somersault prance swim amble trudge plod ramble descend ascend straddle pedal dodge trip"
    ),
    "legs": (
        "get whirl flip glide land stay turn spin rotate go come travel retreat advance move pivot approach back "
        "circle twirl return slide"
    ),
    "feet!": "kick",
    "hands!": (
        "block direct throw punch wave clap catch box hug push pull pick reach point grab drink eat wipe wash "
        "play drum paint hold carry salute hit touch toss pour stir knock scratch type shoot swim dribble juggle "
        "slap strike serve hammer grasp embrace gesture beckon cheer bat golf pitch bounce tie sweep mop scrub "
        "chop cut dig pet stroke rub squeeze jab uppercut conduct strum jack brush"
    ),
    "hands": "hang swing lift put place set lay take give shake open close press write draw fold",
    "head!": "nod look glance stare gaze watch peek peer sniff",
    "torso": "bend bow lean twist hunch sway stretch stoop arch slouch wiggle roll curl tilt duck",
    "none": "raise lower extend flap flex straighten drop kick cross spread keep move rest face dangle tap",
}
_IRREGULAR = {
    "run": "ran", "sit": "sat", "stand": "stood", "kneel": "knelt", "leap": "leapt", "creep": "crept", "rise": "rose",
    "fall": "fell fallen", "lie": "lying lain", "swim": "swam", "go": "went gone", "come": "came", "spin": "spun",
    "throw": "threw thrown", "catch": "caught", "drink": "drank", "eat": "ate", "hold": "held", "take": "took taken",
    "give": "gave", "get": "got", "shoot": "shot", "strike": "struck", "write": "wrote", "draw": "drew", "dig": "dug",
    "shake": "shook", "lay": "laid", "bend": "bent", "swing": "swung", "tie": "tying", "keep": "kept", "hang": "hung",
    "tread": "trod", "slide": "slid", "sweep": "swept",
}  # fmt: skip

MOODS = _words(
    "happy sad angry afraid scared nervous tired drunk old excited bored proud shy confident calm relaxed sneaky "
    "injured hurt sick sleepy lazy cheerful depressed frightened anxious energetic elegant graceful aggressive "
    "furious joyful childish feminine masculine robotic stiff loose gentle rough careful cautious slow fast quick "
    "hasty brisk leisurely hard soft softly powerful weak light heavy wounded exhausted dizzy surprised confused "
    "playful silly funny strange weird upset annoyed worried hurried zombie joy anger fear sadness pride energy "
    "caution care confidence force ease excitement hesitation grace panic disgust swagger rage despair joyous "
    "merry gloomy elderly tipsy mad frustrated sad crying laughing smiling casual swift sassy determined "
    "triumphant impatient patient timid bold hurry rush depression happiness speed rapid steady jerky smooth "
    "dainty clumsy limping staggering sluggish lively"
)
"""Words of a mood or a manner, beside adverbs in -ly."""
NO_MOODS = _words(
    "deeply only family belly fly early slightly nearly finally immediately simultaneously repeatedly alternately "
    "directly diagonally horizontally vertically laterally partially partly fully completely initially "
    "consecutively continuously subsequently originally previously approximately exactly respectively jelly bully "
    "rally apply supply reply imply multiply ally july lily italy doubly mostly usually possibly probably "
    "alternatively entirely eventually apparently fully equally mainly firstly secondly lastly sequentially "
    "briefly presumably clearly likely really continually individually additionally separately similarly "
    "basically essentially seemingly relatively outwardly inwardly upwardly downwardly forwardly backwardly "
    "alternatingly currently actually generally newly recently"
)
"""Words in -ly that say no manner of moving."""
VERY = _words("very really quite more so too extremely rather")
MANNERS = _words("manner way style fashion mood rush hurry panic")
"""Nouns that close "in a ... manner"."""
SUBJECTS = _words(
    "person man woman guy someone somebody figure character human boy girl he she they it dancer individual "
    "people subject player child kid actor fighter robot figurine stickman sim adult lady gentleman skeleton one"
)
HELPERS = _words("is are was were be been being has have had who that which also")
PLACES = _words(
    "above over behind to at on onto near toward towards from past below under beside against across around "
    "between beneath into upon by before of"
)
"""Prepositions after which a part is where something moves to, not what moves."""
SPLITTERS = _words("and then while before after but until when or as whilst followed afterwards next")


def forms(verb: str) -> Iterable[str]:
    """How a verb is written: ``walk`` as walk, walks, walked, walking; irregular forms too."""
    yield verb
    yield from _IRREGULAR.get(verb, "").split()
    short = verb[:-1] if verb.endswith("e") else verb
    doubled = verb + verb[-1]
    if verb.endswith("y") and verb[-2] not in "aeo":
        short_past, third = verb[:-1] + "ied", verb[:-1] + "ies"
    else:
        short_past = short + "ed"
        third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    yield from (third, short_past, short + "ing", doubled + "ed", doubled + "ing")


def _parts() -> Mapping[str, tuple[str, bool]]:
    found = {}
    for field, words in _PARTS.items():
        for word in words.split():
            found[word] = (field, False)
            found[_PLURALS.get(word, word + "s")] = (field, True)
    for word in ("body", "belly"):  # not the words in "-bodys"
        found.pop(word + "s")
    return found


PARTS = _parts()
"""A word for a part -> its name without a side, and whether it is a plural."""
VERBS: Mapping[str, tuple[str, ...]] = {
    form: tuple(kind for kind, words in _VERBS.items() if verb in words.split())
    for verbs in _VERBS.values()
    for verb in verbs.split()
    for form in forms(verb)
}
"""A form of a verb -> what it speaks of: ``legs``, ``feet``, ``hands``, ``head``, ``torso``, ``none``."""
