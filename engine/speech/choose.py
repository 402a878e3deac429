"""From ``engine serve --speech ...`` to the source of what the avatar itself says."""

from __future__ import annotations

from collections.abc import Sequence

from engine.access import LOCAL, Access
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.feeds.feeds import wanted
from engine.sources.base import Source

KINDS = "file PATH [WORDS.json, .vtt or .srt], mic DEVICE or net HOST:PORT"
_OWN = {("audio", "self"), ("words", "self"), ("speaking", "self")}


def speech(
    asked: Sequence[str],
    bundles: Sequence[Bundle],
    *,
    fast: bool = False,
    loop: bool = False,
    access: Access = LOCAL,
) -> list[Source]:
    """The source that ``--speech`` names, for bundles side by side; ``access`` says who may come to a socket. Raises
    :class:`EngineError` where there is no such thing, where it cannot be had, or where no bundle wants to know what its
    avatar says."""
    kind, *rest = asked
    shown = " ".join(["--speech", *asked])
    if kind not in ("file", "mic", "net") or not 1 <= len(rest) <= (2 if kind == "file" else 1):
        raise EngineError(f"{shown}: give {KINDS}")
    if not any(wanted(bundle.spec) & _OWN for bundle in bundles):
        names = " and ".join(bundle.name for bundle in bundles)
        raise EngineError(f"{shown}: bundle {names} does not ask what its own avatar says; leave --speech out")
    if fast and kind != "file":
        what = "a device" if kind == "mic" else "a speech program"
        raise EngineError(f"--fast: {what} cannot run faster than time; use it with --speech file")
    if kind == "net":
        from engine.speech.net import NetSpeech

        return [NetSpeech(rest[0], access)]
    if kind == "mic":
        from engine.sources.mic import MicSource

        return [MicSource(rest[0], owner="self")]
    return [_file(rest, fast, loop)]


def _file(rest: Sequence[str], fast: bool, loop: bool) -> Source:
    from engine.sources.file import FileSource
    from engine.sources.media import MediaFile
    from engine.speech.words import read_words

    if not MediaFile(rest[0]).has_audio:
        raise EngineError(f"--speech file {rest[0]}: there is no sound in it; give the file of a voice")
    words = read_words(rest[1]) if len(rest) == 2 else ()
    return FileSource(rest[0], fast, loop=loop, owner="self", words=words)
