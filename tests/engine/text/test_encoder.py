"""The encoder: equal to a reference, cut where a text is too long, refusing in words what is not sound."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from engine.bundle import Bundle, BundleError
from engine.errors import EngineError
from engine.feeds.held import LONGEST_TEXT
from engine.text.encoder import TextEncoder
from tests.engine.text import made
from tests.engine.text.made import TABLE, TOKENS, WORDS, mean_of, text_bundle


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    return TextEncoder(text_bundle(tmp_path_factory.mktemp("texts")), "prompt")


@given(st.lists(st.sampled_from([*WORDS[1:], "Wave", "BOW", "unheard-of", "é"]), min_size=1, max_size=TOKENS))
def test_equal_to_the_reference(encoder: TextEncoder, words: list[str]) -> None:
    words = [word.replace("unheard-of", "unheard") for word in words]
    vector, cut = encoder.encode(" ".join(words))
    np.testing.assert_allclose(vector, mean_of(*(word.lower() for word in words)), rtol=1e-5, atol=1e-6)
    assert not cut and vector.dtype == np.float32 and not vector.flags.writeable


def test_a_text_that_is_too_long_is_cut_and_says_so(encoder: TextEncoder) -> None:
    vector, cut = encoder.encode("wave bow nod slowly twice twice")
    np.testing.assert_allclose(vector, mean_of("wave", "bow", "nod", "slowly"), rtol=1e-5)
    assert cut
    assert not encoder.encode("wave bow nod slowly").cut


def test_a_cut_text_keeps_the_token_that_closes_it(tmp_path: Path) -> None:
    bundle = text_bundle(tmp_path, tokenizer=made.word_pieces())
    vector, cut = TextEncoder(bundle, "prompt").encode("waving bow bow bow")
    np.testing.assert_allclose(vector, TABLE[[1, 3, 4, 2]].mean(0), rtol=1e-5)  # [CLS] wav ##ing [SEP]
    assert cut


@pytest.mark.parametrize("tokens", [1, 2])
def test_no_more_tokens_than_the_graph_takes_even_where_the_frame_is_longer(tmp_path: Path, tokens: int) -> None:
    bundle = text_bundle(tmp_path, tokenizer=made.word_pieces(), tokens=tokens)
    vector, cut = TextEncoder(bundle, "prompt").encode("waving bow")
    np.testing.assert_allclose(vector, TABLE[[1, 2][:tokens] if tokens == 2 else [1]].mean(0), rtol=1e-5)
    assert cut


@pytest.mark.parametrize(
    "text", ["\N{WAVING HAND SIGN}\N{VICTORY HAND}", "走って、手を振る", "иди вперёд", "?!", "é" * 900]
)
@pytest.mark.parametrize("tokenizer", [made.word_level(), made.word_pieces(), made.word_pieces(framed=False)])
def test_a_text_of_which_nothing_is_known_has_a_vector_all_the_same(
    tmp_path: Path, text: str, tokenizer: bytes
) -> None:
    assert np.isfinite(TextEncoder(text_bundle(tmp_path, tokenizer=tokenizer), "prompt").encode(text).vector).all()


def test_a_text_without_a_token_is_named(tmp_path: Path) -> None:
    """As where a tokenizer leaves out what it does not know."""
    bundle = text_bundle(tmp_path, tokenizer=made.word_pieces(framed=False))
    with pytest.raises(EngineError, match="text prompt: its encoder knows nothing of it; say it in words"):
        TextEncoder(bundle, "prompt").encode("\N{ZERO WIDTH SPACE}")


def test_what_a_tokenizer_is_told_to_fill_up_with_is_no_part_of_a_text(tmp_path: Path) -> None:
    filling = {"strategy": {"Fixed": 3}, "direction": "Left", "pad_to_multiple_of": None}
    filling |= {"pad_id": 5, "pad_type_id": 0, "pad_token": "twice"}
    bundle = text_bundle(tmp_path, tokenizer=made.strange_tokenizer(padding=filling))
    np.testing.assert_allclose(TextEncoder(bundle, "prompt").encode("bow").vector, mean_of("bow"), rtol=1e-5)


def test_a_list_of_words_is_a_tokenizer_that_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "tokenizers")
    bundle = text_bundle(tmp_path, tokenizer="\n".join(WORDS).encode(), file="words.txt")
    encoder = TextEncoder(bundle, "prompt")
    np.testing.assert_allclose(encoder.encode("Wave, slowly!").vector, mean_of("wave", "slowly"), rtol=1e-5)
    np.testing.assert_allclose(encoder.encode("sing").vector, TABLE[0], rtol=1e-5)
    assert encoder.encode("wave bow nod slowly twice").cut


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == package:
            raise ImportError(f"No module named {package!r}")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_the_package_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = text_bundle(tmp_path)
    without(monkeypatch, "tokenizers")
    with pytest.raises(EngineError, match=r"pip install 'reaction-engine\[text\]'"):
        TextEncoder(bundle, "prompt")


@pytest.mark.parametrize("text", ["", "   ", "\x00\x1b\x07", "\ud800", "a" * (LONGEST_TEXT + 1)])
def test_a_text_without_words_or_without_end_is_refused(encoder: TextEncoder, text: str) -> None:
    with pytest.raises(EngineError, match="give words"):
        encoder.encode(text)


@given(st.text(min_size=1, max_size=LONGEST_TEXT))
def test_whatever_people_send_is_a_vector_or_a_refusal(encoder: TextEncoder, text: str) -> None:
    try:
        vector, _ = encoder.encode(text)
    except EngineError as error:
        assert "give words" in str(error)
    else:
        assert vector.shape == (made.WIDTH,) and np.isfinite(vector).all()


def test_control_characters_are_no_part_of_a_text(encoder: TextEncoder) -> None:
    np.testing.assert_array_equal(
        encoder.encode("wave\x1b\r\n\tslowly\x00").vector, encoder.encode("wave slowly").vector
    )


def test_a_vector_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    table = TABLE.copy()
    table[WORDS.index("bow")] = np.nan
    encoder = TextEncoder(text_bundle(tmp_path, made.graph(table)), "prompt")
    with pytest.raises(EngineError, match="5 finite"):
        encoder.encode("wave bow")
    assert np.isfinite(encoder.encode("wave").vector).all(), "and the next text is encoded"


def test_a_graph_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    encoder = TextEncoder(text_bundle(tmp_path, made.graph(TABLE[:3])), "prompt")  # ids beyond its table
    with pytest.raises(EngineError, match=r"prompt.*texts fails.*indices"):
        encoder.encode("twice")
    assert np.isfinite(encoder.encode("wave").vector).all()


def test_a_tokenizer_that_panics_is_told_and_survived(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    encoder = TextEncoder(text_bundle(tmp_path, tokenizer=made.strange_tokenizer(pre_tokenizer=split)), "prompt")
    with pytest.raises(EngineError, match=r"fails \(PanicException"):
        encoder.encode("a" * 40 + "b")
    assert np.isfinite(encoder.encode("wave").vector).all()
    capfd.readouterr()  # the library prints where it panicked


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"{}", b"[" * 10_000, made.strange_tokenizer(model={"type": "Unheard"})]
)
def test_a_file_that_is_no_tokenizer_is_refused_with_the_bundle(tmp_path: Path, content: bytes) -> None:
    bundle = text_bundle(tmp_path, tokenizer=content)
    with pytest.raises(BundleError, match=r"tokenizer\.json is no readable tokenizer"):
        TextEncoder(bundle, "prompt")


def other_names() -> bytes:
    return made.model(
        [helper.make_node("Cast", ["ids"], ["floats"], to=TensorProto.FLOAT)],
        {"ids": (TensorProto.INT64, [1, TOKENS])},
        {"floats": (TensorProto.FLOAT, [1, TOKENS])},
        {},
    )


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (other_names(), "no input 'mask'"),
        (made.graph(name="embedding"), "no output 'vector'"),
        (made.graph(tokens=TOKENS + 1), "shape"),
        (made.graph(TABLE[:, :3].copy()), "shape"),
    ],
)
def test_a_graph_of_another_shape_is_refused_with_the_bundle(tmp_path: Path, encoder: bytes, words: str) -> None:
    bundle = text_bundle(tmp_path, encoder)
    with pytest.raises(BundleError, match=rf"encode\.onnx of text input 'prompt'.*{words}"):
        TextEncoder(bundle, "prompt")


def test_an_input_without_an_encoder_is_named(tmp_path: Path) -> None:
    bundle: Bundle = text_bundle(tmp_path)
    with pytest.raises(BundleError, match=r"'style' \(encoders: prompt\)"):
        TextEncoder(bundle, "style")
