"""A clip is read, edited by a tokenizer and written: what is held is shown, what is not stays, bad input is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.body.bvh import read_body
from engine.body.motion import Motion
from engine.body.write import write_bvh
from engine.errors import EngineError
from models.checkpoint import Checkpoint, save
from models.registry import build
from models.text_motion.features import encode
from models.text_motion.layout import HUMANML3D
from models.text_motion.posecodes.codes import bins, measures
from models.text_motion.posecodes.table import STARTS, phrases
from models.text_motion.stage import BODY
from tests.train.text_motion.evaluation.toys import LIFTED, motion
from train.__main__ import main
from train.text_motion.motion.clip import read_clip
from train.text_motion.motion.edit import asked, edited
from train.text_motion.motion.weights import of_checkpoint


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a tiny model that nobody trained, whose features are those of a body that stands."""
    torch.manual_seed(5)
    model: Any = build("text_motion", "tiny")
    standing = torch.from_numpy(motion("wave", frames=24))
    rows = encode(standing, HUMANML3D, backward=True)
    model.tokenizer.mean.copy_(rows.mean(0))
    model.tokenizer.std.fill_(0.01)
    path = tmp_path_factory.mktemp("run") / "model.safetensors"
    save(path, Checkpoint("text_motion", model.config.to_dict(), model.state_dict()))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    np.save(tmp_path / "my take.npy", motion("wave", frames=30))
    return tmp_path / "my take.npy"


def test_an_edit_is_written_and_shown_and_the_rest_is_as_without_it(
    run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = ["--hold", LIFTED, "--from", "9", "--to", "23", "--checkpoint", str(run)]
    assert main(["motion", "edit", str(clip), str(out), *given]) == 0
    assert {path.name for path in out.iterdir()} == {
        *(f"my_take{end}" for end in (".npy", "_263.npy", ".bvh", ".mp4", ".jpg")),
        "edits.json",
    }
    body = np.load(out / "my_take.npy")
    assert body.shape == (30, 22, 3) and body.dtype == np.float32 and np.isfinite(body).all()
    assert np.load(out / "my_take_263.npy").shape == (29, 263)
    read = read_body(out / "my_take.bvh", BODY).motion
    assert read.rate == 20.0 and np.abs(read.positions - body).max() < 0.01
    told = json.loads((out / "edits.json").read_text("utf-8"))
    (one,) = told["edits"]
    assert one["asked"] == [9, 23] and one["frames"] == [8, 24] and one["hold"] == LIFTED
    assert "9 to 23 widened to whole tokens: 8 to 24" in capsys.readouterr().out
    group, bin_ = phrases()[LIFTED]
    shown = (bins(measures(torch.from_numpy(body)))[:, group] == bin_).numpy()
    assert one["groups"][0]["after"] == pytest.approx(shown[8:24].mean(), abs=1e-4)
    assert shown[14:24].all() and not shown[:8].any()


def test_what_is_before_an_edit_does_not_change(run: Path, clip: Path) -> None:
    weights, joints = of_checkpoint(run), read_clip(clip)
    plain = edited(weights, joints, [])
    made = edited(weights, joints, asked(weights, ["left elbow bent to 90"], [12], [20], 30))
    differs = np.abs(made.after - plain.after).max((1, 2)) > 1e-5
    assert not differs[:12].any() and differs[13:20].all()
    assert (made.held[:12] == -1).all() and (made.held[20:] == -1).all() and (made.held[12:20].max(1) >= 0).all()


def test_the_residual_counts_where_nothing_is_held_and_nowhere_else(run: Path, clip: Path) -> None:
    joints, plain, quiet = read_clip(clip), of_checkpoint(run), of_checkpoint(run)
    free, held = (asked(plain, [LIFTED], [start], [30], 30) for start in (20, 0))
    quiet.quantizer.decode = lambda ids: torch.zeros(*ids.shape[:-1], quiet.config.latent)  # type: ignore[method-assign]
    far = [np.abs(edited(plain, joints, edits).after - edited(quiet, joints, edits).after) for edits in (free, held)]
    assert far[0][:20].max() > 1e-4 and far[1].max() < 1e-6


def test_the_decoder_is_given_the_codes_that_are_held(run: Path, clip: Path) -> None:
    group, bin_ = phrases()[LIFTED]
    joints, plain, other = read_clip(clip), of_checkpoint(run), of_checkpoint(run)
    other.embed.weight.data[:, STARTS[group] + bin_] += 5.0  # no pose of the clip has this code
    edits = asked(plain, [LIFTED], [8], [16], 30)
    differs = np.abs(edited(plain, joints, edits).after - edited(other, joints, edits).after).max((1, 2)) > 1e-4
    assert differs[8:16].all() and not differs[:8].any()


def test_clips_come_as_joints_features_and_bvh_at_any_rate_and_size(tmp_path: Path) -> None:
    take = motion("walk", frames=40)
    np.save(tmp_path / "joints.npy", take)
    wanted = read_clip(tmp_path / "joints.npy")
    assert float(wanted[0, 0, [0, 2]].abs().max()) < 1e-6 and float(wanted[..., 1].min()) == pytest.approx(
        0.0, abs=1e-6
    )
    np.save(tmp_path / "features.npy", encode(torch.from_numpy(take), HUMANML3D).numpy())
    write_bvh(Motion(BODY, 20.0, take), tmp_path / "take.bvh")
    np.save(tmp_path / "large.npy", 1.25 * take + np.array([3.0, 0.5, -2.0], np.float32))
    for name, frames, off in (("features.npy", 39, 0.01), ("take.bvh", 40, 0.08), ("large.npy", 40, 1e-4)):
        found = read_clip(tmp_path / name)
        assert found.shape == (frames, 22, 3)
        assert float((found - wanted[:frames]).norm(dim=-1).mean()) < off, name
    assert len(read_clip(tmp_path / "joints.npy", 40.0)) == 20


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((8, 21, 3)), "has shape (8, 21, 3)"),
        (np.zeros((8, 22, 3)), "in one place"),
        (np.full((8, 22, 3), np.nan), "not finite in frame 0"),
        (motion("wave", frames=8) * 100, "in metres"),
        (motion("wave", frames=3), "3 frames"),
        (np.array(["a"]), "not real numbers"),
    ],
)
def test_a_clip_that_cannot_be_used_says_why(tmp_path: Path, values: np.ndarray, said: str) -> None:
    np.save(tmp_path / "clip.npy", values)
    with pytest.raises(EngineError, match=r"clip\.npy") as caught:
        read_clip(tmp_path / "clip.npy")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--hold", "left elbow bent to 91", "--from", "0", "--to", "8"], "cannot be"),
        (["--hold", "third arm up", "--from", "0", "--to", "8"], "is not known"),
        (["--hold", "none", "--from", "0", "--to", "8"], "holds nothing"),
        (["--hold", LIFTED, "--from", "8", "--to", "31"], "frames 0 to 30"),
        (["--hold", LIFTED, "--from", "8", "--to", "8"], "frames 0 to 30"),
        (["--hold", LIFTED, "--from", "8"], "0 --to"),
        ([], "at least one"),
        (
            [
                *("--hold", "left elbow bent to 90", "--from", "0", "--to", "9"),
                *("--hold", "left elbow bent to 60", "--from", "10", "--to", "20"),
            ],
            "held otherwise",
        ),
    ],
)
def test_an_edit_that_cannot_be_made_says_why_and_writes_nothing(
    run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(["motion", "edit", str(clip), str(tmp_path / "out"), "--checkpoint", str(run), *more]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()
