"""The session protocol: what fits arrives whole, what does not is refused in words, whatever the bytes are."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.network.messages import (
    HEAD,
    LONGEST_BINARY,
    LONGEST_TEXT,
    MOST_RECORDS,
    MOST_WORDS,
    ClientOrder,
    Input,
    MessageError,
    Open,
    Said,
    Words,
    parse_records,
    parse_text,
    record,
)
from engine.sources.pictures import PICTURES

INPUTS = [Input(("audio", "partner")), Input(("face", "partner"), (58,)), Input(("body", "self"), (5, 3))]
INPUTS += [Input(PICTURES)]
PICTURE = record(3, 5, np.frombuffer(b"\xff\xd8 no more than this \xff\xd9", np.uint8))
TIMES = st.integers(-(2**63), 2**63 - 1)


def text(value: object) -> bytes:
    return json.dumps(value).encode()


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), TIMES, st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_records_arrive_as_they_were_sent(items: list[tuple[int, int, bool, bool]]) -> None:
    rng = np.random.default_rng(len(items))
    sent, message = [], b""
    for number, at, valid, whole in items:
        values = rng.uniform(-1, 1, (37,) if number == 0 else INPUTS[number].shape).astype(np.float32)
        if number == 0 and whole:
            values = (values * 32767).astype(np.int16)
        sent.append((number, at, values, valid))
        message += record(number, at, values, valid)
    for got, (number, at, values, valid) in zip(parse_records(message, INPUTS), sent, strict=True):
        assert (got.input, got.at_ns, got.valid) == (number, at, valid)
        assert got.values.dtype == np.float32 and got.values.shape == values.shape
        assert np.array_equal(got.values, values / np.float32(32768) if values.dtype == np.int16 else values)
        got.values[...] = 0  # a copy: the message may be gone


def test_sound_that_is_too_loud_is_clipped_and_a_pose_is_not() -> None:
    loud = np.array([-3.0, 0.5, 7.0], np.float32)
    assert parse_records(record(0, 1, loud), INPUTS)[0].values.tolist() == [-1.0, 0.5, 1.0]
    far = np.full((5, 3), 9.0, np.float32)
    assert (parse_records(record(2, 1, far), INPUTS)[0].values == 9.0).all()


FACE = record(1, 5, np.zeros(58, np.float32))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "of 0 bytes"),
        (FACE[:15], "of 15 bytes"),
        (FACE[:-1], "58 numbers, 231 bytes are left"),
        (FACE + b"\x00", "1 bytes are left"),
        (FACE * (MOST_RECORDS + 1), "16 whole ones at most"),
        (b"\x00" * (LONGEST_BINARY + 1), "of 65537 bytes"),
        (HEAD.pack(4, 1, 1, 0, 1, 5) + b"\x00" * 4, "give 1 to 3"),
        (HEAD.pack(2, 4, 1, 0, 1, 5) + b"\x00" * 4, "an input below 4"),
        (HEAD.pack(3, 1, 1, 0, 58, 5) + b"\x00" * 58, "numbers 3 for face/partner; pictures, and nothing else, are 3"),
        (HEAD.pack(3, 0, 1, 0, 4, 5) + b"\x00" * 4, "numbers 3 for audio/partner"),
        (HEAD.pack(2, 3, 1, 0, 1, 5) + b"\x00" * 4, "numbers 2 for pictures/partner"),
        (HEAD.pack(1, 3, 1, 0, 2, 5) + b"\x00" * 4, "numbers 1 for pictures/partner"),
        (PICTURE[:-1], "23 numbers, 22 bytes are left"),
        (HEAD.pack(2, 0, 2, 0, 1, 5) + b"\x00" * 4, "0 or 1, and 0"),
        (HEAD.pack(2, 0, 1, 1, 1, 5) + b"\x00" * 4, "0 or 1, and 0"),
        (HEAD.pack(2, 0, 1, 0, 0, 5), "0 numbers"),
        (HEAD.pack(2, 0, 1, 0, 2**32 - 1, 5) + b"\x00" * 4, "4294967295 numbers"),
        (record(1, 5, np.zeros(57, np.float32)), "58 float32"),
        (record(1, 5, np.zeros(58, np.int16)), "58 float32"),
        (record(0, 5, np.array([0.0, np.nan], np.float32)), "not finite"),
        (record(1, 5, np.full(58, np.inf, np.float32)), "not finite"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(message: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        parse_records(message, INPUTS)


def test_a_picture_is_its_bytes() -> None:
    first, second = parse_records(PICTURE + record(3, 7, np.zeros(1, np.uint8), False), INPUTS)
    assert first.values.tobytes() == PICTURE[HEAD.size :] and (first.input, first.at_ns, first.valid) == (3, 5, True)
    assert (second.at_ns, second.valid) == (7, False)


def test_text_messages() -> None:
    asked = parse_text(text({"open": {"bundles": ["rules"], "gives": ["audio/partner"], "seed": 3, "at": -7}}))
    assert isinstance(asked, Open) and asked.keys == {("audio", "partner")}
    assert (asked.bundles, asked.seed, asked.at, asked.sample_rate) == (("rules",), 3, -7, 16_000)
    assert parse_text(b'{"set": {"a": 1, "prompt": "wave"}}') == ClientOrder("set", {"a": 1, "prompt": "wave"}, None)
    words = parse_text(text({"words": [["hi\n\x1b[2J", 5, 9], ["you", 10, None], ["x" * 999, 11]], "owner": "self"}))
    assert words == Words("self", [("hi [2J", 5, 9), ("you", 10, None), ("x" * 64, 11, None)])
    assert parse_text(b'{"speaking": null, "owner": "partner", "at": 4}') == Said("partner", None, 4)
    assert parse_text(b'{"time": 5, "at": 6}') == ClientOrder("time", 5, 6)
    for kind in ("pause", "resume", "reset", "stats"):
        assert parse_text(text({kind: True})) == ClientOrder(kind, True, None)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "no message"),
        (b"\xff\xfe{", "no message"),
        (b"[" * 5000, "no message"),
        (b'{"set": {"a": NaN}}', "no message"),
        (b'{"set": {"a": ' + b"9" * 9000 + b"}}", "no message"),
        (b'{"nothing": 1}', "one of open, set, words"),
        (b" " * (LONGEST_TEXT + 1), "16384 at most"),
        (b'{"pause": true, "set": {"a": 1}}', "one thing a message"),
        (b'{"pause": 1}', "give true"),
        (b'{"set": {}}', "1 to 64 names"),
        (b'{"ping": 1.5}', "whole number"),
        (b'{"ping": true}', "whole number"),
        (b'{"time": 9223372036854775808, "at": 1}', "64 bits"),
        (b'{"time": 1, "at": "now"}', "at: give a whole number"),
        (b'{"speaking": 1}', "true, false or null"),
        (b'{"speaking": true, "owner": "you"}', "owner 'you': give partner or self"),
        (b'{"words": []}', f"1 to {MOST_WORDS}"),
        (text({"words": [["a", 1]] * (MOST_WORDS + 1)}), f"1 to {MOST_WORDS}"),
        (b'{"words": [["a"]]}', "start, end"),
        (b'{"words": [[1, 2, 3]]}', "start, end"),
        (b'{"words": [["\\u0007", 2]]}', "without letters"),
        (b'{"words": [["a", 2, "end"]]}', "end of a word"),
        (b'{"open": []}', "object of its fields"),
        (b'{"open": {"seed": -1}}', "seed: give"),
        (b'{"open": {"seed": "x"}}', "seed"),
        (b'{"open": {"seed": "5"}}', "seed: Input should be a valid integer"),
        (b'{"open": {"at": false}}', "at: Input should be a valid integer"),
        (b'{"open": {"monitor": 1}}', "monitor: Input should be a valid boolean"),
        (b'{"open": {"head": "tail"}}', "head"),
        (b'{"open": {"gives": ["a/b"]}}', "WHAT/OWNER"),
        (b'{"open": {"sample_rate": 7}}', "sample_rate: give one of"),
        (b'{"open": {"tokens": "x"}}', "tokens"),
        (text({"open": {"bundles": ["a"] * 65}}), "64 bundles"),
        (b'{"open": {"at": 18446744073709551616}}', "at"),
    ],
)
def test_text_that_does_not_fit_is_refused(message: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        told = parse_text(message)
        assert isinstance(told, Open)
        _ = told.keys


VALID: list[bytes] = [
    text({"open": {"bundles": ["rules"], "gives": ["audio/partner", "face/partner"], "seed": 3, "controls": {"a": 1}}}),
    text({"set": {"nod_rate": 1.5, "effort": "high", "vector": [0.1, 0.2], "prompt": "wave slowly"}}),
    text({"words": [["hello", 1, 2], ["there", 3, None]], "owner": "self"}),
    text({"speaking": True, "owner": "self", "at": 123}),
    text({"time": 123, "at": 456}),
    text({"ping": 7}),
    FACE + record(0, 5, np.zeros(640, np.int16)),
    record(0, 5, np.linspace(-1, 1, 160).astype(np.float32)) + record(2, 9, np.ones((5, 3), np.float32)),
    PICTURE + FACE,
]
PIECES = [b"null", b"-1", b"1e999", b"{}", b"[]", b'""', b"true", b"9" * 25, b"\x00", b"\xff" * 8, b"\\ud800", b"NaN"]


def mutated(chance: random.Random) -> bytes:
    """A valid message with one to four things done to it."""
    data = bytearray(chance.choice(VALID))
    for _ in range(chance.randint(1, 4)):
        at, many = chance.randrange(len(data) + 1), chance.randint(1, 40)
        kind = chance.randrange(6)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] = chance.randrange(256)
        elif kind == 1:
            del data[at : at + many]
        elif kind == 2:
            data[at:at] = chance.choice(PIECES)
        elif kind == 3:
            data[at:at] = data[at : at + many] * chance.randint(1, 4)
        elif kind == 4:
            data[at : at + many] = chance.choice(VALID)[at : at + many]
        else:
            data[at:at] = chance.randbytes(many)
    return bytes(data)


def test_200_000_mutated_messages_are_parsed_or_refused_in_words() -> None:
    chance = random.Random(8)
    parsed = refused = 0
    for _ in range(100_000):
        message = mutated(chance)
        attempts: list[Any] = [lambda: parse_text(message), lambda: parse_records(message, INPUTS)]  # noqa: B023
        for attempt in attempts:
            try:
                attempt()
                parsed += 1
            except EngineError as error:
                refused += 1
                assert len(str(error)) < 600
    assert parsed + refused == 200_000 and parsed > 2_000
