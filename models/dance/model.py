"""The dancer: an intention in, an endless dance out, frame by frame.

PirouNet (Papillon et al. 2022) makes 40 frames from one latent and one label, from silence to silence. Here the same
decoder never stops: its latent walks from landmark to landmark (``walk``), its state carries on, the label turns with
the walk. The decoder says how the body moves in its own frame; :mod:`.stage` keeps it on its feet and in its place.

The dance has a clock of its own that ``speed`` turns: of ``speed`` of its frames a second of the stream is made, in
between poses are interpolated (Catmull and Rom), which takes one frame of delay.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.spec import AGE, StateSpec
from models.bodies.heading import added, on_stage, turned, unit
from models.bodies.kinematics import to_quaternion
from models.bodies.standing import held
from models.contract import StreamModel, Tensors, finite, named, part
from models.dance.canonical import windows
from models.dance.config import Config, DanceConfig
from models.dance.config import named as configuration
from models.dance.networks import (
    EffortClassifier,
    MotionDecoder,
    MotionEncoder,
    Standardiser,
    WindowFeatures,
    initialise,
)
from models.dance.partner import PartnerTrack, PartnerView
from models.dance.pose import PoseVectors, turn
from models.dance.spec import FASTEST, dance_spec
from models.dance.stage import Stance, approach, beside, leash
from models.dance.walk import LatentWalk, PartnerGlimpse, Request, WalkPlace

HISTORY = 4
"""Poses that are kept to interpolate between."""
FAR = 1e3
"""Metres beyond which no body goes, so that state stays finite whatever comes in."""


class Conditions(NamedTuple):
    """What a frame of the dance goes by."""

    effort: Tensor  #: (B, labels)
    variety: Tensor  #: (B,)
    partner: PartnerGlimpse
    stands: Stance  #: of the partner


class Dance(StreamModel):
    """A body that dances with an effort (Laban's *time*, sustained to sudden, or *space*), alone or with a partner.

    Inputs: ``effort`` (a choice), ``speed``, ``variety``, ``noise``, and for a configuration with a partner
    ``partner_body`` (J, 3). Outputs: ``body`` (J, 3) joint positions on the stage in metres, ``rotations`` (J, 4) local
    quaternions of a body told by rotations, and ``shown`` (3,), the chances of each effort in its own last window."""

    licence = "Apache-2.0"

    def __init__(self, config: DanceConfig) -> None:
        super().__init__()
        self.config = config
        self.pose = PoseVectors(config)
        self.partner = PartnerView(config.skeleton) if config.partner else None
        view = self.partner.width if self.partner else 0
        self.sight = Standardiser(view)
        self.look, self.encoder = WindowFeatures(config), MotionEncoder(config)
        self.classifier = EffortClassifier(config)
        self.decoder = MotionDecoder(config, config.latent + config.labels + view, self.pose.width)
        self.walk = LatentWalk(config, view)
        for network in (self.encoder, self.classifier, self.decoder):
            initialise(network)
        self.spec = dance_spec(config, self._state_specs())

    def _state_specs(self) -> dict[str, StateSpec]:
        """All state: the latents of the walk and what of the dance lies between them, the clock, the stage."""
        config, body = self.config, self.pose.slices["body"]
        small: dict[str, tuple[int, ...]] = {
            "leaving": (config.latent,),
            "reaching": (config.latent,),
            "had": (config.labels,),
            "wish": (config.labels,),
            "phase": (1,),
            "clock": (1,),
            "at": (2,),
            "facing": (2,),
            "history": (HISTORY, 4 + body.stop - body.start),
            "recent": (config.window - 1, len(config.skeleton.joints), 3),
        }
        if config.feet:
            small["feet"] = (len(config.feet), 2)
        small |= {"left": (config.latent,), "trail": (self.walk.axes,)}
        state = {name: StateSpec(shape) for name, shape in small.items()}
        state["landmark"] = StateSpec((1,), dtype="int64")
        state |= named("decoder", self.decoder.state_specs())
        return state if self.partner is None else state | named("partner", self.partner.state_specs())

    def dance(self, latent: Tensor, effort: Tensor, view: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Pose vectors (B, T, width) of latents (B, T, latent), efforts (B, T, labels) and what is seen of a partner
        (B, T, view; view 0 without one); ``state`` is the decoder's."""
        sight = self.sight(view) * view[..., -1:] if view.shape[-1] else view
        vectors, carried = self.decoder(torch.cat([latent, effort, sight], -1), state)
        return self.pose.restored(vectors), carried

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """One frame after another: each moves the dance's own clock by ``speed``."""
        effort = torch.nn.functional.one_hot(inputs["effort"].round().long(), self.config.labels).float()
        length = effort.shape[1]
        nobody = torch.zeros(*effort.shape[:2], 0)
        track, valid, updates = PartnerTrack(nobody, nobody, nobody), nobody, {}
        if self.partner is not None:
            valid = inputs["partner_valid"]
            track, looked = self.partner(inputs["partner_body"], part(state, "partner"), valid)
            updates = named("partner", looked)
        own = {name: value for name, value in state.items() if not name.startswith("partner.")}
        made = []
        for frame in range(length):
            first = state[AGE] + frame == 0
            conditions = Conditions(
                effort=effort[:, frame],
                variety=inputs["variety"][:, frame],
                partner=PartnerGlimpse(track.view[:, frame], valid[:, frame]),
                stands=Stance(track.at[:, frame], track.facing[:, frame]),
            )
            advance = torch.where(first, 1.0, own["clock"][:, 0] + inputs["speed"][:, frame])
            for number in range(FASTEST):
                due = advance > 1.0 if number else (advance > 1.0) | first
                moved = self._move(inputs["noise"][:, frame, number], conditions, first & (number == 0), own)
                own = {
                    name: torch.where(due.reshape(-1, *(1 for _ in value.shape[1:])), moved[name], value)
                    if name in moved
                    else value
                    for name, value in own.items()
                }
                advance = torch.where(due & ~first, advance - 1.0, advance)
            own["clock"] = advance[:, None]
            made.append(interpolated(own["history"], advance))
        history = torch.stack(made, 1)
        outputs = self._shown(history)
        tail = torch.cat([state["recent"], outputs["body"]], 1)
        outputs["shown"] = self._effort(tail, state[AGE])
        carried = {name: own[name] for name in self.spec.state if not name.startswith("partner.") and name != "recent"}
        return outputs, {**updates, **carried, "recent": finite(tail[:, length:])}

    def _move(self, noise: Tensor, conditions: Conditions, first: Tensor, state: Tensors) -> Tensors:
        """The state one frame of the dance later."""
        effort = conditions.effort
        phase, wish = state["phase"][:, 0], state["wish"]
        changed = (wish - effort).abs().sum(-1) > 0.5
        renew = first | changed | (phase >= 1.0)
        here = torch.lerp(state["leaving"], state["reaching"], phase[:, None].clamp(0.0, 1.0))
        heard = torch.lerp(state["had"], wish, phase[:, None].clamp(0.0, 1.0))
        mode = torch.where(first, 1.0, torch.where(changed, 0.5, 0.0))
        place = WalkPlace(state["landmark"][:, 0], state["left"], state["trail"])
        leg = self.walk(noise, here, place, Request(effort, conditions.variety, mode), conditions.partner)
        leaving = torch.where(renew[:, None], leg.start, state["leaving"])
        reaching = torch.where(renew[:, None], leg.goal, state["reaching"])
        had = torch.where(renew[:, None], torch.where(first[:, None], effort, heard), state["had"])
        wish = torch.where(renew[:, None], effort, wish)
        phase = torch.where(renew, 0.0, phase) + 1.0 / self.config.hop
        reached = {"landmark": leg.place.landmark[:, None], "left": leg.place.left, "trail": leg.place.trail}
        walked = {name: torch.where(renew[:, None], new, state[name]) for name, new in reached.items()}
        latent = torch.lerp(leaving, reaching, phase[:, None])
        label = torch.lerp(had, wish, phase[:, None])
        view = conditions.partner.view
        vector, cells = self.dance(latent[:, None], label[:, None], view[:, None], part(state, "decoder"))
        placed = self._place(vector[:, 0], conditions, first, state)
        row = torch.cat([placed["at"], placed["facing"], self.pose.part(vector[:, 0], "body")], -1)
        history = torch.where(
            first[:, None, None], row[:, None].expand(-1, HISTORY, -1),
            torch.cat([state["history"][:, 1:], row[:, None]], 1),
        )  # fmt: skip
        moved = {"leaving": leaving, "reaching": reaching, "had": had, "wish": wish, "phase": phase[:, None]}
        kept = {**moved, **placed, "history": history, **named("decoder", cells)}
        return {"landmark": walked.pop("landmark"), **{k: finite(v) for k, v in {**kept, **walked}.items()}}

    def _place(self, vector: Tensor, conditions: Conditions, first: Tensor, state: Tensors) -> Tensors:
        """Where the body stands and faces, and where its feet are, one frame of the dance later."""
        before, ahead = state["at"], state["facing"].new_tensor([1.0, 0.0])
        faced = torch.where(first[:, None], ahead, state["facing"])
        if not self.config.travel:
            return {"at": before, "facing": faced}
        travel = self.pose.part(vector, "travel")
        facing = added(faced, turn(travel[:, 2]))
        step = turned(travel[:, :2], facing)
        feet = self.pose.feet(self.pose.part(vector, "body")) if self.config.feet else None
        if feet is not None:
            # Where the feet would be without a step: what a standing foot moved, the body must move back.
            moved = state["feet"] - on_stage(feet, before, facing)[..., ::2]
            step = held(step, self.pose.part(vector, "contacts"), moved, first)
        pull = leash(before)
        if self.partner is not None:
            valid = conditions.partner.seen
            goal = beside(conditions.stands, self.pose.part(vector, "place"))
            toward, angle = approach(Stance(before, facing), goal, first)
            angle = angle * valid
            facing = added(facing, torch.stack([angle.cos(), angle.sin()], -1))
            pull = torch.lerp(pull, toward, valid[:, None])
        placed = {"at": (before + step + pull).clamp(-FAR, FAR), "facing": unit(facing)}
        if feet is not None:
            placed["feet"] = on_stage(feet, placed["at"], placed["facing"])[..., ::2]
        return placed

    def _shown(self, rows: Tensor) -> Tensors:
        """``body`` and, of a body told by rotations, ``rotations`` of rows (B, T, 4 + body)."""
        at, facing, body = rows[..., :2], unit(rows[..., 2:4]), rows[..., 4:]
        outputs = {"body": on_stage(self.pose.joints(body), at, facing)}
        if self.config.moving:
            turning = to_quaternion(self.pose.rotations(body, facing))
            still = torch.zeros_like(turning[..., :1, :]) + turning.new_tensor([0.0, 0.0, 0.0, 1.0])
            order = [
                self.config.moving.index(joint) if joint in self.config.moving else -1
                for joint in range(len(self.config.skeleton.joints))
            ]
            outputs["rotations"] = torch.cat([turning, still], -2)[..., order, :]
        return outputs

    def _effort(self, bodies: Tensor, age: Tensor) -> Tensor:
        """Chances (B, T, labels) of each effort in the window that ends with each of the last T ``bodies``."""
        logits: Tensor = self.classifier(self.look(windows(bodies, self.config.window, age)))
        return logits.softmax(-1)


def interpolated(history: Tensor, share: Tensor) -> Tensor:
    """The pose (B, 4 + body) a ``share`` (B,) of the way between the second and third of :data:`HISTORY` frames."""
    a, b, c, d = (history[:, k] for k in range(HISTORY))
    u = share[:, None].clamp(0.0, 1.0)
    bend = 2 * a - 5 * b + 4 * c - d
    return b + 0.5 * u * (c - a + u * (bend + u * (3 * (b - c) + d - a)))


def build(config: Config = "small") -> Dance:
    """The dancer of a configuration, as plain values or by name, with random weights."""
    return Dance(configuration(config))
