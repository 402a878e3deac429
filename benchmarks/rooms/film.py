"""A film of a room: the partner on the left as seen, beside it one listener of each bundle, all to the same partner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.listen import Partner, listeners
from benchmarks.rooms.conditions import Condition
from benchmarks.rooms.faces import FPS
from clients.opencv.video import OutputError, check_output, write_video
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import open_runtime
from engine.sound.front_end import FrontEnd
from train.reaction.view import SHOWN, Mark, Scene, pictures
from train.report import events


def check(path: Path, rooms: list[Condition], bundles: Mapping[str, Bundle]) -> None:
    """Raises :class:`EngineError` where no film can be made: it shows one room, whose partner is seen."""
    try:
        check_output(path, (".mp4",))
    except OutputError as error:
        raise EngineError(f"--film: {error}") from error
    if len(rooms) != 1 or rooms[0].make().faces is None:
        raise EngineError(
            f"--film: of {len(rooms)} rooms; choose one with a face by --only, such as 'readers, tracked'"
        )
    if len(bundles) > SHOWN:
        raise EngineError(f"--film: {len(bundles)} bundles; give {SHOWN} at most")


def save(path: Path, room: Condition, bundles: Mapping[str, Bundle], raw: bool) -> int:
    """Write the film of a room; how many frames it has. ``raw``: past the front end."""
    made = room.make()
    assert made.faces is not None
    rate = next(iter(bundles.values())).spec.sample_rate
    partner = Partner(FrontEnd(on=not raw).push(made.pcm, rate), made.faces)
    shown = {
        name: listeners(open_runtime(bundle, rows=1), [partner], [0])["face"][:, 0] for name, bundle in bundles.items()
    }
    frames = min(len(made.faces), *(len(face) for face in shown.values()))
    marks = {
        name: sorted(
            [Mark(time, "nod") for time in events.nods(face, FPS)]
            + [Mark(time, "smile") for time in events.smiles(face, FPS)]
        )
        for name, face in {"cues": made.faces[:frames], **shown}.items()
    }
    marks["cues"] = [mark for mark in marks["cues"] if mark.kind == "smile"]  # of the partner; readers do not nod
    scene = Scene(
        title=room.name,
        start_s=0.0,
        faces={"speaker": made.faces[:frames], **{name: face[:frames] for name, face in shown.items()}},
        pcm=partner.pcm[: round(frames * rate / FPS)],
        bars=[],
        marks=marks,
    )
    try:
        return write_video(path, pictures(scene), FPS, scene.pcm, rate)
    except OutputError as error:
        raise EngineError(f"--film: {error}") from error
