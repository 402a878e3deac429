"""Prints a line for every Python file of the project: the first sentence of its opening docstring.

``python docs/map.py`` prints all, ``python docs/map.py train/dance engine`` what stands in these folders. Needs the
standard library alone. A file that says nothing of itself is named on stderr, and the exit code is 1.
"""

from __future__ import annotations

import ast
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("engine", "models", "train", "export", "clients", "examples", "benchmarks", "docs", "tests")
SENTENCE = re.compile(r".*?[.?!](?=\s|$)", re.S)
EMPTY = 3  #: lines that an ``__init__.py`` may have without a docstring


def sentence(path: Path) -> str:
    """The first sentence of a file's opening docstring, in one line without its full stop; "" where there is none."""
    words = " ".join((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split())
    found = SENTENCE.match(words)
    first = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", (found.group() if found else words).replace("``", "`"))
    return first.removesuffix(".")


def entries(folder: Path) -> Iterator[tuple[Path, str]]:
    """A folder and what is in it, each with its sentence: the folder's own is that of its ``__init__.py``, then come
    its files, then the folders in it. Folders without Python files are left out."""
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    inside = [entry for below in sorted(folder.iterdir()) if _is_ours(below) for entry in entries(below)]
    init = folder / "__init__.py"
    if files or inside or init.is_file():
        yield folder, sentence(init) if init.is_file() else ""
    yield from ((path, sentence(path)) for path in files)
    yield from inside


def _is_ours(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((".", "__"))


def silent(folders: Sequence[Path]) -> list[Path]:
    """Files without an opening docstring, but for an ``__init__.py`` that holds next to nothing."""
    found = [path for folder in folders for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts]
    return [
        path
        for path in found
        if not sentence(path) and (path.name != "__init__.py" or path.read_text("utf-8").count("\n") > EMPTY)
    ]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print the map of the folders that are named, or of all; the exit code."""
    folders = [root / name for name in arguments or FOLDERS if arguments or (root / name).is_dir()]
    missing = [path.relative_to(root).as_posix() for path in folders if not path.is_dir()]
    if missing:
        print(f"no folder {', '.join(missing)}; there is {', '.join(FOLDERS)}", file=sys.stderr)
        return 2
    for folder in folders:
        for path, words in entries(folder):
            name = path.relative_to(root).as_posix() + "/" * path.is_dir()
            print(f"{name:44} {words}".rstrip())
    nameless = silent(folders)
    for path in nameless:
        print(f"{path.relative_to(root).as_posix()}: no opening docstring", file=sys.stderr)
    return 1 if nameless else 0


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `make map | head` ends quietly
    sys.exit(main(sys.argv[1:]))
