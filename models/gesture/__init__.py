"""Gesture (AISLe, live): own voice and words in, an upper body that gestures out."""

from models.gesture.config import CONFIGS, GestureConfig, configuration
from models.gesture.model import Gesture, build

SIZES = tuple(CONFIGS)

__all__ = ["SIZES", "Gesture", "GestureConfig", "build", "configuration"]
