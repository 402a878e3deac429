"""``engine foxglove``: a recording as an MCAP file with the message types that Foxglove and rerun draw by themselves.

A recording (:mod:`.layout`) is for replay: its messages are the step's own bytes. Here they become, topic by topic,

==================== =========================== =====================================================================
``/tf``              ``foxglove.FrameTransforms`` joints and head against ``avatar``, which stands upright in ``world``
``/body/NAME``       ``foxglove.SceneUpdate``     lines between the joints of a stream of positions
``/face/NAME``, ...  JSON with a schema           every number of a stream by its name, and the frame's flags
``/voice/OWNER``     ``foxglove.RawAudio``        what the model heard, 16 bit, at the rate of its input
==================== =========================== =====================================================================

Times are those at which frames were due. Foxglove's world has Z up, the engine's Y: ``avatar`` is turned by a quarter.
Sources: Foxglove's message schemas, docs.foxglove.dev; what rerun shows of them, rerun.io/docs/reference/mcap.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.channels import FACE, HEAD_NAMES, head_quaternion
from engine.errors import EngineError
from engine.record.beside import open_beside, unwritable
from engine.record.layout import About, StreamLayout, spec_digest
from engine.record.reading import RecordedStep, Recording
from engine.spec import InputSpec
from engine.wire import Flag

WORLD, AVATAR = "world", "avatar"
UPRIGHT = (2.0**-0.5, 0.0, 0.0, 2.0**-0.5)
"""Quaternion x y z w that lifts Y up to Z up."""
HEAD_HEIGHT = 1.6
"""Metres above the ground at which a face that has no body is shown."""
LINE_M = 0.02
COLOUR = (0.25, 0.55, 0.9, 1.0)


def convert(recording: Path, out: Path) -> str:
    """Write the recording to ``out``; what was written, in words. Raises :class:`EngineError` where the package is
    missing, and :class:`~engine.record.layout.RecordingError` of what cannot be read or written."""
    try:
        foxglove: Any = importlib.import_module("foxglove")
    except ImportError:
        raise EngineError("foxglove-sdk is not installed: pip install 'reaction-engine[foxglove]'") from None
    if out.resolve() == recording.resolve():
        raise EngineError(f"{out}: is the recording itself; give another name")
    read = Recording(recording)
    part, file = open_beside(out)
    try:
        with file:
            context = foxglove.Context()
            with foxglove.open_mcap(file, context=context):
                topics = _Topics(foxglove, context, read.about)
                frames = 0
                for step in read.steps():
                    topics.write(step)
                    frames += 1
        part.replace(out)
    except OSError as error:
        raise unwritable(out, error) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    left = f"; {topics.missing}" if topics.missing else ""
    cut = "; the recording has no end, as after a crash: this is what there is" if read.cut else ""
    return f"{out}: {frames} frames of {read.about.bundle} as {', '.join(topics.names)}{left}{cut}"


class _Topics:
    """The channels of a file, and what each step writes to them."""

    def __init__(self, foxglove: Any, context: Any, about: About) -> None:
        self._messages = importlib.import_module("foxglove.messages")
        self._channels = importlib.import_module("foxglove.channels")
        self._foxglove, self._context = foxglove, context
        self.names: list[str] = []
        self.missing = ""
        skeletons = {item.name: item for item in about.skeletons}
        self._transforms = self._channel("/tf", self._channels.FrameTransformsChannel)
        self._parts: list[Callable[[RecordedStep, Any], list[Any]]] = [self._upright]
        for place, stream in enumerate(about.streams):
            if stream.codec == "pcm":  # the voice is there as sound
                continue
            self._parts.append(self._numbers(place, stream))
            body = skeletons.get(stream.skeleton)
            if stream.codec == "arkit58":
                self._parts.append(self._head(place, stream))
            elif stream.codec == "joints" and body is not None:
                self._parts.append(self._joints(place, stream, body))
        for item in self._voices(about):
            self._parts.append(self._voice(*item))

    def write(self, step: RecordedStep) -> None:
        """The messages of one step."""
        stamp = self._messages.Timestamp(sec=step.due_ns // 10**9, nsec=step.due_ns % 10**9)
        transforms = [one for part in self._parts for one in part(step, stamp)]
        self._transforms.log(self._messages.FrameTransforms(transforms=transforms), log_time=step.due_ns)

    def _channel(self, topic: str, kind: Any, **more: Any) -> Any:
        self.names.append(topic)
        return kind(topic, context=self._context, **more)

    def _upright(self, _: RecordedStep, stamp: Any) -> list[Any]:
        return [self._transform(stamp, WORLD, AVATAR, (0.0, 0.0, 0.0), UPRIGHT)]

    def _transform(self, stamp: Any, parent: str, child: str, at: Any, turned: Any) -> Any:
        return self._messages.FrameTransform(
            timestamp=stamp,
            parent_frame_id=parent,
            child_frame_id=child,
            translation=self._messages.Vector3(**dict(zip("xyz", map(float, at), strict=True))),
            rotation=self._messages.Quaternion(**dict(zip("xyzw", map(float, turned), strict=True))),
        )

    def _numbers(self, place: int, stream: StreamLayout) -> Callable[[RecordedStep, Any], list[Any]]:
        """All values of a stream by name, with the flags of the frame."""
        described = {
            "type": "object",
            "properties": {
                **{
                    name: {"type": "number", "description": unit}
                    for name, unit in zip(stream.names, stream.units, strict=True)
                },
                "flags": {"type": "array", "items": {"type": "string"}},
            },
        }
        packed = json.dumps(described).encode()
        schema = self._foxglove.Schema(name=f"reaction_engine.{stream.name}", encoding="jsonschema", data=packed)
        channel = self._channel(_topic(stream), self._foxglove.Channel, schema=schema, message_encoding="json")

        def write(step: RecordedStep, _: Any) -> list[Any]:
            frame = step.frames[place]
            told: dict[str, Any] = {
                name: float(value) if np.isfinite(value) else None
                for name, value in zip(stream.names, frame.values, strict=True)
            }
            told["flags"] = [one.name for one in Flag(frame.flags)]
            channel.log(json.dumps(told).encode(), log_time=step.due_ns)
            return []

        return write

    def _head(self, place: int, stream: StreamLayout) -> Callable[[RecordedStep, Any], list[Any]]:
        """The head of a face as a frame of its own."""
        columns = [FACE[name] for name in HEAD_NAMES]

        def write(step: RecordedStep, stamp: Any) -> list[Any]:
            pitch, yaw, roll, x, y, z = map(float, step.frames[place].values[columns])
            turned = head_quaternion(pitch, yaw, roll)
            return [self._transform(stamp, AVATAR, f"{stream.name}/head", (x, y + HEAD_HEIGHT, z), turned)]

        return write

    def _joints(self, place: int, stream: StreamLayout, body: Skeleton) -> Callable[[RecordedStep, Any], list[Any]]:
        """Every joint as a frame, and lines between them."""
        channel = self._channel(f"/body/{stream.name}", self._channels.SceneUpdateChannel)
        pairs = [joint for line in body.lines for joint in line]
        colour = self._messages.Color(**dict(zip("rgba", COLOUR, strict=True)))

        def write(step: RecordedStep, stamp: Any) -> list[Any]:
            at = step.frames[place].values.reshape(-1, 3)
            points = [self._messages.Point3(x=float(x), y=float(y), z=float(z)) for x, y, z in at[pairs]]
            line = self._messages.LinePrimitive(
                type=self._messages.LinePrimitiveLineType.LineList, thickness=LINE_M, points=points, color=colour
            )
            entity = self._messages.SceneEntity(timestamp=stamp, frame_id=AVATAR, id=stream.name, lines=[line])
            channel.log(self._messages.SceneUpdate(entities=[entity]), log_time=step.due_ns)
            names = [f"{stream.name}/{joint}" for joint in body.joints]
            still = (0.0, 0.0, 0.0, 1.0)
            return [self._transform(stamp, AVATAR, name, place, still) for name, place in zip(names, at, strict=True)]

        return write

    def _voices(self, about: About) -> list[tuple[InputSpec, int]]:
        """The inputs that are sound with their rate (Hz), as the bundle's spec says; none where the bundle is not at
        hand as it was."""
        try:
            spec = Bundle.load(about.bundle).spec
        except EngineError:
            spec = None
        if spec is None or spec_digest(spec) != about.spec:
            self.missing = f"without voices: bundle {about.bundle} is not here as it was recorded"
            return []
        return [(item, spec.sample_rate) for item in spec.by_role("audio")]

    def _voice(self, item: InputSpec, rate: int) -> Callable[[RecordedStep, Any], list[Any]]:
        channel = self._channel(f"/voice/{item.of}", self._channels.RawAudioChannel)

        def write(step: RecordedStep, _: Any) -> list[Any]:
            heard: NDArray[np.float32] = step.inputs[item.name].reshape(-1)
            pcm = (np.clip(np.nan_to_num(heard), -1.0, 1.0) * 32767.0).round().astype("<i2")
            start_ns = max(0, step.due_ns - len(pcm) * 10**9 // rate)
            stamp = self._messages.Timestamp(sec=start_ns // 10**9, nsec=start_ns % 10**9)
            message = self._messages.RawAudio(
                timestamp=stamp, data=pcm.tobytes(), format="pcm-s16", sample_rate=rate, number_of_channels=1
            )
            channel.log(message, log_time=step.due_ns)
            return []

        return write


def _topic(stream: StreamLayout) -> str:
    """Of a stream's numbers: partner's streams apart from the avatar's."""
    kind = "face" if stream.codec == "arkit58" else "numbers"
    return f"/{kind}/{stream.name}"
