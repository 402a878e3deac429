"""Files as programs and people make them: each quirk is put into a plain file, and what is read has to be the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import BodyFile, BvhError, read_body, skeleton_of
from engine.body.decode import LARGEST
from tests.engine.body.made import CMU, FRAMES, dance, renamed, text_of

Change = Callable[[str], str | bytes]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return text_of(tmp_path_factory.mktemp("plain"), dance())


def read(folder: Path, content: str | bytes, **given: str | float) -> BodyFile:
    path = folder / "a.bvh"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_body(path, CMU, **given)  # type: ignore[arg-type]


def rows(text: str, change: Callable[[list[list[str]]], list[list[str]]]) -> str:
    """A file with the numbers of its frames changed."""
    head, time, block = re.split(r"(Frame Time: \S+\n)", text)
    lines = change([line.split() for line in block.strip().split("\n")])
    return head + time + "\n".join(map(" ".join, lines)) + "\n"


def scaled(text: str, factor: float) -> str:
    """A file in another unit."""

    def offset(found: re.Match[str]) -> str:
        return "OFFSET " + " ".join(f"{float(word) * factor:.9f}" for word in found[1].split())

    def places(lines: list[list[str]]) -> list[list[str]]:
        return [[f"{float(word) * factor:.9f}" for word in line[:3]] + line[3:] for line in lines]

    return rows(re.sub(r"OFFSET (.*)", offset, text), places)


def six_channels(text: str, added: bool = False) -> str:
    """Positions on every joint: its offset, or nothing (which some exporters add to the offset)."""
    offsets = re.findall(r"OFFSET (.*)\n\s*CHANNELS", text)[1:]

    def wider(lines: list[list[str]]) -> list[list[str]]:
        made = []
        for line in lines:
            wide = line[:6]
            for number, offset in enumerate(offsets):
                wide += ["0"] * 3 if added else offset.split()
                wide += line[6 + 3 * number : 9 + 3 * number]
            made.append(wide)
        return made

    channels = "CHANNELS 6 Xposition Yposition Zposition"
    return rows(re.sub("CHANNELS 3", channels, text), wider)


def z_up(text: str, rest: bool) -> str:
    """The world with Z up, facing -Y; with ``rest`` the rest pose too."""
    motion = dance()
    turn = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    assert motion.rotations is not None
    local = motion.rotations.copy()
    offsets = np.float32(CMU.rest)
    if rest:
        local, offsets = turn @ local @ turn.T, offsets @ turn.T
    else:
        local[:, 0] = turn @ local[:, 0]
    body = type(CMU)("zup", CMU.joints, CMU.parents, tuple((float(x), float(y), float(z)) for x, y, z in offsets))
    folder = Path(text)
    return text_of(folder, type(motion)(body, motion.rate, motion.positions @ turn.T, local))


def comma_numbers(text: str) -> str:
    head, motion = text.split("MOTION")
    return re.sub(r"(\d)\.(\d)", r"\1,\2", head) + "MOTION" + re.sub(r"(\d)\.(\d)", r"\1,\2", motion)


EQUAL: dict[str, Change] = {
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "old Mac line ends": lambda text: text.replace("\n", "\r"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without mark": lambda text: text.encode("utf-16-be"),
    "zeros at the end": lambda text: text.encode() + bytes(512),
    "another code page": lambda text: text.replace("End Site", "End Site Größe").encode("cp1252"),
    "lower case": str.lower,
    "decimal comma in the time": lambda text: re.sub(r"(Time: \d)\.", r"\1,", text),
    "decimal commas": comma_numbers,
    "commas between numbers": lambda text: rows(text, lambda lines: [[",".join(line)] for line in lines]),
    "semicolons and decimal commas": lambda text: rows(
        text, lambda lines: [[";".join(line).replace(".", ",")] for line in lines]
    ),
    "no blanks after colons": lambda text: text.replace("Frames: ", "Frames:").replace("Time: ", "Time:"),
    "blanks before colons": lambda text: text.replace("Frames:", "Frames :"),
    "exponents": lambda text: rows(text, lambda lines: [[f"{float(word):.9e}" for word in line] for line in lines]),
    "braces on the line": lambda text: re.sub(r"\n\s*\{", " {", text),
    "header on one line": lambda text: re.sub(r"\n *(?=[{}OCJER])", " ", text),
    "rows wrapped": lambda text: rows(
        text, lambda lines: [line[at : at + 7] for line in lines for at in range(0, len(line), 7)]
    ),
    "all numbers on one line": lambda text: rows(text, lambda lines: [[word for line in lines for word in line]]),
    "blank lines": lambda text: text.replace("\n", "\n\n") + "\n  \n\t\n",
    "tabs": lambda text: text.replace("  ", "\t").replace(" ", "\t").replace("End\tSite", "End Site"),
    "comments": lambda text: "# by X\n" + text.replace("MOTION", "// moves\nMOTION") + "# the end\n",
    "six channels": six_channels,
    "six channels, added": lambda text: six_channels(text, added=True),
    "no end sites": lambda text: re.sub(r"\s*End Site\s*\{[^}]*\}", "", text),
    "named end sites": lambda text: text.replace("End Site", "End Site tip"),
}


@pytest.mark.parametrize("quirk", EQUAL)
def test_another_notation_is_the_same_motion(tmp_path: Path, plain: str, quirk: str) -> None:
    changed = EQUAL[quirk](plain)
    assert changed not in (plain, plain.encode())
    found = read(tmp_path, changed)
    assert np.abs(found.motion.positions - dance().positions).max() < 1e-4
    assert found.motion.rate == 30.0 and found.unit == 0.01 and found.sound.all()
    if quirk == "lower case":
        assert all(note.startswith("joints found by name") for note in found.notes)
    else:
        assert found.notes == ()


@dataclass(frozen=True)
class Told:
    """What is said of a file, and what is read of the plain one's frames."""

    change: Change
    note: str
    frames: int = FRAMES
    unit: float = 0.01


