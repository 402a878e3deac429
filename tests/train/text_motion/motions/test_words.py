"""Words: phrases of every kind of event, notes, tags, and what a mirror does to them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from train.text_motion.motions import notes
from train.text_motion.motions.event import Event
from train.text_motion.motions.exercises import EXERCISES
from train.text_motion.motions.mirror import mirrored_caption, mirrored_text
from train.text_motion.motions.notes import note_of
from train.text_motion.motions.notes_dances import DANCES
from train.text_motion.motions.notes_fights import FIGHTS
from train.text_motion.motions.notes_play import PLAY
from train.text_motion.motions.phrases import KINDS, phrases
from train.text_motion.motions.tagging import known, tagged
from train.text_motion.motions.wording import conjugated, number, pick, said
from train.text_motion.texts import Caption

WAYS = ("forward", "backward", "left", "right", "place")
PATHS = ("straight", "left", "right", "circle left", "circle right", "back left", "back right")
WALKS = [(pace, path, steps) for pace in ("", "slow", "fast") for path in PATHS for steps in ("1", "4", "11")]
MANNERS: dict[str, list[tuple[str, ...]]] = {
    "walk": list(WALKS),
    "run": list(WALKS),
    "turn": [(pace, "spot") for pace in ("", "slow", "fast")],
    "jump": [(way,) for way in WAYS],
    "leap": [(way,) for way in WAYS],
    "hop": [(way,) for way in WAYS],
    "kick": [(way, high) for way in WAYS[:4] for high in ("", "low", "high")],
    "leg": [(way,) for way in WAYS[:4]],
    "raise": [("over head",), ("shoulder",)],
    "squat": [(), ("hands down",)],
}
SIDES = {
    "walk": (*WAYS[:4], "around"),
    "run": WAYS[:4],
    "turn": ("left", "right"),
    "bend": WAYS[:4],
    "climb": ("up", "down"),
}
SENTENCES = [
    sentence
    for table in (notes._EVERYDAY, PLAY, DANCES, FIGHTS)
    for _, _, sentences in table.values()
    for sentence in sentences
] + [sentence for _, sentences in EXERCISES.values() for sentence in sentences]


def every_event() -> list[tuple[Event, int]]:
    return [
        (Event(0, 40, kind, side, size, manner), times)
        for kind in KINDS
        for side in SIDES.get(kind, ("left", "right", "both"))
        for manner in MANNERS.get(kind, [()])
        for size in (0.3, 3.0, 50.0, 100.0, 180.0, 360.0, 1000.0)
        for times in (1, 2, 12)
    ]


EVERY = every_event()


def test_every_event_is_told_in_two_ways_or_more_without_a_slip() -> None:
    for event, times in EVERY:
        found = phrases(event, times)
        assert len(set(found)) == len(found) >= 2
        for phrase in found:
            for form in ("s", "ing"):
                text = said(phrase, form)
                assert re.fullmatch(r"[a-z]+(,? [a-z]+)*", text), text
                assert not re.search(r"\b(\w+) \1\b|one times", text), text


def test_a_phrase_in_the_mirror_is_one_of_the_other_side() -> None:
    for event, times in EVERY:
        other = event._replace(side=mirrored_text(event.side), manner=tuple(map(mirrored_text, event.manner)))
        assert list(map(mirrored_text, phrases(event, times))) == phrases(other, times)


def test_every_word_is_known_to_the_tagger() -> None:
    texts = SENTENCES + [
        said(phrase, form) for event, n in EVERY for phrase in phrases(event, n) for form in ("s", "ing")
    ]
    words = {word for text in texts for word in re.findall(r"[\w'-]+", text)}
    assert {word for word in words if not known(word)} == set()
    assert not known("zebra")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a person walks forward, then turns to the left",
         "a/DET person/NOUN walk/VERB forward/ADV then/ADV turn/VERB to/ADP the/DET left/NOUN"),
        ("someone makes a quarter turn while raising both arms",
         "someone/PRON make/VERB a/DET quarter/ADJ turn/NOUN while/SCONJ raise/VERB both/DET arm/NOUN"),
        ("the person kicks the left foot twice", "the/DET person/NOUN kick/VERB the/DET left/ADJ foot/NOUN twice/NUM"),
        ("a person takes two steps and steps back",
         "a/DET person/NOUN take/VERB two/NUM step/NOUN and/CCONJ step/VERB back/ADV"),
    ],
)  # fmt: skip
def test_tags_are_those_of_the_original(text: str, wanted: str) -> None:
    assert " ".join(tagged(text)) == wanted


def test_sentences_begin_with_a_person_and_speak_of_no_side_that_a_mirror_would_leave() -> None:
    for sentence in SENTENCES:
        assert sentence.startswith("a person "), sentence
        assert sentence == sentence.strip().lower()
        assert mirrored_text(mirrored_text(sentence)) == sentence


def test_notes_have_three_sentences_and_an_unknown_one_is_named() -> None:
    for table in (notes._EVERYDAY, PLAY, DANCES, FIGHTS):
        assert all(len(set(sentences)) == len(sentences) >= 3 for _, _, sentences in table.values())
    for told in [*EXERCISES.values()]:
        assert len(set(told[1])) >= 3
    assert set(" ".join(entry[1] for entry in (*notes._EVERYDAY.values(), *DANCES.values())).split()) <= {
        word for kind in KINDS for word in kind.split()
    }
    assert note_of("91_54", "180").theme == "jump"
    assert "front kicks" in note_of("shared_martial_04", "martial arts").sentences[0]
    assert "upside down" in note_of("49_08", "cartwheels").implies
    with pytest.raises(EngineError, match="yodelling"):
        note_of("01_01", "yodelling")


def test_a_mirror_changes_sides_in_words_and_tags() -> None:
    assert mirrored_text("Left, leftward, left-handed; turns right") == "Right, rightward, right-handed; turns left"
    assert mirrored_text("a clockwise circle, then counterclockwise") == "a counterclockwise circle, then clockwise"
    assert mirrored_text("what is left of an upright clefted bright") == "what is right of an upright clefted bright"
    caption = mirrored_caption(Caption("a person turns left", ("a/DET",), 0.5, 2.5))
    assert caption == Caption("a person turns right", tagged("a person turns right"), 0.5, 2.5)


@given(st.text(alphabet="leftrigh counrlkws-", max_size=60))
def test_two_mirrors_give_the_text_back(text: str) -> None:
    assert mirrored_text(mirrored_text(text)) == text


def test_verbs_and_counts() -> None:
    forms = {
        verb: (conjugated(verb, "s"), conjugated(verb, "ing")) for verb in ("carry", "go", "reach", "put", "raise")
    }
    assert forms == {
        "carry": ("carries", "carrying"),
        "go": ("goes", "going"),
        "reach": ("reaches", "reaching"),
        "put": ("puts", "putting"),
        "raise": ("raises", "raising"),
    }
    assert (number(3), number(11)) == ("three", "several")


def test_choices_follow_from_the_key_alone() -> None:
    drawn = [pick("abcd", f"key {n}") for n in range(400)]
    assert drawn == [pick("abcd", f"key {n}") for n in range(400)]
    assert min(drawn.count(letter) for letter in "abcd") > 60
