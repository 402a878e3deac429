"""Samples end to end: where they are written, in which order, what they depend on, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from engine.errors import EngineError
from tests.train.conversation.a2p.sets import run, train
from train.conversation.a2p import denoiser
from train.conversation.a2p.diffusion import Diffusion
from train.conversation.a2p.hearing import Mel
from train.conversation.a2p.layout import HOP, PersonFolder
from train.conversation.a2p.models import CodecModel, DiffusionModel, load
from train.conversation.a2p.pickles import load_results
from train.conversation.a2p.sampling import Order, sample
from train.conversation.a2p.sound import loudest_one, recorded


def order(runs: Path, person: Path, out: Path, stage: str, **more: Any) -> Order:
    given: dict[str, Any] = {"samples": 3, "repetitions": 2, "respacing": "ddim4", "guidance": 2.0, "batch": 2}
    if stage == "pose" and "guide" not in more:
        given |= {"guide": runs / "guide/model.safetensors", "codec": runs / "codec/model.safetensors"}
    return Order(runs / stage / "model.safetensors", out, person, **{**given, **more})


def sampled(of: Order) -> dict[str, Any]:
    return load_results(sample(of))


def steps(runs: Path, stage: str) -> int:
    kept = json.loads((runs / stage / "training.json").read_text())["best"]
    return int(kept["step"])


def test_faces_are_written_as_published(runs: Path, person: Path, tmp_path: Path) -> None:
    words = ["sample", "--model", runs / "face/model.safetensors", "--data", person, "--split", "val", "--samples", 3]
    words += ["--repetitions", 2, "--respacing", "ddim2", "--out", tmp_path, "--device", "cpu"]
    assert run(*words) == 0
    folder = f"samples_face_{steps(runs, 'face'):09d}_seed10_"
    found = np.load(tmp_path / folder / "results.npy", allow_pickle=True).item()
    assert found["motions"].shape == found["gt"].shape == (6, 256, 1, 60)
    assert found["audio"].shape == (6, 60 * HOP, 2) and found["lengths"].tolist() == [60, 32, 60] * 2
    assert "keyframes" not in found and (found["num_samples"], found["num_repetitions"]) == (3, 2)
    scenes = PersonFolder(person).split("val")
    there = ~scenes[0].missing[:60]
    assert found["gt"][0, :, 0].T[there] == pytest.approx(scenes[0].codes(0, 60)[there], abs=1e-4)
    assert np.array_equal(found["audio"][2], scenes[1].audio(0, 60))
    assert (
        np.array_equal(found["audio"][1][: 32 * HOP], scenes[0].audio(60, 92))
        and not found["audio"][1, 32 * HOP :].any()
    )
    assert np.array_equal(found["gt"][:3], found["gt"][3:]) and not found["gt"][1, :, :, 32:].any()
    assert not np.array_equal(found["motions"][:3], found["motions"][3:])


def test_poses_come_by_way_of_guide_and_codec(runs: Path, person: Path, tmp_path: Path) -> None:
    path = sample(order(runs, person, tmp_path, "pose"))
    guide = f"guide_guide_{steps(runs, 'guide'):07d}"
    assert path.parent.name == f"samples_pose_{steps(runs, 'pose'):09d}_seed10_{guide}"
    found = load_results(path)
    assert found["motions"].shape == (6, 104, 1, 60) and found["keyframes"].shape == (6, 2, 104)
    codec = load(runs / "codec/model.safetensors", "codec")
    assert isinstance(codec, CodecModel)
    # they are the codec's own: of the tokens of both seconds there are some that become these poses
    keys = torch.from_numpy(found["keyframes"])
    assert torch.isfinite(keys).all()
    other = sampled(order(runs, person, tmp_path / "b", "pose", top_p=1e-9))
    assert np.array_equal(other["keyframes"][:3], other["keyframes"][3:])  # only the likeliest token is left
    assert not np.array_equal(other["motions"][:3], other["motions"][3:])
    assert not np.array_equal(found["keyframes"][:3], found["keyframes"][3:])


def test_samples_follow_from_seed_repetition_and_window_alone(runs: Path, person: Path, tmp_path: Path) -> None:
    one = sampled(order(runs, person, tmp_path / "a", "pose"))
    again = sampled(order(runs, person, tmp_path / "b", "pose", batch=3))
    fewer = sampled(order(runs, person, tmp_path / "c", "pose", samples=2, repetitions=1))
    other = sampled(order(runs, person, tmp_path / "d", "pose", seed=11))
    apart = [np.abs(one["motions"] - each["motions"]).max() for each in (again, other)]
    assert apart[0] < 1e-5 < 10 * apart[0] + 1e-5 < apart[1]
    assert np.abs(one["motions"][:2] - fewer["motions"]).max() < 1e-5
    assert np.allclose(one["keyframes"], again["keyframes"], atol=1e-5)
    assert not np.allclose(one["keyframes"], other["keyframes"], atol=1e-5)


def test_true_poses_guide_where_no_guide_is_given(runs: Path, person: Path, tmp_path: Path) -> None:
    path = sample(order(runs, person, tmp_path, "pose", guide=None, codec=None))
    assert path.parent.name.endswith("_seed10_")
    found = load_results(path)
    scene = PersonFolder(person).split("test")[0]
    assert np.array_equal(found["keyframes"][0], scene.poses()[:60:30])


def test_guide_poses_go_in_standardised_and_motions_come_out_as_they_are(
    runs: Path, person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, given = [], denoiser.Denoiser.given

    def watched(self: denoiser.Denoiser, heard: Any, keep: Any, keys: Any = None, keep_keys: Any = None) -> Any:
        seen.append(keys.poses)
        return given(self, heard, keep, keys, keep_keys)

    monkeypatch.setattr(denoiser.Denoiser, "given", watched)
    monkeypatch.setattr(Diffusion, "sample", lambda self, predict, noise, respacing: torch.zeros_like(noise))
    found = sampled(order(runs, person, tmp_path, "pose", guide=None, codec=None, samples=1, repetitions=1))
    folder = PersonFolder(person)
    keys = folder.split("test")[0].poses()[:60:30]
    assert seen[0][0].numpy() == pytest.approx((keys - folder.stats.pose_mean) / folder.stats.pose_std, abs=1e-3)
    assert found["motions"][0, :, 0, 5] == pytest.approx(folder.stats.pose_mean, abs=1e-5)


def test_lips_are_sampled_and_scored(
    runs: Path, person: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sample(order(runs, person, tmp_path, "lips"))
    found = load_results(path)
    assert found["motions"].shape == (6, 1014, 1, 60)
    assert run("score", path) == 0
    told = json.loads(capsys.readouterr().out)
    lips = [found[name][:3, :, 0] for name in ("motions", "gt")]
    rows = [
        np.concatenate([row[:, :last].T for row, last in zip(each, found["lengths"], strict=False)]) for each in lips
    ]
    made, true = (row.reshape(-1, 338, 3) - row.reshape(-1, 338, 3).mean(1, keepdims=True) for row in rows)
    assert told["lip_error"] == pytest.approx(np.linalg.norm(made - true, axis=-1).max(-1).mean(), rel=1e-4)


@pytest.mark.parametrize("frames", [20, 75, 200])
def test_windows_of_any_length_are_sampled(runs: Path, person: Path, tmp_path: Path, frames: int) -> None:
    found = sampled(order(runs, person, tmp_path, "pose", frames=frames, samples=1, repetitions=1, split="val"))
    assert found["motions"].shape == (1, 104, 1, frames) and found["lengths"].tolist() == [min(frames, 92)]
    assert found["keyframes"].shape[1] == -(-frames // 30)


def test_guidance_is_of_the_condition(runs: Path, person: Path, tmp_path: Path) -> None:
    found = {
        scale: sampled(order(runs, person, tmp_path / str(scale), "face", guidance=scale, respacing="ddim1"))["motions"]
        for scale in (0.0, 1.0, 3.0)
    }
    assert np.allclose(found[3.0] - found[0.0], 3 * (found[1.0] - found[0.0]), atol=1e-3)
    assert not np.allclose(found[1.0], found[0.0], atol=1e-3)


def test_sound_is_encoded_once_for_a_window(
    runs: Path, person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {"hearing": 0, "steps": 0}
    hear, step = Mel.forward, denoiser.Denoiser.forward

    def counted(self: Mel, rows: torch.Tensor) -> torch.Tensor:
        calls["hearing"] += 1
        return hear(self, rows)

    def stepped(self: denoiser.Denoiser, *of: Any) -> torch.Tensor:
        calls["steps"] += 1
        return step(self, *of)

    monkeypatch.setattr(Mel, "forward", counted)
    monkeypatch.setattr(denoiser.Denoiser, "forward", stepped)
    sample(order(runs, person, tmp_path / "a", "face", samples=2))
    assert calls == {"hearing": 2, "steps": 2 * 4 * 2}  # of the face and of its lips; both halves of the guidance
    calls["steps"] = 0
    sample(order(runs, person, tmp_path / "b", "face", samples=2, guidance=1.0))
    assert calls["steps"] == 4 * 2


def test_the_other_person_and_the_rewrapped_angle_are_sampled(runs: Path, person: Path, tmp_path: Path) -> None:
    plain = sampled(order(runs, person, tmp_path / "a", "face", samples=1, repetitions=1))
    other = sampled(order(runs, person, tmp_path / "b", "face", samples=1, repetitions=1, partner=person))
    assert np.array_equal(other["audio"], plain["audio"][:, :, ::-1])
    assert not np.allclose(other["motions"], plain["motions"], atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_is_sampled_for(runs: Path, tmp_path: Path, channels: int) -> None:
    time = np.arange(16_000 * 2) / 16_000
    voice = (0.2 * np.sin(2 * np.pi * 200 * time) - 0.1).astype(np.float32)
    wavfile.write(tmp_path / "me.wav", 16_000, voice if channels == 1 else np.stack([voice, 0.5 * voice], 1))
    scene = recorded(tmp_path / "me.wav")
    assert scene.frames == 60 and np.abs(scene.audio()).max() == pytest.approx(1.0, abs=0.01)
    partner = scene.audio()[:, 1]
    assert np.abs(partner).max() == pytest.approx(0.5, abs=0.01) if channels == 2 else partner.std() < 2e-3
    given: dict[str, Any] = {"data": None, "sound": tmp_path / "me.wav", "samples": None, "repetitions": 1}
    for stage, width in (("face", 256), ("pose", 104), ("lips", 1014)):
        found = sampled(dataclasses.replace(order(runs, tmp_path, tmp_path / stage, stage), **given))
        assert found["motions"].shape == (1, width, 1, 60) and "gt" not in found
        assert np.isfinite(found["motions"]).all()
    with pytest.raises(EngineError, match="no true poses to guide"):
        sample(dataclasses.replace(order(runs, tmp_path, tmp_path, "pose", guide=None, codec=None), **given))
    with pytest.raises(EngineError, match="lacks gt"):
        run("score", next((tmp_path / "face").glob("*/results.npy")))


def test_the_largest_size_of_a_sample_is_one_not_the_largest_sample() -> None:
    assert loudest_one(np.array([[0.1], [-0.5]], np.float32)).ravel() == pytest.approx([0.2, -1.0])
    assert not loudest_one(np.zeros((3, 1), np.float32)).any()


def test_guides_of_other_codecs_are_refused(runs: Path, person: Path, tmp_path: Path) -> None:
    other = train(person, tmp_path / "codec", "codec", "seed=5")
    with pytest.raises(EngineError, match="draws tokens of another codec"):
        sample(order(runs, person, tmp_path, "pose", guide=runs / "guide/model.safetensors", codec=other))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"samples": 99}, r"--samples 99: there are 8 windows of 60 frames"),
        ({"respacing": "ddim7"}, "give ddimN where N divides the 1000 steps"),
        ({"guidance": -1.0}, "--guidance -1"),
        ({"top_p": 0.0}, "--top-p 0"),
        ({"repetitions": 0}, "--repetitions 0"),
        ({"frames": 1}, "give --frames 2 or more"),
        ({"codec": Path("x")}, "--guide and --codec are for poses"),
        ({"data": None}, "give either --data PERSON or --sound WAV"),
        ({"model": Path("none.safetensors")}, "no checkpoint none.safetensors"),
        ({"split": "all"}, "no split 'all'"),
    ],
)
def test_orders_that_cannot_be_are_refused(
    runs: Path, person: Path, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(EngineError, match=told):
        sample(dataclasses.replace(order(runs, person, tmp_path, "face"), **change))


def test_a_guide_alone_is_refused(runs: Path, person: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="--guide and --codec go together"):
        sample(order(runs, person, tmp_path, "pose", guide=runs / "guide/model.safetensors", codec=None))


def test_steps_of_the_diffusion_are_those_trained_with(person: Path, tmp_path: Path) -> None:
    """The published programs have 1000, whatever is asked for."""
    model = train(person, tmp_path / "face", "face", "diffusion_steps=20", "steps=2")
    assert isinstance(load(model, "face"), DiffusionModel)
    of = Order(model, tmp_path, person, samples=1, respacing="ddim5")
    assert sampled(of)["motions"].shape == (1, 256, 1, 60)
    with pytest.raises(EngineError, match="20 steps evenly: 20, 10, 5, 4, 2, 1"):
        sample(dataclasses.replace(of, respacing="ddim100"))
