"""A folder as ``text_motion_cmu20``, of motions made up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.train.text_motion.motions.movers import Array

SEGMENTS = "trial,action,start_s,end_s\n"


def write_data(
    folder: Path, takes: Mapping[str, tuple[str, Array]], same: Mapping[str, str] | None = None, segments: str = ""
) -> Path:
    """``takes`` by name: note and joints; ``same`` names the take of which one is a copy."""
    rows = [f'{name},"{note}",rig,{(same or {}).get(name, "")}\n' for name, (note, _) in takes.items()]
    (folder / "index.csv").write_text("id,text,source,same_as\n" + "".join(rows))
    np.savez(folder / "clips.npz", **{name: joints.astype(np.float32) for name, (_, joints) in takes.items()})
    (folder / "exercise_segments.csv").write_text(SEGMENTS + segments)
    return folder
