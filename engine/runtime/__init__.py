"""Running a bundle's step: one protocol, runtimes behind it, and the one driver over arrays."""

from engine.runtime.driver import drive, steps
from engine.runtime.open import RUNTIMES, open_runtime
from engine.runtime.protocol import Array, Block, Runtime, RuntimeRefusal

__all__ = ["RUNTIMES", "Array", "Block", "Runtime", "RuntimeRefusal", "drive", "open_runtime", "steps"]
