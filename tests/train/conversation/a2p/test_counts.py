"""The published sizes: parameters, and operations for a frame as written and with sound encoded once; no memory is
taken for them. By hand (-m slow): two steps of every stage at full size."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.conversation.config import configuration
from models.conversation.model import build as live_form
from tests.train.conversation.a2p.sets import made_person, run
from train.conversation.a2p.codec import Codebook
from train.conversation.a2p.config import STAGES, Config, Stage
from train.conversation.a2p.denoiser import Keys
from train.conversation.a2p.layout import HOP, VERTICES
from train.conversation.a2p.models import A2PModel, DiffusionModel, GuideModel, build

FRAMES, FEATURES = 600, 1998
ROWS = FRAMES * 16_000 // 30
CALLS = 200
"""Of the denoiser for a sample: 100 steps, each with and without conditions."""


def on_meta(stage: Stage) -> A2PModel:
    with torch.device("meta"):
        lips = dict(Config("lips", hearing="wav2vec").to_dict()) if stage == "face" else None
        return build(Config(stage, hearing="wav2vec", lips=lips)).eval()


def count(net: nn.Module) -> int:
    return sum(value.numel() for name, value in net.named_parameters() if not name.startswith("hearing"))


def operations(work: Callable[[], object]) -> float:
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def test_operations_of_the_live_form() -> None:
    counts = {}
    for steps in (1, 4):
        live = live_form(dataclasses.replace(configuration("small"), steps=steps, styles=tuple("abcdef"))).eval()
        given = {item.name: torch.full((1, 1, *item.shape), item.missing or 0.0) for item in live.spec.inputs}
        state = live.initial_state(1)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            live(given, state)
        counts[steps] = float(counter.get_total_flops())
    assert counts == {1: pytest.approx(7.80e6, rel=0.01), 4: pytest.approx(14.61e6, rel=0.01)}
    assert sum(value.numel() for value in live.parameters()) == 2_007_939
    # Of the face and the pose as written, and as its authors' models would run with all that stands still kept.
    assert counts[1] < (181.6e9 + 74.1e9) / 32_000 and counts[4] < (0.70e9 + 0.146e9) / 57


def test_parameters_are_those_published() -> None:
    nets = {stage: on_meta(stage).net for stage in STAGES}
    found = {stage: count(net) for stage, net in nets.items()}  # type: ignore[arg-type]
    assert found == {"face": 49_104_128, "pose": 13_405_208, "guide": 40_289_600, "codec": 79_528, "lips": 17_608_182}
    for stage, published, share in (("face", 49.1e6, 0.002), ("pose", 13.4e6, 0.002), ("guide", 40.3e6, 0.002)):
        assert found[stage] == pytest.approx(published, rel=share)  # type: ignore[index]
    assert found["codec"] + 104 * 64 + 64 == 86_248  # with the map that nothing reads there
    books = [part for part in nets["codec"].modules() if isinstance(part, Codebook)]  # type: ignore[union-attr]
    assert sum(book.codes.numel() for book in books) == 262_144
    guide = on_meta("guide").net
    assert count(guide.pre_audio) == 38_810_624  # type: ignore[union-attr,arg-type]


def test_operations_of_the_face() -> None:
    model = on_meta("face")
    assert isinstance(model, DiffusionModel)
    with torch.device("meta"):
        rows, keep = torch.zeros(1, ROWS, 2), torch.ones(1, dtype=torch.bool)
        heard, x, step = torch.zeros(1, FEATURES, 1024 + 3 * VERTICES), torch.zeros(1, FRAMES, 256), torch.zeros(1)
    sound = operations(lambda: model.hearing(rows))
    lips = operations(lambda: model.lips(rows, FRAMES))  # type: ignore[misc]
    given = operations(lambda: model.net.given(heard, keep))
    with torch.device("meta"):
        known = model.net.given(heard, keep)
    call = operations(lambda: model.net(x, step, known))
    assert sound == pytest.approx(200.5e9, rel=0.01) and lips == pytest.approx(239.2e9, rel=0.02)
    assert given + call == pytest.approx(105.1e9, rel=0.02)
    as_written = CALLS * (sound + lips + given + call) / FRAMES
    ours = (sound + lips + 2 * given + CALLS * call) / FRAMES
    assert as_written == pytest.approx(181.6e9, rel=0.01)
    assert ours < 35.0e9 and as_written / ours > 5.2
    print(f"face: {as_written / 1e9:.1f} GF a frame as written, {ours / 1e9:.1f} here")


def test_operations_of_the_pose() -> None:
    model = on_meta("pose")
    assert isinstance(model, DiffusionModel)
    with torch.device("meta"):
        keep = torch.ones(1, dtype=torch.bool)
        heard, x, step = torch.zeros(1, FEATURES, 1024), torch.zeros(1, FRAMES, 104), torch.zeros(1)
        keys = Keys(torch.zeros(1, 20, 104), torch.ones(1, 20, dtype=torch.bool))
        known = model.net.given(heard, keep, keys, keep)
    given = operations(lambda: model.net.given(heard, keep, keys, keep))
    call = operations(lambda: model.net(x, step, known))
    assert given + call == pytest.approx(21.9e9, rel=0.03)
    ours = (200.5e9 + 2 * given + CALLS * call) / FRAMES
    print(f"pose: {CALLS * (200.5e9 + given + call) / FRAMES / 1e9:.1f} GF a frame as written, {ours / 1e9:.2f} here")
    assert ours < 7.29e9


def test_operations_of_the_guide() -> None:
    model = on_meta("guide")
    assert isinstance(model, GuideModel)
    with torch.device("meta"):
        rows, keep = torch.zeros(1, ROWS, 2), torch.ones(1, dtype=torch.bool)
        known = torch.zeros(20, dtype=torch.long)
        heard = model.net.hear(model.hearing(rows), keep, known)
        newest = torch.zeros(1, 1, dtype=torch.long)
    hear = operations(lambda: model.net.hear(model.hearing(rows), keep, known))
    step = operations(lambda: model.net.step(newest, 0, heard, [None] * 6))
    assert hear == pytest.approx(354e9, rel=0.02) and step < 0.01e9
    print(f"guide: {80 * hear / 1e12:.1f} TF for 20 s as written, {(hear + 80 * step) / 1e12:.3f} here")


@pytest.mark.slow
def test_full_sizes_train(tmp_path: Path) -> None:
    """Two steps of every stage on a core, with their seconds and losses: two minutes of the processor."""
    person = made_person(tmp_path / "person", 660, 8)
    assert (person / "scene01_audio.wav").stat().st_size > 2 * 2 * 660 * HOP
    given = {"face": ("--lips", "lips"), "guide": ("--codec", "codec")}
    for stage in STAGES:
        words: list[object] = ["train", "--data", person, "--out", tmp_path / stage, "--device", "cpu"]
        words += ["--set", f"stage={stage}", "--set", "steps=2", "--set", "threads=1", "--set", "checked=1"]
        if stage in given:
            option, other = given[stage]
            words += [option, tmp_path / other / "model.safetensors"]
        begun = time.process_time()
        run(*words)
        record = json.loads((tmp_path / stage / "training.json").read_text())
        (check,) = record["checks"]
        assert all(0 < check[name] < 100 for name in ("loss", "train_loss"))
        print(f"{stage}: {time.process_time() - begun:.0f} s of the processor, {check}", flush=True)
