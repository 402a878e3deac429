"""Events in words: for each, several phrases that say the same, as people write captions of HumanML3D.

Verbs stand between asterisks in their base form, ``*walk* forward``: :func:`said` puts them into the form that a
sentence needs. Left and right are the person's own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

from train.text_motion.motions.events import Event

Item = TypeVar("Item")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_VERB = re.compile(r"\*(\w+)\*")
_DOUBLED = {"step": "stepp", "squat": "squatt", "spin": "spinn", "hop": "hopp", "jog": "jogg", "run": "runn", "put": "putt"}
_OTHER = {"have": "has", "do": "does", "go": "goes", "be": "is"}


def pick(options: Sequence[Item], key: str) -> Item:
    """One of ``options``, by the key alone: the same everywhere and always."""
    return options[int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") % len(options)]


def said(phrase: str, form: str = "s") -> str:
    """``phrase`` with its verbs in a form: ``s`` (walks), ``ing`` (walking), ``base`` (walk)."""
    return _VERB.sub(lambda match: _conjugated(match[1], form), phrase)


def phrases(event: Event, times: int = 1) -> list[str]:
    """Phrases for an event, or for as many of its kind in a row. The first is the plainest."""
    maker = _MAKERS[event.kind]
    return maker(event, times)


def number(count: int) -> str:
    """A count in words, ``several`` beyond ten."""
    return NUMBERS[count] if count < len(NUMBERS) else "several"


def _conjugated(verb: str, form: str) -> str:
    if form == "base":
        return verb
    if form == "ing":
        if verb in _DOUBLED:
            return _DOUBLED[verb] + "ing"
        return (verb[:-1] if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) else verb) + "ing"
    if verb in _OTHER:
        return _OTHER[verb]
    if verb.endswith(("s", "sh", "ch", "x", "z")):
        return verb + "es"
    return verb[:-1] + "ies" if verb.endswith("y") and verb[-2] not in "aeiou" else verb + "s"


def _times(count: int) -> str:
    return ("", "", " twice")[count] if count < 3 else f" {number(count)} times"


def _walk(event: Event, times: int) -> list[str]:
    pace, path, steps, _ = event.manner
    how = {"slow": " slowly", "fast": " quickly", "": ""}[pace]
    if event.side == "around":
        return [f"*walk* around{how}", f"*step* back and forth{how}", f"*move* around with small steps{how}"]
    if event.side in ("left", "right"):
        side = event.side
        return [
            f"*walk* sideways to the {side}{how}",
            f"*step* to the {side}{how}",
            f"*move* to the {side}{how}",
            f"*take* {_steps(steps)} to the {side}",
        ]
    way = "forward" if event.side == "forward" else "backward"
    if path.startswith("circle"):
        return _circle("walk", path.split()[1], how)
    if path in ("left", "right"):
        return _curve("walk", path, how)
    plain = [f"*walk* {way}{how}", f"*take* {_steps(steps)} {way}{how}"]
    if way == "backward":
        return [*plain, f"*step* backward{how}", f"*walk* backwards{how}"]
    straight = [f"*walk* straight ahead{how}", f"*walk* forward in a straight line{how}"] if event.size > 1.5 else []
    return [*plain, *straight, f"*step* forward{how}"] if event.size < 1.2 else [*plain, *straight]


def _run(event: Event, times: int) -> list[str]:
    pace, path, _, _ = event.manner
    how = {"slow": " slowly", "fast": " fast", "": ""}[pace]
    verb = "jog" if pace == "slow" else "run"
    if path.startswith("circle"):
        return _circle(verb, path.split()[1], how)
    if path in ("left", "right"):
        return _curve(verb, path, how)
    way = {"left": "to the left", "right": "to the right"}.get(event.side, event.side)
    return [f"*{verb}* {way}{how}", f"*run* {way}", f"*{verb}* {way} in a straight line{how}", f"*jog* {way}"]


def _curve(verb: str, side: str, how: str) -> list[str]:
    return [
        f"*{verb}* forward{how} and *curve* to the {side}",
        f"*{verb}* in a curve to the {side}{how}",
        f"*{verb}* forward{how}, bearing {side}",
    ]


def _circle(verb: str, side: str, how: str) -> list[str]:
    sense = "counterclockwise" if side == "left" else "clockwise"
    return [
        f"*{verb}* in a circle to the {side}{how}",
        f"*{verb}* in a {sense} circle{how}",
        f"*{verb}* around in a circle{how}, turning {side}",
    ]


def _steps(count: str) -> str:
    steps = int(count)
    return "a step" if steps < 2 else f"{number(steps)} steps" if steps <= 10 else "many steps"


def _turn(event: Event, times: int) -> list[str]:
    side, fast = event.side, {"fast": " quickly", "slow": " slowly", "": ""}[event.manner[0]]
    sense = "counterclockwise" if side == "left" else "clockwise"
    if times > 1:
        return [f"*turn* to the {side}{_times(times)}", f"*turn* {side} again and again"]
    if event.size < 65:
        return [f"*turn* slightly to the {side}{fast}", f"*turn* a little to the {side}", f"*twist* to the {side}{fast}"]
    if event.size < 125:
        return [f"*turn* to the {side}{fast}", f"*make* a quarter turn to the {side}", f"*turn* {side}{fast}"]
    if event.size < 240:
        return [f"*turn* around to the {side}{fast}", f"*turn* around{fast}, going {side}", f"*make* a half turn {sense}"]
    if event.size < 450:
        return [f"*spin* around to the {side}{fast}", f"*make* a full turn to the {side}", f"*turn* in a full circle {sense}"]
    turns = number(round(event.size / 360))
    return [f"*spin* around {turns} times to the {side}", f"*spin* {sense} several times", f"*whirl* around to the {side}"]


def _jump(event: Event, times: int) -> list[str]:
    often = _times(times)
    where = {"place": "up", "left": "to the left", "right": "to the right"}.get(event.manner[0], event.manner[0])
    high = " high" if event.size > 0.4 and where == "up" else ""
    spot = f"*jump* up and down{often}" if times > 1 else f"*jump*{high} in place"
    if where == "up":
        return [f"*jump*{high} up{often}".replace(" high up", " up high"), spot, f"*jump* on the spot{often}"]
    return [f"*jump* {where}{often}", f"*jump* {where} with both feet{often}", f"*leap* {where}{often}"]


def _hop(event: Event, times: int) -> list[str]:
    side, often = event.side, _times(times)
    return [
        f"*hop* on the {side} foot{often}",
        f"*hop* on the {side} leg{often}",
        f"*jump* on one leg, the {side} one{often}",
    ]


def _leap(event: Event, times: int) -> list[str]:
    way = {"place": "", "left": " to the left", "right": " to the right"}.get(event.manner[0], f" {event.manner[0]}")
    return [f"*leap*{way}{_times(times)}", f"*jump*{way} from one foot to the other", f"*make* a leap{way}"]


def _kick(event: Event, times: int) -> list[str]:
    where, high = event.manner
    side, often = event.side, _times(times)
    way = {"forward": "", "backward": " back", "left": " to the left", "right": " to the right"}[where]
    high = " high" if high == "high" else ""
    if side == "both":
        return [f"*kick*{high} with the left and the right leg in turn", f"*kick* with both legs in turn{often}"]
    return [
        f"*kick*{high}{way} with the {side} leg{often}",
        f"*kick* the {side} foot{high}{way}{often}",
        f"*swing* the {side} leg up{way} in a kick{often}" if high else f"*kick*{way} with the {side} foot{often}",
    ]


def _knee(event: Event, times: int) -> list[str]:
    if event.side == "both":
        return ["*raise* the knees high in turn", "*lift* one knee after the other", "*raise* the left and the right knee"]
    often = _times(times)
    return [f"*raise* the {event.side} knee{often}", f"*lift* the {event.side} knee up high{often}"]


def _leg(event: Event, times: int) -> list[str]:
    where = {"forward": "to the front", "backward": "behind the body", "left": "to the side", "right": "to the side"}
    way, side, often = where[event.manner[0]], event.side, _times(times)
    if side == "both":
        return ["*lift* both legs in turn", "*raise* one leg after the other"]
    return [f"*lift* the {side} leg {way}{often}", f"*raise* the {side} leg {way}{often}", f"*stretch* the {side} leg up {way}"]


def _raise(event: Event, times: int) -> list[str]:
    often = _times(times)
    what = "both arms" if event.side == "both" else f"the {event.side} arm"
    hand = "both hands" if event.side == "both" else f"the {event.side} hand"
    if event.manner[0] == "over head":
        return [f"*raise* {what} over the head{often}", f"*lift* {hand} high{often}", f"*put* {what} up in the air{often}"]
    return [f"*raise* {what}{often}", f"*lift* {what} to the height of the shoulders{often}", f"*lift* {hand} up{often}"]


def _reach(event: Event, times: int) -> list[str]:
    what = "both arms" if event.side == "both" else f"the {event.side} arm"
    return [f"*stretch* {what} out to the front", f"*hold* {what} out in front", f"*reach* forward with {what}"]


def _spread(event: Event, times: int) -> list[str]:
    return ["*hold* both arms out to the sides", "*spread* the arms", "*stretch* both arms out to the sides"]


def _hips(event: Event, times: int) -> list[str]:
    return ["*put* both hands on the hips", "*hold* the hands at the hips", "*rest* the hands on the waist"]


def _wave(event: Event, times: int) -> list[str]:
    what = "both hands" if event.side == "both" else f"the {event.side} hand"
    return [f"*wave* with {what}", f"*wave* {what}", f"*move* {what} from side to side"]


def _punch(event: Event, times: int) -> list[str]:
    often = _times(times)
    if event.side == "both":
        return ["*punch* with both fists in turn", "*throw* punches with both hands"]
    return [f"*punch* with the {event.side} hand{often}", f"*throw* a punch with the {event.side} fist" if times < 2 else
            f"*throw* {number(times)} punches with the {event.side} fist"]


def _bend(event: Event, times: int) -> list[str]:
    often = _times(times)
    if event.side == "forward":
        if event.size > 70:
            return [f"*bend* over{often}", f"*bend* down{often}", f"*bend* forward deeply{often}"]
        return [f"*bend* forward{often}", f"*lean* forward{often}", f"*bow* forward{often}"]
    if event.side == "backward":
        return [f"*lean* backward{often}", f"*bend* back{often}", f"*arch* the back{often}"]
    return [f"*lean* to the {event.side}{often}", f"*bend* to the {event.side} side{often}", f"*tilt* the body {event.side}{often}"]


def _crouch(event: Event, times: int) -> list[str]:
    often = _times(times)
    return [f"*bend* the knees{often}", f"*crouch* a little{often}", f"*go* down into a crouch{often}"]


def _squat(event: Event, times: int) -> list[str]:
    often = _times(times)
    touch = " and *touch* the floor" if "hands down" in event.manner else ""
    return [f"*squat* down{touch}{often}", f"*crouch* down low{touch}{often}", f"*do* {'a squat' if times < 2 else f'{number(times)} squats'}"]


def _lunge(event: Event, times: int) -> list[str]:
    return ["*lunge* forward", "*stand* in a deep lunge", "*take* a wide, low stance"]


def _ground(event: Event, times: int) -> list[str]:
    return ["*go* down to the floor", "*sit* or *lie* on the ground", "*get* down on the floor"]


def _upside(event: Event, times: int) -> list[str]:
    return ["*turn* upside down", "*go* upside down on the hands", "*flip* over"]


def _still(event: Event, times: int) -> list[str]:
    return ["*stand* still", "*stand* still in place", "*stay* in place without moving"]


_MAKERS = {
    "walk": _walk,
    "run": _run,
    "turn": _turn,
    "jump": _jump,
    "hop": _hop,
    "leap": _leap,
    "kick": _kick,
    "knee": _knee,
    "leg": _leg,
    "raise": _raise,
    "reach": _reach,
    "spread": _spread,
    "hips": _hips,
    "wave": _wave,
    "punch": _punch,
    "bend": _bend,
    "crouch": _crouch,
    "squat": _squat,
    "lunge": _lunge,
    "ground": _ground,
    "upside down": _upside,
    "still": _still,
}
KINDS = tuple(_MAKERS)
