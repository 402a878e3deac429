"""The set as a whole: clips, splits, weights, files, and the command that makes it."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.text_motion.motions import movers
from tests.train.text_motion.motions.data import write_data
from train.__main__ import main
from train.text_motion.data import MotionSet
from train.text_motion.motions import people
from train.text_motion.motions.build import Clip, build, clips_of
from train.text_motion.motions.clips import LONGEST, SHORTEST, cut
from train.text_motion.motions.events import find_events
from train.text_motion.motions.exercises import Segment, read_segments
from train.text_motion.motions.mirror import mirrored, mirrored_text
from train.text_motion.motions.signals import Signals
from train.text_motion.motions.takes import FOLDER, Take, load_takes, read_recordings, uniform_takes
from train.text_motion.motions.uniform import BODY
from train.text_motion.motions.weights import weights

TAKES = {
    "01_01": ("jump", movers.jump(0.4, seconds=4.0)),
    "02_01": ("walk", movers.walk(1.2, 5.0)),
    "05_01": ("walk", movers.walk(1.0, 4.0)),
    "09_06": ("run", movers.walk(3.0, 1.4)),
    "13_29": ("jumping jacks", np.concatenate([movers.jump(0.3, seconds=1.0)] * 3 + [movers.lowered(0.5)])),
    "conv_train_walking_99": ("walk", movers.walk(1.3, 4.0)),
}
SEGMENTS = "13_29,JumpJack,0.0,3.0\n13_29,Squat,3.0,7.0\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), TAKES, segments=SEGMENTS)


@pytest.fixture(scope="module")
def made(data: Path) -> list[Clip]:
    return build(data)


def test_every_clip_has_a_mirrored_copy_in_its_split(made: list[Clip]) -> None:
    by_name = {clip.name: clip for clip in made}
    own = [clip for clip in made if not clip.name.startswith("M")]
    assert len(made) == 2 * len(own)
    for clip in own:
        other = by_name[f"M{clip.name}"]
        assert (other.split, other.theme, other.weight) == (clip.split, clip.theme, clip.weight)
        np.testing.assert_array_equal(other.joints, mirrored(clip.joints))
        assert [caption.text for caption in other.captions] == [mirrored_text(one.text) for one in clip.captions]
        assert all(len(caption.tags) == len(caption.text.split()) for caption in clip.captions + other.captions)


def test_clips_are_as_long_as_the_original_keeps_them(made: list[Clip]) -> None:
    assert all(SHORTEST <= len(clip.joints) <= LONGEST for clip in made)
    assert {clip.take for clip in made} == set(TAKES)
    assert all(1 <= len(clip.captions) <= 6 for clip in made)


def test_exercises_come_from_the_labels(made: list[Clip]) -> None:
    squats = [clip for clip in made if clip.take == "13_29" and clip.first >= 60]
    assert squats
    assert all("squat" in clip.captions[0].text or "deep" in clip.captions[0].text for clip in squats)
    assert any("jacks" in caption.text for clip in made if clip.name == "13_29_0000" for caption in clip.captions)


def test_of_two_takes_of_one_recording_one_is_kept(tmp_path: Path) -> None:
    walk = movers.walk(1.2, 3.0)
    takes = dict.fromkeys(("07_01", "conv_train_walking_4", "conv_train_basketball_1"), ("walk", walk))
    clips = build(write_data(tmp_path, takes | {"conv_train_basketball_1": ("basketball - dribble", walk)}))
    assert {clip.take for clip in clips} == {"07_01", "conv_train_basketball_1"}
    assert "forward" in "".join(caption.text for clip in clips for caption in clip.captions if "bask" in caption.text)


def test_walks_are_weighed_down(made: list[Clip]) -> None:
    train = [clip for clip in made if clip.split == "train"]
    assert np.mean([clip.weight for clip in train]) == pytest.approx(1.0)
    seconds: dict[str, float] = {}
    drawn: dict[str, float] = {}
    for clip in train:
        seconds[clip.theme] = seconds.get(clip.theme, 0) + len(clip.joints)
        drawn[clip.theme] = drawn.get(clip.theme, 0) + clip.weight
    assert drawn["walk"] / drawn["jump"] == pytest.approx((seconds["walk"] / seconds["jump"]) ** 0.5)


@pytest.mark.parametrize(
    ("part", "kind"), [(movers.jump(0.4, seconds=2.6), "jump"), (movers.raised("lr", frames=110)[10:], "raise")]
)
def test_long_takes_are_cut_where_little_moves_and_not_inside_of_anything(part: movers.Array, kind: str) -> None:
    signals = Signals(np.concatenate([part] * 8))
    events = find_events(signals)
    inside = [event for event in events if event.kind == kind]
    assert len(inside) == 8
    clips = cut(signals, events)
    assert clips[0][0] == 0
    assert clips[-1][1] == len(signals)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(clips))
    assert all(SHORTEST <= stop - start <= LONGEST for start, stop in clips)
    for _, stop in clips[:-1]:
        assert not any(event.start + 1 < stop < event.stop - 1 for event in inside)


def test_standing_for_long_is_a_clip_of_its_own_and_fixed_cuts_are_kept() -> None:
    walk = movers.walk(1.2, 4.0)
    stands = np.repeat(walk[-1:], 90, 0)
    take = Take("01_01", "walk", 0, np.concatenate([walk, stands]).astype(np.float32))
    (_, still) = clips_of(take)
    assert still.theme == "stand"
    assert abs(still.first - 80) < 12
    signals = Signals(movers.walk(1.0, 9.0))
    assert cut(signals, find_events(signals), [60]) == [(0, 60), (60, 180)]


def test_nobody_is_in_two_splits() -> None:
    names = [f"shared_salsa_{n:02d}" for n in range(1, 31)]
    assert len({people.split_of(name) for name in names}) == 1
    assert {people.person(name) for name in ("shared_martial_04", "135_01")} == {"135"}
    assert people.person("conv_train_walking_34") == "02" != people.person("conv_train_walking_33")
    assert people.person("conv_train_basketball_signal_2") != people.person("conv_train_basketball_2") == "06"
    for dropped, kept in people.COPIES.items():
        assert people.split_of(dropped) == people.split_of(kept), "a copy tells whose the take is"
        assert kept not in people.COPIES
    assert {people.split_of(name) for name in ("02_02", "11_01", "131_03")} == {"test"}
    assert people.split_of("conv_test_walking_12") == "train"


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_command_writes_the_same_set_twice(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["motions", str(tmp_path / "one"), "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert "train" in said and "captions" in said
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / FOLDER).symlink_to(data)
    monkeypatch.setenv("ENGINE_DATA", str(tmp_path / "shared"))
    assert main(["motions", str(tmp_path / "two")]) == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")
    read = MotionSet(tmp_path / "one")
    names = read.names("all")
    assert len(names) == len(set(names)) >= 12
    share = weights(read.folder)
    for name in names:
        assert read.features(name).shape[0] == read.joints(name).shape[0]
        fields = read.fields(name)
        assert fields is not None and len(fields) == len(read.captions(name))
        assert share[name] > 0
    assert share["another"] == 1.0


def test_the_command_refuses_what_it_cannot_do(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["motions", str(tmp_path / "out")]) == 2
    assert "ENGINE_DATA" in capsys.readouterr().err
    assert main(["motions", str(tmp_path / "out"), "--data", str(tmp_path)]) == 2
    assert "index.csv" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept")
    assert main(["motions", str(tmp_path / "full"), "--data", str(data)]) == 2
    assert "new or empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_weights_and_segments_that_are_wrong_are_named(tmp_path: Path) -> None:
    assert weights(tmp_path)["anything"] == 1.0
    for content, problem in (
        ("name,weight\na,-1\n", r"weights\.csv:2: '-1'"),
        ("name,weight\na,much\n", r"weights\.csv:2: 'much'"),
        ("name,weight\na\n", r"weights\.csv:2: has 1 cells"),
        ("a,1\n", "first line"),
    ):
        (tmp_path / "weights.csv").write_text(content)
        with pytest.raises(EngineError, match=problem):
            weights(tmp_path)
    path = tmp_path / "segments.csv"
    path.write_text("trial,action,start_s,end_s\n13_29,Squat,2,4\n13_29,Box,0,2\n")
    assert read_segments(path) == {"13_29": [Segment("Box", 0.0, 2.0), Segment("Squat", 2.0, 4.0)]}
    for line, problem in (("13_29,Yodel,0,1\n", "Yodel"), ("13_29,Box,zero,1\n", r"segments\.csv:2")):
        path.write_text(f"trial,action,start_s,end_s\n{line}")
        with pytest.raises(EngineError, match=problem):
            read_segments(path)


@pytest.fixture(scope="module")
def real() -> Iterator[Path]:
    folder = Path(os.environ.get("ENGINE_DATA", "none")) / FOLDER
    if not folder.is_dir():
        pytest.skip(f"ENGINE_DATA does not name the folder that holds {FOLDER}")
    yield folder


def test_some_real_takes(real: Path) -> None:
    wanted = ("06_10", "02_06", "91_53", "conv_train_jumping_4", "shared_martial_04", "conv_train_walking_22")
    takes = uniform_takes([item for item in read_recordings(real) if item.name in wanted])
    lengths = np.linalg.norm(np.array(BODY.rest), axis=-1)[1:]
    clips = [clip for take in takes for clip in clips_of(take)]
    for take in takes:
        bones = np.linalg.norm(take.joints[:, 1:] - take.joints[:, list(BODY.parents[1:])], axis=-1)
        np.testing.assert_allclose(bones, np.repeat(lengths[None], len(bones), 0), atol=1e-5)
        assert np.linalg.norm(np.diff(take.joints, axis=0), axis=-1).max() * 20 < 12.0
    events = {take.name: find_events(Signals(take.joints)) for take in takes}
    turns = [event for event in events["06_10"] if event.kind == "turn"]
    assert [turn.side for turn in turns] == ["left"] * 4
    assert all(70 < turn.size < 110 for turn in turns)
    assert [event.side for event in events["shared_martial_04"] if event.kind == "kick"] == ["right", "left", "right"]
    assert sum(event.kind == "squat" for event in events["02_06"]) == 6
    assert any(event.kind == "turn" and 150 < event.size < 210 for event in events["91_53"])
    assert any(event.kind == "jump" and event.manner == ("forward",) for event in events["conv_train_jumping_4"])
    texts = {clip.take: [caption.text for caption in clip.captions] for clip in clips}
    assert any("jump" in text for text in texts["conv_train_jumping_4"])
    assert any("squat" in text or "bend" in text for text in texts["02_06"])


@pytest.mark.slow
def test_all_real_takes_make_a_set_to_train_on(real: Path) -> None:
    clips = [clip for clip in build(real) if not clip.name.startswith("M")]
    test = [clip for clip in clips if clip.split == "test"]
    assert len(test) >= 64
    assert len({clip.captions[-1].text for clip in test} | {c.text for clip in test for c in clip.captions}) >= 200
    assert sum(len(take.joints) for take in load_takes(real)) / 1200 > 44
