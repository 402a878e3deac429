"""The one exception family that the CLI turns into a message and an exit code."""


class EngineError(Exception):
    """Something a user can mend: the message names the thing, the value and the remedy."""


class SpecError(EngineError, ValueError):
    """A spec, or values given for it, contradict themselves; the message names the field and the remedy."""
