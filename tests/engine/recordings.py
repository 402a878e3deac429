"""Recordings with faces, for tests that track them for real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.assets import face_landmarker
from engine.errors import EngineError


def with_faces() -> Path:
    """The folder of recordings; the test is skipped, with the reason, without it or what finds faces in them."""
    folder = os.environ.get("ENGINE_DATA")
    if not folder:
        pytest.skip("ENGINE_DATA does not name the folder of recordings")
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    try:
        face_landmarker()
    except EngineError as error:
        pytest.skip(str(error))
    return Path(folder)
