"""Which listeners are appropriate answers to which clips: the REACT challenge's neighbour matrices, read and checked.

A matrix of 0 and 1 has a row for each pair of a split's list: the columns that hold 1 are the pairs whose listeners
would have been right here too (Song et al. 2023, arXiv 2302.06514: the speakers of both behave alike). The challenge
counts every pair twice, as it is listed and mirrored, with listener and speaker in each other's place; its matrices are
2n x 2n, the mirrored pairs behind the listed ones. They come out of one matrix of all clips
(``Approprirate_facial_reaction.npy``, so spelled, in the order of ``data_indices.csv``), and those of 2024 leave out
the clips of UDIVA, which its lists may still hold.

That rows and columns are in the order of the list, a matrix alone cannot show in full: it is refused where a pair's own
listener is not among the appropriate ones, and where the matrix of all clips lies beside it and says something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.files import FileError, read_array, read_csv

Mask = NDArray[np.bool_]

NAMES = ("neighbour_emotion_{split}.npy", "neighbor_emotion_{split}.npy")
WHOLE = ("Approprirate_facial_reaction.npy", "Appropriate_facial_reaction.npy")
INDICES, INDEX_COLUMNS = "data_indices.csv", ("site", "chat_index", "clip_index")
UDIVA = "UDIVA"


class Pair(NamedTuple):
    """One line of a split's list: ``site/chat/person/clip`` of a speaker and of a listener."""

    speaker: str
    listener: str

    @property
    def mirrored(self) -> Pair:
        """The pair with the listener as speaker."""
        return Pair(self.listener, self.speaker)


def person(clip: str) -> str:
    """Who is seen in ``site/chat/person/clip``: UDIVA's two people are the same in each of a session's tasks."""
    site, *_, chat, who, _ = clip.split("/")
    return f"{site}/{chat}/{who}"


@dataclass(frozen=True)
class Neighbours:
    """The appropriate listeners of a split: ``matrix`` (n, n) over ``pairs``, from file ``path``."""

    path: Path
    pairs: tuple[Pair, ...]
    matrix: Mask

    @cached_property
    def _row(self) -> dict[Pair, int]:
        return {pair: row for row, pair in enumerate(self.pairs)}

    @property
    def both_ways(self) -> bool:
        """Whether the mirrored pairs are there too."""
        return self.pairs[0].mirrored in self._row

    def appropriate(self, pair: Pair) -> list[Pair]:
        """The pairs whose listeners are right for ``pair``, itself first; only itself where it has no row."""
        row = self._row.get(pair)
        found = [] if row is None else [self.pairs[column] for column in np.flatnonzero(self.matrix[row])]
        return [pair, *(other for other in found if other != pair)]

    def others(self, pair: Pair) -> list[Pair]:
        """Those of other people: neither of the listener at another time nor of the speaker who is being answered."""
        near = (person(pair.speaker), person(pair.listener))
        return [other for other in self.appropriate(pair)[1:] if person(other.listener) not in near]

    def among(self, usable: Callable[[str], bool]) -> Neighbours:
        """The same without the listeners' clips that cannot be used; a pair's own is left to the pair."""
        kept = np.array([usable(pair.listener) for pair in self.pairs])
        return replace(self, matrix=self.matrix & (kept[None] | np.eye(len(kept), dtype=bool)))


def find(root: Path, split: str, given: Path | None = None) -> Path | None:
    """The matrix of a split in the data set ``root``: the one ``given``, the split's own, or that of all clips."""
    names = [*(name.format(split=split) for name in NAMES), *(name for name in WHOLE if (root / INDICES).is_file())]
    there = [root / name for name in names if (root / name).exists()]
    return given or (there[0] if there else None)


def read(path: Path, root: Path, split: str, listed: Sequence[Pair]) -> Neighbours:
    """The matrix ``path`` of the pairs ``listed`` in ``{split}.csv`` of the data set ``root``. Raises
    :class:`FileError` naming the file and what does not fit."""
    if path.name in WHOLE:
        return _cut(path, path.parent / INDICES, listed, split)
    matrix = read_array(path)
    found = Neighbours(path, *_fitted(path, matrix, listed, split))
    _own(found)
    for whole in (root / name for name in WHOLE):
        if whole.exists() and (root / INDICES).is_file():
            known = [pair for pair in listed if pair in found._row]
            cut = _cut(whole, root / INDICES, known, split).matrix[: len(found.pairs), : len(found.pairs)]
            if len(apart := np.argwhere(cut != found.matrix)):
                row, column = (found.pairs[index] for index in apart[0])
                raise FileError(
                    f"{path}: differs from {whole.name} in {len(apart)} places, first where {column.listener} answers "
                    f"{row.speaker}: it was made for another list or order of clips than {split}.csv; remove it, and "
                    f"it is cut out of {whole.name}"
                )
    return found


