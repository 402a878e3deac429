"""What is shown of a face stays near rest until the listener decided to look away or to smile."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.listening.folded_names import FOLDED_NAMES
from models.listening.folding import EYE_SIDE
from models.reaction.resting import FAINT, LEANS, NEAR, Resting

FRAMES = 200
OUT = [FOLDED_NAMES.index(name) for name in ("gazeOutLeft", "gazeOutRight")]
SMILE = [FOLDED_NAMES.index(name) for name in ("mouthSmileLeft", "mouthSmileRight")]
PLACE = [FOLDED_NAMES.index(name) for name in ("headX", "headY", "headZ")]


def looking(degrees: Tensor) -> Tensor:
    """A folded face that looks aside by ``degrees`` (T,): one eye out, the other in."""
    face = torch.zeros(1, len(degrees), len(FOLDED_NAMES))
    side = torch.deg2rad(degrees) / EYE_SIDE
    face[0, :, OUT[0]], face[0, :, OUT[1]] = side, -side
    return face


def at(*frames: int, length: int = FRAMES) -> Tensor:
    """True (1, T) in some frames."""
    return torch.isin(torch.arange(length), torch.tensor(frames))[None]


def shown(face: Tensor, state: Tensor | None = None, **plans: Tensor) -> tuple[Tensor, Tensor]:
    """``face`` as it is shown, with all plans, none drawn but those given."""
    cell = Resting()
    never = torch.zeros(face.shape[:2]) > 0.0
    before = torch.zeros(1, *cell.state_specs()["rest"].shape) if state is None else state
    out, after = cell(
        face, {name: plans.get(name, never) for name in ("away", "back", "smile", "ease")}, {"rest": before}
    )
    return out, after["rest"]


def degrees(face: Tensor) -> Tensor:
    return torch.rad2deg(face[0, :, OUT[0]] * EYE_SIDE)


def test_eyes_stay_near_until_a_look_away_is_planned_and_until_it_is_over() -> None:
    wanted = torch.where(torch.arange(FRAMES) % 100 < 60, 12.0, 1.0)
    unplanned, _ = shown(looking(wanted))
    assert degrees(unplanned).max() <= math.degrees(NEAR) + 1e-3
    assert degrees(unplanned)[wanted < 2.0] == pytest.approx(1.0, abs=0.1)
    planned, _ = shown(looking(wanted), away=at(5), back=at(40))
    seen = degrees(planned)
    assert seen[10:40] == pytest.approx(12.0) and seen[:5].max() <= 3.01 and seen[40:].max() <= 3.01


def test_a_look_that_turns_out_to_be_none_is_not_shown() -> None:
    wanted = torch.full((FRAMES,), 1.0)
    wanted[20:22] = 12.0  # a twitch
    wanted[60:100] = 12.0
    seen = degrees(shown(looking(wanted), away=at(10))[0])
    assert seen[:60].max() <= 3.01 and seen[65:100] == pytest.approx(12.0)
    wanted[80:] = 6.0  # nearer, but still away
    assert degrees(shown(looking(wanted), away=at(10))[0])[80:] == pytest.approx(6.0)
    wanted[80:] = 5.0
    assert degrees(shown(looking(wanted), away=at(10))[0])[80:].max() <= 3.01


def test_a_smile_is_shown_from_its_plan_on_and_fades_once_it_is_let_go() -> None:
    face = torch.zeros(1, FRAMES, len(FOLDED_NAMES))
    face[..., SMILE] = 0.6
    face[..., FOLDED_NAMES.index("jawOpen")] = 0.5
    unplanned, _ = shown(face)
    assert (
        float(unplanned[..., SMILE].max()) <= FAINT + 1e-6
        and float(unplanned[..., FOLDED_NAMES.index("jawOpen")].min()) == 0.5
    )
    planned, _ = shown(face, smile=at(20), ease=at(100))
    seen = planned[0, :, SMILE[0]]
    assert float(seen[:20].max()) <= 0.09 and seen[40:100] == pytest.approx(0.6, abs=0.01)
    assert float((seen[1:] - seen[:-1]).abs().max()) < 0.25, "neither comes in one frame"
    assert 0.2 < float(seen[125]) < 0.5 and float(seen[199]) < 0.12
    down = face.clone()
    down[..., SMILE] = -0.3
    torch.testing.assert_close(shown(down)[0], down)


def test_the_head_leans_no_farther_than_people_do() -> None:
    face = torch.zeros(1, FRAMES, len(FOLDED_NAMES))
    face[0, :, PLACE[2]] = torch.linspace(0.0, 0.2, FRAMES)
    seen, before = shown(face)[0][0, :, PLACE[2]], face[0, :, PLACE[2]]
    small = before < 0.4 * LEANS
    torch.testing.assert_close(seen[small], before[small], rtol=0.01, atol=0)
    assert float(seen.max()) <= LEANS and bool((seen[1:] >= seen[:-1]).all())
    face[0, :, PLACE[0]] = face[0, :, PLACE[2]]
    assert float(shown(face)[0][..., PLACE].norm(dim=-1).max()) <= LEANS + 1e-6


def test_state_carried_over_crops_equals_one_long_crop() -> None:
    generator = torch.Generator().manual_seed(0)
    face = 0.2 * torch.randn(1, FRAMES, len(FOLDED_NAMES), generator=generator).cumsum(1) / 4.0
    plans = {name: torch.rand(1, FRAMES, generator=generator) < 0.05 for name in ("away", "back", "smile", "ease")}
    whole, last = shown(face, **plans)
    pieces, state = [], None
    for first in range(0, FRAMES, 50):
        part = slice(first, first + 50)
        piece, state = shown(face[:, part], state, **{name: value[:, part] for name, value in plans.items()})
        pieces.append(piece)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    assert state is not None
    torch.testing.assert_close(state, last)


def test_what_no_plan_can_let_go_is_not_held() -> None:
    face = torch.full((1, 5, len(FOLDED_NAMES)), 0.5)
    face[..., PLACE] = 0.0
    cell = Resting()
    out, _ = cell(face, {"nod": at(1, length=5)}, {"rest": torch.zeros(1, *cell.state_specs()["rest"].shape)})
    torch.testing.assert_close(out, face)
