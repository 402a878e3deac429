"""Sets of texts and motions: written and read back, lazily; texts by many hands; what is wrong is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.text.fields import FIELDS
from models.text_motion.features import canonical, decode
from models.text_motion.layout import HUMANML3D, KIT, Layout
from tests.train.text_motion.sets import CAPTIONS, Clip, clip, small_set
from train.text_motion.data import MotionSet
from train.text_motion.tags import tags
from train.text_motion.texts import Caption, read_captions, written
from train.text_motion.write import write_set


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_set(tmp_path_factory.mktemp("set") / "new")


@pytest.mark.parametrize("layout", (HUMANML3D, KIT), ids=lambda layout: layout.name)
def test_what_is_written_is_read(tmp_path: Path, layout: Layout) -> None:
    data = MotionSet(small_set(tmp_path / "set", layout))
    assert data.layout is layout and data.files == ("Ma", "a", "b", "c", "d", "e")
    assert data.splits == ("train", "val", "test", "train_val", "all")
    assert data.names("train") == ["a", "Ma", "b"] and data.names("train_val") == ["a", "Ma", "b", "c"]
    assert data.names("all") == ["a", "Ma", "b", "c", "d", "e"]
    for number, name in enumerate(data.names("all")):
        joints, rows = data.joints(name), data.features(name)
        expected = canonical(torch.from_numpy(clip(name, "", 45 + number, layout, number).joints), layout)[:-1]
        assert joints.shape == (44 + number, len(layout.joints), 3) and joints.dtype == np.float32
        assert rows.shape == (len(joints), layout.width) and rows.dtype == np.float32
        assert np.abs(joints - expected.numpy()).max() * layout.scale < 1e-5
        np.testing.assert_array_equal(decode(torch.from_numpy(np.array(rows)), layout).numpy(), joints)
    assert data.captions("a") == [
        Caption("a person walks forward.", ("a/DET", "person/NOUN", "walk/VERB", "forward/ADV")),
        Caption(
            "someone waves the left hand",
            ("someone/PRON", "wave/VERB", "the/DET", "left/ADJ", "hand/NOUN"),
            0.5,
            1.25,
        ),
    ]
    assert data.fields("a") is None and data.codes("a") is None


def test_mean_and_deviation_are_of_the_training_part_and_by_group(small: Path) -> None:
    data = MotionSet(small)
    rows = np.concatenate([data.features(name) for name in data.names("train")]).astype(np.float64)
    np.testing.assert_allclose(data.mean, rows.mean(0), atol=1e-6)
    for name, group in HUMANML3D.slices.items():
        if rows[:, group].std(0).mean() > 0:
            np.testing.assert_allclose(data.std[group], rows[:, group].std(0).mean(), rtol=1e-5, err_msg=name)
    assert len(set(data.std[HUMANML3D.slices["ric"]])) == 1
    still = Clip("still", np.repeat(clip("x").joints[:1], 20, axis=0))
    write_set(small.parent / "still", [still])
    assert (MotionSet(small.parent / "still").std == 1).all()  # of what never changes


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    for path in folder.rglob("*"):
        if path.is_file() and path.stem != "b":
            path.write_bytes(b"broken")
    data = MotionSet(folder)
    with pytest.raises(EngineError, match=r"Mean\.npy: does not read as an array"):
        data.layout  # noqa: B018
    (folder / "Mean.npy").unlink()
    for name in ("a", "Ma"):
        (folder / "new_joint_vecs" / f"{name}.npy").unlink()
    joints = data.joints("b")
    owner = joints
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        assert owner.base is not None, "the clip was read whole"
        owner = owner.base
    assert len(data.captions("b")) == 2
    with pytest.raises(EngineError, match=r"c\.npy: does not read as an array of numbers"):
        data.features("c")
    with pytest.raises(EngineError, match=r"a\.npy: cannot be read, no such file"):
        data.features("a")


@pytest.mark.parametrize(
    ("line", "caption", "note"),
    (
        ("a man walks#a/DET man/NOUN#0.0#0.0", Caption("a man walks", ("a/DET", "man/NOUN")), ""),
        ("a man walks#a/DET#nan#nan", Caption("a man walks", ("a/DET",)), ""),
        ("a man walks#a/DET#nan#2.5", Caption("a man walks", ("a/DET",), 0.0, 2.5), ""),
        ("a man walks#a/DET#1#2.5", Caption("a man walks", ("a/DET",), 1.0, 2.5), ""),
        ("a man walks##0.0#0.0", Caption("a man walks"), ""),
        ("a man walks", Caption("a man walks"), "has 0 '#'"),
        ("a man walks#a/DET", Caption("a man walks", ("a/DET",)), "has 1 '#'"),
        ("a man walks#a/DET#0.0", Caption("a man walks", ("a/DET",)), "has 2 '#'"),
        ("does pose #1#does/VERB#0.0#0.0", Caption("does pose 1", ("does/VERB",)), "more than 3 '#'"),
        ("走る 🏃‍♀️#x/NOUN#0#0", Caption("走る 🏃‍♀️", ("x/NOUN",)), ""),
        ("  two \t blanks #a/DET#0.0#0.0\0", Caption("two blanks", ("a/DET",)), ""),
        ("#a/DET#0.0#0.0", None, "has no words"),
        ("a man walks#a/DET#0.0#inf", None, "no seconds"),
        ("a man walks#a/DET#soon#2", None, "no seconds"),
        ("a man walks#a/DET#2#1", None, "holds no frame"),
        ("a man walks#a/DET#-1#1", None, "holds no frame"),
    ),
)
@pytest.mark.parametrize("end", ("\n", "\r\n", ""))
def test_lines_by_many_hands(tmp_path: Path, line: str, caption: Caption | None, note: str, end: str) -> None:
    path = tmp_path / "clip.txt"
    path.write_bytes(b"\n" + line.encode() + end.encode() + b"  \n" * bool(end))
    found = read_captions(path)
    assert found.captions == ((caption,) if caption else ())
    assert any("line 2: " in said and note in said for said in found.notes) == bool(note)
    assert any("no caption can be read" in said for said in found.notes) == (caption is None)


def test_texts_in_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "clip.txt"
    said = "café dance#cafe/NOUN#0.0#0.0\r\nturns#turn/VERB#0.0#0.0\r\n"
    for encoding, note in (("utf-8-sig", ""), ("utf-16", "UTF-16"), ("cp1252", "byte 3 is no UTF-8")):
        path.write_bytes(said.encode(encoding))
        found = read_captions(path)
        assert [caption.text for caption in found.captions] == ["café dance", "turns"]
        assert (note in "".join(found.notes)) and bool(found.notes) == bool(note)
    path.write_bytes(bytes(range(256)))
    assert isinstance(read_captions(path).captions, tuple)
    path.write_bytes(b"")
    assert not read_captions(path).captions
    found = read_captions(tmp_path / "none.txt")
    assert not found.captions and found.notes == ("has no texts: there is no none.txt",)
    with pytest.raises(EngineError, match="cannot be read, is a directory"):
        read_captions(tmp_path)


@given(st.lists(st.builds(Caption, st.text(), start=st.floats(0, 5), end=st.floats(6, 9)), max_size=4))
def test_any_caption_is_written_on_its_line(tmp_path_factory: pytest.TempPathFactory, captions: list[Caption]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    plain = [" ".join(item.text.translate({35: " ", 0: " ", 0xFEFF: " "}).split()) for item in captions]
    if not all(plain):
        with pytest.raises(EngineError, match="has no words"):
            written(captions)
        return
    path.write_text(written(captions), "utf-8", newline="\n")
    found = read_captions(path).captions
    assert [item.text for item in found] == plain
    assert [(item.start, item.end) for item in found] == [(item.start, item.end) for item in captions]
    assert [item.tags for item in found] == [tags(text) for text in plain]


def test_frames_of_a_caption_stay_in_the_clip() -> None:
    assert Caption("x").frames(50, 20.0) == slice(0, 50)
    assert Caption("x", (), 0.5, 1.25).frames(50, 20.0) == slice(10, 25)
    assert Caption("x", (), 1.0, 900.0).frames(50, 12.5) == slice(12, 50)
    assert Caption("x", (), 1e308, 1e308).frames(50, 20.0) == slice(50, 50)


def test_tags_that_are_given_are_kept() -> None:
    assert written([Caption("walks #1", ("walk/VERB", "one/NUM"), 1.0, 2.5)]) == "walks 1#walk/VERB one/NUM#1.0#2.5\n"


def test_tags_are_base_forms_without_punctuation() -> None:
    said = "The person's arms swing slowly, while running 3 steps; he sat down and lies."
    assert " ".join(tags(said)) == (
        "the/DET person's/NOUN arms/NOUN swing/VERB slowly/ADV while/CCONJ run/VERB 3/NUM step/VERB he/PRON sit/VERB "
        "down/ADP and/CCONJ lie/VERB"
    )
    assert tags("🏃 #!") == ()


def test_fields_of_captions(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    (folder / "keywords").mkdir()
    path, data = folder / "keywords" / "a.json", MotionSet(folder)
    path.write_text(json.dumps([{"left_arm": "waves"}, {}]))
    first, second = data.fields("a") or []
    assert first["left_arm"] == "waves" and set(first) == set(FIELDS) and not any(second.values())
    path.write_text(json.dumps({"mood": "calm"}))
    assert [item["mood"] for item in data.fields("a") or []] == ["calm", "calm"]
    for wrong, said in (
        ([{}], "has 1 entries for 2 captions"),
        ("x", "has no list for 2 captions"),
        ([{}, 3], "an entry is no object"),
        ({"tail": "wags"}, "'tail': 'wags'; give a text for any of head, torso"),
        ({"head": 3}, "'head': '3'"),
    ):
        path.write_text(json.dumps(wrong))
        with pytest.raises(EngineError, match=said):
            data.fields("a")


def test_codes_of_frames(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    (folder / "codes").mkdir()
    data = MotionSet(folder)
    for kind in (np.bool_, np.uint8, np.float64):
        np.save(folder / "codes" / "a.npy", np.eye(44, 392, dtype=kind))
        codes = data.codes("a")
        assert codes is not None and codes.dtype == np.bool_ and codes.sum() == 44 and codes[3, 3]
    np.save(folder / "codes" / "a.npy", np.full((44, 392), 2))
    with pytest.raises(EngineError, match="neither 0 nor 1"):
        data.codes("a")
    np.save(folder / "codes" / "a.npy", np.zeros((44, 391), bool))
    with pytest.raises(EngineError, match=r"has shape \(44, 391\); humanml3d needs \(frames, 392\)"):
        data.codes("a")


def broken(tmp_path: Path, file: str, values: object) -> MotionSet:
    folder = tmp_path / "set"
    small_set(folder)
    if values is None:
        (folder / file).unlink()
    elif isinstance(values, str):
        (folder / file).write_text(values)
    else:
        np.save(folder / file, np.asarray(values))
    return MotionSet(folder)


@pytest.mark.parametrize(
    ("file", "values", "ask", "said"),
    (
        (
            "train.txt",
            None,
            lambda data: data.names("train"),
            "has no list train.txt; there is val, test, train_val, all",
        ),
        (
            "train.txt",
            "a\n../../etc/passwd\n",
            lambda data: data.names("train"),
            "train.txt:2: '../../etc/passwd' is no",
        ),
        ("train.txt", "..\n", lambda data: data.names("train"), "train.txt:1: '..' is no name"),
        ("Mean.npy", np.zeros(66), lambda data: data.layout, "Mean.npy: rows of 66 numbers; humanml3d has 263"),
        ("Mean.npy", 3.0, lambda data: data.layout, "Mean.npy: rows of 0 numbers"),
        ("Mean.npy", None, lambda data: data.mean, "Mean.npy: cannot be read, no such file"),
        ("Mean.npy", np.full(263, np.nan), lambda data: data.mean, "Mean.npy: holds a value that is not finite"),
        ("Std.npy", np.ones(251), lambda data: data.std, r"Std.npy: has shape \(251,\); humanml3d needs \(263,\)"),
        ("Std.npy", 1 - np.eye(263)[5], lambda data: data.std, "Std.npy: is 0 at 5"),
        (
            "new_joints/a.npy",
            np.zeros((44, 24, 3)),
            lambda data: data.joints("a"),
            r"needs \(frames, 22, 3\), 22 joints",
        ),
        ("new_joints/a.npy", np.zeros((22, 3)), lambda data: data.joints("a"), r"has shape \(22, 3\)"),
        ("new_joint_vecs/a.npy", np.zeros((0, 263)), lambda data: data.features("a"), r"has shape \(0, 263\)"),
        ("new_joint_vecs/a.npy", np.array(["x"]), lambda data: data.features("a"), "holds str.* values"),
    ),
)
def test_what_is_wrong_is_named(
    tmp_path: Path, file: str, values: object, ask: Callable[[MotionSet], object], said: str
) -> None:
    data = broken(tmp_path, file, values)
    with pytest.raises(EngineError, match=said):
        ask(data)


def test_names_come_once_and_the_first_clip_tells_the_layout(tmp_path: Path) -> None:
    data = broken(tmp_path, "train.txt", "\ufeffa\r\n\r\n b \na\n")
    assert data.names("train") == ["a", "b"]
    (data.folder / "Mean.npy").unlink()
    (data.folder / "new_joint_vecs" / "._a.npy").write_bytes(b"of another system")
    assert MotionSet(data.folder).layout is HUMANML3D


def test_no_set(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is no folder, so it has no folder new_joint_vecs; give the folder"):
        MotionSet(tmp_path / "none")
    with pytest.raises(EngineError, match="has no folder new_joint_vecs"):
        MotionSet(tmp_path)
    (tmp_path / "new_joint_vecs").mkdir()
    with pytest.raises(EngineError, match=r"new_joint_vecs: holds no \.npy file"):
        MotionSet(tmp_path).layout  # noqa: B018


@pytest.mark.parametrize(
    ("clips", "said"),
    (
        ([clip("a"), clip("a")], "'a': comes twice"),
        ([clip("../a")], "'../a': is no name"),
        ([clip("")], "'': is no name"),
        ([clip("a", "dev")], "split 'dev'; choose from train, val, test"),
        ([clip("a", "test")], "no clip is in split 'train'"),
        ([clip("a", frames=1)], r"joints are \(1, 22, 3\)"),
        ([clip("a", layout=KIT)], r"joints are \(51, 21, 3\); humanml3d needs \(2 frames or more, 22, 3\)"),
        ([replace(clip("a"), joints=np.full((9, 22, 3), np.nan, np.float32))], "not finite"),
        ([replace(clip("a"), captions=(*CAPTIONS, Caption(" # ")))], "' # ': has no words"),
    ),
)
def test_clips_that_cannot_be_written_are_named(tmp_path: Path, clips: list[Clip], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        write_set(tmp_path / "set", clips)


def test_a_set_is_not_written_over(small: Path) -> None:
    with pytest.raises(EngineError, match="is there already"):
        write_set(small, [clip("a")])
    with pytest.raises(EngineError, match="cannot be written, not a directory"):
        write_set(small / "train.txt" / "set", [clip("a")])
