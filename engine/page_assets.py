"""What the page of ``engine serve --web`` needs to see faces and the engine does not carry: MediaPipe's program for
browsers (two files of its npm package, 13 MB), fetched once, by hash; and the face model (:mod:`engine.assets`).

:func:`fetch` brings the program into the user's cache (``engine assets --web``), :func:`page_assets` finds what is
there. Nothing is fetched unasked, and bytes that do not match their hash are neither kept nor served.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from engine.assets import FILE_NAME, cache_folder, face_landmarker, first_way, keep
from engine.errors import EngineError, reason

PACKAGE = "@mediapipe/tasks-vision@1.1.0"
"""The npm package whose program the page was built with; another version does not fit its script."""
PROGRAM: Mapping[str, tuple[str, int]] = {
    "vision_wasm_internal.js": ("7c652617b5bef832f42878ce8c5f752b0724bca6054e4bc1013a37d4b1949723", 335_393),
    "vision_wasm_internal.wasm": ("782eda3ec1f414fdb4f1d66a8b59093eb4d5ab437e06117796abf05962d68eef", 12_997_248),
}
"""Its files by name: sha256 and size."""
DELIVERY = f"https://cdn.jsdelivr.net/npm/{PACKAGE}/wasm/"
"""Where those who have no npm get single files of npm packages."""
_TIMEOUT_S = 180.0
_LARGEST = 64 << 20


def page_assets() -> dict[str, Path]:
    """The files that are there, each checked, by the name under which the page asks for them."""
    found = {name: cache_folder() / name for name in PROGRAM if _good(cache_folder() / name, name)}
    with contextlib.suppress(EngineError):  # the page says itself that it cannot see, and what to do
        found[FILE_NAME] = face_landmarker()
    return found


def fetch(source: Path | str | None = None) -> list[Path]:
    """Bring the program into the cache and return its paths; does nothing when the right files are there already.

    ``source``: the npm package as a .tgz, or a folder that holds the files, and then nowhere else is looked. Without
    one: the npm client, where there is one, then the delivery network. Raises :class:`EngineError` saying what was
    tried and why each failed; nothing is left behind then.
    """
    targets = [cache_folder() / name for name in PROGRAM]
    if source is None and all(_good(target, target.name) for target in targets):
        return targets
    ways: list[tuple[str, Callable[[], dict[str, bytes]]]] = []
    if source is not None:
        given = Path(source)
        ways.append((str(given), lambda: _local(given)))
    else:
        ways += [(f"npm pack {PACKAGE}", _by_npm), (DELIVERY, _delivered)]
    remedy = f"Get the npm package {PACKAGE} by other means and name its .tgz: engine assets --web PATH"
    got = first_way("the page's face tracker", ways, _checked, remedy)
    return [keep(got[target.name], target) for target in targets]


def digest(content: bytes) -> str:
    """sha256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _checked(got: dict[str, bytes], name: str) -> dict[str, bytes]:
    for file, (wanted, size) in PROGRAM.items():
        content = got.get(file, b"")
        if digest(content) != wanted:
            told = f"{file} has {len(content)} bytes, not the {size} this engine was made with; refused"
            raise EngineError(f"{name}: {told}")
    return got


def _good(path: Path, name: str) -> bool:
    try:
        about = path.stat()
    except OSError:
        return False
    return about.st_size == PROGRAM[name][1] and _digest(path, about.st_mtime_ns) == PROGRAM[name][0]


@lru_cache(maxsize=16)
def _digest(path: Path, _changed_ns: int) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""


def _local(path: Path) -> dict[str, bytes]:
    try:
        if not path.is_dir():
            return _unpacked(path.read_bytes(), str(path))
        return {name: (path / name).read_bytes() for name in PROGRAM}
    except OSError as error:
        raise EngineError(f"{error.filename or path}: {error.strerror or error}") from error


def _unpacked(package: bytes, name: str) -> dict[str, bytes]:
    """The files of an npm package's .tgz."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
            for member in archive:
                file = member.name.rpartition("/")[2]
                if file in PROGRAM and member.size == PROGRAM[file][1] and (held := archive.extractfile(member)):
                    found[file] = held.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise EngineError(f"{name}: it is no npm package ({reason(error)})") from error
    return found


def _by_npm() -> dict[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError("npm pack: there is no npm on the path")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S, cwd=folder)
            package = next(Path(folder).glob("*.tgz")).read_bytes()
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or [f"npm ended with {error.returncode}"]
            raise EngineError(f"npm pack {PACKAGE}: {said[-1]}") from error
        except (subprocess.TimeoutExpired, OSError, StopIteration) as error:
            raise EngineError(f"npm pack {PACKAGE}: no package within {_TIMEOUT_S:.0f} s ({error})") from error
    return _unpacked(package, f"npm pack {PACKAGE}")


def _delivered() -> dict[str, bytes]:
    found = {}
    for name in PROGRAM:
        try:
            with urllib.request.urlopen(DELIVERY + name, timeout=_TIMEOUT_S) as answer:
                found[name] = answer.read(_LARGEST)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise EngineError(f"{DELIVERY}{name}: {getattr(error, 'reason', None) or error}") from error
    return found
