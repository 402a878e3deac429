"""Packs the ICT face model (light) for the page: a neutral mesh, its ARKit shapes as sparse moves, and where eyes,
lips, brows and neck are. Run once, by hand: ``python clients/web/pack_face.py FOLDER OUT.bin.gz``.

``FOLDER`` holds ``ict_light.npz`` and ``arkit52_to_ict.json``. The file is gzip over: 8 bytes ``FACEPAK1``, a u32 with
the length of a JSON head, the head, then its ``blocks`` in order, little-endian. Places are cm, x to the person's own
left, y up, z out of the face. Moves are whole multiples of ``step`` cm; those of a shape come in runs of vertices, and
low and high bytes stand apart, which halves what gzip leaves.
"""

from __future__ import annotations

import gzip
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP_CM = 0.002
LEAST_CM = 0.004
"""A vertex that moves less belongs to no run."""
GAP = 6
"""Vertices that may stand still inside a run."""
PARTS = {
    "skin": (0, 11248),
    "socket": (11248, 14062),
    "gums": (14062, 17039),
    "teeth": (17039, 21451),
    "shade": (25047, 25351),
    "lashes": (25351, 26719),
}
"""Vertices of the model that are kept, as its README numbers them. ("shade": thin shells over the eyes' openings, on
which the lids' shadow is drawn.) Eyeballs are spheres, made where they are drawn."""
EYEBALLS = {"Left": (21451, 22221), "Right": (23021, 23791)}
LANDMARKS = {
    "eyeRight": (36, 42),
    "eyeLeft": (42, 48),
    "browRight": (17, 22),
    "browLeft": (22, 27),
    "lipsOuter": (48, 60),
    "lipsInner": (60, 68),
}
"""By the numbers of the 68 points of Multi-PIE."""
LASH = 114
"""Vertices of a layer of lashes."""
RING = 64
"""Points of the neck's outline, where clothes begin."""


def main(folder: Path, out: Path) -> None:
    """Read, pack, write."""
    with np.load(folder / "ict_light.npz") as model:
        data = {name: model[name] for name in model.files}
    names = json.loads((folder / "arkit52_to_ict.json").read_text("utf-8"))["arkit_to_ict"]
    packed = pack(data, names)
    out.write_bytes(gzip.compress(packed, 9, mtime=0))
    print(f"{out}: {out.stat().st_size} bytes, {len(packed)} unpacked")


def pack(data: dict[str, Any], names: dict[str, list[str]]) -> bytes:
    """The file before gzip."""
    kept = np.concatenate([np.arange(*span) for span in PARTS.values()])
    place = np.full(len(data["vertices"]), -1)
    place[kept] = np.arange(len(kept))
    vertices = data["vertices"][kept].astype(float)
    low, size = vertices.min(0), np.ptp(vertices, 0).max()
    blocks: list[bytes] = [_planes(np.round((vertices - low) / size * 65535).astype("<u2"))]
    parts, corners = {}, _triangles(data["quads"])
    for name, span in PARTS.items():
        inside = ((corners >= span[0]) & (corners < span[1])).any(1) & (place[corners] >= 0).all(1)
        if name == "skin":  # triangles of its edge with the sockets are its own
            owned = inside
        elif name == "socket":
            inside &= ~owned
        parts[name] = {"triangles": int(inside.sum())}
        blocks.append(place[corners[inside]].astype("<u2").tobytes())
    blocks.append(_planes(_lash_uv(data)))
    shapes, moves = [], dict(zip(data["expr_names"].tolist(), data["expr_delta"], strict=True))
    for name, sources in names.items():
        if sources:
            runs, values = _runs(sum(moves[source][kept].astype(float) for source in sources))
            shapes.append({"name": name, "runs": runs, "vertices": len(values)})
            blocks.append(_planes(values))
    marks = data["vertices"][data["idx_to_landmark_verts"]].astype(float)
    head = {
        "credit": "ICT Face Model Light, MIT, Copyright (c) 2020 USC Institute for Creative Technologies",
        "vertices": len(kept),
        "low": low.round(6).tolist(),
        "size": round(float(size), 6),
        "step": STEP_CM,
        "parts": parts,
        "lashes": PARTS["lashes"][1] - PARTS["lashes"][0],
        "shapes": shapes,
        "eyes": {side: _ball(data["vertices"][slice(*span)].astype(float)) for side, span in EYEBALLS.items()},
        "marks": {name: marks[slice(*span)].round(3).tolist() for name, span in LANDMARKS.items()},
        "neck": _neck(data["vertices"][: PARTS["skin"][1]].astype(float)),
        "blocks": [len(block) for block in blocks],
    }
    told = json.dumps(head, separators=(",", ":")).encode()
    return b"FACEPAK1" + struct.pack("<I", len(told)) + told + b"".join(blocks)