TOLD: dict[str, Told] = {
    "more frames declared": Told(
        lambda text: text.replace("Frames: 30", "Frames: 31"), "declares 31 frames and holds 30"
    ),
    "fewer frames declared": Told(
        lambda text: text.replace("Frames: 30", "Frames: 9"), "declares 9 frames and holds 30"
    ),
    "no number of frames": Told(lambda text: text.replace("Frames: 30", "Frames: many"), "is no number"),
    "last row cut": Told(lambda text: text[:-60], "29 whole ones (the last one is cut)", frames=29),
    "milliseconds": Told(lambda text: re.sub(r"Time: \S+", "Time: 33.3333", text), "milliseconds: 30 frames a second"),
    "prefix": Told(
        lambda text: re.sub("(ROOT|JOINT) ", r"\1 Armature|rig:", text), "joints found by name: 'Armature|rig:lThigh"
    ),
    "blanks in names": Told(lambda text: re.sub("(ROOT|JOINT) ", r"\1 Bip01 ", text), "by name: 'Bip01 lThigh"),
    "a word behind every name": Told(
        lambda text: re.sub("(ROOT .*|JOINT .*)", r"\1_jnt", text), "by name: 'lThigh_jnt'"
    ),
    "two joints of one name": Told(
        lambda text: renamed(text, {"leftEye": "eye", "rightEye": "eye"}), "eye is eye_2 the second time"
    ),
    "metres": Told(lambda text: scaled(text, 0.01), "unit found: metres", unit=1.0),
    "millimetres": Told(lambda text: scaled(text, 10.0), "unit found: millimetres", unit=0.001),
    "inches": Told(lambda text: scaled(text, 1 / 2.54), "unit found: inches", unit=0.0254),
    "CMU's unit": Told(lambda text: scaled(text, 0.45 / 2.54), "unit found: CMU's own unit", unit=0.0254 / 0.45),
}


