"""Reasons are words for a person: no numbers of the system, no names of codecs, nothing that moves a terminal."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError, reason
from engine.sources.demo import DemoSource


def test_reasons_are_words(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"\[Errno 2\]") as missing:
        (tmp_path / "none").read_text()
    assert reason(missing.value) == "No such file or directory"
    with pytest.raises(UnicodeDecodeError) as text:
        b"\xff".decode()
    assert reason(text.value) == "it is no UTF-8 text"
    assert reason(OSError("the library says so")) == "the library says so"
    assert reason(zipfile.BadZipFile("no\x1b[2J zip\n file")) == "no?[2J zip file"
    assert reason(StopIteration()) == "StopIteration"
    assert reason(PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x")) == "Permission denied"


@pytest.mark.parametrize("content", ["objects", "text"])
def test_a_face_of_something_else_is_refused_without_a_word_of_its_format(tmp_path: Path, content: str) -> None:
    path = tmp_path / "face.npz"
    if content == "objects":
        np.savez(path, face=np.array([{}], dtype=object))
    else:
        path.write_text("no array")
    (tmp_path / "speech.flac").write_bytes(b"")
    with pytest.raises(EngineError, match="no numbers as face") as refused:
        DemoSource(folder=tmp_path)
    assert "pickle" not in str(refused.value)
