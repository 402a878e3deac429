"""The rule listener: partner voice and face in, a listening face out, without training.

Each frame goes through small parts, every one a file of its own with its sources: shared with other listeners,
:mod:`models.listening.kinds` tells music and whispers from voices and :mod:`models.listening.prosody` finds pauses and
low-pitch cues; :mod:`.nods` says which count and answers some of them, :mod:`.gaze` looks, :mod:`.blinks` blinks,
:mod:`.posture` sways and follows, :mod:`.mirror` smiles back, :mod:`.acknowledge` tells when a spoken "mm-hm" would be
due. What follows here puts their movements together into the 58 numbers, with the eyes counter-rotating to the head,
and derives the 25 emotion numbers from them.

The same noise gives the same movement, so a session replays from its seed. Nothing looks ahead.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.channels import EMOTION_NAMES, EMOTION_UNITS, FACE_NAMES, FACE_UNITS
from engine.spec import InputSpec, OutputSpec, StreamSpec
from models.contract import BAD_INPUT, StreamModel, Tensors, named, part
from models.emotion import emotion
from models.layers import Energy, Pitch
from models.listener_rules.acknowledge import Acknowledge
from models.listener_rules.blinks import Blinks
from models.listener_rules.gaze import Gaze, eye_weights
from models.listener_rules.mirror import Mirror
from models.listener_rules.nods import CUES, Brows, Nods
from models.listener_rules.posture import Posture
from models.listening import FRAME_RATE, HOP, SAMPLE_RATE, SELF_SPEAKING, ProsodyTracker, partner_inputs
from models.listening.acknowledge import ACKNOWLEDGE, ACKNOWLEDGE_RATE
from models.listening.bands import BandLevels
from models.listening.face import seen_now
from models.listening.kinds import Kinds, invites

SUBFRAMES = 4
"""Estimates of level and pitch a frame."""
SPEECH_FOR = ProsodyTracker.fields.index("speech_for")
CONTROLS = (
    InputSpec("expressiveness", "control", low=0.0, high=2.0, missing=1.0, about="size of every movement"),
    InputSpec("nod_rate", "control", low=0.0, high=3.0, missing=1.0, about="readiness to answer a cue with a nod"),
    InputSpec("smile_gain", "control", low=0.0, high=2.0, missing=1.0, about="strength of smiling back"),
    ACKNOWLEDGE_RATE,
    SELF_SPEAKING,
)

CARD = """
A listener made of published rules. It hears and sees a conversation partner and moves the way listeners do: nods where
pitch and pauses invite a back-channel, looks at the partner and away, blinks, sways and shifts posture, smiles and
raises its brows back, and holds back while its own avatar speaks. It ignores music, hears a whisper, and does not smile
at a mouth that only talks. Its stream `acknowledge` counts the moments at which a spoken "mm-hm" (continuer) or "oh?"
(assessment) would be due; nothing says them by itself. It needs no training, works for any voice in any language, and
is the baseline for every learned listener.