@pytest.mark.parametrize("quirk", TOLD)
def test_what_was_found_is_said_in_one_line(tmp_path: Path, plain: str, quirk: str) -> None:
    told = TOLD[quirk]
    found = read(tmp_path, told.change(plain))
    assert len(found.motion) == told.frames
    assert np.abs(found.motion.positions - dance().positions[: told.frames]).max() < 1e-4
    assert found.motion.rate == 30.0 and found.unit == pytest.approx(told.unit)
    assert told.note in found.notes[0] and "\n" not in found.notes[0]
    assert len(found.notes) == 1 + (quirk == "two joints of one name")
    if told.unit != 0.01:
        assert "--unit sets it" in found.notes[0]
        again = read(tmp_path, told.change(plain), unit=told.unit)
        assert again.notes == () and np.array_equal(again.motion.positions, found.motion.positions)


@pytest.mark.parametrize("rest", [False, True])
def test_z_up_is_turned_upright(tmp_path: Path, rest: bool) -> None:
    text = z_up(str(tmp_path), rest)
    found = read(tmp_path, text)
    assert np.abs(found.motion.positions - dance().positions).max() < 1e-4
    assert found.motion.rotations is not None
    assert np.abs(found.motion.rotations - dance().rotations).max() < 1e-4
    assert [note for note in found.notes if "Z up" in note] == ["Z up turned upright; --up y leaves it"]
    assert np.array_equal(read(tmp_path, text, up="z").motion.positions, found.motion.positions)
    lying = read(tmp_path, text, up="y").motion.positions
    assert np.ptp(lying[0, :, 2]) > 1.3 > np.ptp(found.motion.positions[0, :, 2])
    own = skeleton_of(tmp_path / "a.bvh")
    assert own.rest_positions()[:, 1].min() < -0.8


def test_a_root_with_rotations_alone_stands_where_it_rests(tmp_path: Path, plain: str) -> None:
    text = plain.replace("6 Xposition Yposition Zposition", "3", 1).replace(
        "OFFSET 0.000000 0.000000 0.000000", "OFFSET 5 90 7", 1
    )
    found = read(tmp_path, rows(text, lambda lines: [line[3:] for line in lines]))
    expected = dance().positions - dance().positions[:, :1] + np.float32([0.05, 0.9, 0.07])
    assert np.abs(found.motion.positions - expected).max() < 1e-4


@pytest.mark.parametrize("word", ["nan", "-nan(ind)", "inf", "-1.#IND", "***", "5e7"])
def test_a_damaged_frame_is_marked_and_holds_the_pose_before(tmp_path: Path, plain: str, word: str) -> None:
    def broken(lines: list[list[str]]) -> list[list[str]]:
        for frame, column in ((0, 1), (7, 40), (8, 2)):
            lines[frame][column] = word
        return lines

    found = read(tmp_path, rows(plain, broken))
    assert np.flatnonzero(~found.sound).tolist() == [0, 7, 8]
    expected = dance().positions.copy()
    expected[0], expected[7], expected[8] = expected[1], expected[6], expected[6]
    assert np.abs(found.motion.positions - expected).max() < 1e-4
    assert found.notes == ("3 damaged frames, the first is frame 1: the pose before is held",)


def test_a_row_of_another_width_is_a_damaged_frame(tmp_path: Path, plain: str) -> None:
    found = read(
        tmp_path, rows(plain, lambda lines: [line[: len(line) - (frame == 4)] for frame, line in enumerate(lines)])
    )
    assert np.flatnonzero(~found.sound).tolist() == [4]
    assert "the first is frame 5, with" in found.notes[0]


