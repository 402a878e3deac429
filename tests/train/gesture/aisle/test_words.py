"""Which token is spoken at a frame, and what stands for a token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from models.gesture.words import vocabulary
from tests.train.gesture.aisle.sets import made_set
from train.gesture.aisle.gesticulator import word_times
from train.gesture.aisle.settings import Settings
from train.gesture.aisle.text import text_of
from train.gesture.aisle.words import Source, joined, source_of, spoken
from train.gesture.pats.reader import PatsSet
from train.speech.talk import SpokenWord

torch.set_num_threads(1)


def test_a_word_has_the_frames_that_it_touches() -> None:
    words = (SpokenWord("a", 0.1, 0.3), SpokenWord("b", 0.3, 0.32), SpokenWord("c", 0.6, 1.0))
    #        frames 1.5..4.5; 4.5..4.8 takes frame 4; 9..15, cut at 12
    assert spoken(words, 12, [1, 1, 1]).tolist() == [0, 1, 1, 1, 2, 0, 0, 0, 0, 3, 3, 3]
    assert spoken(words, 12, [1, 1, 2]).tolist() == [0, 1, 1, 1, 2, 0, 0, 0, 0, 3, 3, 3]
    assert spoken(words, 16, [1, 1, 2]).tolist() == [0, 1, 1, 1, 2, 0, 0, 0, 0, 3, 3, 3, 4, 4, 4, 0]
    late = (SpokenWord("z", 5.0, 6.0),)
    assert not spoken(late, 12, [1]).any()


def test_intervals_count_on() -> None:
    words = (SpokenWord("a", 0.0, 0.1),)
    assert joined([words, (), words], [3, 2, 3], [[2], [], [1]]).tolist() == [1, 2, 0, 0, 0, 3, 3, 0]


@given(st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=1, max_size=4))
def test_every_frame_finds_its_token(rows: list[list[int]]) -> None:
    numbers = torch.tensor(rows).sort(1).values
    table = torch.arange(10) * 7
    text = text_of(numbers, table)
    assert torch.equal(text.tokens.gather(1, text.at), table[numbers])
    assert not text.tokens[:, 0].any()  # no word has its token in every window
    for row, found in zip(numbers, text.length.tolist(), strict=True):
        assert found == len({0, *row.tolist()})
    mask = text.blocked(2)
    assert mask.shape == (2 * len(rows), 6, text.tokens.shape[1]) and bool(((~mask).sum(-1) == 1).all())


def test_times_of_words() -> None:
    told = word_times(torch.tensor([[0, 2, 2, 2, 0, 3]]))[0]
    assert not told[0].any() and not told[4].any()
    np.testing.assert_allclose(told[2] * torch.tensor([15, 1, 15, 15]), [2, 2 / 3, 1, 3], atol=1e-6)
    np.testing.assert_allclose(told[5] * torch.tensor([15, 1, 15, 15]), [1, 1, 0, 1], atol=1e-6)


def test_learned_ids_are_of_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    intervals = PatsSet(made_set(tmp_path / "set", 40)).intervals("dev")
    source = source_of(Settings(), intervals)
    assert source == Source("table")
    found = source.tokens(intervals, [40] * len(intervals))
    said = [word.text for interval in intervals for word in interval.words()]
    assert found.table.tolist() == [0, *(vocabulary().index(word) + 1 for word in said)]
    with pytest.raises(EngineError, match="text_static_minilm64"):
        source_of(Settings(words="static"), intervals)
    with pytest.raises(EngineError, match="text/w2v in every interval"):
        source_of(Settings(words="w2v"), intervals)


def test_bert_reads_pieces(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="BERT is read by transformers, which is not installed")
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nup\n##per\ndown\nbig\n")
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    source = Source("bert", tmp_path)
    intervals = PatsSet(made_set(tmp_path / "set", 40)).intervals("dev")
    found = source.tokens(intervals, [40] * len(intervals))
    assert found.table[0] == 2 and set(found.table[1:].tolist()) <= {1, 5, 7, 8}
    made = source.encoder(16)(text_of(found.at[None, :40], found.table))
    assert made.shape[0] == 1 and made.shape[2] == 16


def test_a_folder_that_is_no_bert_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"transformers"):
        Source("bert", tmp_path).encoder(16)