What it is not: it does not understand words, its sizes are partly choices (each source and each choice is named in the
files of models/listener_rules/), and nobody has rated it in a study. The 25 emotion numbers describe the shape of its
own face, not a feeling.
"""


class ListenerRules(StreamModel):
    """See the module docstring; ``spec`` lists inputs, controls, outputs and state."""

    card = CARD
    licence = "Apache-2.0"
    data = "none: rules and constants from published findings, cited in models/listener_rules/"

    def __init__(self) -> None:
        super().__init__()
        self.energy = Energy(HOP, SUBFRAMES)
        self.pitch = Pitch(SAMPLE_RATE, HOP, SUBFRAMES)
        self.bands = BandLevels(SAMPLE_RATE, HOP)
        self.kinds, self.prosody, self.nods, self.brows = Kinds(), ProsodyTracker(CUES), Nods(), Brows()
        self.gaze, self.blinks, self.posture, self.mirror = Gaze(), Blinks(), Posture(), Mirror()
        self.acknowledge = Acknowledge()
        self.cells = {
            "kinds": self.kinds,
            "voice": self.prosody,
            "nods": self.nods,
            "brows": self.brows,
            "gaze": self.gaze,
            "blinks": self.blinks,
            "posture": self.posture,
            "mirror": self.mirror,
            "answers": self.acknowledge,
        }
        state = {**named("energy", self.energy.state_specs()), **named("pitch", self.pitch.state_specs())}
        state |= {name: cell.state_spec() for name, cell in self.cells.items()}
        noise = sum(cell.draws for cell in self.cells.values())
        self.spec = StreamSpec(
            name="listener_rules",
            rate=FRAME_RATE,
            sample_rate=SAMPLE_RATE,
            inputs=(
                *partner_inputs(),
                *CONTROLS,
                InputSpec("noise", "noise", (noise,), 0.0, 1.0, missing=0.5),
            ),
            outputs=(
                OutputSpec("face", (58,), FACE_NAMES, FACE_UNITS, -3.2, 3.2, codec="arkit58"),
                OutputSpec("emotion", (25,), EMOTION_NAMES, EMOTION_UNITS, -1.0, 1.0, codec="emotion25"),
                ACKNOWLEDGE,
                BAD_INPUT,
            ),
            state=state,
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Features for the whole chunk at once, then the cells frame by frame."""
        level, level_update = self.energy(inputs["partner_audio"], part(state, "energy"))
        (pitch, periodicity), pitch_update = self.pitch(inputs["partner_audio"], part(state, "pitch"))
        bands, _ = self.bands(inputs["partner_audio"], {})
        updates = {**named("energy", level_update), **named("pitch", pitch_update)}
        sound = {"level": level, "pitch": pitch, "periodicity": periodicity, "bands": bands}
        stream = {**inputs, **sound, "shown": seen_now(inputs)}
        cells = {name: state[name] for name in self.cells}
        faces, counts = [], []
        for t in range(level.shape[1]):
            face, count, cells = self._frame({name: value[:, t] for name, value in stream.items()}, cells)
            faces.append(face)
            counts.append(count)
        stacked = torch.stack(faces, 1)
        outputs = {"face": stacked, "emotion": emotion(stacked), ACKNOWLEDGE.name: torch.stack(counts, 1)}
        return outputs, {**updates, **cells}

    def _frame(self, x: Tensors, state: Tensors) -> tuple[Tensor, Tensor, Tensors]:
        """One frame: the listener's face (B, 58), counts of vocal answers (B, 2) and the cells' next states."""
        noise, first = {}, 0
        for name, cell in self.cells.items():
            noise[name], first = x["noise"][:, first : first + cell.draws], first + cell.draws
        new: Tensors = {}
        size, own, seen, partner = x["expressiveness"], x["self_speaking"], x["shown"], x["partner_face"]

        sound, valid = (x["level"], x["pitch"], x["periodicity"]), x["partner_audio_valid"]
        kind, new["kinds"] = self.kinds(*sound, x["bands"], valid, state["kinds"])
        heard, new["voice"] = self.prosody(*sound, valid, state["voice"], kind.whisper)
        heard = invites(heard, kind, new["voice"][:, SPEECH_FOR])
        nod, new["nods"] = self.nods(heard, x["nod_rate"], size, own, noise["nods"], state["nods"])
        flash, new["brows"] = self.brows(heard, nod.starts, size, noise["brows"], state["brows"])
        look, new["gaze"] = self.gaze(heard.quiet_for, own, noise["gaze"], state["gaze"])
        closure, new["blinks"] = self.blinks(heard.quiet_for, look.shift, noise["blinks"], state["blinks"])
        body, new["posture"] = self.posture(
            partner, seen, heard.quiet_for, heard.speaking, size, noise["posture"], state["posture"]
        )
        mood, new["mirror"] = self.mirror(
            partner, seen, x["smile_gain"] * size, size, own, noise["mirror"], state["mirror"]
        )

        count, new["answers"] = self.acknowledge(
            heard, nod.starts, flash, x[ACKNOWLEDGE_RATE.name], own, noise["answers"], state["answers"]
        )

        pitch = body.pose[:, 0] + nod.pitch + look.head_pitch
        yaw = body.pose[:, 1] + look.head_yaw
        head = torch.cat([torch.stack([pitch, yaw], -1), body.pose[:, 2:]], -1)
        eyes = eye_weights(body.partner_yaw + look.yaw - yaw, body.partner_pitch + look.pitch - pitch)
        return compose(head, eyes, mood, flash, closure), count, new


def compose(head: Tensor, eyes: Tensors, mood: Tensors, flash: Tensor, closure: Tensor) -> Tensor:
    """The 58 numbers (..., 58) of a ``head`` (..., 6) in channel order, eyeLook weights, levels ``smile``, ``raise``,
    ``press`` and ``shrug``, a brow flash and the closure of the lids, (...) each."""
    weights = {**eyes, **_mouth_and_brows(mood, flash), **_lids(closure, eyes["eyeLookDownLeft"], mood["smile"])}
    none = torch.zeros_like(closure)
    expression = [weights.get(name, none).clamp(0.0, 1.0) for name in FACE_NAMES[:52]]
    return torch.cat([torch.stack(expression, -1), head], -1)


def _lids(closure: Tensor, look_down: Tensor, smile: Tensor) -> Tensors:
    """Blinks, lids that follow the eyes down, and the narrowing of a smile."""
    blink = torch.maximum(closure, 0.35 * look_down * (1.0 - closure) + closure)
    squint = 0.35 * smile
    return {"eyeBlinkLeft": blink, "eyeBlinkRight": blink, "eyeSquintLeft": squint, "eyeSquintRight": squint}


def _mouth_and_brows(mood: Tensors, flash: Tensor) -> Tensors:
    """Smile with its cheeks and, when broad, parted lips; brows; lips at rest."""
    smile, up = mood["smile"], torch.maximum(mood["raise"], flash)
    broad = (smile - 0.45).clamp(min=0.0)
    cheek = (0.75 * (smile - 0.12)).clamp(min=0.0)
    press = mood["press"] * (1.0 - smile)
    return {
        "mouthSmileLeft": smile,
        "mouthSmileRight": 0.94 * smile,
        "cheekSquintLeft": cheek,
        "cheekSquintRight": cheek,
        "mouthDimpleLeft": 0.3 * smile,
        "mouthDimpleRight": 0.3 * smile,
        "mouthUpperUpLeft": 0.6 * broad,
        "mouthUpperUpRight": 0.6 * broad,
        "jawOpen": 0.25 * broad,
        "mouthPressLeft": press,
        "mouthPressRight": press,
        "mouthShrugLower": mood["shrug"],
        "browInnerUp": 0.9 * up,
        "browOuterUpLeft": up,
        "browOuterUpRight": 0.92 * up,
    }
