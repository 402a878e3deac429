"""Small 3D models for tests of the page: a block of a head with ARKit's shapes as glTF, and the same as a VRM."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

BONES = ("hips", "spine", "chest", "neck", "head", "leftUpperArm", "leftLowerArm", "leftHand", "rightUpperArm")
BONES += ("rightLowerArm", "rightHand", "leftUpperLeg", "leftLowerLeg", "leftFoot", "rightUpperLeg", "rightLowerLeg")
BONES += ("rightFoot",)
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
TRIANGLES = np.array(
    [0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5, 0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6, 0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3],
    np.uint16,
)


def head(shapes: tuple[str, ...], vrm: bool = False) -> bytes:
    """A .glb of a block; every shape of it, by these names, makes it twice as wide. ``vrm``: a VRM 1.0 with all bones
    that one must have, and presets happy and blinkLeft bound to the first shape."""
    parts = [CORNERS.tobytes(), TRIANGLES.tobytes(), (CORNERS * [1, 0, 0]).astype(np.float32).tobytes()]
    offsets = [0, len(parts[0]), len(parts[0]) + len(parts[1])]
    views = [{"buffer": 0, "byteOffset": at, "byteLength": len(part)} for at, part in zip(offsets, parts, strict=True)]
    span = {"min": [-1, -1, -1], "max": [1, 1, 1]}
    accessors: list[dict[str, Any]] = [
        {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3", **span},
        {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        {"bufferView": 2, "componentType": 5126, "count": 8, "type": "VEC3", "min": [-1, 0, 0], "max": [1, 0, 0]},
    ]
    mesh = {
        "primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "targets": [{"POSITION": 2} for _ in shapes]}],
        "extras": {"targetNames": list(shapes)},
    }
    nodes: list[dict[str, Any]] = [{"name": "Block", "mesh": 0}]
    about: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": nodes}
    if vrm:
        nodes += [{"name": bone, "translation": [0, 0.1, 0]} for bone in BONES]
        for number in range(1, len(BONES)):
            nodes[number]["children"] = [number + 1]
        nodes[1 + BONES.index("head")]["children"] += [0]
        about["scenes"] = [{"nodes": [1]}]
        bound = {"morphTargetBinds": [{"node": 0, "index": 0, "weight": 1.0}]}
        licence = {"name": "block", "authors": ["test"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}
        about["extensionsUsed"] = ["VRMC_vrm"]
        about["extensions"] = {
            "VRMC_vrm": {
                "specVersion": "1.0",
                "meta": licence,
                "humanoid": {"humanBones": {bone: {"node": number} for number, bone in enumerate(BONES, 1)}},
                "expressions": {"preset": {"happy": bound, "blinkLeft": bound}},
            }
        }
    about |= {"meshes": [mesh], "accessors": accessors, "bufferViews": views}
    binary = b"".join(parts)
    binary += bytes(-len(binary) % 4)
    about["buffers"] = [{"byteLength": len(binary)}]
    told = json.dumps(about).encode()
    told += b" " * (-len(told) % 4)
    chunks = struct.pack("<II", len(told), 0x4E4F534A) + told + struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
