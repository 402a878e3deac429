"""Lips of the conversation model: what mouths are told by, and how wide they open."""

from __future__ import annotations

import math

import torch

from models.contract import initial_state
from models.conversation import build
from models.conversation.config import MOUTH, MOUTH_NAMES, RATE
from models.conversation.lips import FIRST_GAIN, INERTIA_S, LEAST, MOST_GAIN, SURE, UNSURE, MouthCodec


def test_channels_that_a_recording_did_not_solve_do_not_shift_a_mouths_numbers() -> None:
    torch.manual_seed(0)
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


def test_lips_meet_where_b_p_or_m_is_likely_and_a_shut_mouth_stays_as_it_is() -> None:
    lips = build("tiny").lips
    jaw, close, lower, smile = (
        MOUTH_NAMES.index(name) for name in ("jawOpen", "mouthClose", "mouthLowerDownLeft", "mouthSmileLeft")
    )
    mouths = torch.zeros(1, 3, len(MOUTH))
    mouths[..., jaw], mouths[..., lower], mouths[..., smile] = 0.6, 0.4, 0.3
    chances = torch.tensor([UNSURE, 0.5 * (UNSURE + SURE), 0.9])[None, :, None]
    shut = lips.closed(mouths, chances)[0]
    assert torch.equal(shut[0], mouths[0, 0]) and (shut[:, smile] == mouths[0, :, smile]).all()
    assert torch.allclose(shut[:, jaw], torch.tensor([0.6, 0.45, 0.3]))
    assert torch.allclose(shut[:, lower], torch.tensor([0.4, 0.2, 0.0]), atol=1e-6)
    aperture = (shut[:, jaw] - shut[:, close]).clamp_min(0.0)
    assert torch.allclose(aperture, torch.tensor([0.6, 0.225, 0.0]), atol=1e-6)
    mouths.zero_()
    mouths[..., close] = 0.2
    assert torch.equal(lips.closed(mouths, chances), mouths)


def test_closings_are_heard_by_the_network_that_draws_mouths() -> None:
    model = build("tiny")
    lips = model.lips.eval()
    with torch.no_grad():
        lips.codec.scale.fill_(1e-3)
        lips.codec.mean[MOUTH_NAMES.index("jawOpen")] = 0.6
        lips.closing.weight.zero_()
    raw, capture = torch.randn(1, 8, model.voice.raw_width), torch.zeros(1, 8, dtype=torch.long)
    uniforms, warm, state = torch.full((1, 8, lips.draws), 0.5), torch.ones(1, 8), initial_state(lips.state_specs(), 1)
    jaw, close = (MOUTH_NAMES.index(name) for name in ("jawOpen", "mouthClose"))
    assert float(lips.closing.bias.detach().sigmoid()) < UNSURE, "untaught lips do not close"
    apertures = []
    for bias in (-9.0, 9.0):
        with torch.no_grad():
            lips.closing.bias.fill_(bias)
            mouths, _ = lips(raw, capture, uniforms, warm, state)
        apertures.append((mouths[..., jaw] - mouths[..., close]).clamp_min(0.0))
    assert float(apertures[0].min()) > 0.1 and float(apertures[1].max()) < 1e-6


def test_a_mouth_follows_what_is_drawn_in_any_pieces() -> None:
    lips = build("tiny").lips
    mouths = torch.zeros(1, 30, len(MOUTH))
    mouths[:, 10:20] = 0.8
    whole = lips.followed(mouths, torch.zeros(1, len(MOUTH)))
    opened = whole[0, 10:20, 0] / 0.8
    assert (whole[0, :10] == 0).all() and opened.diff().min() > 0
    # After a time constant 63 % of the way are gone; a mouth that stops is shut within 0.15 s.
    assert abs(float(opened[0]) - (1.0 - math.exp(-1.0 / (RATE * INERTIA_S)))) < 1e-6
    assert float(whole[0, 24, 0]) < 0.01
    first = lips.followed(mouths[:, :13], torch.zeros(1, len(MOUTH)))
    assert torch.allclose(lips.followed(mouths[:, 13:], first[:, -1]), whole[:, 13:])
