"""The dancer: an intention in, an endless dance out, frame by frame.

PirouNet (Papillon et al. 2022) makes 40 frames from one latent and one label, from silence to silence. Here the same
decoder never stops: its latent walks from landmark to landmark (``walk``), its state carries on, the label turns with
the walk. The decoder says how the body moves in its own frame; the stage is kept here: a foot that stands holds the
body where it is, and a slow pull keeps it near the middle, or at its place beside a partner that is seen.

The dance has a clock of its own that ``speed`` turns: of ``speed`` of its frames a second of the stream is made, in
between poses are interpolated (Catmull and Rom), which takes one frame of delay.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.spec import AGE, InputSpec, OutputSpec, StateSpec, StreamSpec
from models.contract import BAD_INPUT, StreamModel, Tensors, finite, named, part
from models.dance.config import LEVELS, Config, DanceConfig
from models.dance.config import named as configuration
from models.dance.heading import added, between, on_stage, turned, unit
from models.dance.kinematics import to_quaternion
from models.dance.networks import Classifier, Decoder, Encoder, Look, Standard, initialise
from models.dance.partner import PartnerView
from models.dance.pose import Pose, turn
from models.dance.walk import LatentWalk

FASTEST = 2
"""Frames of the dance in one frame of the stream at most."""
HISTORY = 4
LEASH = 0.004
"""Share of the way to the middle of the stage that a frame pulls back, beyond :data:`FREE` metres."""
FREE = 1.0
SERVO = 0.06
"""Share of the way to its place beside the partner that a frame goes."""
ROOM = 0.6
"""Metres that partners keep at least: where the network is unsure of the side it shrinks the distance."""
STEP = 0.03
"""Metres a frame that the pull to a place may add."""
TURN = 0.08
"""Radians a frame likewise."""
FAR = 1e3
REACH = 25.0
"""Metres from the middle of the stage within which a partner is believed to be."""
FASTEST_PARTNER = 15.0
"""Metres a second that a joint of a partner is believed to move along an axis; dancers' hands reach 8 (CMU takes)."""
AIR, GROUND = 0.3, 0.6
"""Below the one a foot's contact lets it go, above the other it holds the body wholly."""


