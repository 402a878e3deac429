"""The refusals of an export."""

from engine.errors import EngineError


class ExportError(EngineError):
    """A model cannot become a bundle; the message names the model, what is wrong and the remedy."""
