"""Lips of the conversation model: what mouths are told by, and how wide they open."""

from __future__ import annotations

import math

import torch

from models.contract import initial_state
from models.conversation import build
from models.conversation.config import MOUTH, MOUTH_NAMES, RATE
from models.conversation.lips import INERTIA_S, LEAST, MOST_GAIN, REACH, SURE, UNSURE, MouthCodec


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


def test_a_mouth_that_opens_little_comes_to_open_as_wide_as_captured_ones_and_stays_closed_where_it_is() -> None:
    lips = build("tiny").lips
    jaw, smile = MOUTH_NAMES.index("jawOpen"), MOUTH_NAMES.index("mouthSmileLeft")
    frames, capture = 3000, torch.ones(1, 3000, dtype=torch.long)
    first = {name: state for name, state in initial_state(lips.state_specs(), 1).items() if name.endswith("ed")}
    lips.reach[:] = torch.tensor([0.9, 0.4])
    opens = torch.rand(frames, generator=torch.Generator().manual_seed(0))
    opens[::2] = 0.01  # nearly closed

    def widened(size: float) -> tuple[torch.Tensor, float]:
        mouths = torch.full((1, frames, len(MOUTH)), 0.25)
        mouths[:, :, jaw] = size * opens
        wide, updates = lips.widened(mouths, capture, first)
        assert (wide[0, ::2, jaw] < 0.012).all() and (wide[:, :, smile] == 0.25).all()
        return wide[0, frames // 3 :, jaw], float(updates["reached"])

    for size in (0.25, 0.4):  # a jaw that opens up to `size`, and wide at 0.85 of it
        wide, reached = widened(size)
        assert abs(reached - REACH * size / 0.4) < 0.12
        assert abs(float(wide[wide > 0.04].quantile(REACH)) - 0.4) < 0.05
    narrow, reached = widened(0.06)  # so little is not made more than MOST_GAIN of
    assert 0.06 < float(narrow.max()) < 0.06 * MOST_GAIN + 1e-6 and abs(reached - 1.0 / MOST_GAIN) < 1e-6
    large, reached = widened(0.8)  # and a mouth that opens wide is left as it is
    assert reached > 0.95 and torch.isclose(large.max(), 0.8 * opens[frames // 3 :].max(), rtol=0.05)
    mouths = torch.zeros(1, 300, len(MOUTH))
    silent, same = lips.widened(mouths, capture[:, :300], first)
    assert torch.equal(same["reached"], first["reached"]) and silent.max() == 0, "silence does not change the reach"
    mouths[:, ::4, jaw] = 0.01
    shut, _ = lips.widened(mouths, capture[:, :300], {"reached": torch.full((1, 1), 0.4), "opened": torch.zeros(1, 1)})
    assert float(shut[0, 0, jaw]) < 0.01 * 1.2, "what is nearly closed stays so"


def test_the_reach_of_a_voice_is_found_within_a_second() -> None:
    lips = build("tiny").lips
    jaw = MOUTH_NAMES.index("jawOpen")
    lips.reach[:] = 0.4
    mouths = torch.zeros(1, 30, len(MOUTH))
    mouths[:, :, jaw] = 0.5 * torch.rand(30, generator=torch.Generator().manual_seed(1))
    _, updates = lips.widened(mouths, torch.zeros(1, 30, dtype=torch.long), initial_state(lips.state_specs(), 1))
    assert float(updates["reached"]) > 0.9 and float(updates["opened"]) > 25


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
