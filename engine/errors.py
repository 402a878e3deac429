"""The one exception family that the CLI turns into a message and an exit code; how a stranger's text becomes one."""

import unicodedata


class EngineError(Exception):
    """Something a user can mend: the message names the thing, the value and the remedy."""


class SpecError(EngineError, ValueError):
    """A spec, or values given for it, contradict themselves; the message names the field and the remedy."""


def reason(error: BaseException) -> str:
    """What went wrong, for a person: an error of the operating system without its number, text that is none by its
    encoding, anything else in its own words, or where it has none by its kind."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    return clean(error, 300) or type(error).__name__


_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean(text: object, longest: int = 400) -> str:
    """What a peer said, as one line that does nothing to a terminal: control characters and escape codes, marks that
    turn the direction of writing, and what has no shape become ``?``, white space one space; cut to ``longest``."""
    words = str(text)[: 4 * longest]
    shown = "".join("?" if unicodedata.category(sign) in _HIDDEN else sign for sign in " ".join(words.split()))
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
