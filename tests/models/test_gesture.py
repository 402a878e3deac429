"""The gesture model: phases follow each other, controls do what they say, words count when known, rest is rest."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.body.motion import forward_kinematics
from engine.body.solve import rotations_of
from engine.errors import EngineError
from engine.roles import WORD
from models.contract import Tensors, initial_state
from models.gesture import Gesture, build
from models.gesture.body import UPPER, WIDTH, Poses
from models.gesture.config import BODY, CLUSTERS, HOP, RATE, SAMPLE_RATE, GestureConfig, configuration
from models.gesture.decoder import Mixture
from models.gesture.hearing import Hearing
from models.gesture.idle import AXES, DRAWS, Idle
from models.gesture.plan import FOLLOWS, HOLD, LONGEST, PHASES, PREPARATION, REST, STROKE, Clock, advanced, unpacked
from models.gesture.words import WordFeatures, vocabulary

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> Gesture:
    """Small and with random weights."""
    torch.manual_seed(1)
    made = build("tiny").eval()
    made.hands.copy_(torch.tensor([1.0, -1.0, 0.0, 1.0]))
    return made


def inputs(model: Gesture, frames: int, seed: int = 0, batch: int = 1, **controls: float) -> Tensors:
    """A noisy voice, no words, the usual controls but those given."""
    generator = torch.Generator().manual_seed(seed)
    made: Tensors = {}
    for item in model.spec.inputs:
        shape = (batch, frames, *item.shape)
        if item.role == "control":
            made[item.name] = torch.full(shape, float(controls.get(item.name, item.missing)))
        elif item.role == "noise":
            made[item.name] = torch.rand(shape, generator=generator)
        elif item.role == "audio":
            made[item.name] = 0.1 * torch.randn(shape, generator=generator)
        else:
            made[item.name] = torch.ones(shape) if item.role == "validity" else torch.zeros(shape)
    return made


def run(model: Gesture, given: Tensors) -> Tensors:
    with torch.inference_mode():
        return model.scan(given, model.initial_state(next(iter(given.values())).shape[0]))[0]


def test_phases_follow_each_other(model: Gesture) -> None:
    ids = run(model, inputs(model, 400, temperature=1.5, batch=2))["ids"]
    assert set(ids[..., 0].unique().tolist()) == set(range(len(PHASES)))
    for row in ids[..., 0].tolist():
        assert row[0] in FOLLOWS[REST]
        assert all(after in FOLLOWS[before] for before, after in itertools.pairwise(row))
    assert ids[..., 1].max() < model.config.kinds and ids[..., 2].max() <= 1


def test_no_gesture_begins_at_rate_0_and_more_begin_at_a_higher_one(model: Gesture) -> None:
    def begun(rate: float) -> int:
        phase = run(model, inputs(model, 600, rate=rate))["ids"][0, :, 0]
        return int(((phase[1:] == PREPARATION) & (phase[:-1] != PREPARATION)).sum())

    assert begun(0.0) == 0
    assert begun(0.3) < begun(3.0)


def test_the_rate_leaves_a_preparation_under_way_alone(model: Gesture) -> None:
    given = inputs(model, 1)
    previous = torch.tensor([[[PREPARATION, 0, 0]]])
    state = model.initial_state(1)
    with torch.inference_mode():
        usual, often = (
            model.network(given | {"rate": torch.tensor([[rate]])}, previous, state)[0][0, 0, 0] for rate in (1.0, 3.0)
        )
        assert torch.equal(usual, often)
        resting = torch.tensor([[[REST, 0, 0]]])
        usual, often = (
            model.network(given | {"rate": torch.tensor([[rate]])}, resting, state)[0][0, 0, 0] for rate in (1.0, 3.0)
        )
    assert often[PREPARATION] - usual[PREPARATION] == pytest.approx(torch.tensor(3.0).log().item(), abs=1e-4)
    assert torch.equal(often[:1], usual[:1])


@pytest.mark.parametrize("hand", [1.0, -1.0])
def test_handedness_prefers_the_kinds_of_a_hand(model: Gesture, hand: float) -> None:
    ids = run(model, inputs(model, 900, handedness=hand))["ids"][0]
    phase, kind = ids[:, 0], ids[:, 1]
    begins = (phase == PREPARATION) & (torch.roll(phase, 1) != PREPARATION)
    sides = model.hands[kind[begins]]
    assert begins.sum() > 10 and (sides == hand).float().mean() > 0.85


def test_amplitude_0_stands_at_rest_but_for_breath_and_looks(model: Gesture) -> None:
    still, moved = (run(model, inputs(model, 60, amplitude=size)) for size in (0.0, 1.0))
    hand = BODY.index("rHand")
    assert torch.equal(still["ids"], moved["ids"])
    assert (still["body"][..., hand, :] - still["body"][:, :1, hand, :]).norm(dim=-1).max() < 0.06
    assert (still["body"] - moved["body"]).abs().max() > 0.05
    feet = [BODY.index(foot) for foot in BODY.feet]
    assert (moved["body"][:, :, feet] - moved["body"][:, :1, feet]).abs().max() < 1e-6


def test_another_style_at_amplitude_0_makes_no_jump() -> None:
    torch.manual_seed(4)
    made = build("tiny").eval()
    made.poses.rest.add_(0.3 * torch.randn_like(made.poses.rest))
    given = inputs(made, 80, amplitude=0.0)
    given["style"][:, 40:] = 1.0
    body = run(made, given)["body"][0]
    whole = (body[-1] - body[39]).norm(dim=-1).max()
    moved = body.diff(dim=0).norm(dim=-1).amax(-1)
    assert whole > 0.1 and moved[39:].max() < 0.35 * whole
    assert moved[39] > 0.02 and moved[70:].max() < moved[39]


def test_it_begins_at_the_rest_of_its_style() -> None:
    made = build("tiny").eval()
    rest = torch.linspace(-1, 1, 2 * WIDTH).unflatten(0, (2, WIDTH))
    made.poses.rest.copy_(made.poses.mean + 0.2 * rest)
    for parameter in made.decoder.mixture.parameters():
        torch.nn.init.zeros_(parameter)
    state = initial_state(made.move_state, 2)
    ids, raw = torch.zeros(2, 1, 3, dtype=torch.int64), torch.zeros(2, 1, made.hearing.raw_width)
    moved, _ = made.move(ids, raw, torch.tensor([[0], [1]]), state)
    torch.testing.assert_close(made.poses.restored(moved.poses)[:, 0], made.poses.rest)


def test_a_late_word_counts_from_when_it_is_known(model: Gesture) -> None:
    told = inputs(model, 20)
    words = torch.zeros(1, 20, model.config.words, WORD)
    words[:, 8:, -1] = torch.tensor([5.0, 0.4, 0.1, 1.0])
    with torch.inference_mode():
        previous = torch.zeros(1, 20, 3, dtype=torch.int64)
        without, with_it = (
            model.network(told | {"own_words": value}, previous, model.initial_state(1))[0]
            for value in (torch.zeros_like(words), words)
        )
    assert torch.equal(without[:, :8], with_it[:, :8]) and not torch.equal(without[:, 8], with_it[:, 8])


def test_words_that_are_not_there_are_zeros_whatever_stands_in_their_row() -> None:
    features = WordFeatures(2, 4)
    features.table.copy_(torch.randn_like(features.table))
    rows = torch.tensor([[[[3.0, 0.2, -0.1, 0.0], [7.0, 0.2, -0.1, 1.0]]]])
    seen = features(rows)[0, 0]
    half = len(seen) // 2
    assert not seen[:half].any()
    assert seen[half : half + 4].tolist() == pytest.approx(
        (features.table[7] * torch.tensor(-0.2 / 1.5).exp()).tolist()
    )
    assert features(torch.full((1, 1, 2, 4), 1e6)).isfinite().all()
    assert vocabulary()[1] == "the" and len(set(vocabulary())) == len(vocabulary())


def test_levels_are_told_against_the_voice_itself() -> None:
    hearing = Hearing(12, 8)
    time = torch.arange(60 * HOP) / SAMPLE_RATE
    voice = (0.3 * torch.sin(2 * torch.pi * 180 * time) * (torch.sin(2 * torch.pi * 2 * time) > 0)).reshape(1, 60, HOP)
    state = initial_state(hearing.state_specs(), 1)
    loud, soft = (hearing.features(gain * voice, torch.ones(1, 60), state)[0][0, 30:, 12:16] for gain in (1.0, 0.3))
    assert (loud - soft).abs().max() < 0.25 and loud.std() > 0.2
    silent = hearing.features(torch.zeros(1, 60, HOP), torch.ones(1, 60), state)[0]
    assert (silent[0, :, -2] == 0).all(), "silence is no speech"
    assert hearing.features(voice, torch.ones(1, 60), state)[0][0, 30:, -2].max() == 1


def test_the_mixture_is_eight_decoders_side_by_side() -> None:
    mixture = Mixture(5, 3, 4)
    torch.nn.init.normal_(mixture.bias)
    x, chances = torch.randn(2, 5), torch.rand(2, CLUSTERS)
    hidden = torch.nn.functional.gelu(mixture.enter(x)).unflatten(-1, (CLUSTERS, 3))
    each = torch.stack([hidden[:, k] @ mixture.leave[k] + mixture.bias[k] for k in range(CLUSTERS)], 1)
    torch.testing.assert_close(mixture(x, chances), (each * chances[..., None]).sum(1))


@given(st.integers(0, 4), st.integers(0, 3), st.floats(0, 59), st.booleans())
@settings(max_examples=30)
def test_the_clock_counts_phases_and_nods(phase: int, kind: int, lasted: float, nod: bool) -> None:
    clock = Clock(*(torch.tensor([value]) for value in (phase, lasted, kind, 1.0)))
    again = advanced(clock, torch.tensor([[phase, 3, int(nod)]]))
    assert again.kind.item() == kind and again.lasted.item() == pytest.approx(lasted + 1 / RATE)
    assert again.nodded.item() == pytest.approx(0.0 if nod else 1.0 + 1 / RATE)
    other = STROKE if phase == PREPARATION else PREPARATION
    begun = advanced(clock, torch.tensor([[other, 3, 0]]))
    assert begun.lasted.item() == 0 and begun.kind.item() == (3 if other == PREPARATION else kind)
    kept = unpacked(again.packed())
    assert all(a.item() == pytest.approx(b.item(), abs=1e-5) for a, b in zip(kept, again, strict=True))


def test_ids_of_no_phase_and_no_kind_are_clamped(model: Gesture) -> None:
    wild = torch.tensor([[[model.codes - 1, model.codes - 1, model.codes - 1], [-3, -3, -3]]])
    with torch.inference_mode():
        logits, _ = model.network(inputs(model, 2), wild, model.initial_state(1))
    assert logits.isfinite().all()


def test_a_fresh_clock_rests_and_has_not_nodded() -> None:
    clock = unpacked(torch.zeros(1, 4))
    assert clock.phase.item() == REST and clock.nodded.item() == LONGEST
    assert HOLD in FOLLOWS[STROKE] and STROKE not in FOLLOWS[REST]


def test_idle_never_freezes_and_never_twitches() -> None:
    idle, state = Idle(), {name: torch.zeros(1, *spec.shape) for name, spec in Idle().state_specs().items()}
    generator, rows = torch.Generator().manual_seed(0), []
    for _ in range(1500):
        angles, state = idle(torch.rand(1, DRAWS, generator=generator), torch.ones(1), state)
        rows.append(angles[0])
    told = torch.stack(rows)[300:]
    head = told[:, next(joint for joint in range(len(UPPER)) if BODY.joints[UPPER[joint]] == "head")]
    assert 0.01 < head.std() < 0.1 and head.diff(dim=0).abs().max() < 0.03
    assert told.diff(dim=0).abs().sum((1, 2)).min() > 0
    assert told.abs().max() < 4 * max(size for *_, size, _ in AXES)


def test_quaternions_and_joints_tell_the_same_body() -> None:
    poses = Poses(1)
    generator = torch.Generator().manual_seed(3)
    vectors = poses.mean + 0.4 * torch.randn(5, WIDTH, generator=generator)
    shown = poses.shown(poses.turns(vectors, 0.05 * torch.randn(5, len(UPPER), 3, generator=generator)))
    root = poses.root.numpy()[None].repeat(5, 0)
    again = forward_kinematics(BODY, root, rotations_of(shown.rotations.numpy()))
    torch.testing.assert_close(torch.from_numpy(again), shown.joints, atol=1e-5, rtol=1e-5)


def test_configurations_come_back_and_wrong_ones_are_refused() -> None:
    config = GestureConfig(styles=("a", "b"))
    assert configuration(config.to_dict()) == config
    with pytest.raises(EngineError, match="each once"):
        GestureConfig(styles=("a", "a"))
    with pytest.raises(EngineError, match="there is small, tiny"):
        build("large")
    with pytest.raises(EngineError, match="does not read"):
        configuration({"styles": ["a"], "depth": 3})


def test_silence_and_missing_sound_stay_finite(model: Gesture) -> None:
    given = inputs(model, 30)
    given["own_audio"] = torch.full_like(given["own_audio"], torch.nan)
    shown = run(model, given)
    assert all(value.isfinite().all() for value in shown.values() if value.is_floating_point())
    assert shown["bad_input"].all()


def test_shapes_of_the_parts(model: Gesture) -> None:
    state = model.initial_state(1)
    assert isinstance(state["cursor"], Tensor) and model.spec.hop == HOP
    assert model.vocabulary.decode().splitlines() == list(vocabulary())
