"""Texts are answered by a toy bundle, one set of files a motion; what cannot be answered is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.bundle import Bundle
from models.text_motion.posecodes.table import phrases
from tests.train.text_motion.evaluation.toys import FOOT, LIFT_M, LIFTED, mover
from train.__main__ import main
from train.text_motion.motion.generate import named


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    torch.set_num_threads(1)
    return mover(tmp_path_factory.mktemp("bundle") / "mover")


def command(bundle: Bundle, out: Path, texts: list[str], *more: str) -> int:
    given = ["--bundle", str(bundle.path), "--seconds", "0.5"]
    return main(["motion", "generate", str(out), *texts, *given, *more])


def test_every_text_has_its_motions_and_the_same_seed_the_same(bundle: Bundle, tmp_path: Path) -> None:
    more = tmp_path / "texts.txt"
    more.write_text("\nbow slowly\n", "utf-8")
    for out, seed in (("one", "3"), ("again", "3"), ("other", "4")):
        assert (
            command(bundle, tmp_path / out, ["walk quickly"], "--texts", str(more), "--count", "2", "--seed", seed) == 0
        )
    one = tmp_path / "one"
    names = ["01_walk_quickly_0", "01_walk_quickly_1", "02_bow_slowly_0", "02_bow_slowly_1"]
    texts = ["walk quickly", "walk quickly", "bow slowly", "bow slowly"]
    wanted = [f"{name}\t{text}" for name, text in zip(names, texts, strict=True)]
    assert (one / "texts.txt").read_text("utf-8").splitlines() == wanted
    ends = (".npy", "_263.npy", ".bvh", ".mp4", ".jpg")
    assert {path.name for path in one.iterdir()} == {"texts.txt", *(f"{name}{end}" for name in names for end in ends)}
    made = {out: [np.load(tmp_path / out / f"{name}.npy") for name in names] for out in ("one", "again", "other")}
    assert all(each.shape == (10, 22, 3) and each.dtype == np.float32 for each in made["one"])
    assert all((a == b).all() for a, b in zip(made["one"], made["again"], strict=True))
    assert np.ptp(made["one"][0][:, 0, 2]) > 0.5 > np.ptp(made["one"][2][:, 0, 2])  # who walks travels
    bows = [made["one"][2], made["one"][3], made["other"][2]]
    assert np.abs(bows[0] - bows[1]).max() > 1e-3 and np.abs(bows[0] - bows[2]).max() > 1e-3
    assert np.load(one / f"{names[0]}_263.npy").shape == (9, 263)


def test_a_hold_and_the_other_controls_are_set(bundle: Bundle, tmp_path: Path) -> None:
    group, bin_ = phrases()[LIFTED]
    values = [-1] * 70
    values[group] = bin_
    hold = "hold=" + ",".join(map(str, values))
    for out, more in (("plain", ()), ("held", ("--set", hold)), ("still", ("--set", "temperature=0"))):
        assert command(bundle, tmp_path / out, ["walk"], *more) == 0
    plain, held, still = (np.load(tmp_path / out / "01_walk.npy") for out in ("plain", "held", "still"))
    assert held[:, FOOT, 1] - plain[:, FOOT, 1] == pytest.approx(np.full(10, LIFT_M), abs=1e-6)
    assert np.ptp(still[:, 0, 2]) == 0.0 < np.ptp(plain[:, 0, 2])


@pytest.mark.parametrize(
    ("texts", "more", "said"),
    [
        ([], [], "no text"),
        (["walk", "  "], [], "text 2 is empty"),
        (["walk"], ["--count", "0"], "--count 0"),
        (["walk"], ["--seconds", "0"], "--seconds 0"),
        (["walk"], ["--set", "speed=1"], "speed"),
        (["walk"], ["--set", "hold=9"], "control hold"),
        (["walk"], ["--set", "left_arm=up"], "left_arm"),
        (["walk"], ["--bundle", "rules"], "prompt"),
        (["walk"], ["--texts", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_what_cannot_be_made_says_why_and_writes_nothing(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: list[str], more: list[str], said: str
) -> None:
    assert command(bundle, tmp_path / "out", texts, *more) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").touch()
    assert command(bundle, tmp_path, ["walk"]) == 2
    assert "new or empty" in capsys.readouterr().err and [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_names_of_files_are_plain_and_differ() -> None:
    made = [name for name, _ in named(["A man/woman waves!", "a man woman waves", "跳", "x" * 500])]
    assert made == ["01_a_man_woman_waves", "02_a_man_woman_waves", "03_text", "04_" + "x" * 40]
