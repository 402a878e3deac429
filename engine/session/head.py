"""One avatar, one head: where a session has a face from one bundle and a body from another, one of them moves the head.

The rule. With ``face`` leading, the body's joints at and beyond its head turn about the head joint by the face's head
rotation, which is told from the body's own: what the body does with its head stays, and what the face adds comes on
top. With ``body`` leading, the six numbers of the face's head are 0, since the body already carries it; so a client
that mounts the face on the body's head turns it once and not twice. Only positions (codec ``joints``) and the head
joint's local rotation (codec ``quaternions``) are changed, in what is published, never in what a model is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from engine.channels import FACE, HEAD_NAMES, head_rotation
from engine.streams import Stream
from engine.wire import Frame

HEAD_JOINTS = ("head", "Head", "mixamorig:Head")
"""Names under which a skeleton has its head."""
_FIRST = FACE[HEAD_NAMES[0]]
Array = NDArray[np.float32]


class HeadLink:
    """Passes a session's frames on to ``publish``, with the head moved by the ``leader`` ("face" or "body"). Its
    bundles' loops call it from threads of their own."""

    def __init__(self, leader: str, publish: Callable[[Frame], None]) -> None:
        self._leader, self._publish = leader, publish
        self._faces: set[int] = set()
        self._bodies: dict[int, tuple[Skeleton, int, str]] = {}
        self._lock = threading.Lock()
        self._turn: NDArray[np.float64] = np.eye(3)

    def know(self, streams: list[Stream], skeletons: dict[str, Skeleton]) -> None:
        """The streams of one of the session's bundles."""
        for stream in streams:
            if stream.kind != "output":
                continue
            if stream.codec == "arkit58":
                self._faces.add(stream.number)
            body = skeletons.get(stream.skeleton)
            if body is not None and stream.codec in ("joints", "quaternions"):
                head = next((body.index(name) for name in HEAD_JOINTS if name in body.joints), -1)
                if head >= 0:
                    self._bodies[stream.number] = body, head, stream.codec

    @property
    def links(self) -> bool:
        """Whether there is both a face and a body with a head."""
        return bool(self._faces and self._bodies)

    def __call__(self, frame: Frame) -> None:
        """Publish a frame of the session."""
        if self.links:
            if frame.stream in self._faces:
                frame = self._face(frame)
            elif frame.stream in self._bodies and self._leader == "face":
                frame = self._body(frame)
        self._publish(frame)

    def _face(self, frame: Frame) -> Frame:
        if self._leader == "face":
            pitch, yaw, roll = (float(value) for value in frame.values[_FIRST : _FIRST + 3])
            turn = head_rotation(pitch, yaw, roll)
            with self._lock:
                self._turn = turn
            return frame
        values = frame.values.copy()
        values[_FIRST : _FIRST + 6] = 0.0
        return replace(frame, values=values)

    def _body(self, frame: Frame) -> Frame:
        body, head, codec = self._bodies[frame.stream]
        with self._lock:
            turn = self._turn
        if codec == "quaternions":
            values = frame.values.copy().reshape(-1, 4)
            values[head] = _times(values[head], _quaternion(turn))
            return replace(frame, values=values.ravel())
        positions = frame.values.reshape(-1, 3).copy()
        frame_of_head = _axes(body, positions)
        moved = frame_of_head @ turn @ frame_of_head.T
        for joint in _beyond(body, head):
            positions[joint] = positions[head] + (moved @ (positions[joint] - positions[head])).astype(np.float32)
        return replace(frame, values=positions.ravel())


def _axes(body: Skeleton, positions: Array) -> NDArray[np.float64]:
    """The person's axes (left, up, forward) as columns, from the joints across the body; Y is up."""
    if not body.across:
        return np.eye(3)
    one, other = (positions[body.index(name)].astype(float) for name in body.across)
    left = one - other
    left[1] = 0.0
    length = float(np.linalg.norm(left))
    if length < 1e-6:
        return np.eye(3)
    left /= length
    up = np.array([0.0, 1.0, 0.0])
    return np.stack([left, up, np.cross(left, up)], axis=1)


def _beyond(body: Skeleton, head: int) -> list[int]:
    """Joints that hang on the head."""
    found = {head}
    for joint, parent in enumerate(body.parents):
        if parent in found:
            found.add(joint)
    return sorted(found - {head})


def _quaternion(turn: NDArray[np.float64]) -> Array:
    """x, y, z, w of a rotation that is less than half a turn."""
    w = np.sqrt(max(0.0, 1.0 + np.trace(turn))) / 2.0
    vector = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]) / max(4.0 * w, 1e-9)
    return np.array([*vector, w], np.float32)


def _times(a: Array, b: Array) -> Array:
    """The product of two quaternions x, y, z, w: first ``b``, then ``a``."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    return np.array(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        np.float32,
    )
