"""The AsyncAPI page of the session protocol says what the engine does: its schemas take what the parser takes, refuse
what it refuses, and fit what a real session is sent."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.network.messages import (
    FLOAT32,
    INT16,
    JPEG,
    KINDS,
    LONGEST_BINARY,
    MOST_RECORDS,
    MessageError,
    Open,
    parse_text,
    record,
)
from engine.sources.jpeg import LEAST_SIDE, MOST_PIXELS
from engine.sources.pictures import PICTURES
from engine.speech.messages import RATES
from tests.engine.network.stage import HOP, MS, Hall, Raw
from tests.engine.network.test_messages import VALID

PAGE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[3] / "docs" / "session.asyncapi.yaml").read_text("utf-8")
)
SCHEMAS: dict[str, Any] = PAGE["components"]["schemas"]


def resolved(value: Any) -> Any:
    """A schema with what it refers to put in its place."""
    if isinstance(value, dict):
        if "$ref" in value:
            return resolved(SCHEMAS[value["$ref"].rpartition("/")[2]])
        return {key: resolved(one) for key, one in value.items()}
    return [resolved(one) for one in value] if isinstance(value, list) else value


def fits(value: object, schema: str) -> bool:
    return bool(Draft202012Validator(resolved(SCHEMAS[schema])).is_valid(value))


def taken(value: object) -> bool:
    try:
        told = parse_text(json.dumps(value).encode())
        return not isinstance(told, Open) or told.keys is not None
    except MessageError:
        return False


def test_the_page_is_whole() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                at: Any = PAGE
                for part in value["$ref"].removeprefix("#/").split("/"):
                    at = at[part]
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(PAGE)
    for name in SCHEMAS:
        Draft202012Validator.check_schema(SCHEMAS[name])
    told = {
        kind for one in SCHEMAS["fromClient"]["oneOf"] for kind in SCHEMAS[one["$ref"].rpartition("/")[2]]["properties"]
    }
    assert told - {"at", "owner"} == set(KINDS)
    fields = SCHEMAS["open"]["properties"]["open"]["properties"]
    assert fields["sample_rate"]["enum"] == sorted(RATES)
    assert set(fields) == {field.name for field in dataclasses.fields(Open)}


def test_the_page_tells_kinds_and_bounds_of_records_and_pictures() -> None:
    told = PAGE["components"]["messages"]["records"]
    for part in (f"{INT16} int16", f"{FLOAT32} float32", f"{JPEG} bytes of one JPEG", f"{LEAST_SIDE} pixels a side"):
        assert part in told["description"]
    assert f"{LONGEST_BINARY // 1024} KB and {MOST_RECORDS} records at most" in told["summary"]
    wide, high = map(int, re.findall(r"(\d+) x (\d+) in all", told["description"])[0])
    assert wide * high == MOST_PIXELS
    about = SCHEMAS["open"]["properties"]["open"]["properties"]["gives"]["description"]
    assert "/".join(PICTURES) in about


def test_what_the_engine_takes_fits_the_page() -> None:
    texts = [json.loads(message) for message in VALID if message[:1] == b"{"]
    assert len(texts) > 4 and all(fits(one, "fromClient") for one in texts)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**31, 2**32, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 0.5]),
    st.sampled_from(["", "self", "partner", "rules", "face", "audio/partner", "audio/you", "a/b/self"]),
)
SMALL = st.one_of(
    JUNK, st.lists(JUNK, max_size=3), st.dictionaries(st.sampled_from(["a", "seed", "at"]), JUNK, max_size=2)
)
FIELDS = sorted(SCHEMAS["open"]["properties"]["open"]["properties"])
OPENS = st.dictionaries(st.sampled_from([*FIELDS, "more"]), SMALL, max_size=3)
WORDS = st.lists(st.lists(st.one_of(st.integers(-9, 9), st.sampled_from(["hi", "you", None])), max_size=4), max_size=3)
VALUES = {"open": st.one_of(OPENS, JUNK), "words": st.one_of(WORDS, JUNK)}


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_page_and_engine_take_and_refuse_alike(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    value = {kind: data.draw(VALUES.get(kind, SMALL))}
    for name, values in (("owner", ["self", "partner", "you", 1]), ("at", [0, -3, 2**63, 1.5, "now"])):
        if data.draw(st.integers(0, 3)) == 0:
            value[name] = data.draw(st.sampled_from(values))
    assert fits(value, "fromClient") == taken(value), value


@pytest.mark.parametrize(
    "value",
    [
        {"pause": 1},
        {"set": {}},
        {"ping": 1.5},
        {"time": 2**63, "at": 1},
        {"speaking": 1},
        {"speaking": True, "owner": "you"},
        {"words": []},
        {"words": [["a"]]},
        {"words": [[1, 2, 3]]},
        {"words": [["a", 2, "end"]]},
        {"open": []},
        {"open": {"seed": -1}},
        {"open": {"head": "tail"}},
        {"open": {"gives": ["a/b"]}},
        {"open": {"sample_rate": 7}},
        {"open": {"tokens": "x"}},
        {"pause": True, "more": 1},
        {"nothing": 1},
    ],
)
def test_what_the_engine_refuses_does_not_fit_the_page(value: object) -> None:
    assert not taken(value) and not fits(value, "fromClient")


def test_what_a_session_is_sent_fits_the_page() -> None:
    with Hall() as hall:
        raw: Raw = hall.raw()
        raw.text({"open": {"gives": ["audio/partner"], "at": 0}})
        raw.text({"ping": 5})
        raw.text({"set": {"gain": 1.5}})
        raw.text({"stats": True})
        raw.send(2, record(0, 40 * MS, np.zeros(HOP, np.int16)))
        seen: set[str] = set()
        frames = 0
        while not {"session", "pong", "set", "stats"} <= seen or not frames:
            kind, message = raw.frame()
            if kind == 2:
                frames += message[:4] == b"RXN1"
                continue
            if kind != 1:
                continue
            value = json.loads(message)
            assert fits(value, "opened" if "session" in value else "told"), value
            seen |= set(value)
        raw.socket.close()
