"""The released evaluators of HumanML3D and KIT-ML (Guo et al. 2022), where a user has their files.

They are downloads of their authors, not part of this project. A folder with these files, in any sub-folders (as they
come unpacked), is given:

- ``finest.tar``: the weights (``text_mot_match/model``). Read as tensors only; a file with anything else is refused.
- ``mean.npy``, ``std.npy``: of the features the evaluator learned from (``Comp_v6_KLD005/meta`` or, as T2M-GPT, MoMask
  and PGR2M do, ``VQVAEV3_CB1024_CMT_H1024_NRES3/meta``), not the data set's own.
- ``our_vab_data.npy`` and ``our_vab_words.txt``: GloVe vectors (N, 300) and their words, one a line in the same order;
  or ``glove.txt`` in GloVe's own form, a word and 300 numbers a line. The words are released as a pickle, which can run
  code when it is read, so it is never read here: write its list as lines on a machine where that does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.text_motion.layout import Layout
from train.text_motion.evaluation.evaluators import CHUNK, Array, rows
from train.text_motion.evaluation.networks import (
    CONTACTS,
    LONGEST,
    MotionEncoder,
    MovementEncoder,
    SequenceEncoder,
    WordEncoder,
)
from train.text_motion.texts import Caption

WORD, LONGEST_TEXT = 300, 20
MOST_WORDS = 2_000_000
PARTS = ("VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV")
SPECIAL: Mapping[str, str] = {
    "place": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "body": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "object": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "act": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise wash "
    "stand kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb",
    "manner": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
"""Words that matter for motion, whose class counts as their part of speech."""
OTHER = len(PARTS) + len(SPECIAL)
TAGS = OTHER + 1
_CLASS = {word: len(PARTS) + at for at, words in enumerate(SPECIAL.values()) for word in words.split()}
FRAME = ("sos", "eos", "unk")


@dataclass(frozen=True)
class Words:
    """Vectors (N, 300) of words, ``sos``, ``eos`` and ``unk`` among them."""

    vectors: NDArray[np.float32]
    numbers: Mapping[str, int]

    def __post_init__(self) -> None:
        absent = [word for word in FRAME if word not in self.numbers]
        if absent:
            raise EngineError(f"the word vectors hold no {', '.join(absent)}; give those released with the evaluators")

    def sentence(self, tags: Sequence[str]) -> tuple[list[int], list[int]]:
        """Numbers of the words of a caption's ``word/PART`` and of their parts of speech, framed and cut as in the
        published evaluation."""
        found = [self._word(tag) for tag in ("sos/OTHER", *tags[:LONGEST_TEXT], "eos/OTHER")]
        return [word for word, _ in found], [part for _, part in found]

    def _word(self, tag: str) -> tuple[int, int]:
        word, _, part = tag.rpartition("/")
        if word not in self.numbers:
            return self.numbers["unk"], OTHER
        plain = PARTS.index(part) if part in PARTS else OTHER
        return self.numbers[word], _CLASS.get(word, plain)


@dataclass
class ReleasedEvaluator:
    """See the module docstring, and :class:`~train.text_motion.evaluation.evaluators.Evaluator`."""

    layout: Layout
    motion: MotionEncoder
    text: WordEncoder
    words: Words
    mean: torch.Tensor
    std: torch.Tensor
    learned: tuple[str, ...] = ()
    about: str = (
        "the released evaluator (Guo et al. 2022): on the full test split its numbers may be put beside papers'"
    )

    @torch.no_grad()
    def motions(self, motions: Sequence[Array]) -> Array:
        """Embeddings (N, 512)."""
        seen = [rows(motion[: LONGEST + 1], self.layout, self.mean, self.std) for motion in motions]
        parts = [self.motion(seen[start : start + CHUNK]) for start in range(0, len(seen), CHUNK)]
        return np.asarray(torch.cat(parts).double().numpy())

    @torch.no_grad()
    def texts(self, captions: Sequence[Caption]) -> Array:
        """Embeddings (N, 512) of captions, by their parts of speech. Raises :class:`EngineError` for one without."""
        bare = next((caption.text for caption in captions if not caption.tags), None)
        if bare is not None:
            raise EngineError(
                f"caption {bare[:60]!r} has no parts of speech, which the released evaluator reads; give a set whose "
                "texts have them, or evaluate without --evaluator"
            )
        found = [self.words.sentence(caption.tags) for caption in captions]
        lengths = torch.tensor([len(words) for words, _ in found])
        numbers, parts = torch.full((2, len(found), int(lengths.max())), self.words.numbers["unk"])
        parts.fill_(OTHER)
        for row, (words, tags) in enumerate(found):
            numbers[row, : len(words)], parts[row, : len(tags)] = torch.tensor(words), torch.tensor(tags)
        vectors = torch.from_numpy(self.words.vectors)[numbers]
        embedded = self.text.embed(vectors, torch.nn.functional.one_hot(parts, TAGS).float(), lengths)
        return np.asarray(embedded.double().numpy())


def released(folder: Path, layout: Layout) -> ReleasedEvaluator:
    """The evaluator of a folder. Raises :class:`EngineError` naming the file that is absent or does not fit."""
    weights = _weights(_file(folder, "finest.tar"))
    parts = {name: _state(weights, name, folder) for name in ("movement_encoder", "text_encoder", "motion_encoder")}
    movement, text, motion = parts.values()
    try:
        hidden, inputs = movement["main.0.weight"].shape[:2]
        if inputs != layout.width - CONTACTS:
            raise EngineError(
                f"{folder}: an evaluator of features with {inputs + CONTACTS} numbers, the set has {layout.width} "
                f"({layout.name}); give the one of that set"
            )
        networks = (
            MovementEncoder(inputs, hidden, len(movement["out_net.bias"])),
            WordEncoder(WORD, TAGS, len(text["input_emb.bias"]), len(text["output_net.3.bias"])),
            SequenceEncoder(
                motion["input_emb.weight"].shape[1], len(motion["input_emb.bias"]), len(motion["output_net.3.bias"])
            ),
        )
        for network, state in zip(networks, parts.values(), strict=True):
            network.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EngineError(f"{folder}: finest.tar is not the released evaluator ({reason})") from error
    moved, said, whole = networks
    mean, std = (torch.from_numpy(_numbers(_file(folder, name), (layout.width,))) for name in ("mean.npy", "std.npy"))
    return ReleasedEvaluator(
        layout, MotionEncoder(moved, whole).eval(), said.eval(), words(folder), mean, std.clamp_min(1e-8)
    )


def words(folder: Path) -> Words:
    """The word vectors of a folder, in either form."""
    own = next(iter(sorted(folder.rglob("glove.txt"))), None)
    if own is not None:
        return _own_form(own)
    if not any(folder.rglob("our_vab_words.txt")) and any(folder.rglob("our_vab_words.pkl")):
        raise EngineError(
            f"{folder}: our_vab_words.pkl is a pickle, which can run code and is never read here; write its words, one "
            "a line in the same order, into our_vab_words.txt beside it"
        )
    listed = _file(folder, "our_vab_words.txt").read_text("utf-8").splitlines()
    vectors = _numbers(_file(folder, "our_vab_data.npy"), (len(listed), WORD))
    return Words(vectors, {word: number for number, word in enumerate(listed)})


def _own_form(path: Path) -> Words:
    numbers: dict[str, int] = {}
    vectors: list[NDArray[np.float32]] = []
    with path.open(encoding="utf-8") as lines:
        for at, line in enumerate(lines, 1):
            word, *values = line.rstrip("\n").split(" ")
            if len(values) != WORD or at > MOST_WORDS:
                raise EngineError(f"{path}, line {at}: {len(values)} numbers, {WORD} are needed; give GloVe's own form")
            try:
                vectors.append(np.array(values, np.float32))
            except ValueError as error:
                raise EngineError(
                    f"{path}, line {at}: no numbers after {word[:40]!r}; give GloVe's own form"
                ) from error
            numbers.setdefault(word, at - 1)
    return Words(np.stack(vectors) if vectors else np.zeros((0, WORD), np.float32), numbers)


def _weights(path: Path) -> Mapping[str, Any]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a broken or hostile file raises has no common base
        reason = " ".join(str(error).split())[:160]
        raise EngineError(f"{path} does not read as tensors alone ({reason}); get it again from its authors") from error
    if not isinstance(found, Mapping):
        raise EngineError(f"{path} holds {type(found).__name__}, not the weights of the released evaluator")
    return found


def _state(weights: Mapping[str, Any], name: str, folder: Path) -> Mapping[str, torch.Tensor]:
    state = weights.get(name)
    if not isinstance(state, Mapping):
        raise EngineError(f"{folder}: finest.tar has no {name}; give the released evaluator (text_mot_match)")
    return state


def _file(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        told = f"{len(found)} files {name} ({', '.join(str(path) for path in found[:3])})" if found else f"no {name}"
        raise EngineError(f"--evaluator {folder}: {told}; exactly one is needed")
    return found[0]


def _numbers(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EngineError(f"{path} is no array of numbers ({' '.join(str(error).split())[:120]})") from error
    if found.shape != shape or not np.isfinite(found).all():
        raise EngineError(f"{path}: shape {found.shape}, finite numbers of shape {shape} are needed")
    return np.ascontiguousarray(found, np.float32)
