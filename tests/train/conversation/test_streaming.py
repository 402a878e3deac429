"""Training the conversation model for real on a made set: every stage learns, goes on bit for bit, and refuses."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from engine.channels import FACE
from models import checkpoint
from models.conversation import build
from models.conversation.config import ACTS, CAPTURES, MOUTH, MOUTH_NAMES, PLANS
from models.conversation.model import SPEECH, Conversation
from models.registry import create
from tests.train.conversation.sets import made_set
from train.__main__ import main
from train.conversation import windowed
from train.conversation.batches import Acted, ConversationBatches, Source, cut_off
from train.conversation.command import ConversationTraining
from train.conversation.recipe import ConversationRecipe
from train.conversation.recipe_distil import DistilRecipe
from train.conversation.recipe_windowed import WindowedRecipe
from train.conversation.settings import Settings
from train.conversation.streams import Stream, fit, fit_usual, hops, plans_of, read, styles_of

torch.set_num_threads(1)
QUICK = (
    "config=tiny",
    "lip_rows=6",
    "lip_segment=24",
    "act_rows=3",
    "act_segment=40",
    "average=0",
    "rounds=1",
    "warmup=2",
    "rate=3e-3",
)


def train(root: Path, out: Path, *options: str, steps: int = 8, settings: tuple[str, ...] = ()) -> int:
    given = [f"steps={steps}", f"check_every={steps // 2}", *QUICK, *settings]
    pairs = [item for pair in given for item in ("--set", pair)]
    return main(["conversation", "--data", str(root), "--out", str(out), *pairs, *options])


@pytest.fixture(scope="module")
def flow(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "flow"
    assert train(root, out, steps=20) == 0
    return out


def test_talks_are_read_as_they_are_heard(streams: list[Stream], root: Path) -> None:
    by_name = {item.name: item for item in streams}
    assert set(by_name) == {"talk0", "talk1", "talk2", "capture-one", "unlabelled"}
    one = by_name["talk0"]
    assert one.frames == 180 and one.heard.own.shape[0] == 180 and one.trunk is not None
    # The own voice speaks in the first second of every two, the partner in the other.
    assert one.heard.own[12:28, SPEECH].min() > 0.5 and one.heard.own[50:58, SPEECH].max() < 0.3
    assert one.heard.partner[42:58, SPEECH].min() > 0.5
    assert by_name["capture-one"].face is None and by_name["capture-one"].capture == CAPTURES.index("tracked")
    assert not by_name["unlabelled"].known[100].any() and by_name["unlabelled"].known[10].all()
    pucker = MOUTH_NAMES.index("mouthPucker")
    known = by_name["capture-one"].known
    assert not known[:, pucker].any() and known[:, np.arange(len(MOUTH)) != pucker].all()
    assert one.shut.nonzero().flatten().tolist() == [6, 7, 8, 63]
    # Words and silence tell what is no closing; speech of which no word is known does not.
    assert one.spelt[3:15].min() == 1 and one.spelt[16:28].max() == 0 and one.spelt[50:58].min() == 1
    assert by_name["capture-one"].spelt.max() == 0
    assert one.plans[36, PLANS.index("nod")] == 1 and one.plans[60, PLANS.index("smile")] == 1
    assert {item.mood for item in streams} == {0, 1, 2} and styles_of(root) == ("ada", "ben")
    assert hops(np.zeros(16_000, np.float32), 16_000, 40).shape == (40, 500)


def test_how_wide_captured_mouths_open_is_taken_from_them(streams: list[Stream], model: Conversation) -> None:
    jaw = MOUTH_NAMES.index("jawOpen")
    for kind in range(len(CAPTURES)):
        own = torch.cat([item.mouth[item.known[:, jaw], jaw] for item in streams if item.capture == kind])
        low, high = torch.quantile(own[own > 0.03], torch.tensor([0.7, 0.95]))
        assert low < model.lips.reach[kind] < high


def test_what_is_usual_is_how_often_plans_begin(streams: list[Stream], model: Conversation) -> None:
    fit_usual(model := copy.deepcopy(model), streams)
    plans = torch.cat([item.plans for item in streams if item.face is not None]).mean(0)
    often = PLANS.index("blink")
    assert plans[often] > 0 and torch.isclose(model.usual[often].sigmoid(), plans[often])
    assert torch.allclose(model.usual[plans == 0].sigmoid(), torch.tensor(1e-4), atol=1e-6) and (plans == 0).any()


def test_blinks_looks_and_strokes_are_found_where_they_begin() -> None:
    face = np.zeros((60, 58), np.float32)
    face[20:26, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]] = 0.9
    face[30:50, [FACE["eyeLookOutLeft"], FACE["eyeLookInRight"]]] = 0.8
    trunk = np.zeros((60, 48), np.float32)
    trunk[30:40, 20] = np.linspace(0.0, 1.0, 10)
    trunk[40:, 20] = 1.0
    plans = plans_of([("nod", 0.5), ("laugh", 0.5), ("nod", 99.0)], face, trunk)
    assert plans[:, PLANS.index("blink")].nonzero()[0].tolist() == [19]
    assert plans[:, PLANS.index("away")].nonzero()[0].tolist() == [29]
    assert plans[:, PLANS.index("back")].nonzero()[0].tolist() == [49]
    (stroke,) = plans[:, PLANS.index("stroke")].nonzero()[0]
    assert 26 <= stroke <= 31 and plans[:, PLANS.index("nod")].nonzero()[0].tolist() == [15]
    assert plans_of([], face, None)[:, PLANS.index("stroke")].sum() == 0


def test_a_face_without_parts_is_divided_by_where_the_own_voice_speaks(model: Conversation, tmp_path: Path) -> None:
    folder = made_set(tmp_path / "set", 4.0, 1)
    for path in (folder / "train").glob("talk0.npz"):
        with np.load(path) as stored:
            np.savez(path.with_suffix(".x"), face=stored["face"])
        shutil.move(path.with_suffix(".x.npz"), path)
    item = next(each for each in read(model, folder, "train") if each.name == "talk0")
    jaw = MOUTH_NAMES.index("jawOpen")
    assert item.mouth[5:28, jaw].max() > 0.3 and item.mouth[45:55].abs().max() == 0
    assert item.face is not None and item.face[45:55, FACE["mouthSmileLeft"]].min() > 0
    assert item.face[10:25][:, list(MOUTH)].abs().max() == 0


def test_targets_lag_what_is_heard_by_the_look_ahead(streams: list[Stream], model: Conversation) -> None:
    settings = Settings(config="tiny", lip_rows=4, lip_segment=24, lip_burn=4, act_rows=3, act_segment=40, act_burn=5)
    for ahead in (0, 2):
        shifted = build(dataclasses.replace(model.config, lookahead=ahead))
        fit(shifted, streams)
        source = Source([item for item in streams if item.name == "talk1"], shifted, settings)
        batch = source.draw(np.random.default_rng(3), plain=True)
        item = source.acted[0]
        for row in range(3):
            own = batch["acts.own"][row]
            first = next(k for k in range(180) if torch.equal(item.stream.heard.own[k : k + 40], own))
            assert torch.allclose(batch["acts.wanted"][row], item.numbers[first - ahead : first - ahead + 40])
            assert torch.allclose(batch["acts.before"][row, :, 0], item.numbers[first - ahead - 1 : first - ahead + 39])
            assert torch.allclose(batch["acts.past"][row], item.past[first - ahead : first - ahead + 40])
        assert (batch["acts.judged"][:, :5] == 0).all() and (batch["acts.judged"][:, 5:] >= 1).all()
        assert (batch["lips.known"][:, :4] == 0).all() and (batch["lips.spelt"][:, :4] == 0).all()
        for row in range(4):
            own = batch["lips.own"][row]
            first = next(k for k in range(180) if torch.equal(item.stream.heard.own[k : k + 24], own)) - ahead
            for name in ("shut", "spelt"):
                told = pad(getattr(item.stream, name), (ahead, 0))[first + ahead :][:24]
                assert torch.equal(batch[f"lips.{name}"][row, 4:], told[4:])
        faulty = dataclasses.replace(settings, cut=1.0, lip_rows=12)
        cut = Source(source.spoken, shifted, faulty).draw(np.random.default_rng(3), plain=False)
        assert (cut["lips.spelt"][:, -8:] == 0).all() and cut["lips.spelt"].any(), "a cut voice says no words"


def test_what_begins_astray_comes_back(streams: list[Stream], model: Conversation) -> None:
    settings = Settings(config="tiny", part="acts", act_rows=3, act_segment=120, astray=2.0, unseen=1.0, alone=0.0)
    source = Source([item for item in streams if item.name == "talk1"], model, settings)
    batch = source.draw(np.random.default_rng(3), plain=False)
    item = source.acted[0]
    truth = [item.numbers[max(0, k) : k + 120] for k in range(60)]
    gaps = []
    for row in range(3):
        wanted = batch["acts.wanted"][row]
        apart = min((wanted[-20:] - each[-20:]).abs().max() for each in truth if len(each) == 120)
        assert apart < 0.35
        gaps.append(float(min((wanted[:5] - each[:5]).abs().max() for each in truth if len(each) == 120)))
    assert max(gaps) > 1.0
    # The features of the past tell the same as the frame before.
    assert torch.allclose(batch["acts.past"][:, :, :ACTS], batch["acts.before"][:, :, 0], atol=1e-4)
    assert batch["acts.face"].abs().max() == 0


def test_a_voice_that_is_cut_off_closes_its_mouth(model: Conversation) -> None:
    own, mouth = torch.randn(30, model.voice.raw_width), torch.ones(30, 4)
    closed = torch.full((4,), -1.0)
    silent, after = cut_off(own, mouth, closed, 10, 1)
    assert torch.equal(silent[:10], own[:10]) and torch.equal(after[:11], mouth[:11])
    assert torch.allclose(after[13:], closed.expand(17, 4)) and (after[11] < 1).all()
    assert (silent[10:, SPEECH].diff() < 0).all() and (silent[10:, :4] < -2).all()


def test_it_learns_and_hands_out_what_serves(flow: Path) -> None:
    record = json.loads((flow / "training.json").read_text())
    first, last = record["checks"][0], record["checks"][-1]
    # The loss of acts is in units of the sizes, which are learned at the same time.
    assert all(first[term] > last[term] for term in ("lips", "closings", "plans")), (first, last)
    assert record["config"]["styles"] == ["ada", "ben"] and record["stage"] == "stream"
    made = create("conversation", flow / "model.safetensors")
    assert made.spec.input("style").names == ("ada", "ben")
    assert made.lips.codec.mean.abs().max() > 0 and made.codec.pace.min() > 0  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("settings", [("head=rolling",), ("stage=windowed", "lip_segment=32", "lip_burn=0")])
def test_every_form_goes_on_bit_for_bit(root: Path, tmp_path: Path, settings: tuple[str, ...]) -> None:
    assert train(root, tmp_path / "whole", settings=settings) == 0
    assert train(root, tmp_path / "parts", "--minutes", "0", settings=settings) == 0
    for _ in range(12):
        if (tmp_path / "parts" / "model.safetensors").is_file():
            done = json.loads((tmp_path / "parts" / "training.json").read_text())["last"]["step"]
            if done == 8:
                break
        assert train(root, tmp_path / "parts", "--minutes", "0", "--resume", settings=settings) == 0
    whole, parts = (checkpoint.load(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert whole.config == parts.config
    assert all(torch.equal(value, parts.state[name]) for name, value in whole.state.items())


def test_a_flow_is_distilled_to_one_step(root: Path, flow: Path, tmp_path: Path) -> None:
    before = checkpoint.load(flow / "model.safetensors")
    settings = ("stage=distil", "rounds=0")
    assert train(root, tmp_path / "one", "--from", str(flow / "model.safetensors"), settings=settings) == 0
    after = checkpoint.load(tmp_path / "one" / "model.safetensors")
    assert after.config["steps"] == 1 and before.config["steps"] > 1
    changed = {name for name, value in after.state.items() if not torch.equal(value, before.state[name])}
    assert changed and all(name.startswith(("head.", "lips.head.")) for name in changed)
    assert train(root, tmp_path / "none", settings=("stage=distil",)) == 2
    rolling = tmp_path / "rolling"
    assert train(root, rolling, settings=("head=rolling",)) == 0
    given = ("--from", str(rolling / "model.safetensors"))
    assert train(root, tmp_path / "not", *given, settings=("stage=distil",)) == 2


def test_what_a_recording_did_not_solve_is_not_asked_for(streams: list[Stream], model: Conversation) -> None:
    settings = Settings(config="tiny", part="lips", lip_rows=4, lip_segment=24, lip_burn=2, recorded=1.0)
    source = Source([item for item in streams if item.name == "capture-one"], model, settings)
    batch = source.draw(np.random.default_rng(0), plain=True)
    pucker, jaw = MOUTH_NAMES.index("mouthPucker"), MOUTH_NAMES.index("jawOpen")
    assert batch["lips.known"][:, 4:, jaw].all() and not batch["lips.known"][..., pucker].any()
    net = windowed.WindowedLips(windowed.WindowedConfig(heard=model.voice.raw_width, segment=24, width=16))
    loose = copy.deepcopy(model)
    with torch.no_grad():  # so that what is drawn depends on what is given
        for value in (*loose.parameters(), *net.parameters()):
            value.add_(0.3 * torch.randn_like(value))
    recipes = [
        ConversationRecipe(copy.deepcopy(loose), settings, {}),
        DistilRecipe(copy.deepcopy(loose), settings, {}),
        WindowedRecipe(net, settings, {}),
    ]

    def loss(recipe: ConversationRecipe | WindowedRecipe, channel: int | None) -> float:
        changed = {**batch, "lips.mouth": batch["lips.mouth"].clone()}
        if channel is not None:
            changed["lips.mouth"][..., channel] += 2.0
        recipe.model.eval()
        torch.manual_seed(0)
        found = recipe._loss(changed) if isinstance(recipe, WindowedRecipe) else recipe.terms(changed)["lips"]
        return float(found.detach())

    for recipe in recipes:
        assert loss(recipe, pucker) == pytest.approx(loss(recipe, None), rel=1e-5)
        assert abs(loss(recipe, jaw) - loss(recipe, None)) > 1e-3 * loss(recipe, None)


@pytest.mark.parametrize(("stage", "ahead"), [("windowed", 0), ("stream", 1)])
def test_a_window_is_told_the_mouth_of_its_own_frames(root: Path, stage: str, ahead: int) -> None:
    asked = argparse.Namespace(data=root, windowed=None, before=None)
    settings = Settings(config="tiny", stage=stage, lip_segment=40, lip_burn=0)
    prepared = ConversationTraining().prepare(asked, settings, None)
    assert isinstance(prepared.batches, ConversationBatches) and prepared.batches.source.lookahead == ahead


def test_windowed_lips_label_voices_nobody_captured(root: Path, model: Conversation, tmp_path: Path) -> None:
    out = tmp_path / "windowed"
    settings = ("stage=windowed", "lip_segment=40", "lip_burn=0")
    assert train(root, out, settings=settings) == 0
    teacher = windowed.load(out / "model.safetensors")
    streams = read(model, root, "train")
    labelled = windowed.labelled(streams, teacher, 1.0, 0)
    for before, after in zip(streams, labelled, strict=True):
        assert after.known.any(-1).all() and torch.equal(after.mouth[before.known], before.mouth[before.known])
        assert bool(before.known.any(-1).all()) <= torch.equal(after.known, before.known)
    changed = next(item for item in labelled if item.name == "unlabelled")
    assert changed.capture == CAPTURES.index("tracked") and changed.mouth[60:].abs().max() > 0
    long = teacher.mouths(torch.randn(200, model.voice.raw_width), 0)
    assert long.shape == (200, len(MOUTH))
    assert train(root, tmp_path / "with", "--windowed", str(out / "model.safetensors"), steps=2) == 0
    learned = checkpoint.load(tmp_path / "with" / "model.safetensors").state
    fit(bare := copy.deepcopy(model), streams)  # what is fitted are captured mouths, not those that were made
    assert torch.equal(learned["lips.reach"], bare.lips.reach)
    assert torch.equal(learned["lips.codec.mean"], bare.lips.codec.mean)
    assert train(root, tmp_path / "wrong", "--windowed", str(tmp_path / "with" / "model.safetensors")) == 2


def test_what_cannot_be_trained_on_is_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made_set(tmp_path / "set", 3.0, 1)
    shutil.rmtree(folder / "dev")
    assert train(folder, tmp_path / "out") == 2
    assert "has no talks in dev/" in capsys.readouterr().err
    assert train(root, tmp_path / "short", settings=("act_burn=50",)) == 2
    assert "longer segments" in capsys.readouterr().err
    assert train(root, tmp_path / "huge", settings=("config=huge",)) == 2
    assert "no config 'huge'" in capsys.readouterr().err


def test_what_a_plan_begins_counts_more(streams: list[Stream], model: Conversation) -> None:
    acted = Acted(next(item for item in streams if item.name == "talk0"), model)
    assert acted.busy[36:56].min() == 1 and acted.busy[:30].max() <= 1
    assert acted.past.shape == (180, model.past.width) and (acted.past[0, :ACTS] == 0).all()
    assert torch.allclose(acted.past[1:, :ACTS], acted.numbers[:-1])
