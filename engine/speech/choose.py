"""From ``engine serve --speech ...`` to the sources of what the avatar itself says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.access import LOCAL, Access
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.feeds.feeds import SPEECH_RATE, wanted
from engine.sound.front_end import FrontEnd
from engine.sound.meter import NOTHING_DBFS
from engine.sources.base import Source
from engine.sources.player import WordItem

if TYPE_CHECKING:
    from engine.sources.media import MediaFile

KINDS = "PATH [WORDS.json, .TextGrid, .csv, .vtt or .srt], mic DEVICE or net HOST:PORT"
WORDS = "beside, none, pocketsphinx or whisper [MODEL]"
_KINDS = ("file", "mic", "net")
_OWN = {("audio", "self"), ("words", "self"), ("speaking", "self")}
_LOOKED_S = 60.0  # of a sound file, for a first sound
log = logging.getLogger(__name__)


def check_apart(asked: Sequence[str], source: Sequence[str], track: Sequence[str]) -> None:
    """Raises :class:`EngineError` where ``--speech`` and ``--source`` name one file as both voices. Where ``--track``
    chooses its sound the partner's may be another one in it."""
    own = asked[1] if asked[0] == "file" and len(asked) > 1 else asked[0]
    if asked[0] in ("mic", "net") or source[:1] != ["file"] or len(source) != 2:
        return
    if any(choice.startswith("audio") for choice in track) or not Path(own).is_file() or not Path(source[1]).is_file():
        return
    if Path(own).samefile(source[1]):
        raise EngineError(
            f"--speech {own}: it is the partner's file as well (--source file {source[1]}), and the avatar would "
            "answer itself; give each its own, or leave one out (--source none)"
        )


def speech(
    asked: Sequence[str],
    bundles: Sequence[Bundle],
    *,
    words: Sequence[str] = (),
    fast: bool = False,
    loop: bool = False,
    access: Access = LOCAL,
) -> list[Source]:
    """The sources that ``--speech`` and ``--words`` name, for bundles side by side; ``access`` says who may come to a
    socket. Raises :class:`EngineError` where there is no such thing, where it cannot be had, or where no bundle wants
    to know what its avatar says."""
    kind, *rest = asked if asked[0] in _KINDS else ["file", *asked]
    shown = " ".join(["--speech", *asked])
    if not 1 <= len(rest) <= (2 if kind == "file" else 1):
        raise EngineError(f"{shown}: give {KINDS}")
    how, *model = words or ["beside"]
    if (how, len(model)) not in (("beside", 0), ("none", 0), ("pocketsphinx", 0), ("whisper", 0), ("whisper", 1)):
        raise EngineError(f"--words {' '.join(words)}: give {WORDS}")
    if not any(wanted(bundle.spec) & _OWN for bundle in bundles):
        names = " and ".join(bundle.name for bundle in bundles)
        raise EngineError(f"{shown}: bundle {names} does not ask what its own avatar says; leave --speech out")
    if fast and kind != "file":
        what = "a device" if kind == "mic" else "a speech program"
        raise EngineError(f"--fast: {what} cannot run faster than time; use it with --speech file")
    heeded = any(item.of == "self" for bundle in bundles for item in bundle.spec.by_role("words"))
    if kind == "file":
        return [_file(shown, rest, how, model, heeded, fast, loop)]
    if how == "beside" and words:
        raise EngineError(f"--words beside: nothing lies beside {kind} {rest[0]}; give {WORDS}")
    sources: list[Source] = []
    if kind == "net":
        from engine.speech.net import NetSpeech

        sources.append(NetSpeech(rest[0], access))
    else:
        from engine.sources.mic import MicSource

        sources.append(MicSource(rest[0], owner="self"))
    if how in ("pocketsphinx", "whisper"):
        from engine.speech.listening import Listening

        sources.append(Listening(how, *model))
    elif kind == "mic" and heeded:
        log.info("%s: no words are known: gestures go by the voice alone; --words pocketsphinx hears them", shown)
    return sources


def _file(
    shown: str, rest: Sequence[str], how: str, model: Sequence[str], heeded: bool, fast: bool, loop: bool
) -> Source:
    from engine.sources.file import FileSource
    from engine.sources.media import MediaFile
    from engine.speech.finding import find_words

    sound = Path(rest[0])
    if not sound.is_file():
        raise EngineError(f"{shown}: there is no file {sound}; give {KINDS}")
    media = MediaFile(sound)
    if not media.has_audio:
        raise EngineError(f"{shown}: there is no sound in {sound}; give the file of a voice")
    silent_s = _silent_s(media)
    if silent_s is not None:
        where = "to its end" if silent_s < _LOOKED_S else "in its beginning"
        log.warning("%s: no sound in %.1f s %s: is it the right file, or track of it?", shown, silent_s, where)
    words: tuple[WordItem, ...] = ()
    if heeded or len(rest) == 2 or how != "beside":
        found = find_words(sound, rest[1] if len(rest) == 2 else None, how, *model)
        log.info("speech %s: %s", sound.name, found.told)
        words = found.words
    return FileSource(sound, fast, loop=loop, owner="self", words=words)


def _silent_s(media: MediaFile) -> float | None:
    """Seconds without a sound that a file begins with, where it has none up to its end or for a minute; otherwise
    None."""
    seconds, least = 0.0, 10 ** (NOTHING_DBFS / 20)
    for block in media.audio(SPEECH_RATE, FrontEnd(on=False)):
        if (abs(block.samples) > least).any():
            return None
        seconds += len(block.samples) / SPEECH_RATE
        if seconds >= _LOOKED_S:
            break
    return seconds
