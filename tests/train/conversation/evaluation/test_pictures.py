"""The film of both sides: whose voice is on which side, how long it is, and what cannot be filmed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.bundle import Bundle
from engine.errors import EngineError
from tests.train.conversation.evaluation.toys import case
from tests.train.conversation.sets import made_set
from train.__main__ import main
from train.conversation.evaluation import pictures
from train.conversation.evaluation.cases import Case
from train.conversation.evaluation.served import Served

FIRST, SECOND = [(0.1, 0.6)], [(0.8, 1.3)]


@pytest.fixture(scope="module")
def sides() -> list[Case]:
    still = np.zeros((42, 58), np.float32)
    pair = [case(still, FIRST, SECOND, name="talk-a"), case(still, SECOND, FIRST, name="talk-b")]
    return [*pair, dataclasses.replace(pair[0], name="alone-a")]


def test_only_dialogues_with_both_sides_are_shown(sides: list[Case]) -> None:
    assert [(pair.left.name, pair.right.name) for pair in pictures.pairs(sides[::-1])] == [("talk-a", "talk-b")]
    with pytest.raises(EngineError, match="no dialogue of which both sides"):
        pictures.save(Path("nowhere.mp4"), Served("conversation", Bundle.load("conversation")), sides[:1], 2.0)


def test_a_film_shows_and_sounds_both_sides(sides: list[Case], tmp_path: Path) -> None:
    path = tmp_path / "dialogue.mp4"
    assert pictures.save(path, Served("conversation", Bundle.load("conversation")), sides, 1.2) == 36
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        sound = np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], 1)
    assert len(frames) == 36 and frames[0].shape == (
        pictures.HEAD[1] + pictures.TRUNK[1] + pictures.BAR,
        2 * pictures.HEAD[0],
        3,
    )
    left, right = sound[:, : int(0.6 * pictures.SOUND_RATE)].std(1)
    assert left > 5.0 * right, "the left avatar speaks first"
    left, right = sound[:, int(0.85 * pictures.SOUND_RATE) : int(1.15 * pictures.SOUND_RATE)].std(1)
    assert right > 5.0 * left
    bar = frames[9][-8].astype(float)
    assert np.abs(bar[: pictures.HEAD[0]].mean(0) - bar[pictures.HEAD[0] :].mean(0)).max() > 40.0
    strip = cv2.imread(str(path.with_suffix(".png")))
    assert strip.shape[1] == pictures.STRIP_COLUMNS * round(0.3 * 2 * pictures.HEAD[0]) and strip.std() > 10


def test_a_bundle_without_a_body_is_not_filmed(
    sides: list[Case], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EngineError, match="shows no body"):
        pictures.save(tmp_path / "x.mp4", Served("rules", Bundle.load("rules")), sides, 1.0)
    # The command says so before it measures anything.
    root, out = made_set(tmp_path / "set", 2.0, 1), tmp_path / "out"
    given = ["evaluate", "conversation", "--data", str(root), "--film", "5", "--out", str(out), "--bundle"]
    for bundle, says in (("rules", "shows no body"), ("conversation", "no dialogue of which both sides")):
        assert main([*given, bundle]) == 2
        shown = capsys.readouterr()
        assert says in shown.err and "truth:" not in shown.err and not out.exists()


@pytest.mark.parametrize(
    "given", [["5"], *([seconds, "--out", "x", "--bundle", "y"] for seconds in ("0", "0.01", "nan", "inf"))]
)
def test_a_film_needs_a_length_a_bundle_and_a_place(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "conversation", "--data", "nowhere", "--film", *given]) == 2
    assert "--film" in capsys.readouterr().err
