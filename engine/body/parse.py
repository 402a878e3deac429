"""A BVH file as it is written: joints, channels and rows of numbers, before anything is made of them.

The parser is this project's own, as no library at hand reads what programs really write: of 39 files with one quirk
each that was seen in public, pybvh 0.9 refuses 17. It is strict where a guess could be wrong and lenient where all the
meaning is there: what is mended is told in ``notes``, one line each. Nothing is taken from a declared size: memory
follows from what is in the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body.decode import BvhError, numbers, plain_numbers, read_text
from engine.body.skeleton import LONGEST_NAME, MOST_JOINTS

END = ".end"
"""What is added to a joint's name for its BVH end site."""
MOST_FRAMES = 10_000_000
"""Frames that a file may declare: a day at 120 a second."""
FASTEST = 10_000.0
MILLISECONDS = 1.0
"""A frame time above this many seconds is one in milliseconds: nobody records a body slower than once a second."""
LARGEST = 1e9
"""A number beyond this is no place and no angle, in whatever unit: the file is broken, not a frame of it."""

_HEADER = re.compile(
    r"(?P<brace>[{}])"
    r"|\b(?P<kind>ROOT|JOINT)\b[ \t]*(?P<name>[^\n{}]*)"
    r"|\b(?P<end>END[ \t_]*SITE)\b[^\n{}]*"
    r"|\bOFFSET\b(?P<offset>[^{}A-Za-z]*(?:[eE][-+]?\d[^{}A-Za-z]*)*)"
    r"|\bCHANNELS\b[ \t]*(?P<count>\d*)(?P<channels>(?:\s*\b[XYZ](?:position|rotation|scale)\b)*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Parsed:
    """``names`` with end sites, as :data:`END` of their parents; ``parents`` (-1 for the root); ``offsets`` (J, 3) in
    the file's unit; ``channels`` of each joint in order ("xp" for Xposition, "zr" for Zrotation); ``values`` (T, C),
    NaN where the file holds no number; ``rate`` frames a second."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: NDArray[np.float64]
    channels: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]
    rate: float
    notes: tuple[str, ...]

    @property
    def ends(self) -> list[bool]:
        """Which joints are end sites."""
        return [not channels and name.endswith(END) for name, channels in zip(self.names, self.channels, strict=True)]


@dataclass
class _Joint:
    name: str
    parent: int
    end: bool
    offset: tuple[float, float, float] | None = None
    channels: tuple[str, ...] = ()


def parse(path: Path) -> Parsed:
    """Read a file. Raises :class:`BvhError` in words where it is not BVH, holds no frames or contradicts itself."""
    text = read_text(path)
    begin = re.search(r"^[ \t]*HIERARCHY\b", text, re.IGNORECASE | re.MULTILINE)
    if begin is None:
        raise BvhError(f"{path}: does not read as BVH: no line says HIERARCHY; export the take as BVH")
    motion = re.search(r"^[ \t]*MOTION\b", text, re.IGNORECASE | re.MULTILINE)
    if motion is None:
        raise BvhError(f"{path}: has no MOTION part, so no frames; export the take with its animation")
    notes: list[str] = []
    joints = _hierarchy(text[begin.end() : motion.start()], path)
    names = _names(joints, notes)
    count = sum(len(joint.channels) for joint in joints)
    if not count:
        raise BvhError(f"{path}: no joint has channels, so nothing moves; export the take with its animation")
    declared, rate, at = _timing(text, motion.end(), path, notes)
    values = _rows(text[at:], count, declared, path, notes)
    return Parsed(
        names=names,
        parents=tuple(joint.parent for joint in joints),
        offsets=np.array([joint.offset or (0.0, 0.0, 0.0) for joint in joints], np.float64),
        channels=tuple(joint.channels for joint in joints),
        values=values,
        rate=rate,
        notes=tuple(notes),
    )


def _hierarchy(text: str, path: Path) -> list[_Joint]:
    joints: list[_Joint] = []
    open_joints: list[int] = []
    waiting = -1  # the joint whose brace has yet to open
    for found in _HEADER.finditer(text):
        parts = found.groupdict()
        if parts["kind"] or parts["end"]:
            if len(joints) == MOST_JOINTS:
                raise BvhError(
                    f"{path}: more than {MOST_JOINTS} joints; export the body without its fingers or its hair"
                )
            parent = open_joints[-1] if open_joints else -1
            if joints and parent < 0:
                raise BvhError(f"{path}: a second root, {(parts['name'] or '').strip()!r}; give one body a file")
            joints.append(_Joint((parts["name"] or "").strip(), parent, bool(parts["end"])))
            waiting = len(joints) - 1
        elif parts["brace"] == "{":
            if waiting < 0:
                raise BvhError(f"{path}: a brace opens where no joint begins; export the take again")
            open_joints.append(waiting)
            waiting = -1
        elif parts["brace"] == "}":
            if not open_joints:
                raise BvhError(f"{path}: a brace closes where none is open; export the take again")
            open_joints.pop()
        elif open_joints:
            joint = joints[open_joints[-1]]
            if parts["offset"] is not None:
                joint.offset = _offset(parts["offset"], joint, path)
            else:
                joint.channels = _channels(parts["channels"], parts["count"], joint, path)
    if not joints:
        raise BvhError(f"{path}: names no ROOT; export the take again")
    return joints


def _offset(text: str, joint: _Joint, path: Path) -> tuple[float, float, float]:
    found = numbers(plain_numbers(text, width=3))
    if len(found) < 3 or not np.isfinite(found[:3]).all() or np.abs(found[:3]).max() > LARGEST:
        raise BvhError(f"{path}: OFFSET of {joint.name or 'an end site'} is {text.strip()!r}; give three numbers")
    x, y, z = (float(value) for value in found[:3])
    return x, y, z


def _channels(words: str, count: str, joint: _Joint, path: Path) -> tuple[str, ...]:
    found = tuple(word[0].lower() + word[1].lower() for word in words.split())
    if not joint.end and count and int(count[:9]) != len(found):
        raise BvhError(
            f"{path}: {joint.name} has CHANNELS {count[:9]} and names {len(found)} of them: {' '.join(words.split())}; "
            "mend the line"
        )
    places = [name for name in found if name[1] == "p"]
    if len(set(places)) != len(places):
        raise BvhError(f"{path}: {joint.name} names a position twice ({' '.join(words.split())}); mend the line")
    return () if joint.end else found


def _names(joints: list[_Joint], notes: list[str]) -> tuple[str, ...]:
    """The joints' names, each once, as a skeleton may have them."""
    used: Counter[str] = Counter()
    names: list[str] = []
    renamed: list[str] = []
    for joint in joints:
        wanted = names[joint.parent] + END if joint.end and joint.parent >= 0 else joint.name
        wanted = "".join(letter if letter.isprintable() else "_" for letter in wanted)[-LONGEST_NAME:] or "joint"
        name, number = wanted, 1
        while name in used:
            number += 1
            name = f"{wanted[: LONGEST_NAME - 5]}{number if joint.end else f'_{number}'}"
        if name != wanted and not joint.end:
            renamed.append(f"{wanted} is {name} the {_times(number)} time")
        used[name] += 1
        names.append(name)
    if renamed:
        more = f" and {len(renamed) - 3} more" if len(renamed) > 3 else ""
        notes.append(f"joints of one name: {', '.join(renamed[:3])}{more}")
    return tuple(names)


def _times(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _timing(text: str, at: int, path: Path, notes: list[str]) -> tuple[int | None, float, int]:
    """Declared frames, rate, and where the rows begin."""
    head = text[at : at + 2000]
    frames = re.search(r"\bFrames\b[ \t]*:?[ \t]*(\S+)", head, re.IGNORECASE)
    time = re.search(r"\bFrame[ \t]*Time\b[ \t]*:?[ \t]*(\S+)", head, re.IGNORECASE)
    if time is None:
        raise BvhError(f"{path}: has no line `Frame Time: seconds`; add it before the rows")
    declared = None
    if frames is not None and re.fullmatch(r"\d{1,30}(\.0*)?", frames[1]):
        declared = int(frames[1].split(".")[0])
        if declared > MOST_FRAMES:
            raise BvhError(
                f"{path}: declares {declared} frames, {MOST_FRAMES} at most; write the true number after `Frames:`"
            )
    elif frames is not None:
        notes.append(f"`Frames: {frames[1][:20]}` is no number: the rows were counted")
    (seconds,) = numbers(plain_numbers(time[1]).strip().replace(" ", "") or "nan")[:1]
    if not np.isfinite(seconds) or not 1 / FASTEST <= seconds <= 1000.0:
        raise BvhError(f"{path}: a frame time of {time[1][:20]} s; write the seconds of a frame, such as 0.0333333")
    step = 0.5 * 10.0 ** -_decimals(time[1])
    if seconds > MILLISECONDS:
        seconds, step = seconds / 1000.0, step / 1000.0
        notes.append(f"frame time {time[1]} taken as milliseconds: {_rate(seconds, step):g} frames a second")
    end = max(time.end(), frames.end() if frames else 0)
    return declared, _rate(seconds, step), at + end


def _decimals(word: str) -> int:
    found = re.search(r"[.,](\d+)", word)
    return len(found[1]) if found and "e" not in word.lower() else 9


def _rate(seconds: float, step: float) -> float:
    """Frames a second; a whole number where the frame time, as exactly as it is written, may be that of one."""
    whole = float(round(1.0 / seconds))
    if whole >= 1.0 and abs(1.0 / whole - seconds) <= step * 1.001:
        return whole
    return round(1.0 / seconds, 3)


def _rows(text: str, count: int, declared: int | None, path: Path, notes: list[str]) -> NDArray[np.float64]:
    """The frames (T, ``count``), NaN where a row is damaged."""
    text = plain_numbers(re.sub(r"[ \t](#|//).*", "", text), width=count)
    lines = [piece for piece in map(numbers, _lines(text)) if len(piece)]
    if not lines:
        raise BvhError(f"{path}: holds no frames; export the take with its animation")
    widths = np.array([len(line) for line in lines])
    right = widths == count
    if right[:-1].mean() >= 0.5 if len(lines) > 1 else right[0]:
        return _row_by_row(lines, right, count, declared, path, notes)
    whole = int(widths.sum()) // count
    even = bool((widths[:-1] == widths[0]).all())
    if even and whole != declared and (widths[0] > count or len(lines) == declared):
        raise BvhError(
            f"{path}: rows hold {widths[0]} numbers, the joints have {count} channels; export the take again"
        )
    if not whole:
        raise BvhError(f"{path}: holds {widths.sum()} numbers, a frame has {count}: no frame is whole; export it again")
    values = np.concatenate(lines)
    _count(declared, whole, int(widths.sum()) % count != 0, notes)
    return _believable(values[: whole * count].reshape(whole, count), path)


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.split("\n") if line and not line.isspace())


def _row_by_row(
    lines: list[NDArray[np.float64]],
    right: NDArray[np.bool_],
    count: int,
    declared: int | None,
    path: Path,
    notes: list[str],
) -> NDArray[np.float64]:
    cut = not right[-1] and len(lines[-1]) < count
    kept = len(lines) - int(cut)
    values = np.full((kept, count), np.nan)
    for number in np.flatnonzero(right[:kept]):
        values[number] = lines[number]
    wrong = np.flatnonzero(~right[:kept])
    if len(wrong):
        notes.append(
            f"{len(wrong)} rows do not hold {count} numbers (the first is frame {wrong[0] + 1}, with "
            f"{len(lines[wrong[0]])}): marked as damaged"
        )
    _count(declared, kept, cut, notes)
    return _believable(values, path)


def _count(declared: int | None, found: int, cut: bool, notes: list[str]) -> None:
    last = " (the last one is cut)" if cut else ""
    if declared is not None and declared != found:
        notes.append(f"declares {declared} frames and holds {found} whole ones{last}: those were read")
    elif cut:
        notes.append(f"the last row is cut: {found} whole frames were read")


def _believable(values: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        wild = np.isfinite(values) & (np.abs(values) > LARGEST)
    if wild.any():
        frame, column = (int(place) for place in np.argwhere(wild)[0])
        raise BvhError(
            f"{path}: frame {frame + 1} holds {values[frame, column]:g} in column {column + 1}, which is no place and "
            "no angle; export the take again, or write nan there to have the frame left out"
        )
    return values
