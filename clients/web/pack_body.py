"""Packs a rigged body for the page: of a glTF (binary) with one skin what the page draws, and no more. Run by hand:
``python clients/web/pack_body.py BODY.glb OUT.glb.gz``. Texture places and colours go; everything else stays as it is.
"""

from __future__ import annotations

import gzip
import json
import struct
import sys
from pathlib import Path
from typing import Any

KEPT = ("POSITION", "NORMAL", "JOINTS_0", "WEIGHTS_0")
CREDIT = "Microsoft Rocketbox, MIT, Copyright (c) Microsoft Corporation"
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942


def main(source: Path, out: Path) -> None:
    """Read, pack, write."""
    packed = pack(source.read_bytes())
    out.write_bytes(gzip.compress(packed, 9, mtime=0))
    print(f"{out}: {out.stat().st_size} bytes, {len(packed)} unpacked")


def pack(data: bytes) -> bytes:
    """A .glb without what the page does not draw."""
    size = struct.unpack_from("<I", data, 12)[0]
    about: dict[str, Any] = json.loads(data[20 : 20 + size])
    binary = data[28 + size :]
    for mesh in about["meshes"]:
        for primitive in mesh["primitives"]:
            given = primitive["attributes"]
            primitive["attributes"] = {name: given[name] for name in KEPT}
    used = sorted(_accessors(about))
    place = {old: new for new, old in enumerate(used)}
    parts, views, length = [], [], 0
    for old in used:
        accessor = about["accessors"][old]
        view = about["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0)
        part = binary[start : start + view["byteLength"]]
        kept = {key: value for key, value in view.items() if key in ("byteStride", "target")}
        views.append({"buffer": 0, "byteOffset": length, "byteLength": len(part), **kept})
        accessor["bufferView"] = len(views) - 1
        parts.append(part + bytes(-len(part) % 4))
        length += len(parts[-1])
    about["accessors"] = [about["accessors"][old] for old in used]
    about["bufferViews"], about["buffers"] = views, [{"byteLength": length}]
    about["asset"] = {"version": "2.0", "copyright": CREDIT}
    about.pop("animations", None)
    for mesh in about["meshes"]:
        for primitive in mesh["primitives"]:
            primitive["attributes"] = {name: place[number] for name, number in primitive["attributes"].items()}
            primitive["indices"] = place[primitive["indices"]]
    for skin in about["skins"]:
        skin["inverseBindMatrices"] = place[skin["inverseBindMatrices"]]
    told = json.dumps(about, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 4)
    chunks = struct.pack("<II", len(told), JSON_CHUNK) + told
    chunks += struct.pack("<II", length, BINARY_CHUNK) + b"".join(parts)
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _accessors(about: dict[str, Any]) -> set[int]:
    """Numbers of the accessors that meshes and skins use."""
    primitives = [primitive for mesh in about["meshes"] for primitive in mesh["primitives"]]
    found = {number for primitive in primitives for number in primitive["attributes"].values()}
    return found | {one["indices"] for one in primitives} | {skin["inverseBindMatrices"] for skin in about["skins"]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