class Dance(StreamModel):
    """A body that dances with an effort (Laban's *time*, sustained to sudden, or *space*), alone or with a partner.

    Inputs: ``effort`` (a choice), ``speed``, ``variety``, ``noise``, and for a configuration with a partner
    ``partner_body`` (J, 3). Outputs: ``body`` (J, 3) joint positions on the stage in metres, ``rotations`` (J, 4) local
    quaternions of a body told by rotations, and ``shown`` (3,), the chances of each effort in its own last window."""

    licence = "Apache-2.0"

    def __init__(self, config: DanceConfig) -> None:
        super().__init__()
        self.config = config
        self.pose = Pose(config)
        self.partner = PartnerView(config.skeleton) if config.partner else None
        view = self.partner.width if self.partner else 0
        self.sight = Standard(view)
        self.look, self.encoder, self.classifier = Look(config), Encoder(config), Classifier(config)
        self.decoder = Decoder(config, config.latent + config.labels + view, self.pose.width)
        self.walk = LatentWalk(config, view)
        for network in (self.encoder, self.classifier, self.decoder):
            initialise(network)
        self.spec = _spec(self)

    def dance(self, latent: Tensor, effort: Tensor, view: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Pose vectors (B, T, width) of latents (B, T, latent), efforts (B, T, labels) and what is seen of a partner
        (B, T, view; view 0 without one); ``state`` is the decoder's."""
        sight = self.sight(view) * view[..., -1:] if view.shape[-1] else view
        vectors, carried = self.decoder(torch.cat([latent, effort, sight], -1), state)
        return self.pose.restored(vectors), carried

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """One frame after another: each moves the dance's own clock by ``speed``."""
        effort = torch.nn.functional.one_hot(inputs["effort"].round().long(), self.config.labels).float()
        length, updates = effort.shape[1], {}
        view = at = facing = valid = torch.zeros(*effort.shape[:2], 0)
        if self.partner is not None:
            valid = inputs["partner_valid"]
            (view, at, facing), looked = self.partner(inputs["partner_body"], part(state, "partner"), valid)
            updates |= named("partner", looked)
        own = {name: value for name, value in state.items() if not name.startswith("partner.")}
        made = []
        for frame in range(length):
            first = state[AGE] + frame == 0
            partner = (view[:, frame], valid[:, frame], at[:, frame], facing[:, frame])
            told = (effort[:, frame], inputs["variety"][:, frame], partner)
            advance = torch.where(first, 1.0, own["clock"][:, 0] + inputs["speed"][:, frame])
            for turn_ in range(FASTEST):
                due = advance > 1.0 if turn_ else (advance > 1.0) | first
                moved = self._move(inputs["noise"][:, frame, turn_], told, first & (turn_ == 0), own)
                own = {
                    name: torch.where(due.reshape(-1, *(1 for _ in value.shape[1:])), moved[name], value)
                    if name in moved
                    else value
                    for name, value in own.items()
                }
                advance = torch.where(due & ~first, advance - 1.0, advance)
            own["clock"] = advance[:, None]
            made.append(self._between(own["history"], advance))
        history = torch.stack(made, 1)
        outputs = self._shown(history)
        tail = torch.cat([state["recent"], outputs["body"]], 1)
        outputs["shown"] = self._effort(tail, state[AGE])
        carried = {name: own[name] for name in self.spec.state if not name.startswith("partner.") and name != "recent"}
        return outputs, {**updates, **carried, "recent": finite(tail[:, length:])}

    def _move(self, noise: Tensor, told: tuple, first: Tensor, state: Tensors) -> Tensors:
        """The state one frame of the dance later."""
        effort, variety, (view, valid, there, theirs) = told
        phase, wish = state["phase"][:, 0], state["wish"]
        changed = (wish - effort).abs().sum(-1) > 0.5
        renew = first | changed | (phase >= 1.0)
        here = torch.lerp(state["leaving"], state["reaching"], phase[:, None].clamp(0.0, 1.0))
        heard = torch.lerp(state["had"], wish, phase[:, None].clamp(0.0, 1.0))
        mode = torch.where(first, 1.0, torch.where(changed, 0.5, 0.0))
        place = state["landmark"][:, 0], state["left"], state["trail"]
        start, goal, place = self.walk(noise, here, place, (effort, variety, mode), (view, valid))
        leaving = torch.where(renew[:, None], start, state["leaving"])
        reaching = torch.where(renew[:, None], goal, state["reaching"])
        had = torch.where(renew[:, None], torch.where(first[:, None], effort, heard), state["had"])
        wish = torch.where(renew[:, None], effort, wish)
        phase = torch.where(renew, 0.0, phase) + 1.0 / self.config.hop
        walked = {
            name: torch.where(renew[:, None], new, state[name])
            for name, new in zip(("landmark", "left", "trail"), (place[0][:, None], *place[1:]), strict=True)
        }
        latent = torch.lerp(leaving, reaching, phase[:, None])
        label = torch.lerp(had, wish, phase[:, None])
        vector, cells = self.dance(latent[:, None], label[:, None], view[:, None], part(state, "decoder"))
        placed = self._place(vector[:, 0], (valid, there, theirs), first, state)
        row = torch.cat([placed["at"], placed["facing"], self.pose.part(vector[:, 0], "body")], -1)
        history = torch.where(
            first[:, None, None], row[:, None].expand(-1, HISTORY, -1),
            torch.cat([state["history"][:, 1:], row[:, None]], 1),
        )  # fmt: skip
        moved = {"leaving": leaving, "reaching": reaching, "had": had, "wish": wish, "phase": phase[:, None]}
        kept = {**moved, **placed, "history": history, **named("decoder", cells)}
        return {"landmark": walked.pop("landmark"), **{k: finite(v) for k, v in {**kept, **walked}.items()}}

    def _place(self, vector: Tensor, partner: tuple, first: Tensor, state: Tensors) -> Tensors:
        """Where the body stands and faces, and where its feet are, one frame of the dance later."""
        before, ahead = state["at"], state["facing"].new_tensor([1.0, 0.0])
        faced = torch.where(first[:, None], ahead, state["facing"])
        if not self.config.travel:
            return {"at": before, "facing": faced}
        travel = self.pose.part(vector, "travel")
        facing = added(faced, turn(travel[:, 2]))
        step = turned(travel[:, :2], facing)
        own = self.pose.feet(self.pose.part(vector, "body")) if self.config.feet else None
        if own is not None:
            # Where the feet would be without a step: what a standing foot moved, the body must move back.
            moved = state["feet"] - on_stage(own, before, facing)[..., ::2]
            stands = ((self.pose.part(vector, "contacts") - AIR) / (GROUND - AIR)).clamp(0.0, 1.0)
            hold = (moved * stands[..., None]).sum(-2) / stands.sum(-1, keepdim=True).clamp_min(1e-3)
            step = torch.lerp(step, hold, stands.amax(-1, keepdim=True) * (~first[:, None]))
        pull = -before * (LEASH * (before.square().sum(-1, keepdim=True).sqrt() > FREE))
        if self.partner is not None:
            valid, there, theirs = partner
            place = self.pose.part(vector, "place")
            apart = place[:, :2].square().sum(-1, keepdim=True).sqrt().clamp_min(1e-6)
            beside = place[:, :2] * (apart.clamp_min(ROOM) / apart)
            goal, ahead = there + turned(beside, theirs), added(theirs, unit(place[:, 2:]))
            way = goal - before
            length = way.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-6)
            toward = torch.where(first[:, None], way, way * (SERVO * length).clamp_max(STEP) / length)
            off = between(facing, ahead)
            angle = torch.atan2(off[:, 1], off[:, 0])
            angle = torch.where(first, angle, (SERVO * angle).clamp(-TURN, TURN)) * valid
            facing = added(facing, torch.stack([angle.cos(), angle.sin()], -1))
            pull = torch.lerp(pull, toward, valid[:, None])
        placed = {"at": (before + step + pull).clamp(-FAR, FAR), "facing": unit(facing)}
        if own is not None:
            placed["feet"] = on_stage(own, placed["at"], placed["facing"])[..., ::2]
        return placed

    def _between(self, history: Tensor, share: Tensor) -> Tensor:
        """The pose (B, 4 + body) a ``share`` (B,) of the way between the second and third of four frames."""
        a, b, c, d = (history[:, k] for k in range(HISTORY))
        u = share[:, None].clamp(0.0, 1.0)
        bend = 2 * a - 5 * b + 4 * c - d
        return b + 0.5 * u * (c - a + u * (bend + u * (3 * (b - c) + d - a)))

    def _shown(self, rows: Tensor) -> Tensors:
        """``body`` and, of a body told by rotations, ``rotations`` of rows (B, T, 4 + body)."""
        at, facing, body = rows[..., :2], unit(rows[..., 2:4]), rows[..., 4:]
        outputs = {"body": on_stage(self.pose.joints(body), at, facing)}
        if self.config.moving:
            turned_ = to_quaternion(self.pose.rotations(body, facing))
            still = torch.zeros_like(turned_[..., :1, :]) + turned_.new_tensor([0.0, 0.0, 0.0, 1.0])
            order = [
                self.config.moving.index(joint) if joint in self.config.moving else -1
                for joint in range(len(self.config.skeleton.joints))
            ]
            outputs["rotations"] = torch.cat([turned_, still], -2)[..., order, :]
        return outputs

    def _effort(self, bodies: Tensor, age: Tensor) -> Tensor:
        """Chances (B, T, labels) of each effort in the window that ends with each of the last T ``bodies``."""
        return self.classifier(self.look(windows(bodies, self.config.window, age))).softmax(-1)


