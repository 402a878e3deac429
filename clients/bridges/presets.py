"""ARKit's 52 shapes as the few expressions that every VRM avatar has.

VRM 0 and VRM 1 name the same presets differently (vrm-c/vrm-specification). A VRM avatar adds its expressions up, so
they are made to share: ``blink`` is what both lids do and ``blinkLeft`` what the left does beyond it; vowels are at
most 1 together; a smile is ``happy``, with narrowed eyes more and more ``relaxed``. Which shapes make a vowel is ours,
chosen by what lips do there: an open jaw is A, rounded lips make it O, rounded without a jaw U, wide lips E and I.
"""

from __future__ import annotations

from .face import EYE_ASIDE, EYE_UP_DOWN, Face

VRM0 = {
    "happy": "Joy",
    "angry": "Angry",
    "sad": "Sorrow",
    "relaxed": "Fun",
    "aa": "A",
    "ih": "I",
    "ou": "U",
    "ee": "E",
    "oh": "O",
    "blink": "Blink",
    "blinkLeft": "Blink_L",
    "blinkRight": "Blink_R",
    "lookUp": "LookUp",
    "lookDown": "LookDown",
    "lookLeft": "LookLeft",
    "lookRight": "LookRight",
}
"""VRM 0's name of a preset by that of VRM 1; ``surprised`` has none there."""
FULL_JAW = 0.6
"""``jawOpen`` of a mouth that is as open as one speaks."""


def expressions(face: Face) -> dict[str, float]:
    """Weights in 0..1 by VRM 1's names."""
    left, right = face.weight("eyeBlinkLeft"), face.weight("eyeBlinkRight")
    both = min(left, right)
    smile, squint = face.mean("mouthSmile"), face.mean("eyeSquint")
    frown, brows = face.mean("mouthFrown"), face.mean("browDown")
    raised = min(face.weight("browInnerUp"), face.mean("browOuterUp"))
    looks = [face.look(side) for side in ("Left", "Right")]
    down = sum(look.down for look in looks) / 2 / EYE_UP_DOWN
    aside = sum(look.left for look in looks) / 2 / EYE_ASIDE
    made = {
        "happy": smile * (1 - squint),
        "relaxed": smile * squint,
        "angry": max(brows, face.mean("noseSneer")) * (1 - smile),
        "sad": max(frown, face.weight("browInnerUp") - raised) * (1 - smile),
        "surprised": (raised + face.mean("eyeWide")) / 2,
        **_vowels(face),
        "blink": both,
        "blinkLeft": left - both,
        "blinkRight": right - both,
        "lookUp": -down,
        "lookDown": down,
        "lookLeft": aside,
        "lookRight": -aside,
    }
    return {name: min(max(value, 0.0), 1.0) for name, value in made.items()}


def _vowels(face: Face) -> dict[str, float]:
    jaw = min(face.weight("jawOpen") / FULL_JAW, 1.0) * (1 - face.weight("mouthClose"))
    funnel, pucker = face.weight("mouthFunnel"), face.weight("mouthPucker")
    rounded, wide = max(funnel, pucker), face.mean("mouthStretch")
    made = {
        "aa": jaw * (1 - rounded) * (1 - wide),
        "oh": jaw * rounded,
        "ou": (1 - jaw) * rounded,
        "ee": jaw * (1 - rounded) * wide,
        "ih": (1 - jaw) * (1 - rounded) * wide,
    }
    return made
