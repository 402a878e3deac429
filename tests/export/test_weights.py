"""A bundle is exported again from itself; a checkpoint says what it is, and what is none is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.bundle import STEP, Bundle
from engine.errors import EngineError
from export.__main__ import main
from export.parity import climb
from export.recording import recording
from export.shipped import shipped
from export.weights import from_bundle
from models import registry
from models.checkpoint import Checkpoint, CheckpointError, load, save
from models.registry import FAMILIES, Family, create
from tests.export.tiny import Tiny


@pytest.fixture(autouse=True)
def _tiny_models(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"tiny": "tests.export.tiny:Tiny", "floor": "tests.export.tiny:Floor"}
    monkeypatch.setitem(registry.FAMILIES, "tiny", Family("", both))
    monkeypatch.delenv("ENGINE_DATA", raising=False)


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Weights that no seed gives, in a checkpoint at ``path``."""
    state = {name: value + 0.25 for name, value in Tiny().state_dict().items()}
    save(path, Checkpoint("tiny", {}, state))
    return state


def test_a_bundle_is_exported_again_from_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = weights(tmp_path / "w.safetensors")
    first, again = tmp_path / "first", tmp_path / "again"
    told = ["--training-data", "made up", "--seconds", "4"]
    assert main(["tiny", str(tmp_path / "w.safetensors"), str(first), *told]) == 0
    assert main(["tiny", str(first), str(again), *told]) == 0
    assert Bundle.load(first).read(STEP) == Bundle.load(again).read(STEP)
    back = from_bundle("tiny", first).state_dict()
    assert back.keys() == state.keys() and all(torch.equal(back[name], state[name]) for name in state)
    capsys.readouterr()
    assert main(["floor", str(first), str(tmp_path / "third"), *told]) == 2
    assert "is one of model 'tiny', not 'floor'" in capsys.readouterr().err


def test_a_bundle_of_another_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["tiny", str(tmp_path / "b"), "--seconds", "4"]) == 0
    before = Tiny.__init__

    def wider(self: Tiny) -> None:
        before(self)
        self.out = torch.nn.Linear(3, 4)

    monkeypatch.setattr(Tiny, "__init__", wider)
    with pytest.raises(EngineError, match=r"does not hold out\.weight of the model as it is today"):
        from_bundle("tiny", tmp_path / "b")


LEARNED = [pair for family in FAMILIES.values() if family.learned for pair in family.bundles.items()]


@pytest.mark.parametrize(("bundle", "model"), LEARNED)
def test_the_shipped_bundles_give_their_models_back(bundle: str, model: str) -> None:
    """The graph in a bundle and the model read back from it compute the same."""
    shipped = Bundle.load(bundle)
    made = from_bundle(model, shipped.path)
    inputs = {name: value[:12] for name, value in recording(made.spec, 1.0, 3)[0].items()}
    rungs = climb(made, shipped, inputs, shipped.tolerance["onnx_fp32"])
    assert {rung.name: rung.broken for rung in rungs} == {rung.name: None for rung in rungs}


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    tied = torch.arange(6.0)
    state = {"a": tied, "b": tied[2:4], "count": torch.tensor(3), "on": torch.tensor([True, False])}
    save(path, Checkpoint("tiny", {"width": 4, "names": ["x"]}, state))
    kept = load(path)
    assert (kept.family, kept.config) == ("tiny", {"width": 4, "names": ["x"]})
    assert kept.state.keys() == state.keys()
    assert all(
        torch.equal(kept.state[name], value) and kept.state[name].dtype == value.dtype for name, value in state.items()
    )
    assert [item.name for item in tmp_path.iterdir()] == ["c.safetensors"]


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_checkpoint_knows_its_size(tmp_path: Path, size: str) -> None:
    model = create(f"reaction:{size}")
    save(tmp_path / "r.safetensors", Checkpoint("reaction", model.config.to_dict(), model.state_dict()))
    assert create("reaction", tmp_path / "r.safetensors").config == model.config
    other = "small" if size == "tiny" else "tiny"
    with pytest.raises(EngineError, match="leave the size out"):
        create(f"reaction:{other}", tmp_path / "r.safetensors")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    bare, torn, pickled = (tmp_path / name for name in ("bare.safetensors", "torn.safetensors", "w.pt"))
    save_file({"a": torch.zeros(2)}, bare)
    weights(tmp_path / "whole.safetensors")
    torn.write_bytes((tmp_path / "whole.safetensors").read_bytes()[:200])
    torch.save({"a": torch.zeros(2)}, pickled)
    for path, words in (
        (bare, "does not say of which model"),
        (torn, "is no checkpoint of this project"),
        (pickled, "is no checkpoint of this project"),
        (tmp_path / "absent", "no checkpoint"),
        (tmp_path, "no checkpoint"),
    ):
        with pytest.raises(CheckpointError, match=words):
            load(path)
    with pytest.raises(EngineError, match="holds weights of family 'tiny', model dance needs 'dance'"):
        create("dance", tmp_path / "whole.safetensors")
    with pytest.raises(CheckpointError, match="cannot write"):
        save(tmp_path / "nowhere" / "w.safetensors", Checkpoint("tiny", {}, {}))


def test_shipped_bundles_are_all_exports_of_their_models(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def export(arguments: list[str]) -> int:
        asked.append(list(arguments))
        return 0

    assert shipped([], export) == 0
    models = ["listener_rules", "reaction", "dance", "dance_meter", "text_motion", "pose_codes", "gesture"]
    models.append("conversation")
    assert [one[0] for one in asked] == models
    places = [[Path(word).name for word in one[1 : 3 if one[0] in models[1:] else 2]] for one in asked]
    learned = ["reaction", "dance", "effort", "text_motion", "pose_codes", "gesture", "conversation"]
    assert places == [["rules"], *([name, name] for name in learned)]
    assert all("--training-data" in one and "--notes" in one for one in asked[1:])
    asked.clear()
    assert shipped(["effort", "--weights", "dance=w.safetensors", "--require-clean"], export) == 0
    assert asked[0][:2] == ["dance_meter", "w.safetensors"] and "--require-clean" in asked[0]
    assert all("--require-clean" not in one for one in asked[1:])
    assert shipped(["rules", "reaction"], lambda _: 1) == 1
    for wrong, words in ((["nobody"], "no bundle 'nobody'"), (["--weights", "rules"], "write FAMILY=FILE")):
        with pytest.raises(EngineError, match=words):
            shipped(wrong, export)
