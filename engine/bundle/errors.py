"""The refusals of a bundle."""

from engine.errors import EngineError


class BundleError(EngineError):
    """A bundle cannot be used; the message names the bundle, what is wrong with it and the remedy."""
