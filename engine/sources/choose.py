"""From ``engine serve``'s options to sources: what was asked for, or whatever of it this machine has.

What can be asked for follows from the bundle: one that hears gets a microphone, one that sees faces a camera, one that
sees bodies a take or another engine, and one that wants nothing of a partner runs by itself. Asked for by name, a
device has to work, and a missing one is an error. Left to the engine, what is missing is said and the session
starts with the rest: no camera or tracker means listening by voice alone, no microphone means watching.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.access import Access
from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.person import PERSONS
from engine.sources.address import shown
from engine.sources.base import FaceTracker, Source
from engine.spec import StreamSpec

if TYPE_CHECKING:
    from engine.sources.tracks import TrackChoice

log = logging.getLogger(__name__)
SENSES = {"audio": "listen", "face": "look at faces", "body": "watch bodies"}
"""What a source can give of a partner, and what a model does with it."""
GIVES = {
    "live": {"audio", "face"},
    "demo": {"audio", "face"},
    "file": {"audio", "face"},
    "body": {"body"},
    "engine": {"body"},
    "none": set[str](),
}
KINDS = "live, demo, file PATH (or an address), body FILE.bvh, engine ADDRESS or none"


def senses(spec: StreamSpec) -> set[str]:
    """What of a partner a source can give to a model."""
    return {str(item.role) for item in spec.inputs if item.of == "partner"} & set(SENSES)


def choose(options: argparse.Namespace, bundles: Sequence[Bundle]) -> list[Source]:
    """The sources that ``options`` (of ``engine serve``) name, for bundles side by side. Raises :class:`EngineError`
    where none can be had, or where they give nothing that any of them wants."""
    if options.speech is not None:
        from engine.speech.choose import check_apart, speech

        check_apart(options.speech, options.source or (), options.track or ())
    sources = _partner(options, bundles)
    if options.speech is None:
        if options.words:
            raise EngineError(f"--words {' '.join(options.words)}: it says where the words of --speech come from")
        return sources
    access = Access.of(options.keys, options.tokens, options.insecure)
    how = {"words": options.words, "fast": options.fast, "loop": options.loop, "access": access}
    own = speech(options.speech, bundles, **how)
    _check_devices(sources, own)
    return [*sources, *own]


def _check_devices(partner: Sequence[Source], own: Sequence[Source]) -> None:
    """Raises :class:`EngineError` where both voices are to come from one device."""
    from engine.sources.mic import MicSource

    heard = [{source.device for source in side if isinstance(source, MicSource)} for side in (partner, own)]
    for device in heard[0] & heard[1]:
        raise EngineError(
            f"--speech mic: {device.name} is the partner's microphone as well, and both voices would be one; name a "
            "loopback device of its own for --speech, or another --mic (engine devices lists them)"
        )


def _partner(options: argparse.Namespace, bundles: Sequence[Bundle]) -> list[Source]:
    wanted = set[str]().union(*(senses(bundle.spec) for bundle in bundles))
    kind, *rest = options.source or ["live" if wanted & GIVES["live"] else "none"]
    if kind not in GIVES or len(rest) != (kind in ("file", "body", "engine")):
        raise EngineError(f"--source {' '.join(map(shown, options.source))}: give {KINDS}")
    if GIVES[kind] and not wanted & GIVES[kind]:
        raise EngineError(f"--source {' '.join([kind, *map(shown, rest)])}: {unwanted(bundles, GIVES[kind])}")
    for option, role in (("mic", "audio"), ("camera", "face")):
        if getattr(options, option) is not None and (kind != "live" or role not in wanted):
            reason = unwanted(bundles, {role}) if role not in wanted else f"--source {kind} opens no device"
            raise EngineError(f"--{option}: {reason}")
    if options.person is not None:
        if "face" not in wanted:
            raise EngineError(f"--person: {unwanted(bundles, {'face'})}")
        if kind not in ("live", "file") or (options.no_camera if kind == "live" else options.no_tracker):
            raise EngineError(f"--person: there is nobody to choose from, --source {kind} watches no picture here")
    if options.camera is not None:
        from engine.sources.capture import camera_device

        camera_device(options.camera)  # what is none is refused before a model loads
    if options.fast and kind in ("live", "engine"):
        what = "a microphone" if kind == "live" else "another engine"
        raise EngineError(f"--fast: {what} cannot run faster than time; use it with --source demo, file or body")
    spoken = options.speech is not None and options.speech[0] not in ("mic", "net")  # a file, which can play again
    if options.loop and kind not in ("demo", "file", "body") and not spoken:
        raise EngineError(f"--loop: there is nothing to start again in --source {kind}; use it with file or body")
    for option in ("track", "follow"):
        if getattr(options, option) and kind != "file":
            raise EngineError(f"--{option}: only a file has one to choose or to follow; use it with --source file PATH")
    for option in ("unit", "up"):
        if getattr(options, option) is not None and kind != "body":
            raise EngineError(f"--{option}: only a body file has one to be told; use it with --source body FILE.bvh")
    if kind == "demo":
        from engine.sources.demo import DemoSource

        return [DemoSource(fast=options.fast)]
    if kind == "file":
        return [_file(rest[0], options, wanted)]
    if kind == "body":
        from engine.sources.body import BodySource

        body = partner_skeleton(bundles)
        return [BodySource(rest[0], body, options.fast, options.loop, unit=options.unit, up=options.up)]
    if kind == "engine":
        from engine.sources.remote import EngineSource

        return [EngineSource(rest[0], partner_skeleton(bundles))]
    return _live(options, wanted, face_rate(bundles)) if kind == "live" else []


def face_rate(bundles: Sequence[Bundle]) -> float | None:
    """Frames a second of the fastest bundle that looks at a partner's face: more pictures are of no use. None where
    none looks."""
    return max((bundle.spec.rate for bundle in bundles if "face" in senses(bundle.spec)), default=None)


def unwanted(bundles: Sequence[Bundle], given: set[str]) -> str:
    """Why bundles have no use for these roles, and what they can be given."""
    wanted = set[str]().union(*(senses(bundle.spec) for bundle in bundles))
    does = " or ".join(SENSES[role] for role in SENSES if role in given)
    has = " or ".join(role for role in SENSES if role in given)
    fitting = [kind for kind, gives in GIVES.items() if gives & wanted or kind == "none"]
    names = " and ".join(bundle.name for bundle in bundles)
    return f"bundle {names} does not {does}: it has no {has} input; sources that fit it: {', '.join(fitting)}"


def partner_skeleton(bundles: Sequence[Bundle]) -> Skeleton:
    """The skeleton of the bodies that bundles see. Raises :class:`EngineError` where they name none or several."""
    bundle = next(one for one in bundles if "body" in senses(one.spec))
    seen = [item for one in bundles for item in one.spec.by_role("body") if item.of == "partner"]
    names = {item.skeleton for item in seen}
    if len(names) != 1 or "" in names:
        raise EngineError(
            f"bundle {bundle.name}: its body inputs name skeletons {sorted(names)}; give them one, and export it again"
        )
    return bundle.spec.skeleton(names.pop())


def _file(path: str, options: argparse.Namespace, wanted: set[str]) -> Source:
    from engine.sources.stream import is_live

    if is_live(path):
        return _stream(path, options, wanted)
    from engine.sources.file import FileSource
    from engine.sources.media import MediaFile
    from engine.sources.tracks import TrackChoice

    choice = TrackChoice.of(options.track or ())
    media = MediaFile(path, choice=choice)
    _say_tracks(media.path.name, media.tracks, choice)
    watched = "face" in wanted and not options.no_tracker and media.has_video
    if options.follow and (options.fast or options.loop):
        raise EngineError("--follow: what is still being written comes in real time and once, without --fast or --loop")
    tracker = _tracker(options) if watched else None  # takes seconds to load
    source = FileSource(Path(path), options.fast, tracker, loop=options.loop, choice=choice, follow=options.follow)
    if not wanted & {what for what, _ in source.gives}:
        raise EngineError(f"--source file {path}: shows no face that is tracked, and no bundle served hears anything")
    return source


def _stream(address: str, options: argparse.Namespace, wanted: set[str]) -> Source:
    from engine.sources.stream import StreamSource
    from engine.sources.tracks import TrackChoice

    for option in ("fast", "loop", "follow"):
        if getattr(options, option):
            raise EngineError(f"--{option}: {shown(address)} is played as it arrives; use it with --source file PATH")
    choice = TrackChoice.of(options.track or ())
    watches = "face" in wanted and not options.no_tracker
    source = StreamSource(address, partial(_tracker, options) if watches else lambda: None, choice)
    _say_tracks(source.name, source.tracks, choice)
    if not wanted & {what for what, _ in source.gives}:
        source.stop()
        raise EngineError(f"--source file {shown(address)}: gives nothing that a bundle served hears or sees")
    return source


def _say_tracks(name: str, tracks: Sequence[str], choice: TrackChoice) -> None:
    for kind in ("audio", "video"):
        several = [track for track in tracks if track.startswith(kind)]
        if len(several) > 1 and getattr(choice, kind) is None:
            log.info("%s has %s; --track %s=N chooses", name, "; ".join(several), kind)


def _live(options: argparse.Namespace, wanted: set[str], rate: float | None) -> list[Source]:
    sources: list[Source] = []
    if "audio" in wanted and not options.no_mic:
        from engine.sources.mic import MicSource

        try:
            sources.append(MicSource(options.mic))
        except EngineError as error:
            if options.mic is not None:
                raise
            log.warning("no microphone: %s", error)
    if "face" in wanted and not options.no_camera:
        tracker = _tracker(options)
        if tracker is not None:
            from engine.sources.camera import CameraSource

            try:
                sources.append(CameraSource(0 if options.camera is None else options.camera, tracker, rate))
            except EngineError as error:
                tracker.close()
                if options.camera is not None:
                    raise
                log.warning("no camera: %s", error)
    if not sources:
        raise EngineError("neither microphone nor camera can be used; try `engine serve --source demo`")
    return sources


def _tracker(options: argparse.Namespace) -> FaceTracker | None:
    """The tracker of one person's face, or None with the reason logged: the listener then goes by voice alone. Raises
    :class:`EngineError` instead where a camera or a person was asked for."""
    from engine.tracker import MediaPipeTracker

    try:
        return MediaPipeTracker(person=options.person or PERSONS[0])
    except EngineError as error:
        if options.camera is not None or options.person is not None:
            raise
        log.warning("listening by voice alone: %s", error)
        return None


def devices() -> str:
    """Microphones and webcams of this machine, one a line, or why there are none."""
    from engine.sources.capture import cameras
    from engine.sources.mic import microphones

    lines = []
    for title, found in (("microphones", microphones), ("webcams", cameras)):
        try:
            entries = found() or ["none found"]
        except EngineError as error:
            entries = [f"none: {error}"]
        lines += [title, *(f"  {entry}" for entry in entries)]
    return "\n".join(lines)
