"""Every stage trains on a made person and goes on bit for bit; what is masked has no say; what is lacking is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models import checkpoint
from tests.train.conversation.a2p.sets import QUICK, made_person, train
from tests.train.conversation.a2p.test_hearing import fairseq_file
from train.conversation.a2p import recipes
from train.conversation.a2p.batches import Crop, Source, takes_of
from train.conversation.a2p.codec import Codebook
from train.conversation.a2p.config import STAGES, Config
from train.conversation.a2p.layout import PersonFolder
from train.conversation.a2p.models import CodecModel, DiffusionModel, GuideModel, build, load
from train.conversation.a2p.recipes import RECIPES, DiffusionRecipe, GuideRecipe
from train.conversation.a2p.settings import Settings
from train.run.recipe import Recipe
from train.run.settings import settings_of


def options(stage: str, runs: Path) -> dict[str, Any]:
    return {
        "face": {"lips": runs / "lips/model.safetensors"},
        "guide": {"codec": runs / "codec/model.safetensors"},
    }.get(stage, {})


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_stopped_goes_on_to_the_same_bytes(
    stage: str, person: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options(stage, runs)
    with monkeypatch.context() as patch:

        def stopping(self: Recipe, *_: object, **__: object) -> None:
            keeper = next(each for each in self.trainer.callbacks if type(each).__name__ == "Keeper")  # type: ignore[attr-defined]
            keeper.reason = "stopped here" if self.global_step == 2 else ""  # type: ignore[attr-defined]

        patch.setattr(recipes.A2PRecipe, "on_train_batch_start", stopping, raising=False)
        train(person, tmp_path / "run", stage, "steps=4", **given)
    assert torch.load(tmp_path / "run/last.ckpt", weights_only=True)["global_step"] == 3
    model = train(person, tmp_path / "run", stage, "steps=4", resume=True, **given)
    kept = [checkpoint.load(path) for path in (model, runs / stage / "model.safetensors")]
    assert kept[0].config == kept[1].config
    for name, value in kept[0].state.items():
        assert torch.equal(value, kept[1].state[name]), name
    ends = [torch.load(folder / "last.ckpt", weights_only=True) for folder in (tmp_path / "run", runs / stage)]
    for name, value in ends[0]["state_dict"].items():
        assert torch.equal(value, ends[1]["state_dict"][name]), name
    record = json.loads((tmp_path / "run/training.json").read_text())
    assert record["stage"] == stage and record["checks"][-1]["step"] == 4
    assert record["scenes"] == {"train": ["scene01", "scene02"], "val": ["scene03", "scene04"]}


def test_the_loss_of_every_stage_falls(person: Path, runs: Path, tmp_path: Path) -> None:
    for stage in ("lips", "face", "codec", "pose", "guide"):
        more = ["steps=30", "check_every=10", "rate=0.005", "warmup=0", "condition_dropout=0"]
        more += ["rows=12"] if stage == "codec" else []
        train(person, tmp_path / stage, stage, *more, **options(stage, runs))
        checks = json.loads((tmp_path / stage / "training.json").read_text())["checks"]
        assert checks[-1]["train_loss"] < 0.95 * checks[0]["train_loss"], (stage, checks)


def test_models_say_what_they_were_made_with(person: Path, runs: Path) -> None:
    face = load(runs / "face/model.safetensors", "face")
    assert isinstance(face, DiffusionModel) and face.config.lips is not None
    lips = load(runs / "lips/model.safetensors", "lips").net.state_dict()
    assert face.lips is not None
    assert all(torch.equal(value, lips[name]) for name, value in face.lips.state_dict().items())
    codec, guide = load(runs / "codec/model.safetensors", "codec"), load(runs / "guide/model.safetensors", "guide")
    assert isinstance(codec, CodecModel) and guide.config.codec == codec.fingerprint
    assert guide.config.audio_layers == 2 and guide.config.diffusion_steps == 1000
    assert json.loads((runs / "face/training.json").read_text())["lips"] == "heard"
    folder = PersonFolder(person)
    for name, value in face.person.stats._asdict().items():
        assert np.array_equal(value, getattr(folder.stats, name))
    assert np.array_equal(face.person.stats.pose_std, codec.person.stats.pose_std)
    with pytest.raises(EngineError, match="holds stage codec, guide is due"):
        load(runs / "codec/model.safetensors", "guide")
    kept = checkpoint.load(runs / "pose/model.safetensors")
    assert kept.family == "a2p" and kept.config["stage"] == "pose"


def test_sound_by_wav2vec_trains_and_is_in_the_file(person: Path, tmp_path: Path) -> None:
    state, large = fairseq_file(tmp_path / "w.pt"), fairseq_file(tmp_path / "large.pt", aggregated=True)
    short = ["hearing=wav2vec", "steps=2"]
    with pytest.raises(EngineError, match="give --wav2vec FILE"):
        train(person, tmp_path / "none", "pose", *short)
    pose = train(person, tmp_path / "pose", "pose", "literal=true", *short, wav2vec=tmp_path / "w.pt")
    lips = train(person, tmp_path / "lips", "lips", *short, wav2vec=tmp_path / "large.pt")
    face = train(person, tmp_path / "face", "face", *short, wav2vec=tmp_path / "w.pt", lips=lips)
    for path, prefix, given in (
        (pose, "hearing", state),
        (face, "hearing", state),
        (lips, "net.hearing", large),
        (face, "lips.hearing", large),
    ):
        kept = checkpoint.load(path).state
        for name, value in given.items():
            if name.startswith("feature"):
                assert torch.equal(kept[f"{prefix}.model.{name}"], value)
        assert float(kept[f"{prefix}.model.feature_extractor.conv_layers.0.2.variance"]) != 1.0


def test_a_face_without_lips_says_so(person: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        path = train(person, tmp_path / "face", "face", "steps=2")
    assert "what the face hears of them is zeros" in caplog.text
    assert json.loads((tmp_path / "face/training.json").read_text())["lips"] == "zeros"
    model = load(path, "face")
    assert isinstance(model, DiffusionModel) and model.config.lips is None
    heard = model.hear(torch.randn(1, 120, 2, 80), 60)
    assert heard.shape[-1] == 16 + 1014 and not heard[..., 16:].any() and heard[..., :16].any()


def test_lips_are_heard_at_the_rate_of_the_features(runs: Path) -> None:
    model = load(runs / "face/model.safetensors", "face")
    assert isinstance(model, DiffusionModel) and model.lips is not None
    rows = torch.randn(1, 120, 2, 80)
    lips = (model.lips(rows, 60) - model.lips.mean) / model.lips.scale
    heard = model.hear(rows, 60)[..., 16:]
    assert torch.allclose(heard[:, ::2], lips, atol=1e-5) and torch.allclose(heard[:, 1::2], lips, atol=1e-5)


def test_missing_and_added_frames_have_no_say(person: Path) -> None:
    folder = PersonFolder(person)
    model = build(Config("face", "tiny", segment=60))
    assert isinstance(model, DiffusionModel) and model.ears is not None
    settings = settings_of(Settings, dict(pair.split("=") for pair in [*QUICK, "stage=face"]))
    recipe = DiffusionRecipe(model.eval(), settings, {})
    (take,) = takes_of(folder, "train", model.ears, folder.stats)[:1]
    gone = int(np.flatnonzero(take.scene.missing)[0])
    first = max(0, gone - 20)
    batch = Source("face", folder.stats, model.ears).batch([Crop(take, first, first + 40, 60)], 5)
    assert batch["mask"].sum() == 40 - take.scene.missing[first : first + 40].sum()
    assert not batch["mask"][0, gone - first] and not batch["mask"][0, 40:].any()
    assert not batch["target"][0, 40:].any() and not batch["target"][0, gone - first].any()

    def loss(change: int, by: float) -> float:
        noised = recipe.diffusion.noised
        target = batch["target"].clone()
        target[0, change] += by
        # what the model sees stays, the truth changes
        recipe.diffusion.noised = lambda _, step, noise: noised(batch["target"], step, noise)  # type: ignore[method-assign]
        torch.manual_seed(0)
        with torch.no_grad():
            found = float(recipe.loss({**batch, "target": target})[0])
        recipe.diffusion.noised = noised  # type: ignore[method-assign]
        return found

    plain = loss(0, 0.0)
    assert loss(gone - first, 5.0) == plain == loss(45, 5.0)
    known = next(frame for frame in range(40) if batch["mask"][0, frame])
    assert loss(known, 5.0) > plain


def test_the_guide_learns_known_tokens_under_smoothed_labels(person: Path, runs: Path) -> None:
    codec, guide = load(runs / "codec/model.safetensors", "codec"), load(runs / "guide/model.safetensors", "guide")
    assert isinstance(codec, CodecModel) and isinstance(guide, GuideModel)
    folder = PersonFolder(person)
    take = takes_of(folder, "train", guide.ears, folder.stats)[0]
    batch = Source("guide", folder.stats, guide.ears).batch([Crop(take, 0, 30, 60)], 0)

    def loss(smoothing: float, target: torch.Tensor) -> float:
        given = {"config": "tiny", "stage": "guide", "segment": 60, "shortest": 60, "smoothing": smoothing}
        recipe = GuideRecipe(guide, settings_of(Settings, given), {}, codec).eval()
        with torch.no_grad():
            return float(recipe.loss({**batch, "target": target}))

    target = batch["target"]
    changed = [target.clone(), target.clone()]
    changed[0][0, 30:] += 9.0  # behind the end: the pose of second 1 has other tokens, which do not count
    changed[1][0, 0] += 9.0
    tokens = [codec.net.tokens(frames[:, ::30])[0] for frames in (target, *changed)]
    assert not torch.equal(tokens[0][1], tokens[1][1]) and not torch.equal(tokens[0][0], tokens[2][0])
    plain = loss(0.0, target)
    assert loss(0.0, changed[0]) == pytest.approx(plain, abs=1e-6) != loss(0.0, changed[1])
    assert loss(0.2, target) - plain == pytest.approx(2 * (loss(0.1, target) - plain), rel=1e-3)
    assert abs(loss(0.1, target) - plain) > 1e-4
    codec.person.pose_mean += 1.0  # another person's codec: poses come to it in its own units
    theirs = GuideRecipe(guide, settings_of(Settings, {"stage": "guide"}), {}, codec)._in_units_of(codec, target)
    assert torch.allclose(codec.restored(theirs), guide.restored(target), atol=1e-4)
    assert not torch.allclose(theirs, target, atol=1e-2)


def test_conditions_are_dropped_independently_in_training_alone(person: Path) -> None:
    model = build(Config("pose", "tiny", segment=60))
    settings = settings_of(Settings, dict(pair.split("=") for pair in [*QUICK, "stage=pose"]))
    recipe = DiffusionRecipe(model, settings, {})  # type: ignore[arg-type]
    torch.manual_seed(0)
    kept = torch.stack([recipe._kept(5000), recipe._kept(5000)]).double()
    assert kept.mean(1).tolist() == pytest.approx([0.8, 0.8], abs=0.02)
    assert abs(float(torch.corrcoef(kept)[0, 1])) < 0.05
    assert bool(recipe.eval()._kept(50).all())


def test_defaults_are_those_published_for_the_stage() -> None:
    found = {stage: settings_of(Settings, {"stage": stage}) for stage in STAGES}
    assert [found[stage].rate for stage in ("face", "pose", "codec", "guide")] == [1e-4, 1e-4, 1e-3, 2e-4]
    assert [found[stage].velocity for stage in ("face", "pose", "codec")] == [0, 2, 0]
    assert (found["guide"].decay, found["guide"].clip, found["guide"].smoothing) == (0.1, 1.0, 0.1)
    assert (found["face"].rows, found["face"].segment, found["face"].shortest) == (4, 600, 400)
    assert (found["face"].steps, found["codec"].steps, found["codec"].warmup) == (800_000, 300_000, 1000)
    assert RECIPES["codec"].betas == (0.9, 0.99)
    assert settings_of(Settings, {"stage": "pose", "velocity": 0.0, "rate": 0.5}).velocity == 0.0
    guide = RECIPES["guide"]
    share = [guide._share_of_rate(Shell(found["guide"], guide), step) for step in (0, 4999, 49_999, 50_000, 400_000)]  # type: ignore[arg-type]
    assert share == pytest.approx([1 / 5001, 5000 / 5001, 1, 0.1, 0.01])


class Shell:
    """What a schedule looks at."""

    def __init__(self, settings: Settings, recipe: Any) -> None:
        self.settings, self.milestones = settings, recipe.milestones


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["stage=legs"], "stage"),
        (["config=huge"], "no config 'huge'; there is a2p, tiny"),
        (["shortest=90"], "shortest 90 is more than segment 60"),
        (["stage=codec", "shortest=59"], "shortest 59: a crop has a pose each 30 frames"),
        (["decay=-0.5"], "decay -0.5: give 0 or more, or -1"),
        (["steps=3"], "no multiple of check_every"),
        (["causal=true"], "causal goes with stage lips or guide"),
        (["literal=true"], "literal goes with hearing=wav2vec"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: list[str], told: str, person: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=told):
        train(person, tmp_path / "run", "face", *settings)


def test_what_a_stage_lacks_is_named(person: Path, runs: Path, tmp_path: Path) -> None:
    codec, lips = runs / "codec/model.safetensors", runs / "lips/model.safetensors"
    for stage, given, told in (
        ("guide", {}, "give --codec FILE"),
        ("guide", {"codec": lips}, "holds stage lips, codec is due"),
        ("pose", {"codec": codec}, "--codec goes with stage guide, not pose"),
        ("pose", {"lips": lips}, "--lips goes with stage face, not pose"),
        ("pose", {"wav2vec": lips}, "--wav2vec goes with hearing=wav2vec"),
    ):
        with pytest.raises(EngineError, match=told):
            train(person, tmp_path / "run", stage, **given)
    with pytest.raises(EngineError, match="hears by mel in size tiny, the face by wav2vec"):
        train(person, tmp_path / "run", "face", "hearing=wav2vec", lips=lips)
    bare = shutil.copytree(person, tmp_path / "bare")
    (bare / "scene02_lip_vertices.npy").unlink()
    with pytest.raises(EngineError, match=r"scene02_lip_vertices\.npy is missing, from which the lip regressor learns"):
        train(bare, tmp_path / "run", "lips")
    few = made_person(tmp_path / "few", 60, 5)
    with pytest.raises(EngineError, match="split train is empty: of 5 usable scenes"):
        train(few, tmp_path / "run", "pose")


def test_a_run_goes_on_with_its_own_data_alone(person: Path, runs: Path, tmp_path: Path) -> None:
    out = shutil.copytree(runs / "face", tmp_path / "face")
    (out / "model.safetensors").unlink()
    with pytest.raises(EngineError, match="was begun with other --lips; give those"):
        train(person, out, "face", resume=True)
    other = made_person(tmp_path / "other", 80)
    with pytest.raises(EngineError, match="was begun with other train scenes, val scenes; give those"):
        train(other, out, "face", resume=True, lips=runs / "lips/model.safetensors")


def test_the_causal_guide_trains(person: Path, runs: Path, tmp_path: Path) -> None:
    path = train(person, tmp_path / "g", "guide", "causal=true", "steps=2", codec=runs / "codec/model.safetensors")
    model = load(path, "guide")
    assert isinstance(model, GuideModel) and model.net.causal
    assert model.known(3).tolist() == [0, 60, 120]


def test_codes_begin_in_training(runs: Path) -> None:
    codec = load(runs / "codec/model.safetensors", "codec")
    assert isinstance(codec, CodecModel)
    books = [book for book in codec.net.modules() if isinstance(book, Codebook)]
    assert len(books) == 4 and all(bool(book.begun) and bool(book.codes.any()) for book in books)