def _fitted(
    path: Path, matrix: NDArray[np.generic], listed: Sequence[Pair], split: str
) -> tuple[tuple[Pair, ...], Mask]:
    """The pairs that the rows of a matrix stand for, and the matrix, once both are seen to fit."""
    shape = " x ".join(map(str, matrix.shape)) or "a single number"
    kept = [pair for pair in listed if not pair.speaker.startswith(f"{UDIVA}/")]
    tellable = "" if len(kept) == len(listed) else f", {len(kept)} without {UDIVA}'s"
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    fits: list[tuple[Pair, ...]] = []
    for pairs in (listed, kept):
        for known in (tuple(pairs), (*pairs, *(pair.mirrored for pair in pairs))):
            if square and len(known) == len(matrix) > 0 and known not in fits:
                fits.append(known)
    if not fits:
        raise FileError(
            f"{path}: is {shape}, where {split}.csv has {len(listed)} pairs{tellable}: a square of that many, or of "
            "twice as many with the mirrored pairs, is needed; it is of another list, make it anew for this one"
        )
    if len(fits) > 1:
        raise FileError(
            f"{path}: is {shape}, which fits all pairs of {split}.csv and those without {UDIVA}'s mirrored; take "
            f"{UDIVA}'s lines out of {split}.csv, or make the matrix anew for all of them and mirrored"
        )
    if len(bad := np.argwhere((matrix != 0) & (matrix != 1))):
        row, column = bad[0]
        raise FileError(
            f"{path}: row {row + 1}, column {column + 1} holds {matrix[row, column]:g}, not 0 or 1; distances are no "
            "neighbours: give the matrix in which 1 says that a listener is appropriate"
        )
    return fits[0], np.asarray(matrix == 1)


def _own(found: Neighbours) -> None:
    """Whoever did answer a clip is appropriate: a matrix that says otherwise is in another order."""
    clips = np.unique([pair.speaker for pair in found.pairs], return_inverse=True)[1]
    for row, own in enumerate(clips[:, None] == clips[None]):
        if len(bad := np.flatnonzero(own & ~found.matrix[row])):
            pair = found.pairs[bad[0]]
            raise FileError(
                f"{found.path}: row {row + 1} does not hold {pair.listener}, who did answer {pair.speaker}, as "
                "appropriate: its rows and columns are in another order than the list of pairs; make it anew for it"
            )


def _cut(path: Path, indices: Path, listed: Sequence[Pair], split: str) -> Neighbours:
    """The part of the matrix of all clips that is about ``listed``: a clip's listed pair stands in the first half."""
    rows = read_csv(indices)
    if not rows or tuple(rows[0].cells) != INDEX_COLUMNS or any(len(row.cells) != len(INDEX_COLUMNS) for row in rows):
        raise FileError(f"{indices}: is no table with the columns {', '.join(INDEX_COLUMNS)}; copy it again")
    place = {tuple(map(str.upper, line.cells)): number for number, line in enumerate(rows[1:])}
    matrix = read_array(path, mapped=True)
    if matrix.shape != (2 * len(place), 2 * len(place)):
        shape = " x ".join(map(str, matrix.shape)) or "a single number"
        raise FileError(
            f"{path}: is {shape}, where {indices.name} has {len(place)} clips: {2 * len(place)} x {2 * len(place)} is "
            "needed; copy both again"
        )
    at = []
    for pair in listed:
        site, *task, chat, _, clip = pair.speaker.split("/")
        found = place.get((site.upper(), "_".join([chat, *task]).upper(), clip))
        if found is None:
            raise FileError(
                f"{indices}: has no clip {clip} of {site}, {'_'.join([chat, *task])}, which {split}.csv pairs; take "
                f"the line out of {split}.csv, or copy both again"
            )
        at.append(found)
    both = np.array([*at, *(len(place) + number for number in at)], np.intp)
    neighbours = Neighbours(path, *_fitted(path, matrix[both][:, both], listed, split))
    _own(neighbours)
    return neighbours
