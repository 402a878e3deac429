"""Which files of a folder are takes, what they are called, which style they have and who dances with whom.

Sub-folders are styles. ``pairs.json`` beside BVH files says which two are dancers of one recording. PirouNet's marker
arrays (.npy) count where there are no BVH files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.errors import EngineError
from train.files import FileError, read_json

BVH, ARRAY = ".bvh", ".npy"
FORM = '{"pairs": [["a.bvh", "b.bvh"], ...]}'


class TakeError(EngineError):
    """A take cannot be used; the message names the file, what is wrong and the remedy."""


class Duo(NamedTuple):
    """Files of two dancers of one recording."""

    one: Path
    other: Path


@dataclass(frozen=True)
class Source:
    """A file of a take: the ``name`` that labels and splits know it by, the ``style`` (its folder) and the file of the
    ``partner``. One that was not ``asked`` for is read for its partner's sake alone."""

    path: Path
    name: str
    style: str
    partner: Path | None = None
    asked: bool = True


def sources(path: Path) -> list[Source]:
    """The takes of a folder, sorted by file; or a file, and its partner's if it has one. Raises :class:`TakeError`."""
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        raise TakeError(f"{path}: no such file or folder; give a take, or a folder of takes")
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() == BVH and file.is_file())
    if not files:
        arrays = sorted(file for file in path.iterdir() if file.suffix.lower() == ARRAY)
        if not arrays:
            raise TakeError(f"{path}: holds no {BVH} files and no {ARRAY} arrays; give a folder of takes")
        return [Source(file, file.stem, path.name) for file in arrays]
    partners: dict[Path, Path] = {}
    for place in sorted(path.rglob("pairs.json")):
        for duo in _duos(place):
            for file, partner in ((duo.one, duo.other), (duo.other, duo.one)):
                if file not in files:
                    raise TakeError(f"{place}: names {file.name}, which is not there; take it out or add the file")
                _pair(partners, file, partner, place)
    stems = Counter(file.stem for file in files)
    return [
        Source(
            path=file,
            name=file.stem if stems[file.stem] == 1 else file.relative_to(path).with_suffix("").as_posix(),
            style=file.parent.name,
            partner=partners.get(file),
        )
        for file in files
    ]


def _of_file(path: Path) -> list[Source]:
    if path.suffix.lower() not in (BVH, ARRAY):
        raise TakeError(f"{path}: is no take; give a {BVH} file, one of PirouNet's {ARRAY} arrays, or a folder of them")
    style = path.absolute().parent.name
    partners: dict[Path, Path] = {}
    place = path.parent / "pairs.json"
    for duo in _duos(place) if place.is_file() else ():
        if path in duo:
            _pair(partners, path, duo.other if duo.one == path else duo.one, place)
    found = [Source(path, path.stem, style, partners.get(path))]
    found += [Source(file, file.stem, style, path, asked=False) for file in partners.values()]
    return found


def _pair(partners: dict[Path, Path], file: Path, partner: Path, place: Path) -> None:
    if file == partner or partners.setdefault(file, partner) != partner:
        raise TakeError(f"{place}: names {file.name} in two pairs; a take has one partner")


def _duos(place: Path) -> Iterator[Duo]:
    """The pairs of files that a ``pairs.json`` lists, under its one key that begins with "pairs"."""
    content = read_json(place)
    try:
        (listed,) = [content[key] for key in content if key.startswith("pairs")]
        duos = [Duo(place.parent / one, place.parent / other) for one, other in listed]
    except (ValueError, TypeError, AttributeError, KeyError):
        raise FileError(f"{place}: does not read as pairs; write {FORM}") from None
    return iter(duos)
