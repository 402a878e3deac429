"""``python -m train view``: a talk of a data set with its listeners, to be looked at before anything is trained on it.

The speaker is on the left, its listeners are on the right; below runs a time line of the voice, the phrases, the cues
and what each listener planned. A video has the speaker's voice, a strip shows evenly spaced moments in one picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from engine.errors import EngineError
from train.reaction.react import ReactData, RecordedTalk
from train.simulate.talk import FPS, HOP, RATE, Cue

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

SHOWN = 6  #: listeners at most
WIDTH, TALL, ROW, LABEL = 1280, 480, 22, 110
COLUMNS, TILE = 9, 148  #: of the strip: moments, and pixels of a head
PAPER, CARD, INK, DIM = (40, 34, 30), (54, 47, 42), (236, 232, 228), (160, 150, 144)
SPEECH, OWN, NOW = (120, 190, 250), (110, 100, 170), (240, 240, 240)
KINDS: dict[str, Colour] = {
    "pause": (250, 210, 120),
    "low": (220, 160, 90),
    "question": (250, 130, 200),
    "nod": (196, 190, 96),
    "smile": (110, 210, 120),
    "laugh": (90, 240, 240),
    "brow": (200, 150, 240),
    "shake": (90, 120, 250),
}
"""Colour (BGR) of each kind of cue and planned movement."""


class Bar(NamedTuple):
    """A span of the time line, in seconds from where it begins, and its colour."""

    start_s: float
    end_s: float
    colour: Colour


class Mark(NamedTuple):
    """A moment on the time line, in seconds from where it begins: a cue or a planned movement."""

    time_s: float
    kind: str


@dataclass(frozen=True)
class Scene:
    """What is drawn of a talk from ``start_s`` on: faces by name (the speaker first), sound, spans and marks by row."""

    title: str
    start_s: float
    faces: dict[str, NDArray[np.float32]]
    pcm: NDArray[np.float32]
    bars: list[Bar]
    marks: dict[str, list[Mark]]

    @property
    def frames(self) -> int:
        """Length in frames."""
        return len(self.faces["speaker"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train view``."""
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of the data set")
    parser.add_argument("--split", default="val", help="train, val or test (default: val)")
    parser.add_argument("--talk", help="name of the talk, or a part of it (default: the first)")
    parser.add_argument("--start", type=float, default=0.0, help="second of the talk to start at (default: 0)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how much to show (default: 20)")
    parser.add_argument("--out", type=Path, required=True, help="view.mp4 for a video, strip.png for a picture")


def run(args: argparse.Namespace) -> None:
    """Draw what ``args`` ask for into ``args.out``."""
    try:
        import cv2

        from clients.opencv.video import OutputError, check_output, write_video
    except ImportError as error:
        raise EngineError(f"{error.name} is not installed, drawing needs it: pip install -e '.[viewer]'") from error
    try:
        check_output(args.out, (".mp4", ".png", ".jpg"))
    except OutputError as error:
        raise EngineError(str(error)) from error
    scene = take(choose(ReactData(args.data), args.split, args.talk), args.start, args.seconds)
    if args.out.suffix.lower() == ".mp4":
        try:
            count = write_video(args.out, pictures(scene), FPS, scene.pcm, RATE)
        except OutputError as error:
            raise EngineError(str(error)) from error
        print(f"{scene.title}: {count / FPS:.1f} s -> {args.out}")
        return
    if not cv2.imwrite(str(args.out), strip(scene)):
        raise EngineError(f"{args.out} cannot be written; choose another file")
    print(f"{scene.title}: {scene.frames / FPS:.1f} s -> {args.out}")


def choose(data: ReactData, split: str, name: str | None) -> RecordedTalk:
    """The talk whose name holds ``name``; the first without one. Raises :class:`EngineError` when there is none."""
    talks = data.talks(split)
    found = [talk for talk in talks if name is None or name in talk.name]
    if not found:
        names = ", ".join(talk.name for talk in talks[:8])
        raise EngineError(f"no talk {name!r} in {split} of {data.root}; there are {names}{', ...' * (len(talks) > 8)}")
    return next((talk for talk in found if talk.name == name), found[0])


def take(talk: RecordedTalk, start_s: float, seconds: float) -> Scene:
    """``seconds`` of ``talk`` from ``start_s`` on, or what there is of it; the scene's times count from there."""
    length_s = talk.frames / FPS
    if not 0 <= start_s < length_s or seconds <= 0:
        raise EngineError(f"--start {start_s:g} --seconds {seconds:g}: talk {talk.name} lasts {length_s:g} s")
    first, last = round(start_s * FPS), min(talk.frames, round((start_s + seconds) * FPS))
    last = max(last, first + 1)
    people = talk.listeners[:SHOWN]
    faces = {"speaker": talk.face(), **{name: talk.listener(name) for name in people}}

    def inside(items: Sequence[Cue]) -> list[Mark]:
        # Looks are seen and come too often to be told.
        shown = [Mark(item.time_s - start_s, item.kind) for item in items if item.kind in KINDS]
        return [mark for mark in shown if 0 <= mark.time_s < (last - first) / FPS]

    marks = {"cues": inside(talk.cues()), **{name: inside(talk.events(name)) for name in people}}
    spans = [(span, SPEECH) for span in talk.spans("phrases")] + [(span, OWN) for span in talk.spans("own_turns")]
    return Scene(
        title=f"{talk.name}  ({talk.split})",
        start_s=start_s,
        faces={name: face[first:last] for name, face in faces.items()},
        pcm=talk.audio()[first * HOP : last * HOP],
        bars=[Bar(span.start_s - start_s, span.end_s - start_s, colour) for span, colour in spans],
        marks=marks,
    )


