"""From the frames of an engine to poses of its avatar: face and body together, rest when nothing comes, nothing of an
engine that has begun anew.

What is said of a frame concerns bridges in two cases. HELD means that the model could give no new pose and the last one
was sent again; a pose that is held, or does not come at all (the session is paused, the engine has ended), for
:data:`STALL_S` is no longer passed on as if it lived: the face goes to rest within :data:`REST_S`, then the pose is
``gone`` and protocols say that nobody is tracked. NO_FACE and SILENT concern the partner, not the avatar.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from clients.python.announced import Announced, Received

from .face import Face
from .humanoid import Bone, Humanoid, of_face, turned_on
from .turns import back, part, times

STALL_S, REST_S = 0.5, 1.0
HELD = 1
"""The flag's bit in a frame."""
NECK_SHARE = 0.4
"""Of the turn of a head without a body, the neck makes so much and the head the rest."""
CODECS = ("arkit58", "joints", "quaternions")
"""Of streams that bridges read; of a codec the first output counts."""


class Presence(enum.Enum):
    """``HERE``: frames come. ``RESTING``: they do not, and the pose goes to rest. ``GONE``: it has come to rest."""

    HERE = 1
    RESTING = 2
    GONE = 3


@dataclass(frozen=True)
class Pose:
    """What a bridge sends. ``face`` is None where the engine has none, ``bones`` (by HumanBodyBones' name, our axes)
    empty where there is neither face nor body. ``time_s`` counts from the bridges' start; ``number`` is a counter of
    poses, ``rate`` how many come a second."""

    face: Face | None
    bones: Mapping[str, Bone]
    time_s: float
    number: int
    rate: float
    presence: Presence = Presence.HERE


class Poser:
    """Takes frames, gives poses. Times are seconds of any clock that does not jump; it begins at ``now``."""

    def __init__(self, now: float) -> None:
        self._began, self._number = now, 0
        self._engine: Announced | None = None
        self._run = -1
        self._chosen: dict[str, int] = {}
        self._last = -1
        self._rate = 0.0
        self._humanoid: Humanoid | None = None
        self._values: dict[str, np.ndarray] = {}
        self._alive = now
        self._rested = False

    def lacks(self) -> str:
        """What the engine has nothing of, in words; "" where a face or a body comes."""
        if self._engine is None or self._chosen:
            return ""
        return f"bundle {self._engine.bundle} gives neither a face nor a body: nothing is sent"

    def take(self, frame: Received, now: float) -> Pose | None:
        """The pose, if this frame completes one: where several streams make a pose, the last of a step does."""
        self._know(frame)
        codec = next((name for name, number in self._chosen.items() if number == frame.stream), None)
        if codec is None:
            return None
        self._values[codec] = np.nan_to_num(frame.values.astype(np.float64), posinf=0.0, neginf=0.0)
        if not frame.flags & HELD:
            self._alive = now
        if frame.stream != self._last:
            return None
        return self._posed(now)

    def tick(self, now: float) -> Pose | None:
        """The pose at a time at which no frame came: None while one may still come in time, and where none ever came or
        all is at rest and said."""
        if not self._values or now - self._alive < STALL_S:
            return None
        return self._posed(now)

    def farewell(self, now: float) -> list[Pose]:
        """The last poses of all: at rest, and gone."""
        self._alive = now - 2 * (STALL_S + REST_S)
        if not self._values:
            return []
        last = self._posed(now)
        return [replace(last, presence=Presence.RESTING), replace(last, presence=Presence.GONE)]

    def _know(self, frame: Received) -> None:
        """Where the engine, or what it announces of its streams, is another: nothing that came before counts."""
        if self._engine is frame.engine and self._run == frame.run:
            return
        before, self._engine = self._engine, frame.engine
        if self._run == frame.run and before is not None and before.lasting() == frame.engine.lasting():
            return
        self._run, self._values, self._humanoid = frame.run, {}, None
        found = {codec: frame.engine.stream(codec) for codec in CODECS}
        streams = {codec: each for codec, each in found.items() if each is not None}
        body = streams.get("joints") or streams.get("quaternions")
        if body is not None:
            skeleton = frame.engine.skeletons.get(body.skeleton)
            self._humanoid = None if skeleton is None else Humanoid(skeleton)
            for codec in ("joints", "quaternions"):
                if codec in streams and (skeleton is None or streams[codec].skeleton != body.skeleton):
                    del streams[codec]
        self._chosen = {codec: each.number for codec, each in streams.items()}
        self._rate = max((each.rate for each in streams.values()), default=0.0)
        self._last = max((each.number for each in streams.values() if each.rate == self._rate), default=-1)

    def _posed(self, now: float) -> Pose:
        still = now - self._alive
        share = min(max((still - STALL_S) / REST_S, 0.0), 1.0)
        if still < STALL_S:
            presence, self._rested = Presence.HERE, False
        elif not self._rested:  # the last of these has come to rest, however late it is made
            presence, self._rested = Presence.RESTING, share == 1.0
        else:
            presence = Presence.GONE
        face = None
        if "arkit58" in self._values and self._engine is not None:
            info = self._engine.stream("arkit58")
            names = () if info is None else info.names
            face = Face.of(dict(zip(names, self._values["arkit58"].tolist(), strict=True))).faded(share)
        self._number += 1
        return Pose(face, self._bones(face), now - self._began, self._number, self._rate, presence)

    def _bones(self, face: Face | None) -> dict[str, Bone]:
        bones = self._body()
        if face is None:
            return bones
        head = face.turn()
        left, right = (face.look(side).turn() for side in ("Left", "Right"))
        if not bones or self._humanoid is None:
            neck = part(head, NECK_SHARE)
            return of_face(times(back(neck), head), left, right, neck)
        if not self._humanoid.turns_head("quaternions" in self._values):
            bones = turned_on(bones, "Head", head)
        usual = of_face(head, left, right)
        return bones | {eye: Bone(usual[eye].turn, bones.get(eye, usual[eye]).place) for eye in ("LeftEye", "RightEye")}

    def _body(self) -> dict[str, Bone]:
        human = self._humanoid
        if human is None or not human.bones:
            return {}
        places, turns = (self._values.get(codec) for codec in ("joints", "quaternions"))
        if (places is not None and places.size != 3 * human.count) or (
            turns is not None and turns.size != 4 * human.count
        ):
            return {}
        return human.posed(
            None if places is None else places.reshape(-1, 3), None if turns is None else turns.reshape(-1, 4)
        )
