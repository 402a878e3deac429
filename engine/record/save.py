"""A recording as one array file (npz), for looking at a session with NumPy: what ``engine serve --save`` ends with.

Of each stream NAME it holds ``NAME`` (frames, values) float32, ``NAME_names`` and ``NAME_skeleton``; and once ``seq``
int64 and ``flags`` uint32 (frames,), ``rate`` (frames a second) and ``skeletons`` (JSON by name). The recording is read
once for every stream, and what is read is written, so that a session of any length needs the memory of one chunk and of
12 bytes a frame. ``python -m engine.record.save RECORDING.mcap OUT.npz`` makes one of any recording.
"""

from __future__ import annotations

import json
import sys
import zipfile
from array import array
from io import BufferedWriter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.record.beside import open_beside
from engine.record.layout import RecordingError
from engine.record.reading import Recording
from engine.stdio import stand_in, tell


def to_npz(recording: Path, out: Path) -> int:
    """Write the recording to ``out``, which is replaced when the new file is whole; the number of frames. Raises
    :class:`RecordingError` where either cannot be used."""
    source = Recording(recording)
    about, seq, flags = source.about, array("q"), array("I")
    for step in source.steps():
        seq.append(step.seq)
        flags.append(int(step.flags))
    part, raw = open_beside(out)
    try:
        with BufferedWriter(raw) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, True, 1) as archive:
            for place, stream in enumerate(about.streams):
                with archive.open(f"{stream.name}.npy", "w", force_zip64=True) as member:
                    shape = (len(seq), len(stream.names))
                    npy.write_array_header_2_0(member, {"descr": "<f4", "fortran_order": False, "shape": shape})
                    for step in islice(source.steps(), len(seq)):  # a session that still runs may have more by now
                        member.write(step.frames[place].values.tobytes())
                _add(archive, f"{stream.name}_names", np.array(stream.names, np.str_))
                _add(archive, f"{stream.name}_skeleton", np.array(stream.skeleton))
            _add(archive, "seq", np.array(seq, np.int64))
            _add(archive, "flags", np.array(flags, np.uint32))
            _add(archive, "rate", np.array(about.rate))
            skeletons = {item.name: item.to_dict() for item in about.skeletons}
            _add(archive, "skeletons", np.array(json.dumps(skeletons)))
        part.replace(out)
    except OSError as error:
        raise RecordingError(
            f"cannot write {out}: {error.strerror}; the session is in {recording}, make room and the file of it: "
            f"python -m engine.record.save {recording} OUT.npz"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return len(seq)


def _add(archive: zipfile.ZipFile, name: str, value: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w") as member:
        npy.write_array(member, value, allow_pickle=False)


if __name__ == "__main__":
    try:
        stand_in()
        tell(f"{sys.argv[2]}: {to_npz(Path(sys.argv[1]), Path(sys.argv[2]))} frames")
    except (IndexError, EngineError) as error:
        sys.exit(str(error) if isinstance(error, EngineError) else "give RECORDING.mcap OUT.npz")