def windows(bodies: Tensor, window: int, age: Tensor) -> Tensor:
    """Windows (B, T, window, J, 3) that end with each of the last T of ``bodies`` (B, window - 1 + T, J, 3), where the
    first window - 1 are carried and of those only ``age`` (B,) are real: the oldest real frame fills their place."""
    count = bodies.shape[1] - window + 1
    oldest = (window - 1 - age).clamp_min(0)[:, None]
    index = torch.arange(bodies.shape[1], device=bodies.device)[None].maximum(oldest)
    filled = bodies.gather(1, index[:, :, None, None].expand(-1, -1, *bodies.shape[2:]))
    return torch.stack([filled[:, k : k + window] for k in range(count)], 1)


def _spec(model: Dance) -> StreamSpec:
    config = model.config
    body, joints = config.skeleton, len(config.skeleton.joints)
    noise = InputSpec("noise", "noise", (FASTEST, 2 + config.latent), low=0.0, high=1.0, missing=0.5)
    inputs = [
        InputSpec(
            "effort", "control", low=0, high=len(LEVELS) - 1, missing=1, names=LEVELS, about=_ABOUT[config.effort]
        ),
        InputSpec("speed", "control", low=0.25, high=2.0, missing=1.0, about="of the dance: 1 as danced"),
        InputSpec("variety", "control", low=0.0, high=2.0, missing=0.5, about="0 keeps to what was danced, 2 roams"),
        noise,
    ]
    outputs = [
        OutputSpec("body", (joints, 3), body.channels, ("m",) * (3 * joints), skeleton=body.name, codec="joints")
    ]
    small = {
        "leaving": (config.latent,),
        "reaching": (config.latent,),
        "had": (config.labels,),
        "wish": (config.labels,),
        "phase": (1,),
        "clock": (1,),
        "at": (2,),
        "facing": (2,),
        "history": (HISTORY, 4 + model.pose.slices["body"].stop - model.pose.slices["body"].start),
        "recent": (config.window - 1, joints, 3),
    }
    if config.feet:
        small["feet"] = (len(config.feet), 2)
    small |= {"left": (config.latent,), "trail": (model.walk.axes,)}
    state = {name: StateSpec(shape) for name, shape in small.items()} | {"landmark": StateSpec((1,), dtype="int64")}
    state |= named("decoder", model.decoder.state_specs())
    if config.moving:
        names = tuple(f"{joint}.q{axis}" for joint in body.joints for axis in "xyzw")
        outputs.append(
            OutputSpec(
                "rotations",
                (joints, 4),
                names,
                ("1",) * len(names),
                -1.01,
                1.01,
                skeleton=body.name,
                codec="quaternions",
            )
        )
    outputs.append(
        OutputSpec("shown", (config.labels,), LEVELS, ("chance",) * len(LEVELS), 0.0, 1.001, codec="chances:effort")
    )
    if model.partner is not None:
        inputs += body_inputs(config)
        state |= named("partner", model.partner.state_specs())
    return StreamSpec(
        name="dance",
        rate=config.rate,
        inputs=tuple(inputs),
        outputs=(*outputs, BAD_INPUT),
        state=state,
        lookahead=1,
        skeletons=(body,),
    )


def body_inputs(config: DanceConfig) -> list[InputSpec]:
    """A partner's body as inputs: positions, whether they are valid, and their age."""
    body = config.skeleton
    shape, reach = (len(body.joints), 3), REACH
    return [
        InputSpec(
            "partner_body", "body", shape, -reach, reach, validity="partner_valid", age="partner_age", unit="m",
            names=body.channels, skeleton=body.name, of="partner", speed=FASTEST_PARTNER,
        ),
        InputSpec("partner_valid", "validity", low=0.0, high=1.0),
        InputSpec("partner_age", "age", low=0.0, high=1e3, missing=1e3, unit="s"),
    ]  # fmt: skip


_ABOUT = {
    "time": "Laban's time effort: low is sustained, high is sudden",
    "space": "Laban's space effort: low is indirect, high is direct",
}


def build(config: Config = "small") -> Dance:
    """The dancer of a configuration, as plain values or by name, with random weights."""
    return Dance(configuration(config))
