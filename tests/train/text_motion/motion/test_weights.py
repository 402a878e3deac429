"""A tokenizer is put together of two bundles of one training; of two trainings, or of other models, it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from onnx import helper, numpy_helper

from engine.bundle import STEP, Bundle, OnnxFile
from engine.errors import EngineError
from models.graph import ORIGIN, WEIGHTS, Origin
from models.text_motion.config import named
from models.text_motion.spec import codes_spec
from models.text_motion.tokenizer import Tokenizer
from tests.engine.text.made import IR, OPSET
from train.text_motion.motion.weights import of_bundles

TINY = named("tiny")


def trained(seed: int) -> Tokenizer:
    torch.manual_seed(seed)
    made = Tokenizer(TINY)
    made.mean.add_(seed)
    return made.eval()


def holding(folder: Path, tokenizer: Tokenizer, model: str, lacks: str) -> Path:
    """A bundle whose graph holds the weights of a tokenizer, but those whose names begin with ``lacks``."""
    weights = [
        numpy_helper.from_array(value.numpy(), f"{WEIGHTS}tokenizer.{name}")
        for name, value in tokenizer.state_dict().items()
        if not name.startswith(lacks)
    ]
    one = helper.make_tensor_value_info("one", 1, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["one"], ["same"])], "step", [one], [], weights)
    graph.output.append(helper.make_tensor_value_info("same", 1, [1]))
    proto = helper.make_model(graph, ir_version=IR, opset_imports=[helper.make_opsetid("", OPSET)])
    if model:
        proto.metadata_props.add(key=ORIGIN, value=json.dumps(Origin(model, TINY.to_dict()).to_dict()))
    bundle = Bundle(
        path=folder,
        name=folder.name,
        version="0.1.0",
        spec=codes_spec(TINY, {}),
        onnx=OnnxFile(STEP, OPSET, IR, "fp32"),
        licence="Apache-2.0",
        description="Weights.",
        training_data="none",
        credits="none",
        command="python -m export",
        commit="unknown",
    )
    bundle.write(proto.SerializeToString(), "# weights\n")
    return folder


def test_decoder_and_encoder_come_of_the_bundle_that_has_them(tmp_path: Path) -> None:
    wanted = trained(1)
    mover = holding(tmp_path / "mover", wanted, "text_motion", "encoder.")
    reader = holding(tmp_path / "reader", wanted, "pose_codes", "decoder.")
    found = of_bundles(mover, reader)
    assert all(torch.equal(value, wanted.state_dict()[name]) for name, value in found.state_dict().items())
    assert not found.training


def test_bundles_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    mover = holding(tmp_path / "mover", trained(1), "text_motion", "encoder.")
    other = holding(tmp_path / "other", trained(2), "pose_codes", "decoder.")
    silent = holding(tmp_path / "silent", trained(1), "", "decoder.")
    poor = holding(tmp_path / "poor", trained(1), "pose_codes", "encoder.")
    for pair, said in (
        ((mover, other), "differ in tokenizer."),
        ((mover, poor), "do not hold tokenizer.encoder"),
        ((mover, mover), "one of model 'text_motion'"),
        ((mover, silent), "does not say which model"),
    ):
        with pytest.raises(EngineError, match="--checkpoint") as caught:
            of_bundles(*pair)
        assert said in str(caught.value)
