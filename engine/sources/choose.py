"""From ``engine serve``'s options to sources: what was asked for, or whatever of it this machine has.

Asked for by name, a device has to work, and a missing one is an error. Left to the engine, what is missing is said and
the session starts with the rest: no camera or tracker means listening by voice alone, no microphone means watching.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from engine.errors import EngineError
from engine.sources.base import FaceTracker, Source

Say = Callable[[str], None]
KINDS = "live, demo, or file PATH"


def choose(options: argparse.Namespace, say: Say) -> list[Source]:
    """The sources that ``options`` (of ``engine serve``) name. Raises :class:`EngineError` where none can be had."""
    kind, *rest = options.source
    if kind == "demo" and not rest:
        from engine.sources.demo import DemoSource

        return [DemoSource(fast=options.fast)]
    if kind == "file" and len(rest) == 1:
        from engine.sources.file import FileSource
        from engine.sources.media import MediaFile

        watched = not options.no_tracker and MediaFile(rest[0]).has_video  # a tracker takes seconds to load
        tracker = _tracker(say) if watched else None
        return [FileSource(Path(rest[0]), fast=options.fast, tracker=tracker)]
    if kind == "live" and not rest:
        if options.fast:
            raise EngineError("--fast: a microphone cannot run faster than time; use it with --source demo or file")
        return _live(options, say)
    raise EngineError(f"--source {' '.join(options.source)}: give {KINDS}")


def _live(options: argparse.Namespace, say: Say) -> list[Source]:
    sources: list[Source] = []
    if not options.no_mic:
        from engine.sources.mic import MicSource

        try:
            sources.append(MicSource(options.mic))
        except EngineError as error:
            if options.mic is not None:
                raise
            say(f"no microphone: {error}")
    if not options.no_camera:
        tracker = _tracker(say)
        if tracker is not None:
            from engine.sources.camera import CameraSource

            try:
                sources.append(CameraSource(options.camera, tracker))
            except EngineError as error:
                tracker.close()
                say(f"no camera: {error}")
    if not sources:
        raise EngineError("neither microphone nor camera can be used; try `engine serve --source demo`")
    return sources


def _tracker(say: Say) -> FaceTracker | None:
    """The face tracker, or None with the reason said: the listener then goes by voice alone."""
    from engine.tracker import MediaPipeTracker

    try:
        return MediaPipeTracker()
    except EngineError as error:
        say(f"listening by voice alone: {error}")
        return None


def devices() -> str:
    """Microphones and webcams of this machine, one a line, or why there are none."""
    from engine.sources.camera import cameras
    from engine.sources.mic import microphones

    lines = []
    for title, found in (("microphones", microphones), ("webcams", cameras)):
        try:
            entries = found() or ["none found"]
        except EngineError as error:
            entries = [f"none: {error}"]
        lines += [title, *(f"  {entry}" for entry in entries)]
    return "\n".join(lines)
