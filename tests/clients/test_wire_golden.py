"""The pinned bytes are what the engine encodes, and both decoders read the same fields from them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from clients.python.subscriber import Frame, decode
from engine import wire

from . import golden

CASES = json.loads(golden.PATH.read_text())


def test_file_is_what_the_engine_encodes():
    assert golden.cases() == CASES


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("decoder", [wire.decode, decode])
def test_decoders_agree(case, decoder):
    frame = decoder(bytes.fromhex(case["hex"]))
    for name in Frame._fields[:-1]:
        assert int(getattr(frame, name)) == case[name], name
    np.testing.assert_array_equal(frame.values, np.array(case["values"], np.float32))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"RXN1",
        bytes.fromhex(CASES[0]["hex"])[:-1],
        bytes.fromhex(CASES[0]["hex"]) + b"\0",
        b"RXN2" + bytes.fromhex(CASES[0]["hex"])[4:],
        bytes.fromhex(CASES[0]["hex"])[:10] + b"\x02" + bytes.fromhex(CASES[0]["hex"])[11:],
    ],
    ids=["empty", "short", "cut", "long", "magic", "version"],
)
def test_what_is_no_frame_is_refused(broken):
    assert decode(broken) is None
    with pytest.raises(wire.WireError):
        wire.decode(broken)
