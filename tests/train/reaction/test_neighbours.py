"""Neighbour matrices mean what the challenge's tools mean by them, and one that does not fit its list is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from train.files import FileError
from train.reaction import neighbours
from train.reaction.neighbours import Pair, person, read

NOXI = tuple(Pair(f"NoXI/c{n}/Expert_video/{n + 1}", f"NoXI/c{n}/Novice_video/{n + 1}") for n in range(6))
UDIVA = tuple(Pair(f"UDIVA/{task}/005013/FC1/2", f"UDIVA/{task}/005013/FC2/2") for task in ("talk", "ghost", "animal"))
NAME = "neighbour_emotion_val.npy"


def random(count: int, seed: int, share: float = 0.4) -> np.ndarray:
    """A matrix (count, count) of bool that no transposition leaves as it is, each pair right for itself."""
    return (np.random.default_rng(seed).random((count, count)) < share) | np.eye(count, dtype=bool)


def write(folder: Path, matrix: np.ndarray, name: str = NAME) -> Path:
    np.save(folder / name, matrix)
    return folder / name


def mirrored(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    return (*pairs, *(pair.mirrored for pair in pairs))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(1, 6),
    both=st.booleans(),
    kind=st.sampled_from(["f8", "f4", "bool", "i1", "u2"]),
    without=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_a_row_holds_who_is_right_for_its_pair(
    tmp_path: Path, count: int, both: bool, kind: str, without: bool, seed: int
) -> None:
    """Listed pairs first, then the mirrored ones; clips of UDIVA may have no rows."""
    known = mirrored(NOXI[:count]) if both else NOXI[:count]
    listed = (*UDIVA[:1], *NOXI[:count]) if without and count != 1 else NOXI[:count]
    matrix = random(len(known), seed)
    found = read(write(tmp_path, matrix.astype(kind)), tmp_path, "val", listed)
    assert found.pairs == known and found.both_ways == both
    for row, pair in enumerate(known):
        right = found.appropriate(pair)
        assert right[0] == pair and len(right) == len(set(right)) == matrix[row].sum()
        assert {known.index(other) for other in right} == set(np.flatnonzero(matrix[row]))
        near = {person(pair.speaker), person(pair.listener)}
        assert found.others(pair) == [other for other in right if person(other.listener) not in near]
        assert set(right) - set(found.others(pair)) <= {pair, pair.mirrored}  # each chat here has one clip
    for pair in set(listed) - set(known):
        assert found.appropriate(pair) == [pair] and found.others(pair) == []


def test_people_of_udiva_are_the_same_in_each_task() -> None:
    assert {person(pair.speaker) for pair in UDIVA} == {"UDIVA/005013/FC1"}
    assert person(NOXI[0].listener) == "NoXI/c0/Novice_video" != person(NOXI[1].listener)


def test_listeners_that_cannot_be_used_are_not_right(tmp_path: Path) -> None:
    found = read(write(tmp_path, np.ones((6, 6))), tmp_path, "val", NOXI)
    fewer = found.among(lambda clip: clip != NOXI[2].listener)
    assert [pair for pair in NOXI if pair not in fewer.appropriate(NOXI[0])] == [NOXI[2]]
    assert fewer.appropriate(NOXI[2]) == [NOXI[2], *(pair for pair in NOXI if pair != NOXI[2])]


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.eye(5), "is 5 x 5, where val.csv has 6 pairs: a square"),
        (np.eye(7), "is 7 x 7"),
        (np.ones((6, 12)), "is 6 x 12"),
        (np.ones(6), "is 6, where"),
        (np.ones((6, 6, 1)), "is 6 x 6 x 1"),
        (np.zeros((0, 0)), "is 0 x 0"),
        (np.eye(6) + 0.25, "row 1, column 1 holds 1.25, not 0 or 1"),
        (np.where(np.eye(6)[::-1] > 0, np.nan, np.eye(6)), "row 1, column 6 holds nan"),
        (np.eye(6) * 2, "holds 2, not 0 or 1"),
        (-np.eye(6), "holds -1"),
        (np.roll(np.eye(6), 1, 0), "row 1 does not hold NoXI/c0/Novice_video/1, who did answer NoXI/c0/Expert_video/1"),
        (np.eye(12)[[*range(6, 12), *range(6)]], "in another order than the list"),
        (np.zeros((6, 6)), "does not hold"),
        (np.array(["a"]), "not real numbers"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(tmp_path: Path, matrix: np.ndarray, said: str) -> None:
    with pytest.raises(FileError) as caught:
        read(write(tmp_path, matrix), tmp_path, "val", NOXI)
    assert said in str(caught.value) and NAME in str(caught.value)


def test_listeners_of_one_clip_are_right_for_it(tmp_path: Path) -> None:
    """Where a clip has several listeners, a matrix in another order shows itself."""
    listed = tuple(Pair(f"SIM/t{n // 2}/speaker/1", f"SIM/t{n // 2}/L{n % 2}/1") for n in range(6))
    same = np.kron(np.eye(3), np.ones((2, 2)))
    assert read(write(tmp_path, same), tmp_path, "val", listed).others(listed[0]) == [listed[1]]
    order = [0, 2, 1, 3, 4, 5]
    with pytest.raises(FileError, match="row 1 does not hold SIM/t0/L1/1"):
        read(write(tmp_path, same[order][:, order]), tmp_path, "val", listed)


def test_a_size_that_fits_twice_is_refused(tmp_path: Path) -> None:
    listed = (*UDIVA, *NOXI[:3])  # 6 pairs, and 3 of them mirrored
    with pytest.raises(FileError, match=r"fits all pairs of val.csv and those without UDIVA's mirrored"):
        read(write(tmp_path, np.eye(6)), tmp_path, "val", listed)
    assert len(read(write(tmp_path, np.eye(12)), tmp_path, "val", listed).pairs) == 12
    with pytest.raises(FileError, match="6 pairs, 3 without UDIVA's"):
        read(write(tmp_path, np.eye(4)), tmp_path, "val", listed)


def whole(folder: Path, seed: int = 0) -> tuple[tuple[Pair, ...], np.ndarray]:
    """The matrix of all clips with its index: NoXI's and UDIVA's, in an order of its own, and two that no list has."""
    clips = [("NOXI", "zz", "9"), *(("NoXI", f"c{n}", str(n + 1)) for n in (3, 0, 5, 1, 4, 2))]
    clips += [("UDIVA", f"005013_{task}", "2") for task in ("ghost", "talk", "animal")] + [("RECOLA", "group-1", "1")]
    lines = ["site,chat_index,clip_index", *(",".join(clip) for clip in clips)]
    (folder / "data_indices.csv").write_text("\n".join(lines) + "\n")
    matrix = random(2 * len(clips), seed)
    write(folder, matrix.astype(float), "Approprirate_facial_reaction.npy")
    listed = (*NOXI, *UDIVA)
    at = [clips.index(("NoXI", f"c{n}", str(n + 1))) for n in range(6)]
    at += [clips.index(("UDIVA", f"005013_{task}", "2")) for task in ("talk", "ghost", "animal")]
    both = [*at, *(len(clips) + place for place in at)]
    return listed, matrix[np.ix_(both, both)]


def test_a_split_is_cut_out_of_the_matrix_of_all_clips(tmp_path: Path) -> None:
    listed, wanted = whole(tmp_path)
    path = neighbours.find(tmp_path, "val")
    assert path is not None and path.name == "Approprirate_facial_reaction.npy"
    found = read(path, tmp_path, "val", listed)
    assert found.pairs == mirrored(listed)
    np.testing.assert_array_equal(found.matrix, wanted)


def test_a_split_in_another_order_than_the_matrix_of_all_clips_is_refused(tmp_path: Path) -> None:
    """The diagonal of a matrix in another order is as it should be: only the whole tells."""
    listed, wanted = whole(tmp_path)
    assert read(write(tmp_path, wanted), tmp_path, "val", listed).both_ways
    kept = [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14]  # as of 2024, without UDIVA
    assert len(read(write(tmp_path, wanted[np.ix_(kept, kept)]), tmp_path, "val", listed).pairs) == 12
    assert not read(write(tmp_path, wanted[:9, :9]), tmp_path, "val", listed).both_ways
    order = [1, 0, *range(2, 9)]
    order += [9 + place for place in order]
    with pytest.raises(FileError, match=r"made for another list or order of clips than val.csv"):
        read(write(tmp_path, wanted[np.ix_(order, order)]), tmp_path, "val", listed)


def test_what_is_wrong_with_the_matrix_of_all_clips_is_said(tmp_path: Path) -> None:
    listed, _ = whole(tmp_path)
    path = tmp_path / "Approprirate_facial_reaction.npy"
    stranger = Pair("NoXI/new/Expert_video/1", "NoXI/new/Novice_video/1")
    with pytest.raises(FileError, match=r"data_indices.csv: has no clip 1 of NoXI, new, which val.csv pairs"):
        read(path, tmp_path, "val", [*listed, stranger])
    np.save(path, np.eye(11))
    with pytest.raises(FileError, match=r"is 11 x 11, where data_indices.csv has 11 clips: 22 x 22"):
        read(path, tmp_path, "val", listed)
    (tmp_path / "data_indices.csv").write_text("a,b,c\n")
    with pytest.raises(FileError, match="no table with the columns site, chat_index, clip_index"):
        read(path, tmp_path, "val", listed)


def test_the_splits_own_matrix_comes_before_that_of_all_clips(tmp_path: Path) -> None:
    assert neighbours.find(tmp_path, "val") is None
    write(tmp_path, np.eye(2), "Approprirate_facial_reaction.npy")
    assert neighbours.find(tmp_path, "val") is None  # of no use without its index
    (tmp_path / "data_indices.csv").write_text("")
    for name in ("Approprirate_facial_reaction.npy", "neighbor_emotion_val.npy", NAME):
        write(tmp_path, np.eye(2), name)
        assert neighbours.find(tmp_path, "val") == tmp_path / name
    assert neighbours.find(tmp_path, "test", tmp_path / "mine.npy") == tmp_path / "mine.npy"
