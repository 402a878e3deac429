"""Files of clips that cannot be used are left out by name, in words, and all that is sound is read."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.reaction.sets import VOICE, small_talk, write_set
from train.reaction.react import ReactData


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sim"), small_talk())


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(root, tmp_path / "copy"))


def torn(path: Path) -> None:
    """Half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shorten(path: Path, lines: int) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


FAULTS = [
    ("val/Emotion/SIM/v0/L1/2.csv", lambda path: path.unlink(), "missing"),
    ("val/3D_FV_files/SIM/v0/L0/1.npy", lambda path: np.save(path, np.zeros((700, 58))), "700 x 58, not 751 frames"),
    ("val/3D_FV_files/SIM/v0/L0/2.npy", lambda path: np.save(path, np.full((751, 58), np.nan)), "finite"),
    ("val/3D_FV_files/SIM/v0/L0/2.npy", lambda path: path.write_bytes(b"x"), "does not read as an array"),
    ("val/3D_FV_files/SIM/v0/L0/2.npy", torn, "does not read as an array"),
    ("val/3D_FV_files/SIM/v0/speaker/2.npy", lambda path: np.save(path, np.array([{}])), "does not read as an array"),
    ("val/Emotion/SIM/v0/L0/1.csv", lambda path: path.write_text("a,b\n1,2\n"), "columns"),
    ("val/Emotion/SIM/v0/L0/1.csv", lambda path: path.write_text(path.read_text() + "1,2\n"), ":752: has 2 cells"),
    ("val/Emotion/SIM/v0/L0/2.csv", lambda path: path.write_text(path.read_text().replace("0.", "q", 1)), "'q"),
    ("val/Emotion/SIM/v0/speaker/1.csv", torn, r":376: has \d+ cells, 25 are needed"),
    ("val/Emotion/SIM/v0/L0/1.csv", lambda path: shorten(path, 700), "holds 699 rows, not 750"),
    ("val/Controls/SIM/v0/L0/1.csv", lambda path: path.unlink(), "missing"),
    ("val/Events/SIM/v0/speaker/1.json", lambda path: path.write_text("[]"), "is not an event file"),
    ("val/Events/SIM/v0/L0/2.json", torn, "does not read as JSON at line 1"),
    ("val/Audio_files/SIM/v0/speaker/2.wav", torn, "s of sound, not 30 s"),
    ("val/Audio_files/SIM/v0/speaker/1.wav", lambda path: path.write_bytes(b"x" * 99), "1.wav"),
]
INNER = re.compile(r"pickle|usecols|Errno|numpy\.|Expecting|codec|object")


@pytest.mark.parametrize(("name", "break_it", "said"), FAULTS)
def test_a_bad_file_is_left_out_by_name_and_the_rest_is_read(copied: Path, name: str, break_it, said: str) -> None:
    break_it(copied / name)
    told: list[str] = []
    talks = ReactData(copied).talks("val", say=told.append)
    (line,) = told
    assert line.startswith("left out: ") and str(copied / name) in line and re.search(said, line), line
    assert not INNER.search(line.replace("Python objects", "").replace("numpy.save", "")), line
    names = {talk.name: (talk.clips, talk.listeners) for talk in talks}
    assert names.pop("v1") == ((1, 2), ("L0", "L1"))
    bad = int(Path(name).stem)
    if "/speaker/" in name:
        assert names == {"v0": ((3 - bad,), ("L0", "L1"))}
    else:
        assert names == {"v0": ((1, 2), ("L1" if "/L0/" in name else "L0",))}
    for talk in talks:
        assert talk.voice == VOICE.name
        talk.audio(), talk.face(), talk.cues()
        for who in talk.listeners:
            talk.listener(who), talk.emotion(who), talk.controls(who), talk.events(who)


def test_where_nothing_is_left_all_reasons_are_told(copied: Path) -> None:
    for path in copied.glob("val/3D_FV_files/SIM/*/*/*.npy"):
        path.write_bytes(b"x")
    told: list[str] = []
    with pytest.raises(EngineError, match="no clip of split val can be used, as told above"):
        ReactData(copied).talks("val", say=told.append)
    assert len(told) == 11 and all("does not read as an array" in line for line in told[:10])
    assert told[-1] == f"left out: and 2 more: python -m train check reaction {copied} tells all"


def test_listeners_that_take_turns_make_talks_of_their_own(copied: Path) -> None:
    """Nobody answers both clips: each clip is a talk, with the listener that it has."""
    lines = (copied / "val.csv").read_text().splitlines()
    kept = [lines[0], "0,SIM/v0/speaker/1,SIM/v0/L0/1", "1,SIM/v0/speaker/2,SIM/v0/L1/2"]
    (copied / "val.csv").write_text("\n".join(kept) + "\n")
    talks = ReactData(copied).talks("val")
    assert [(talk.name, talk.listeners) for talk in talks] == [("v0@1", ("L0",)), ("v0@2", ("L1",))]
    assert [talk.voice for talk in talks] == [VOICE.name] * 2
