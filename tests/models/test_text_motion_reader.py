"""Bodies are read live as the tokenizer reads them whole, wherever they stand, and with gaps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.contract import Tensors
from models.text_motion import PoseCodes, build_reader
from models.text_motion.config import TOKEN
from models.text_motion.features import encode
from models.text_motion.layout import HUMANML3D
from models.text_motion.posecodes.codes import bins, measures
from tests.models.test_text_motion import LENGTH, bodies


@pytest.fixture(scope="module")
def reader() -> PoseCodes:
    """A tiny one with random weights."""
    torch.manual_seed(4)
    made = build_reader("tiny").eval()
    made.tokenizer.std.fill_(0.3)
    return made


def seen(body: Tensor, there: Tensor | None = None) -> Tensors:
    """Inputs of the reader."""
    return {"partner_body": body, "partner_valid": torch.ones(body.shape[:2]) if there is None else there}


def test_a_body_is_read_live_as_the_tokenizer_reads_it_whole(reader: PoseCodes):
    body = bodies(LENGTH)
    with torch.inference_mode():
        read, _ = reader.scan(seen(body), reader.initial_state(1), chunk=5)
        rows = encode(body, HUMANML3D, backward=True)
        codes = bins(measures(body))
        whole = reader.tokenizer.encode(rows, codes[:, ::TOKEN])
    assert torch.equal(read["codes"], codes)
    assert torch.equal(read["residual"][:, TOKEN - 1 :: TOKEN], whole.ids)
    assert torch.equal(read["residual"][:, TOKEN : 2 * TOKEN - 1], whole.ids[:, :1].expand(-1, TOKEN - 1, -1))


def test_where_a_body_stands_and_faces_makes_no_difference_to_its_reading(reader: PoseCodes):
    body = bodies(LENGTH)
    turned = torch.stack([-body[..., 0] + 1.0, body[..., 1], -body[..., 2] - 2.0], -1)
    with torch.inference_mode():
        ours, theirs = (reader.scan(seen(item), reader.initial_state(1))[0] for item in (body, turned))
    assert (ours["codes"] == theirs["codes"]).float().mean() > 0.99  # but for values at the edge of a bin
    assert (ours["residual"] == theirs["residual"]).float().mean() > 0.95


def test_without_a_body_the_last_one_stands_still(reader: PoseCodes):
    body, there = bodies(LENGTH), torch.ones(1, LENGTH)
    there[:, 10:15] = 0.0
    stood = body.clone()
    stood[:, 10:15] = body[:, 9:10]
    with torch.inference_mode():
        ours = reader.scan(seen(body, there), reader.initial_state(1))[0]
        theirs = reader.scan(seen(stood), reader.initial_state(1))[0]
    assert torch.equal(ours["codes"], theirs["codes"]) and torch.equal(ours["residual"], theirs["residual"])


def test_before_a_body_is_seen_there_are_no_codes(reader: PoseCodes):
    there = torch.ones(1, LENGTH)
    there[:, :6] = 0.0
    with torch.inference_mode():
        read = reader.scan(seen(bodies(LENGTH), there), reader.initial_state(1))[0]
    assert (read["codes"][:, :6] == -1).all() and (read["codes"][:, 6:] >= 0).all()
