"""Settings are checked by type and bound, whatever they come from, and a run goes on only under its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from train.dance.settings import Settings as DanceSettings
from train.families import learned, load
from train.reaction.settings import Settings as ReactionSettings
from train.run.settings import RunSettings, given_settings, listed, settings_of


def test_a_value_is_what_its_type_says_whether_from_yaml_or_the_command_line() -> None:
    said = settings_of(ReactionSettings, {"steps": "400", "rate": "0.01", "head_weights": "2,1,1"})
    meant = settings_of(ReactionSettings, {"steps": 400, "rate": 0.01, "head_weights": [2, 1, 1]})
    assert said == meant and said.head_weights == (2.0, 1.0, 1.0) and said.check_every == 200
    assert settings_of(DanceSettings, {"mirror": "no"}).mirror is False
    assert settings_of(RunSettings, {"steps": 30}).check_every == 30
    assert said.to_dict()["head_weights"] == [2.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stepz": 1}, "no setting stepz; there is config, seed"),
        ({"steps": 2.5}, "steps"),
        ({"steps": 0}, "steps: .*greater than or equal to 1, not 0"),
        ({"rate": "nan"}, "rate: .*finite"),
        ({"clip": 0}, "clip: .*greater than 0"),
        ({"average": 1}, "average: .*less than 1"),
        ({"keep": "first"}, "'best' or 'last', not 'first'"),
        ({"precision": 16}, "precision"),
        ({"steps": 450, "check_every": 200}, "give steps=600"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        settings_of(RunSettings, values)


ANYTHING = st.one_of(st.none(), st.text(), st.floats(), st.lists(st.integers()))


@given(st.dictionaries(st.sampled_from(["steps", "rate", "keep", "threads", "x"]), ANYTHING, max_size=3))
def test_nothing_but_settings_or_a_refusal_comes_of_any_values(values: dict[str, Any]) -> None:
    try:
        made = settings_of(RunSettings, values)
    except EngineError:
        return
    assert made.steps >= 1 and made.steps % made.check_every == 0 and 0 < made.rate < float("inf")


def test_pairs_stand_above_the_file(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("steps: 400\nrate: 0.5\n", "utf-8")
    assert given_settings(file, ["rate=0.1"]) == {"steps": 400, "rate": "0.1"}
    for content, words in ((b"- 1\n", "mapping"), (b"a: [1\n", "no YAML"), (b"\xff\xfe\xff", "no YAML")):
        file.write_bytes(content)
        with pytest.raises(EngineError, match=words):
            given_settings(file, [])


def test_a_run_goes_on_only_under_its_own_settings() -> None:
    mine = settings_of(RunSettings, {"seed": 3})
    mine.must_equal(mine.to_dict(), "run")
    with pytest.raises(EngineError, match=r"run was begun with other settings: seed was 0 and is 3\. "):
        mine.must_equal(RunSettings().to_dict(), "run")
    with pytest.raises(EngineError, match="more was 1 and is None"):
        mine.must_equal({**mine.to_dict(), "more": 1}, "run")


@pytest.mark.parametrize("family", learned())
def test_every_family_has_settings_that_explain_themselves(family: str) -> None:
    kind = load(family, "command").TRAINING.settings
    assert issubclass(kind, RunSettings) and settings_of(kind, {}).to_dict()["config"] == "small"
    lines = listed(kind).splitlines()[1:]
    assert len(lines) == len(dataclasses.fields(kind))
    assert all(line.partition("=")[2].split(maxsplit=1)[1:] or "=  " in line for line in lines)
