"""The row of listeners who answer nothing before it can be known, on a set of the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.__main__ import main
from train.reaction.evaluation import rows
from train.reaction.evaluation.scene import deal
from train.reaction.react import ReactData
from train.report import events
from train.simulate.talk import FPS


def test_listeners_without_foresight_answer_the_same_cues_and_none_before_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["simulate", str(tmp_path / "d"), "--talks", "3", "--minutes", "1.5", "--listeners", "4"]) == 0
    talks = ReactData(tmp_path / "d").talks("test")
    assert talks[0].simulated and any(act.name == "smile" for act in talks[0].acts())
    scenes = deal(talks)
    by_name = {row.name: row for row in rows.recorded(scenes, samples=4, seed=0)}
    scene = scenes[0]
    causal, people = (
        [one.face for samples in by_name[name].play(scene).values() for one in samples]
        for name in ("without foresight", "ground truth")
    )
    assert len(causal) == 4 * len(scene.references) and all(len(face) == scene.frames for face in causal)
    assert len({face.tobytes() for face in causal}) == len(causal)
    ends = np.array([cue.time_s for cue in scene.cues if cue.kind in ("pause", "question")])
    shares = {}
    for name, faces in (("causal", causal), ("people", people)):
        lags = [lag for face in faces for nod in events.nods(face, FPS) for lag in nod - ends if -0.3 < lag < 1.2]
        shares[name] = np.mean(np.array(lags) < 0.4)
    assert shares["causal"] < 0.5 * shares["people"]
    rates = [np.mean([len(events.nods(face, FPS)) for face in faces]) for faces in (causal, people)]
    assert rates[0] == pytest.approx(rates[1], rel=0.5)
