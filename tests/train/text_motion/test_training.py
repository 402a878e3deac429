"""The three stages train on a small set, each from the weights of the one before, and leave the others as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from engine.text.fields import FIELDS
from models import checkpoint
from models.text_motion import build
from models.text_motion.config import TOKEN
from models.text_motion.layout import HUMANML3D
from models.text_motion.posecodes.codes import bins, khot, measures
from tests.models.walkers import walker
from tests.train.text_motion.sets import Clip, small_set
from train.__main__ import main
from train.text_motion.batches import Source, TextMotionBatches, cut
from train.text_motion.data import MotionSet
from train.text_motion.settings import Settings
from train.text_motion.streams import Streams, Texts, clips, fields_of, joined, own_frame, paced, residual_ids, vectors
from train.text_motion.texts import Caption
from train.text_motion.write import write_set

torch.set_num_threads(1)
WIDTH = 8


def encoded(texts: list[str]) -> np.ndarray:
    """A vector of each text by its letters."""
    return np.array([np.bincount([ord(c) % WIDTH for c in text], minlength=WIDTH) for text in texts], np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> MotionSet:
    return MotionSet(small_set(tmp_path_factory.mktemp("set") / "set"))


@pytest.fixture(scope="module")
def made(data: MotionSet) -> tuple[Streams, Texts]:
    texts: list[str] = []
    streams = joined(clips(data, "train", {}, texts), data, texts, 2.0, 0)
    return streams, vectors(streams.texts, encoded)


def test_streams_hold_the_codes_of_their_poses(data: MotionSet, made: tuple[Streams, Texts]) -> None:
    streams, texts = made
    assert len(streams.rows) == len(streams.bins) == TOKEN * streams.tokens
    assert torch.equal(streams.bins[::97].long(), bins(measures(own_frame(streams.rows, data)))[::97])
    assert texts.rows.shape == (len(streams.texts), 12)
    said = texts.of(torch.tensor([0, -1]))
    assert torch.equal(said[0, 0], torch.from_numpy(encoded([streams.texts[0]]))[0])
    assert not said[1].any() and not texts.vectors[0].any()


def test_a_clip_comes_also_at_another_pace(data: MotionSet) -> None:
    plain, both = clips(data, "train", {}, []), clips(data, "train", {}, [], 0.5, 3)
    assert [item.name for item in both[::2]] == [item.name for item in plain]
    lengths = [len(b.rows) / len(a.rows) for a, b in zip(both[::2], both[1::2], strict=True)]
    assert all(0.6 < ratio < 1.6 and ratio != 1.0 for ratio in lengths)
    line = np.arange(11.0)[:, None, None] * np.ones((1, 22, 3))
    np.testing.assert_allclose(paced(line, 2.0)[:, 0, 0], [0, 2, 4, 6, 8], atol=1e-6)
    np.testing.assert_allclose(paced(line, 0.5)[:4, 0, 0], [0, 0.5, 1, 1.5], atol=1e-6)


def test_a_caption_of_a_part_makes_a_clip_of_that_part(tmp_path: Path) -> None:
    said = (Caption("a person walks"), Caption("someone jumps", (), 0.5, 2.0))
    own = [Clip(name, walker(HUMANML3D, 60, 1).astype(np.float32), said, name) for name in ("train", "val", "test")]
    write_set(tmp_path / "set", own)
    texts: list[str] = []
    whole, part = clips(MotionSet(tmp_path / "set"), "train", {}, texts)
    assert [texts[whole.texts[0]], texts[part.texts[0]]] == ["a person walks", "someone jumps"]
    assert len(whole.texts) == len(part.texts) == 1
    assert (len(whole.rows), len(part.rows)) == (59, 30)
    ric = HUMANML3D.slices["ric"]
    np.testing.assert_allclose(part.rows[1:, ric], whole.rows[11:40, ric], atol=1e-5)


def test_fields_that_somebody_wrote_take_the_place_of_those_that_are_read(data: MotionSet, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(data.folder, folder)
    (folder / "keywords").mkdir()
    written = [{"head": "nods"}, {"mood": "happily"}]
    (folder / "keywords" / f"{data.names('train')[0]}.json").write_text(json.dumps(written))
    said = fields_of(MotionSet(folder), ["train"])
    texts = [caption.text for caption in data.captions(data.names("train")[0])]
    assert said[texts[0]]["head"] == "nods" and said[texts[1]]["mood"] == "happily"
    made, read = vectors(texts, encoded, said), vectors(texts, encoded)
    head = made.of(torch.tensor(0))[1 + FIELDS.index("head")]
    assert torch.equal(head, torch.from_numpy(encoded(["nods"]))[0])
    assert not read.of(torch.tensor(0))[1 + FIELDS.index("head")].any()


def test_a_batch_is_what_the_streams_say(made: tuple[Streams, Texts]) -> None:
    streams, texts = made
    settings = Settings(stage="base", segment=8, rows=3)
    places = streams.starts(8)[[0, 40, 100]]
    batch = cut(Source(streams, texts), places, settings)
    for row, place in enumerate(places):
        for token in range(8):
            at = place + token
            assert torch.equal(batch["bins"][row, token], streams.bins[TOKEN * at].long())
            asked = batch["vectors"][row, batch["which"][row, token]]
            assert torch.equal(asked, texts.of(streams.text[at]))
            before = khot(streams.bins[TOKEN * (at - 1)].long()) if at % streams.length else torch.zeros(392)
            assert torch.equal(batch["previous"][row, token], before)
            assert batch["since"][row, token] == streams.since[at] and batch["last"][row, token] == streams.last[at]


def test_batches_follow_from_seed_and_step_and_hide_what_serving_may_lack(made: tuple[Streams, Texts]) -> None:
    streams, texts = made
    settings = Settings(stage="base", segment=8, rows=64, fields=0.5, fresh=0.5, corrupt=1.0)
    batches = TextMotionBatches(Source(streams, texts), settings)
    first, again, other = batches.batch(3), batches.batch(3), batches.batch(4)
    assert all(torch.equal(first[name], again[name]) for name in first if name != "seed")
    assert first["seed"] == again["seed"] != other["seed"]
    fresh = ~first["previous"][:, 0].any(-1)
    assert 10 < int(fresh.sum()) < 54
    true = khot(torch.cat([first["bins"][:, :1], first["bins"][:, :-1]], 1))
    wrong = (first["previous"] != true)[:, 1:].any(-1)
    assert 0.2 < wrong.float().mean() <= 1.0
    assert (first["previous"][:, 1:].sum(-1) == 70).all()
    with_fields = first["vectors"][:, :, 1:].flatten(1).any(1)
    assert 0 < int(with_fields.sum()) < 64
    kept = TextMotionBatches(Source(streams, texts), Settings(stage="base", segment=8, rows=64, corrupt=0.0, fresh=0.0))
    assert torch.equal(kept.batch(0)["previous"][:, 1:], khot(kept.batch(0)["bins"][:, :-1]))


def test_residual_ids_are_those_of_the_tokenizer(made: tuple[Streams, Texts]) -> None:
    streams, _ = made
    tokenizer = build("tiny").tokenizer.eval()
    found = residual_ids(tokenizer, streams)
    with torch.no_grad():
        rows = streams.rows[: TOKEN * streams.length][None]
        whole = tokenizer.encode(rows, streams.bins[: TOKEN * streams.length : TOKEN][None].long())
    assert torch.equal(found[: streams.length].long(), whole.ids[0])


def stage(data: MotionSet, out: Path, *more: str) -> int:
    words = ["text_motion", "--data", str(data.folder), "--out", str(out), "--set", "config=tiny", "--set", "rows=2"]
    sets = ["steps=4", "check_every=2", "segment=6", "minutes=2", "threads=1", "stretch=0", "average=0"]
    return main([*words, *(word for item in sets for word in ("--set", item)), *more])


def test_each_stage_trains_its_part_alone(data: MotionSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from train.text_motion import vectors as module

    class Letters:
        width = WIDTH

        def __init__(self, which: Path) -> None:
            assert which == tmp_path

        def encode(self, texts: list[str]) -> np.ndarray:
            return encoded(list(texts))

    monkeypatch.setattr(module, "Vectors", Letters)
    names = ["tokenizer", "base", "refine"]
    before: dict[str, torch.Tensor] = {}
    source: list[str] = []
    for name in names:
        assert stage(data, tmp_path / name, "--set", f"stage={name}", "--encoder", str(tmp_path), *source) == 0
        kept = checkpoint.load(tmp_path / name / "model.safetensors")
        assert kept.family == "text_motion"
        if before:
            moved = {key.partition(".")[0] for key in before if not torch.equal(before[key], kept.state[key])}
            assert moved == {name}
        before, source = kept.state, ["--from", str(tmp_path / name / "model.safetensors")]
        record = json.loads((tmp_path / name / "training.json").read_text())
        assert record["stage"] == name and len(record["checks"]) == 2
        assert all(np.isfinite(check["loss"]) for check in record["checks"])
    assert before["tokenizer.std"].min() > 0 and not torch.equal(before["tokenizer.mean"], torch.zeros(263))


def test_what_cannot_train_is_refused(data: MotionSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stage(data, tmp_path / "a", "--set", "stage=base") == 2
    assert "give --from FILE of the stage before" in capsys.readouterr().err
    assert stage(data, tmp_path / "b", "--set", "config=kit") == 2
    assert "is for kit" in capsys.readouterr().err
    with pytest.raises(EngineError, match="no clip of split 'none'"):
        clips(_without(data), "none", {}, [])


def _without(data: MotionSet) -> MotionSet:
    class Empty(MotionSet):
        def names(self, split: str) -> list[str]:
            return []

    return Empty(data.folder)
