"""The packed face and body are what their scripts make of the models they come from."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from clients.web import pack_body, pack_face

BUILT = Path(__file__).resolve().parents[2] / "engine" / "data" / "web"


def folder(name: str) -> Path:
    found = Path(os.environ.get("ENGINE_DATA", "")) / name
    if not os.environ.get("ENGINE_DATA") or not found.is_dir():
        pytest.skip(f"ENGINE_DATA has no {name}")
    return found


def test_the_face_is_packed_from_its_model() -> None:
    source = folder("face_mesh_ict_light")
    with np.load(source / "ict_light.npz") as model:
        data = {name: model[name] for name in model.files}
    names = json.loads((source / "arkit52_to_ict.json").read_text("utf-8"))["arkit_to_ict"]
    assert gzip.decompress((BUILT / "face.bin.gz").read_bytes()) == pack_face.pack(data, names)


def test_the_body_is_packed_from_its_model() -> None:
    source = folder("body_mesh") / "rocketbox_female_adult_01.glb"
    packed = pack_body.pack(source.read_bytes())
    assert gzip.decompress((BUILT / "body.glb.gz").read_bytes()) == packed
    assert b"Rocketbox, MIT" in packed and len(packed) < source.stat().st_size


def test_runs_hold_what_moves_and_bridge_small_gaps() -> None:
    move = np.zeros((40, 3))
    move[[3, 5, 30]] = [[0.02, 0, 0], [0, -0.04, 0], [0, 0, 1.0]]
    runs, values = pack_face._runs(move)
    assert runs == [3, 3, 30, 1]
    assert values.tolist() == [[10, 0, 0], [0, 0, 0], [0, -20, 0], [0, 0, 500]]


def test_bytes_stand_apart_column_by_column() -> None:
    assert pack_face._planes(np.array([[0x0102, 0x0304], [0x0506, 0x0708]], "<u2")) == bytes([2, 6, 4, 8, 1, 5, 3, 7])


def test_an_eyeball_is_found_in_its_points() -> None:
    random = np.random.default_rng(1)
    points = random.normal(size=(500, 3))
    points = points / np.linalg.norm(points, axis=1, keepdims=True) * 1.5 + [3, 4, 8]
    assert np.allclose(pack_face._ball(points), [3, 4, 8, 1.5], atol=0.01)
