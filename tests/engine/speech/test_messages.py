"""The messages of a speech program: golden bytes, round trips, and a refusal in words for everything else."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.speech import messages
from engine.speech.messages import HEAD, RATES, SpeechSound, SpeechUpdate, decode, encode_sound
from engine.speech.spoken import SpokenWord

GOLDEN_INT16 = bytes.fromhex("52585331 00 01 0000 c05d0000 1581e97df4102211 0000 0040 0080 ff7f")


def test_golden_bytes() -> None:
    found = decode(GOLDEN_INT16)
    assert isinstance(found, SpeechSound)
    assert (found.rate, found.begins, found.at_ns) == (24_000, True, 0x112210F47DE98115)
    assert found.samples.tolist() == [0.0, 0.5, -1.0, 32767 / 32768]
    assert encode_sound(np.float32([0.25]), 16_000).hex() == "5258533101000000803e000000000000000000000000803e"


@given(st.lists(st.floats(-1, 1, width=32)), st.sampled_from(RATES), st.booleans(), st.integers(0, 2**63 - 1))
def test_sound_comes_out_as_it_went_in(values: list[float], rate: int, begins: bool, at_ns: int) -> None:
    found = decode(encode_sound(np.array(values, np.float32), rate, begins, at_ns))
    assert isinstance(found, SpeechSound)
    assert found.samples.tolist() == values and (found.rate, found.begins, found.at_ns) == (rate, begins, at_ns)


def head(kind: int = 1, begins: int = 0, reserved: int = 0, rate: int = 16_000, at_ns: int = 0) -> bytes:
    return HEAD.pack(b"RXS1", kind, begins, reserved, rate, at_ns)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"RXS1", "head of 20"),
        (head(2), "kind 2"),
        (head(begins=2), "begin 2"),
        (head(reserved=1), "0 or 1, 0"),
        (head(rate=0), "0 Hz: give one of 8000"),
        (head(rate=384_001), "384001 Hz"),
        (head(at_ns=-1), "moment -1"),
        (head() + b"123", "whole number of samples"),
        (head(0) + b"1", "whole number of samples"),
        (head() + struct.pack("<f", float("nan")), "not finite"),
        (head() + struct.pack("<f", float("inf")), "not finite"),
        (head() + bytes(messages.LONGEST_MESSAGE), "at most"),
        (b"", "no message of a speech program"),
        (b"RXS2", "no message of a speech program"),
        (b"[1]", "no message"),
        (b"{}", "no message"),
        (b"[" * 100_000, "no message"),
        (b'{"speaking": true, "loud": 1}', "no message"),
        (b'{"speaking": 1}', "true, false or null"),
        (b'{"clear": 1}', "clear: give true"),
        (b'{"begin": null}', "begin: give true"),
        (b'{"begin": true, "at_ns": 1.5}', "whole nanoseconds"),
        (b'{"begin": true, "at_ns": -1}', "whole nanoseconds"),
        (b'{"begin": true, "at_ns": true}', "whole nanoseconds"),
        (b'{"begin": true, "at_ns": 9223372036854775808}', "whole nanoseconds"),
        (b'{"speaking": true, "at": "now"}', "at: give seconds"),
        (b'{"speaking": true, "at": NaN}', "at: give seconds"),
        (b'{"words": {}}', "list"),
        (b'{"words": [{"start": 0, "end": 1}]}', "number 0"),
        (json.dumps({"words": [{"start": 0, "text": "a"}] * (messages.MOST_WORDS + 1)}).encode(), "1024"),
        (b'{"words": "' + b"a" * messages.LONGEST_JSON + b'"}', "at most"),
    ],
)
def test_what_is_no_message_is_refused_in_words(message: bytes, words: str) -> None:
    with pytest.raises(EngineError) as error:
        decode(message)
    assert words in str(error.value) and len(str(error.value)) < 400


def test_a_message_may_say_several_things() -> None:
    words = [{"start": 0.5, "end": 0.75, "text": "hi "}]
    told: dict[str, Any] = {"clear": True, "begin": True, "at_ns": 7, "words": words, "speaking": None, "at": 0.25}
    assert decode(json.dumps(told).encode()) == SpeechUpdate(
        True, True, 7, (SpokenWord("hi", 0.5, 0.75),), True, None, 0.25
    )
    assert decode(b'{"speaking": false}') == SpeechUpdate(flagged=True, flag=False)
    assert decode(b'{"words": []}') == SpeechUpdate()


def test_loud_samples_are_clipped() -> None:
    found = decode(encode_sound(np.float32([2.0, -3e38, 0.5]), 8_000))
    assert isinstance(found, SpeechSound) and found.samples.tolist() == [1.0, -1.0, 0.5]


def test_two_hundred_thousand_mutated_messages_are_read_or_refused() -> None:
    chance = random.Random(5)
    told = b'{"begin": true, "words": [{"start": 0.5, "end": 0.75, "text": "hi"}], "speaking": true, "at": 0.5}'
    seeds = [GOLDEN_INT16, encode_sound(np.linspace(-1, 1, 50, dtype=np.float32), 48_000), told]
    read = 0
    for _ in range(200_000):
        message = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(message) + 1)
            kind = chance.randrange(3)
            if kind == 0:
                message[at : at + 1] = bytes([chance.randrange(256)])
            elif kind == 1:
                del message[at : at + chance.randint(1, 8)]
            else:
                message[at:at] = chance.randbytes(chance.randint(1, 8))
        try:
            found = decode(bytes(message))
        except EngineError:
            continue
        read += 1
        assert isinstance(found, SpeechUpdate) or (np.isfinite(found.samples).all() and found.rate in RATES)
    assert read > 10_000
