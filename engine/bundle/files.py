"""Opening the files of a folder that a stranger made: only regular files, and their size before their content.

A name in a folder may be a link to somewhere else, a device without an end or a FIFO that nobody writes to. None of
them is opened for reading, and nothing is read before its size is known to be what was expected.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from engine.bundle.errors import BundleError

# Windows has neither of them, nor FIFOs and devices in folders; there the look before opening is all.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@contextmanager
def regular(folder: Path, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """The file ``name`` of ``folder`` open for reading, and its size in bytes; nothing of it has been read. Raises
    :class:`BundleError` for what is no regular file."""
    path = folder / name
    try:
        # Looked at before it is opened, since to open a device can already do something; and again once it is open.
        _must_be_file(folder, name, os.lstat(path))
        handle = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise _unreadable(folder, name, error) from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        _must_be_file(folder, name, status)
        yield file, status.st_size


def content(folder: Path, name: str, most: int) -> bytes:
    """All bytes of a file that has at most ``most``. Raises :class:`BundleError`."""
    with regular(folder, name) as (file, size):
        if size > most:
            raise BundleError(f"{folder}: {name} has {size} bytes, {most} at most; that is no {name} of a bundle")
        return exactly(folder, name, file, size)


def exactly(folder: Path, name: str, file: BinaryIO, size: int) -> bytes:
    """``size`` bytes of an open file. Raises :class:`BundleError` where there are more or fewer by now."""
    try:
        found = file.read(size + 1)
    except OSError as error:
        raise _unreadable(folder, name, error) from error
    if len(found) != size:
        raise BundleError(f"{folder}: {name} changed while it was read; try again when nobody writes to it")
    return found


def _must_be_file(folder: Path, name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a FIFO"))
        kind = next((text for test, text in kinds if test(status.st_mode)), "a device or socket")
        raise BundleError(f"{folder}: {name} is {kind}, not a file; copy the bundle again with its files themselves")


def _unreadable(folder: Path, name: str, error: Exception) -> BundleError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return BundleError(f"{folder}: {name} cannot be read ({reason}); copy the bundle again")
