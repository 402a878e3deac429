"""Text to motion: a body that does what a text says, and a reader of any body as tokens."""

from models.text_motion.config import SIZES
from models.text_motion.model import TextMotion, build
from models.text_motion.reader import PoseCodes, build_reader

__all__ = ["SIZES", "PoseCodes", "TextMotion", "build", "build_reader"]