def _triangles(quads: NDArray[np.integer]) -> NDArray[np.integer]:
    """(n, 3) corners of (m, 4) quads, -1 in the last place of a triangle."""
    second = quads[quads[:, 3] >= 0][:, [0, 2, 3]]
    return np.concatenate([quads[:, :3], second])


def _planes(values: NDArray[Any]) -> bytes:
    """Low bytes, then high bytes, of (n, k) 16-bit numbers, each column on its own."""
    columns = np.ascontiguousarray(values.reshape(len(values), -1).T).view(np.uint8).reshape(-1, 2)
    return columns[:, 0].tobytes() + columns[:, 1].tobytes()


def _runs(move: Floats) -> tuple[list[int], NDArray[np.int16]]:
    """Start and length of each run of vertices that move, and their moves (n, 3) in steps."""
    moving = np.flatnonzero(np.abs(move).max(1) > LEAST_CM)
    cuts = np.flatnonzero(np.diff(moving) > GAP)
    starts, ends = moving[np.r_[0, cuts + 1]], moving[np.r_[cuts, len(moving) - 1]] + 1
    runs = [int(number) for start, end in zip(starts, ends, strict=True) for number in (start, end - start)]
    values = np.concatenate([move[start:end] for start, end in zip(starts, ends, strict=True)])
    return runs, np.round(values / STEP_CM).astype("<i2")


def _lash_uv(data: dict[str, Any]) -> NDArray[np.uint16]:
    """(n, 2) texture places of the lashes, 0 to 65535: along the lid, and from root to tip, of each layer alike."""
    first, end = PARTS["lashes"]
    found = np.zeros((end - first, 2))
    hair = ((data["quads"] >= first) & (data["quads"] < end)).all(1)
    found[data["quads"][hair].ravel() - first] = data["uv"][data["quads_uv"][hair].ravel()]
    layers = found.reshape(-1, LASH, 2)
    share = (layers - layers.min(1, keepdims=True)) / np.ptp(layers, axis=1, keepdims=True)
    share[..., 1] = 1 - share[..., 1]
    packed: NDArray[np.uint16] = np.round(share.reshape(-1, 2) * 65535).astype("<u2")
    return packed


def _ball(points: Floats) -> list[float]:
    """Centre and radius of the sphere through most of an eyeball's points (its cornea stands out of it)."""
    for _ in range(4):
        system = np.c_[2 * points, np.ones(len(points))]
        found = np.linalg.lstsq(system, (points**2).sum(1), rcond=None)[0]
        centre, radius = found[:3], float(np.sqrt(found[3] + (found[:3] ** 2).sum()))
        off = np.abs(np.linalg.norm(points - centre, axis=1) - radius)
        points = points[off <= np.quantile(off, 0.9)]
    return [round(float(number), 4) for number in (*centre, radius)]


def _neck(skin: Floats) -> list[list[float]]:
    """The neck's outline, (x, y, z) at equal angles about its axis from the front to the person's left: lower in front
    than behind, as a collar stands."""
    axis_z = -1.5
    angles = np.arange(RING) / RING * 2 * np.pi
    ring = []
    for angle in angles:
        height = -11.6 - 2.6 * np.cos(angle)
        direction = np.array([np.sin(angle), np.cos(angle)])
        flat = skin[:, [0, 2]] - [0, axis_z]
        along, aside = flat @ direction, np.abs(flat @ [direction[1], -direction[0]])
        near = (np.abs(skin[:, 1] - height) < 0.7) & (aside < 1.2) & (along > 1)
        radius = float(np.median(along[near])) if near.any() else 6.5
        ring.append(radius)
    smooth = [np.mean([ring[(i + k) % RING] for k in range(-3, 4)]) for i in range(RING)]
    return [
        [
            round(float(r * np.sin(a)), 3),
            round(float(-11.6 - 2.6 * np.cos(a)), 3),
            round(float(axis_z + r * np.cos(a)), 3),
        ]
        for a, r in zip(angles, smooth, strict=True)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
