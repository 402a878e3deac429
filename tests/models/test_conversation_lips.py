"""Lips of the conversation model: what mouths are told by, and how wide they open."""

from __future__ import annotations

import torch

from models.conversation import build
from models.conversation.config import MOUTH, MOUTH_NAMES
from models.conversation.lips import FIRST_GAIN, LEAST, MOST_GAIN, MouthCodec


def test_channels_that_a_recording_did_not_solve_do_not_shift_a_mouths_numbers() -> None:
    codec = MouthCodec()
    mouths, known = torch.rand(500, 27), torch.ones(500, 27, dtype=torch.bool)
    known[:250, 3] = False
    mouths[~known] = 0.0
    codec.fit(mouths, known)
    assert abs(float(codec.mean[3]) - 0.5) < 0.05 and abs(float(codec.scale[3]) - 0.29) < 0.03
    assert torch.allclose(codec.weights(codec.numbers(mouths)), mouths, atol=1e-6)
    known[:, 4] = False  # a channel of which nothing is known stays shut
    codec.fit(mouths, known)
    assert codec.weights(3.0 * torch.randn(500, 27))[:, 4].max() < 1e-4
    mouths[:, 5] = 0.2
    codec.fit(mouths, known)
    assert torch.isclose(codec.scale[5], LEAST * codec.scale.max())


def test_a_mouth_that_opens_little_comes_to_open_wide_and_stays_closed_where_it_is() -> None:
    lips = build("tiny").lips
    jaw, smile = MOUTH_NAMES.index("jawOpen"), MOUTH_NAMES.index("mouthSmileLeft")
    capture, first = torch.ones(1, 300, dtype=torch.long), torch.full((1, 1), 1.0 / FIRST_GAIN)
    lips.reach[:] = torch.tensor([0.9, 0.4])
    mouths = torch.zeros(1, 300, len(MOUTH))
    mouths[:, ::4, jaw], mouths[:, :, smile] = 0.25, 0.25
    wide, reached = lips.widened(mouths, capture, first)
    assert abs(float(wide[0, 296, jaw]) - 0.4) < 0.03 and abs(float(reached) - 0.25 / 0.4) < 0.04
    assert (wide[0, 1::4, jaw] == 0).all() and (wide[:, :, smile] == 0.25).all()
    mouths[:, ::4, jaw] = 0.15  # so little is not made more than MOST_GAIN of
    small, reached = lips.widened(mouths.repeat(1, 8, 1), capture.repeat(1, 8), first)
    assert 0.25 < float(small[0, 2396, jaw]) < 0.15 * MOST_GAIN and 1.0 / MOST_GAIN <= float(reached) < 0.5
    shut, _ = lips.widened(torch.where(mouths == 0.15, 0.02, mouths), capture, reached)
    assert float(shut[0, 296, jaw]) < 0.02 * 1.2, "what is nearly closed stays so"
    mouths[:, ::4, jaw] = 0.8  # and a mouth that opens wide is left as it is
    large, reached = lips.widened(mouths, capture, first)
    assert float(reached) == 1.0 and torch.isclose(large[0, 296, jaw], torch.tensor(0.8))
    silent, same = lips.widened(torch.zeros(1, 300, len(MOUTH)), capture, first)
    assert torch.equal(same, first) and silent.max() == 0, "silence does not change what was reached"