def test_joints_that_a_dance_can_spare_are_told_and_rest(tmp_path: Path, plain: str) -> None:
    text = plain
    for joint in ("leftEye", "lMid1"):
        text = text.replace(f"JOINT {joint}\n", f"JOINT no{joint}\n")
    found = read(tmp_path, text.replace("noleftEye", "auge"))
    assert found.notes == ("the file has no leftEye, lMid1: at rest in skeleton 'cmu'",)
    assert np.abs(found.motion.positions - dance().positions).max() < 0.03


def test_one_frame_is_a_pose(tmp_path: Path, plain: str) -> None:
    found = read(tmp_path, rows(plain, lambda lines: lines[:1]).replace("Frames: 30", "Frames: 1"))
    assert np.abs(found.motion.positions - dance().positions[:1]).max() < 1e-4


REFUSED: dict[str, tuple[Change, str]] = {
    "empty": (lambda _: "", "is empty"),
    "zeros": (lambda _: bytes(1000), "is empty"),
    "binary": (lambda _: bytes(range(1, 256)) * 40, "does not read as BVH"),
    "an FBX file": (lambda _: b"Kaydara FBX Binary  \0" + bytes(range(200)), "is an FBX file"),
    "header alone": (lambda text: text.split("MOTION")[0], "has no MOTION part"),
    "no frames": (lambda text: rows(text, lambda _: []), "holds no frames"),
    "a billion frames": (lambda text: text.replace("Frames: 30", "Frames: 1000000000"), "declares 1000000000 frames"),
    "frame time 0": (lambda text: re.sub(r"Time: \S+", "Time: 0", text), "frame time of 0 s"),
    "frame time 1e30": (lambda text: re.sub(r"Time: \S+", "Time: 1e30", text), "frame time of 1e30 s"),
    "no frame time": (lambda text: re.sub(r"Frame Time.*", "", text), "no line `Frame Time"),
    "1e30": (lambda text: rows(text, lambda lines: [["1e30", *line[1:]] for line in lines]), "frame 1 holds 1e"),
    "all damaged": (lambda text: rows(text, lambda lines: [["nan", *line[1:]] for line in lines]), "no frame is sound"),
    "other rows": (lambda text: rows(text, lambda lines: [line * 2 + ["1"] for line in lines]), "rows hold"),
    "two roots": (lambda text: text.replace("MOTION", "ROOT b\n{\n}\nMOTION"), "a second root"),
    "too many channels": (lambda text: text.replace("CHANNELS 3", "CHANNELS 4", 1), "CHANNELS 4 and names 3"),
    "no channels": (lambda text: re.sub("CHANNELS .*", "CHANNELS 0", text), "no joint has channels"),
    "offset without numbers": (lambda text: re.sub("OFFSET .*", "OFFSET a b c", text, count=1), "give three numbers"),
}


@pytest.mark.parametrize("quirk", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, plain: str, quirk: str) -> None:
    change, words = REFUSED[quirk]
    with pytest.raises(BvhError, match=re.escape(words)) as error:
        read(tmp_path, change(plain))
    assert str(error.value).startswith(f"{tmp_path / 'a.bvh'}: ") and "\n" not in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "nothing.bvh", "no such file"),
        (tmp_path, "no such file"),
        ("a\0b", "no such file"),
    ):
        with pytest.raises(BvhError, match=words):
            read_body(path, CMU)
    with (tmp_path / "huge.bvh").open("wb") as file:
        file.truncate(LARGEST + 1)  # takes no room on the disk
    with pytest.raises(BvhError, match="cut the take in pieces"):
        read_body(tmp_path / "huge.bvh")


@pytest.mark.parametrize(
    ("unit", "up", "words"),
    [("parsec", None, "give metres per"), (0.0, None, "give metres per"), (None, "x", "give y or z")],
)
def test_what_is_no_unit_and_no_direction(tmp_path: Path, plain: str, unit: str, up: str, words: str) -> None:
    with pytest.raises(BvhError, match=words):
        read(tmp_path, plain, unit=unit, up=up)
