"""A face in a picture becomes the 58 numbers of :mod:`engine.channels`, through MediaPipe's Face Landmarker.

**Expression** is mapped by name; MediaPipe has no ``tongueOut``, which stays 0.

**Rotation.** MediaPipe gives a rigid 4x4 matrix that takes a standard face (x to the person's own left, y up, z out of
the face) into a frame with the camera at the origin, x right in the picture, y up, z towards the camera. A person who
faces the camera has their own left at the right of the picture, so both frames agree and the matrix of a neutral head
is the identity: its angles are ours without any change of sign. They are relative to the camera's axis, from which
:mod:`engine.rest_pose` makes poses relative to where the head rests.

**Translation** is in metres from a rest position. MediaPipe does not know the lens and takes 63 degrees for its
vertical angle, so the scale may be off by some tens of percent.

Cost, 360x288, one face, one core of a 2-core x86 machine: 9.9 ms CPU per picture looking for up to two faces (the
detector runs on each picture until two are there), 8.4 ms for one; 15.7 ms with two faces at 480x270; looking for up
to four, as a person by place wants, takes 3 to 9 % more and as much again for every further face. Work is serial:
CPU time equals wall time, the threads that it starts sleep. A face smaller than about 60 pixels is not found.

Privacy: pictures stay on the machine, but the MediaPipe package states that it sends metrics of its use to Google, and
knows no switch for that. Where this matters, keep the process from the network; tracking works without one.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import face_landmarker
from engine.channels import expression_from_names
from engine.errors import EngineError
from engine.person import Box, Person
from engine.rest_pose import RestPose

_STEP_NS = 40_000_000
_FACES = {"largest": 2, "left": 4, "right": 4, "middle": 4}  # to look for: who is outermost shows only among all

_TURNED = threading.Lock()
_NOISE = ("W0000", "I0000", "WARNING: Logging before", "WARNING: All log messages before", "INFO: Created TensorFlow")


class MediaPipeTracker:
    """Tracks one person through pictures given in order.

    ``model``: the ``face_landmarker.task`` file or its folder, by default the cached one. ``person``: who of several
    is followed, one of :data:`engine.person.PERSONS`. ``faces``: how many to look for, by default two for the largest
    and four for a person by place. ``rest_s``: time constant in seconds of the rest pose, 0 keeps rotation relative to
    the camera's axis and translation relative to the first face. Raises :class:`EngineError` when MediaPipe or the
    model is missing.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        faces: int | None = None,
        rest_s: float = 30.0,
        person: str = "largest",
    ) -> None:
        self._person = Person(person)
        faces = _FACES[person] if faces is None else faces
        if faces < 1:
            raise EngineError(f"tracker for {faces} faces: give 1 or more")
        if not rest_s >= 0:
            raise EngineError(f"rest time constant of {rest_s} s: give 0 (off) or more")
        self._mediapipe, self._landmarker = _landmarker(face_landmarker(model), faces)
        self._rest = RestPose(rest_s)
        self._given_ns: int | None = None
        self._shift_ns = 0

    def track(self, rgb: NDArray[np.uint8], time_ns: int) -> NDArray[np.float32] | None:
        """The face in ``rgb`` (H, W, 3) uint8 as (58,) float32, or None where there is none, or only other people's.

        ``time_ns`` is the picture's time in nanoseconds; where it goes back (a film starts over) tracking goes on.
        """
        if self._landmarker is None:
            raise EngineError("the tracker is closed; make a new one")
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
            raise EngineError(f"picture of shape {rgb.shape} and type {rgb.dtype}: give (height, width, 3) uint8 RGB")
        now_ns = self._increasing(time_ns)
        # MediaPipe takes rows to be packed whatever the strides say, and then silently finds nothing.
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        result = self._landmarker.detect_for_video(image, now_ns // 1_000_000)
        if not result.face_landmarks or not result.facial_transformation_matrixes:
            return None
        aspect = rgb.shape[1] / rgb.shape[0]
        boxes = [_box_of(points, aspect) for points in result.face_landmarks]
        pick = self._person.pick(boxes, aspect / 2, now_ns)
        if pick is None:
            return None
        if not pick.same:
            self._rest.move_in()
        scores = {score.category_name: score.score for score in result.face_blendshapes[pick.index]}
        head = self._rest.relative(np.asarray(result.facial_transformation_matrixes[pick.index], np.float64), now_ns)
        return np.concatenate([expression_from_names(scores), head])

    def close(self) -> None:
        """Release the model. Safe to call twice."""
        if self._landmarker is not None:
            self._landmarker.close()
            self._landmarker = None

    def _increasing(self, time_ns: int) -> int:
        """``time_ns`` shifted so that it is at least a millisecond after the last, as MediaPipe demands."""
        last = self._given_ns
        if last is not None and time_ns + self._shift_ns < last + 1_000_000:
            self._shift_ns = last + (1_000_000 if time_ns + self._shift_ns > last - _STEP_NS else _STEP_NS) - time_ns
        self._given_ns = time_ns + self._shift_ns
        return self._given_ns


def _box_of(points: Any, aspect: float) -> Box:
    xs, ys = np.array([point.x for point in points]) * aspect, np.array([point.y for point in points])
    return Box(float(xs.mean()), float(ys.mean()), float(np.hypot(np.ptp(xs), np.ptp(ys))))


def _landmarker(model: Path, faces: int) -> tuple[Any, Any]:
    try:
        with _quiet():
            import mediapipe
            from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise EngineError(f"face tracking needs MediaPipe ({error}): pip install 'reaction-engine[tracker]'") from error
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
        num_faces=faces,
    )
    try:
        with _quiet():
            return mediapipe, vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        raise EngineError(
            f"MediaPipe does not start with {model}: {error}; if a system library is missing (libGLESv2, libEGL), "
            "install it: apt-get install libgles2 libegl1"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps MediaPipe's start-up chatter off stderr. It comes from C++, so the file descriptor has to be turned away
    for that moment; anything that is not the known chatter, whoever wrote it, is handed on afterwards. One thread at a
    time: two that put back what they found would leave stderr turned away."""
    with _TURNED:
        yield from _turned_away()


def _turned_away() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr (a program without a console), so nothing to keep clean
        yield
        return
    with tempfile.TemporaryFile() as caught:
        try:
            os.dup2(caught.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            for line in caught.read().splitlines(keepends=True):
                if not line.decode(errors="replace").startswith(_NOISE):
                    os.write(2, line)
