"""The face tokenizer: a faithful round trip, one id per frame from no later frame, and no id that breaks it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.channels import FACE
from engine.errors import EngineError
from models.listener_rules.gaze import eye_weights
from models.listening.folded_names import FOLDED_NAMES
from models.reaction import FaceTokenizer
from models.reaction.config import AIS_GROUPS, DEFAULT_GROUPS
from models.reaction.quantizer import Quantizer
from train.reaction.fitting import fit_tokenizer
from train.report import events


def lively(seed: int, frames: int = 1500) -> np.ndarray:
    """A face that sways, nods, blinks, looks aside and smiles."""
    rng = np.random.default_rng(seed)
    face = np.zeros((frames, 58), np.float32)
    time = np.arange(frames) / 25.0

    def slow(amount: float) -> np.ndarray:
        hertz, phase = np.geomspace(0.05, 2.0, 12) * rng.uniform(0.8, 1.2, 12), rng.uniform(0, 6, 12)
        return amount * (np.sin(2 * np.pi * hertz * time[:, None] + phase) / (1 + 4 * hertz)).sum(1)

    for name in ("headPitch", "headYaw", "headRoll"):
        face[:, FACE[name]] = slow(0.02)
    for name in ("headX", "headY", "headZ"):
        face[:, FACE[name]] = slow(0.005)
    for start in range(60, frames - 40, 150):
        bump = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(15) / 15)
        face[start : start + 15, FACE["headPitch"]] += 0.08 * bump
    for start in range(30, frames - 10, int(rng.integers(70, 110))):
        face[start : start + 8, [FACE["eyeBlinkLeft"], FACE["eyeBlinkRight"]]] = np.array(
            [0.4, 1.0, 1.0, 0.8, 0.5, 0.3, 0.15, 0.05], np.float32
        )[:, None]
    yaw = 0.4 * np.sign(np.sin(time / 3.0)) * (np.sin(time) > 0.6)
    face[:, FACE["eyeLookOutLeft"]] = face[:, FACE["eyeLookInRight"]] = np.maximum(yaw, 0)
    face[:, FACE["eyeLookInLeft"]] = face[:, FACE["eyeLookOutRight"]] = np.maximum(-yaw, 0)
    smile = np.clip(slow(0.4), 0, 1)
    face[:, FACE["mouthSmileLeft"]], face[:, FACE["mouthSmileRight"]] = smile, 0.94 * smile
    face[:, FACE["browInnerUp"]] = np.clip(slow(0.2), 0, 1)
    return face


@pytest.fixture(scope="module")
def fitted() -> FaceTokenizer:
    tokenizer = FaceTokenizer(DEFAULT_GROUPS)
    fit_tokenizer(tokenizer, [lively(seed) for seed in range(4)])
    return tokenizer


def there_and_back(tokenizer: FaceTokenizer, face: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    start = tokenizer.initial_state(1)
    ids, _ = tokenizer.encode(torch.from_numpy(face)[None], start)
    shown, _ = tokenizer.decode(ids, start)
    return ids, shown[0].numpy()


def test_round_trip_moves_as_the_face_did(fitted: FaceTokenizer):
    face = lively(9)
    ids, shown = there_and_back(fitted, face)
    assert ids.shape == (1, len(face), len(DEFAULT_GROUPS))
    assert ((shown[50:] - face[50:]) ** 2).mean() < 0.05 * face[50:].var(0).mean()
    assert len(events.nods(shown, 25)) == len(events.nods(face, 25))
    assert abs(len(events.blinks(shown, 25)) - len(events.blinks(face, 25))) <= 1
    for part in (slice(52, 55), slice(55, 58)):
        ratio = events.jerk(shown[50:, part].astype(float), 25) / events.jerk(face[50:, part].astype(float), 25)
        assert 0.6 < ratio < 1.6


def test_one_absolute_id_is_coarser_where_it_shows(fitted: FaceTokenizer):
    ais = FaceTokenizer(AIS_GROUPS)
    fit_tokenizer(ais, [lively(seed) for seed in range(4)])
    assert ais.codes == (1000,)
    face = lively(9)
    coarse, fine = (there_and_back(tokenizer, face)[1] for tokenizer in (ais, fitted))
    errors = [np.square(shown[50:, 52:55] - face[50:, 52:55]).mean() for shown in (coarse, fine)]
    assert errors[0] > 5 * errors[1]
    assert len(events.nods(coarse, 25)) != len(events.nods(fine, 25)) == len(events.nods(face, 25))


def test_an_id_depends_on_no_later_frame_and_chunks_do_not_matter(fitted: FaceTokenizer):
    face = torch.from_numpy(lively(3, 300))[None]
    start = fitted.initial_state(1)
    whole, _ = fitted.encode(face, start)
    changed = face.clone()
    changed[:, 200:] += 0.3
    other, _ = fitted.encode(changed, start)
    assert torch.equal(whole[:, :200], other[:, :200]) and not torch.equal(whole[:, 200:], other[:, 200:])
    pieces, state = [], start
    for piece in face.split(70, 1):
        ids, state = fitted.encode(piece, state)
        pieces.append(ids)
    assert torch.equal(whole, torch.cat(pieces, 1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), frames=st.integers(1, 400))
def test_any_ids_decode_to_a_face_in_range(fitted: FaceTokenizer, seed: int, frames: int):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.stack([torch.randint(0, codes, (2, frames), generator=generator) for codes in fitted.codes], -1)
    face, state = fitted.decode(ids, fitted.initial_state(2))
    assert torch.isfinite(face).all() and all(torch.isfinite(value).all() for value in state.values())
    assert face[..., :52].min() >= 0 and face[..., :52].max() <= 1 and face[..., 52:].abs().max() <= 3.2


@given(groups=st.lists(st.lists(st.integers(2, 11), min_size=1, max_size=4), min_size=1, max_size=4))
def test_ids_and_levels_are_two_names_of_the_same(groups: list[list[int]]):
    quantizer = Quantizer(groups)
    rng = np.random.default_rng(1)
    levels = torch.from_numpy(np.stack([rng.integers(0, n, 50) for group in groups for n in group], -1))
    ids = quantizer.pack(levels)
    assert torch.equal(quantizer.unpack(ids), levels)
    assert all(int(ids[:, head].max()) < codes for head, codes in enumerate(quantizer.codes))


@given(levels=st.integers(2, 12), growth=st.floats(1.0, 4.0), step=st.floats(1e-4, 1.0))
def test_a_level_quantises_to_itself(levels: int, growth: float, step: float):
    quantizer = Quantizer([[levels]])
    quantizer.step.fill_(step)
    quantizer.growth.fill_(growth)
    every = torch.arange(levels)[:, None]
    assert torch.equal(quantizer.quantise(quantizer.value(every)), every)
    values = quantizer.value(every)[:, 0]
    assert (values.diff() > 0).all() and torch.allclose(values, -values.flip(0), atol=1e-6)


def test_gaze_folds_and_unfolds(fitted: FaceTokenizer):
    assert len(FOLDED_NAMES) == 54 and "gazeOutLeft" in FOLDED_NAMES
    face = torch.zeros(1, 58)
    face[0, FACE["eyeLookOutLeft"]], face[0, FACE["eyeLookUpRight"]] = 0.5, 0.25
    folded = face @ fitted.fold
    assert folded[0, FOLDED_NAMES.index("gazeOutLeft")] == 0.5
    assert folded[0, FOLDED_NAMES.index("gazeDownRight")] == -0.25
    assert torch.equal((folded @ fitted.unfold).clamp(0, 1), face)


@given(yaw=st.floats(-0.4, 0.4), pitch=st.floats(-0.3, 0.3), side=st.floats(-0.1, 0.1))
def test_a_gaze_tells_where_is_looked_however_the_head_turns(yaw: float, pitch: float, side: float):
    tokenizer = FaceTokenizer(DEFAULT_GROUPS)
    face = torch.zeros(2, 58)
    for row, (turned, lowered) in enumerate(((0.0, 0.0), (yaw, pitch))):
        eyes = eye_weights(torch.tensor(side - turned), torch.tensor(-lowered))
        for name, value in eyes.items():
            face[row, FACE[name]] = value
        face[row, FACE["headYaw"]], face[row, FACE["headPitch"]] = turned, lowered
    folded = face @ tokenizer.fold
    gaze = [index for index, name in enumerate(FOLDED_NAMES) if name.startswith("gaze")]
    # Up and down have scales of their own in ARKit and one here: some are off by a tenth of the turn.
    torch.testing.assert_close(folded[0, gaze], folded[1, gaze], atol=0.1 * abs(pitch) / 0.44 + 1e-5, rtol=0)
    back = folded @ tokenizer.unfold
    torch.testing.assert_close(back.clamp(0, 1)[:, :52], face[:, :52], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "faces", [[], [np.zeros((100, 58))], [np.zeros((800, 57))], [np.full((800, 58), np.nan)]], ids=str
)
def test_what_cannot_be_fitted_is_named(faces: list[np.ndarray]):
    with pytest.raises(EngineError, match="face"):
        fit_tokenizer(FaceTokenizer(DEFAULT_GROUPS), faces)


def test_what_strays_farther_than_listeners_do_is_drawn_back_where_it_is_leashed(fitted: FaceTokenizer) -> None:
    """The same push in every frame: a leashed latent finds an end a few deviations out, another goes to the bound."""
    push = 0.1 * fitted.spread * torch.ones(1, 1500, 1)
    track, _ = fitted.follow(push, fitted.initial_state(1))
    far = (track.latent[0, -1] / fitted.spread).abs()
    leashed = fitted.leashed > 0.0
    assert leashed.sum() == 3 and [group.name for group in fitted.groups if group.leashed] == ["translation"]
    assert far[leashed].max() < 6.0 < 11.9 < far[~leashed].min()
    _, state = fitted.follow(push[:, :400], fitted.initial_state(1))
    back, _ = fitted.follow(torch.zeros_like(push), state)
    assert (back.latent[0, -1] / fitted.spread).abs()[leashed].max() < 2.2
    small = fitted.follow(0.0 * push, {**state, "latent": fitted.spread[None], "speed": 0.0 * fitted.spread[None]})[0]
    torch.testing.assert_close(small.latent[0, -1], fitted.spread)  # within what listeners do nothing pulls
