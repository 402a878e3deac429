"""The benchmark of mouths' heads: all heads are in the table, each walks as it says, and what is played is unknown."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import conversation_heads as heads
from benchmarks.__main__ import main
from engine.channels import FACE
from models.conversation.config import MOUTH, configuration
from tests.train.conversation.sets import made_set, talk
from train.conversation.talks.layout import TalkWriter

TINY = configuration("tiny")
HELD = ["capture-face2", "capture-s1_c"]


def recorded(folder: Path, other: bool = False) -> Path:
    """A made set with two takes of a face capture and five tracked clips; in the ``other`` one of a kind is held out
    whose mouth is another."""
    writer, rng = TalkWriter(made_set(folder, count=1)), np.random.default_rng(1)
    known = np.isin(np.arange(58), MOUTH)
    known[FACE["mouthPucker"]] = False
    names = {f"capture-face{number}": "captured" for number in (1, 2)}
    for name, kind in (names | {f"capture-s1_{letter}": "tracked" for letter in "abcd"}).items():
        sound, arrays, told = talk(4.0, rng)
        kept = {key: arrays[key] for key in ("face", "expression", "mouth", "captured", "fps")}
        if other and name in HELD:
            kept["mouth"] = np.full_like(kept["mouth"], 0.9)
        writer.add("train", name, sound, kept | {"known": known}, {**told, "capture": kind})
    return folder


def options(**changed: object) -> argparse.Namespace:
    return argparse.Namespace(**{"config": "tiny", "seed": 0, "steps": 4, **changed})


def trained(folder: Path) -> tuple[list[heads.Variant], list[heads.Played]]:
    learned, played = heads.recordings(folder, TINY)
    return heads.trained(learned, TINY, [1], options()), played


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("heads") / "set")


@pytest.fixture(scope="module")
def session(made: Path) -> tuple[dict[str, heads.Variant], list[heads.Played]]:
    variants, played = trained(made)
    return {variant.head: variant for variant in variants}, played


def test_table_has_every_head_at_every_lookahead(made: Path, capsys: pytest.CaptureFixture[str]):
    command = ["conversation_heads", "--data", str(made), "--config", "tiny", "--steps", "2", "--rounds", "3"]
    assert main([*command, "--lookahead", "2", "0"]) == 0
    shown = capsys.readouterr().out
    *table, last = shown.strip().splitlines()
    figures = json.loads(last)
    assert figures["held_out"] == {"captured": HELD[:1], "tracked": HELD[1:]}
    rows = figures["rows"]
    assert [(row["lookahead"], row["head"]) for row in rows] == [(n, name) for n in (0, 2) for name in heads.HEADS]
    assert all(sum(line.startswith(f"{name:20} ") for line in table) == 4 for name in heads.HEADS)
    assert min(row["ratio"] for row in rows) == 1.0
    for row in rows:
        assert row["ratio"] == pytest.approx(row["ms"] / min(other["ms"] for other in rows))
        assert all(set(found) == set(heads.MEASURES) for found in row["kinds"].values())


def test_every_head_makes_as_many_steps_as_it_says(session: tuple[dict[str, heads.Variant], list[heads.Played]]):
    variants, played = session
    stream = played[0].streams[0]
    mouths = {}
    for name, variant in variants.items():
        calls: list[int] = []
        hook = variant.lips.head.net.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        mouths[name] = heads.play(variant, stream, 0)
        hook.remove()
        walk = {f"flow in {n} step{'s' * (n > 1)}": n for n in heads.WALKS}.get(name, 1)
        assert len(calls) == walk * (stream.frames + variant.lookahead)
        assert mouths[name].shape == stream.mouth.shape
    flows = [mouths[name] for name in heads.HEADS[:4]]
    assert all(not torch.equal(flows[0], other) for other in flows[1:])


def test_the_distilled_flow_is_the_same_but_for_its_head(session: tuple[dict[str, heads.Variant], list[heads.Played]]):
    flow, distilled = (session[0][name].lips.state_dict() for name in ("flow in 8 steps", "flow distilled to 1"))
    moved = {name.split(".")[0] for name, value in flow.items() if not torch.equal(value, distilled[name])}
    assert moved == {"head"}


def test_what_is_played_is_not_trained_on(session: tuple[dict[str, heads.Variant], list[heads.Played]], tmp_path: Path):
    """Whatever the held-out mouths are, the same is learned; the truth that is measured against is theirs."""
    variants, played = trained(recorded(tmp_path / "other", other=True))
    assert [stream.name for part in played for stream in part.streams] == HELD
    assert all(float(stream.mouth.min()) > 0.8 for part in played for stream in part.streams)
    assert all(float(part.mean.max()) < 0.8 for part in played)
    for variant in variants:
        first, second = session[0][variant.head].lips.state_dict(), variant.lips.state_dict()
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_perfect_mouth_has_no_error(
    session: tuple[dict[str, heads.Variant], list[heads.Played]], monkeypatch: pytest.MonkeyPatch
):
    variants, played = session
    monkeypatch.setattr(heads, "play", lambda variant, stream, seed: stream.mouth)
    for part in played:
        found = heads.measured(variants["rolling diffusion"], part, 0)
        assert found["r_jaw"] == pytest.approx(1.0) and found["jitter"] == pytest.approx(1.0)
        assert found["over_mean"] == 0.0 and abs(found["lag"]) < 0.05


def test_any_number_of_steps_is_taken():
    assert heads._settings(options(), 250).steps == 250


def test_a_set_with_too_few_recordings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = made_set(tmp_path / "set", count=1)
    for extra, reason in (([], "are too few to hold some out; give a set"), (["--steps", "1"], "--steps of 2 or more")):
        assert main(["conversation_heads", "--data", str(folder), "--config", "tiny", *extra]) == 2
        assert reason in capsys.readouterr().err
    assert main(["conversation_heads", "--data", str(tmp_path / "none")]) == 2
    assert "has no talks in train/" in capsys.readouterr().err
