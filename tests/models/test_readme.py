"""The examples of models/README.md run as they stand and keep the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from models import layers
from tests.models.cases import LayerModel, draw_inputs

EXAMPLES = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "models" / "README.md").read_text(), re.S)


@pytest.mark.parametrize(("index", "name"), [(0, "Change"), (1, "Nodder")])
def test_example_gives_the_same_in_steps_and_at_once(index: int, name: str):
    scope: dict = {}
    exec(compile(EXAMPLES[index], "models/README.md", "exec", dont_inherit=True), scope)
    torch.manual_seed(0)
    made = scope[name]
    model = LayerModel(made(4), (4,)) if issubclass(made, layers.Layer) else made()
    inputs = draw_inputs(model.spec, 2, 9, 1)
    with torch.inference_mode():
        whole, _ = model.scan(inputs, model.initial_state(2))
        steps, _ = model.scan(inputs, model.initial_state(2), chunk=1)
    for output, value in whole.items():
        torch.testing.assert_close(steps[output], value, atol=1e-4, rtol=1e-4)
    assert len(whole) == 2
