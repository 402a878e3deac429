"""The one error type of the offline builders, printed as a single line by the command line."""


class BuildError(RuntimeError):
    """A builder cannot go on: its message names the thing at fault and the remedy."""
