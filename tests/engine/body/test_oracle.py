"""Our reader against another's: pybvh puts the joints of plain files where this project does."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from engine.body.parse import parse
from engine.body.pose import pose
from tests.engine.body.made import dance, text_of

pybvh = pytest.importorskip("pybvh", reason="the reader to compare with is in the [dev] extra")


def compare(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it guesses which way is up, and says so
        other = pybvh.read_bvh_file(str(path))
    ours = pose(parse(path))
    assert [node.name for node in other.nodes if not node.is_end_site()] == [
        name for name, end in zip(ours.names, ours.ends, strict=True) if not end
    ]
    assert np.abs(other.node_positions() - ours.positions).max() < 1e-9


def test_a_made_file(tmp_path: Path) -> None:
    text_of(tmp_path, dance())
    compare(tmp_path / "plain.bvh")


def test_public_files() -> None:
    files = sorted(Path(os.environ.get("ENGINE_DATA", "none")).glob("body_*/**/*.bvh"))[::7]
    if not files:
        pytest.skip("set ENGINE_DATA to a folder with BVH files")
    for path in files:
        compare(path)
