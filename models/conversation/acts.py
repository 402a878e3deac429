"""Acts: what expression and body are drawn as, and what the network knows of its own past ones.

Face (without the mouth of speech) and trunk are projected on the principal components of their groups: the *numbers*.
Those of the eyes tell where is looked in space, so that the eyes rest on the partner while the head nods.
What is drawn is a number's *innovation*, the difference to what its last two values foretell, in units of its usual
size, so smooth movement is near zero and single frames do not tremble (as the ids of the learned listener).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.conversation.config import ACTS, BODY_GROUP, FACE_GROUPS, GROUPS, PLANS, RATE
from models.listening.folded_names import FOLDED_NAMES
from models.listening.folding import gaze_in_space

LARGEST = 6.0
"""Numbers are kept within so many standard deviations."""
TRACES_S, PLAN_TRACES_S = (1.0, 8.0), (0.2, 0.6, 2.0, 8.0)
"""Time constants (s) of the traces of activity and of plans."""
FACE_COUNT = len(FOLDED_NAMES)


class ActCodec(nn.Module):
    """Numbers (..., ACTS) of faces (..., 58) and trunks (..., 48), and back."""

    fold: Tensor
    unfold: Tensor
    mean: Tensor
    analysis: Tensor
    synthesis: Tensor
    momentum: Tensor
    pace: Tensor
    speed: Tensor
    vigour: Tensor
    leak: Tensor
    calm: Tensor

    def __init__(self) -> None:
        super().__init__()
        count = FACE_COUNT + len(BODY_GROUP.channels)
        fold, unfold = gaze_in_space()
        self.register_buffer("fold", fold, persistent=False)
        self.register_buffer("unfold", unfold, persistent=False)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("analysis", torch.zeros(count, ACTS))
        self.register_buffer("synthesis", torch.zeros(ACTS, count))
        for name, value in (("momentum", 0.0), ("pace", 1.0), ("speed", 1.0)):
            self.register_buffer(name, torch.full((ACTS,), value))
        # In training vigour and calm are 1 and leak 0; a calibration of free runs sets them, number by number. Calm is
        # the share of the noise that a number is drawn with.
        for name, value in (("vigour", 1.0), ("calm", 1.0), ("leak", 0.0)):
            self.register_buffer(name, torch.full((ACTS,), value))

    def joined(self, faces: Tensor, trunks: Tensor) -> Tensor:
        """Folded faces and trunks side by side (..., 102)."""
        return torch.cat([faces @ self.fold, trunks], -1)

    def fit(self, faces: Tensor, trunks: Tensor, starts: Tensor) -> None:
        """Components of every group, of faces (N, 58) and trunks (N, 48) in order of time, and how numbers go on;
        ``starts`` (N,) is true at a talk's first two frames."""
        rows = self.joined(faces, trunks).double()
        self.mean.copy_(rows.mean(0))
        rows = rows - self.mean.double()
        analysis = torch.zeros_like(self.analysis, dtype=torch.float64)
        synthesis = torch.zeros_like(self.synthesis, dtype=torch.float64)
        first = 0
        for group in GROUPS:
            columns = self.columns(group.name)
            values, axes = torch.linalg.eigh(torch.cov(rows[:, columns].T))
            axes, spread = axes.flip(-1)[:, : group.parts], values.flip(-1)[: group.parts].clamp_min(1e-12).sqrt()
            spread = spread.clamp_min(0.05 * float(spread[0]))
            here = slice(first, first + group.parts)
            analysis[columns, here], synthesis[here, columns] = axes / spread, (axes * spread).T
            first += group.parts
        self.analysis.copy_(analysis)
        self.synthesis.copy_(synthesis)
        numbers = rows @ analysis
        whole = ~(starts[2:] | starts[1:-1])
        change, before = numbers.diff(dim=0)[1:][whole], numbers.diff(dim=0)[:-1][whole]
        momentum = ((change * before).sum(0) / before.square().sum(0).clamp_min(1e-12)).clamp(0.0, 0.95)
        self.momentum.copy_(momentum)
        self.speed.copy_(change.std(0).clamp_min(1e-4))
        self.pace.copy_((change - momentum * before).std(0).clamp_min(1e-4))

    @staticmethod
    def columns(name: str) -> list[int]:
        """The places of a group in :meth:`joined`."""
        group = next(item for item in GROUPS if item.name == name)
        if group is BODY_GROUP:
            return list(range(FACE_COUNT, FACE_COUNT + len(BODY_GROUP.channels)))
        return [FOLDED_NAMES.index(channel) for channel in group.channels]

    def numbers(self, faces: Tensor, trunks: Tensor) -> Tensor:
        """Of faces and trunks."""
        return ((self.joined(faces, trunks) - self.mean) @ self.analysis).clamp(-LARGEST, LARGEST)

    def shown(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Faces (..., 58), weights within 0 and 1, and trunks (..., 48)."""
        rows = numbers @ self.synthesis + self.mean
        signed = rows[..., :FACE_COUNT] @ self.unfold
        face = torch.cat([signed[..., :52].clamp(0.0, 1.0), signed[..., 52:]], -1)
        return face, rows[..., FACE_COUNT:]

    def innovation(self, numbers: Tensor, before: Tensor, earlier: Tensor) -> Tensor:
        """What ``numbers`` bring beyond what the two frames before foretell, in units of its usual size."""
        return (numbers - self.foretold(before, earlier)) / self.pace

    def following(self, innovation: Tensor, before: Tensor, earlier: Tensor, rest: Tensor) -> Tensor:
        """The inverse of :meth:`innovation`; a free run is led back to ``rest`` (..., ACTS) by :attr:`leak`, the share
        of the way in a frame, and moves by :attr:`vigour` times what is drawn."""
        moved = self.foretold(before, earlier) + self.vigour * self.pace * innovation
        return (moved + self.leak * (rest - before)).clamp(-LARGEST, LARGEST)

    def foretold(self, before: Tensor, earlier: Tensor) -> Tensor:
        """Numbers that go on as they went."""
        return before + self.momentum * (before - earlier)


class PastActs(nn.Module):
    """Features (B, T, ``width``) of the frames before: numbers, speeds and their traces, plans and their traces."""

    width = (2 + len(TRACES_S)) * ACTS + (1 + len(PLAN_TRACES_S)) * len(PLANS)
    plan_width = len(PLAN_TRACES_S) * len(PLANS)
    rates: Tensor
    plan_rates: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, taus in (("rates", TRACES_S), ("plan_rates", PLAN_TRACES_S)):
            self.register_buffer(name, torch.tensor([1.0 / (RATE * tau) for tau in taus])[:, None], persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """The numbers two frames ago and the traces."""
        return {
            "earlier": StateSpec((ACTS,)),
            "activity": StateSpec((len(TRACES_S), ACTS)),
            "planned": StateSpec((len(PLAN_TRACES_S), len(PLANS))),
        }

    @torch.no_grad()
    def forward(self, before: Tensor, plans: Tensor, speed: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Features of the frame after each of ``before`` (B, T, ACTS) with its ``plans`` (B, T, PLANS) of 0 and 1;
        ``speed`` (ACTS,) is how fast numbers usually move."""
        earlier = torch.cat([state["earlier"][:, None], before[:, :-1]], 1)
        pace = ((before - earlier) / speed).clamp(-8.0, 8.0)
        activity, planned, rows = state["activity"], state["planned"], []
        for t in range(before.shape[1]):
            activity = activity + self.rates * (pace[:, t, None].abs() - activity)
            # A decision sets its traces to 1 and they fade from there.
            planned = torch.maximum(planned * (1.0 - self.plan_rates), plans[:, t, None])
            rows.append(torch.cat([activity.flatten(1), planned.flatten(1)], -1))
        features = torch.cat([before, pace, plans, torch.stack(rows, 1)], -1)
        return features, {"earlier": before[:, -1], "activity": activity, "planned": planned}

    def planned(self, features: Tensor) -> Tensor:
        """The traces of plans (..., ``plan_width``) among features (..., ``width``)."""
        return features[..., -self.plan_width :]


def gains() -> Tensor:
    """1 for each number that expressiveness makes larger, 0 for those of the eyes."""
    return torch.cat([torch.full((group.parts,), float(group.name != "eyes")) for group in (*FACE_GROUPS, BODY_GROUP)])