def pictures(scene: Scene) -> Iterator[Image]:
    """One picture (H, 1280, 3) uint8 BGR a frame."""
    from clients.opencv.panel import put, text

    people = [name for name in scene.faces if name != "speaker"]
    columns = 2 if len(people) > 1 else 1
    rows = max(1, -(-len(people) // columns))
    wide, tall = WIDTH // 2 // columns, TALL // rows // 2 * 2
    line = timeline(scene, WIDTH)
    ground = np.full((TALL + len(line), WIDTH, 3), PAPER, np.uint8)
    for index in range(scene.frames):
        canvas = ground.copy()
        put(canvas, (0, 0, WIDTH // 2, TALL), _head(scene, "speaker", index, (WIDTH // 2, TALL)))
        for place, name in enumerate(people):
            x, y = WIDTH // 2 + place % columns * wide, place // columns * tall
            put(canvas, (x, y, wide, tall), _head(scene, name, index, (wide, tall)))
            text(canvas, f"{name}  {_doing(scene, name, index)}", x + 10, y + 20)
        canvas[TALL:] = line
        at = round(LABEL + (index + 0.5) / scene.frames * (WIDTH - LABEL))
        canvas[TALL:, at : at + 1] = NOW
        text(canvas, f"speaker  {_doing(scene, 'cues', index)}", 10, 20)
        text(canvas, f"{scene.title}   {scene.start_s + index / FPS:6.2f} s", 10, TALL - 12, 0.5)
        yield canvas


def strip(scene: Scene) -> Image:
    """One picture (H, W, 3) uint8 BGR: a row for each person, moments evenly spaced, and the time line."""
    from clients.opencv.panel import put, text

    wide = LABEL + COLUMNS * TILE
    line = timeline(scene, wide)
    canvas = np.full((len(scene.faces) * TILE + len(line) + 24, wide, 3), PAPER, np.uint8)
    text(canvas, f"{scene.title}   {scene.start_s:.1f} to {scene.start_s + scene.frames / FPS:.1f} s", 10, 17)
    for row, name in enumerate(scene.faces):
        text(canvas, name, 10, 24 + row * TILE + TILE // 2)
    for column in range(COLUMNS):
        index = int((column + 0.5) * scene.frames / COLUMNS)
        for row, name in enumerate(scene.faces):
            place = (LABEL + column * TILE, 24 + row * TILE, TILE, TILE)
            put(canvas, place, _head(scene, name, index, (TILE, TILE)))
            if name != "speaker":
                text(canvas, _doing(scene, name, index), place[0] + 6, place[1] + 15, 0.4)
        doing = _doing(scene, "cues", index)
        text(canvas, f"{scene.start_s + index / FPS:.1f} {doing}", LABEL + column * TILE + 6, 39, 0.4)
    canvas[-len(line) :] = line
    return canvas


def timeline(scene: Scene, wide: int) -> Image:
    """Voice with its phrases, then a row of marks for the cues and for each listener: (rows, ``wide``, 3)."""
    import cv2

    from clients.opencv.panel import text

    canvas = np.full((3 * ROW + ROW * len(scene.marks) + 10, wide, 3), CARD, np.uint8)
    canvas = canvas[: len(canvas) // 2 * 2]
    length_s, room = scene.frames / FPS, wide - LABEL

    def column(time_s: float) -> int:
        return round(LABEL + float(np.clip(time_s / length_s, 0, 1)) * room)

    for bar in scene.bars:
        if bar.end_s > 0 and bar.start_s < length_s:
            cv2.rectangle(canvas, (column(bar.start_s), 2), (column(bar.end_s), 7), bar.colour, -1)
    blocks = np.array_split(np.abs(scene.pcm), room)
    heights = np.sqrt(np.array([block.max(initial=0.0) for block in blocks])) * (ROW - 4)
    for x, height in enumerate(heights.round().astype(int).tolist(), LABEL):
        canvas[2 * ROW - height : 2 * ROW + height + 1, x] = DIM
    text(canvas, "voice", 10, 2 * ROW + 4, 0.42, DIM)
    for row, (name, marks) in enumerate(scene.marks.items()):
        y = 3 * ROW + row * ROW + ROW // 2 + 4
        text(canvas, name, 10, y + 4, 0.42, DIM)
        for mark in marks:
            colour, x = KINDS.get(mark.kind, INK), column(mark.time_s)
            cv2.line(canvas, (x, y - 8), (x, y + 8), colour, 2)
            text(canvas, mark.kind, x + 4, y + 4, 0.36, colour)
    return canvas


def _head(scene: Scene, name: str, index: int, size: tuple[int, int]) -> Image:
    """The head of a person at frame ``index``."""
    from clients.opencv.head import draw_head
    from clients.opencv.light import AVATAR, PARTNER

    return draw_head(scene.faces[name][index], FACE_NAMES, size, PARTNER if name == "speaker" else AVATAR)


def _doing(scene: Scene, row: str, index: int) -> str:
    """The newest mark of a row within the last second, for a caption."""
    now = (index + 1) / FPS
    recent = [mark.kind for mark in scene.marks[row] if now - 1.0 < mark.time_s <= now]
    return recent[-1] if recent else ""
