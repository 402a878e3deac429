"""Writing beside a file and renaming at the end: nothing but a whole new file ever takes an older one's place."""

from __future__ import annotations

from io import FileIO
from pathlib import Path

from engine.record.layout import RecordingError

MOST_PARTS = 100


def open_beside(path: Path) -> tuple[Path, FileIO]:
    """A new file ``PATH.part`` (``.part2`` where there is one, of a session that is running or has crashed), unbuffered
    and open for writing. Raises :class:`RecordingError` where ``path`` cannot be written."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "is no file")
        path.parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_PARTS):
            part = path.with_name(f"{path.name}.part{number if number > 1 else ''}")
            try:
                return part, FileIO(part, "x")
            except FileExistsError:
                continue
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise unwritable(path, error) from error
    raise RecordingError(
        f"cannot write {path}: {MOST_PARTS - 1} unfinished files lie beside it; remove {path.name}.part*"
    )


def unwritable(
    path: Path, error: OSError | ValueError, remedy: str = "give a place that can be written"
) -> RecordingError:
    """The error that says so in words."""
    reason = error.strerror if isinstance(error, OSError) else error
    return RecordingError(f"cannot write {path}: {reason}; {remedy}")
