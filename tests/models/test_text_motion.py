"""The text-to-motion stream is its parts: what it draws, holds and decodes frame by frame equals them run whole."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from engine.errors import EngineError
from models.contract import Tensors, initial_state
from models.registry import create
from models.text_motion import TextMotion, build, build_reader
from models.text_motion.base import clock
from models.text_motion.config import LEVELS, TOKEN, TextMotionConfig, named
from models.text_motion.features import decode, encode
from models.text_motion.layout import HUMANML3D
from models.text_motion.posecodes.codes import bins, khot, measures
from models.text_motion.posecodes.table import END, GROUPS, SIZES, STARTS
from models.text_motion.stage import travel
from models.text_motion.tokenizer import Tokens
from tests.models.walkers import walker

torch.set_num_threads(1)
LENGTH = 6 * TOKEN
ELBOW = next(k for k, group in enumerate(GROUPS) if group.template.startswith("left elbow {}"))


@pytest.fixture(scope="module")
def model() -> TextMotion:
    """A tiny one with random weights, its bodies of a size that stands."""
    torch.manual_seed(3)
    made = build("tiny").eval()
    made.tokenizer.std.fill_(0.2)
    made.tokenizer.mean[HUMANML3D.slices["height"]] = 0.9
    with torch.no_grad():
        made.refine.out.weight.mul_(50.0)  # sure of its choices, so that they differ
    return made


def given(model: TextMotion, frames: int = LENGTH, seed: int = 0) -> Tensors:
    """Inputs: a text from the first frame on, nothing held, the likeliest codes."""
    generator = torch.Generator().manual_seed(seed)
    inputs = {item.name: torch.full((1, frames, *item.shape), item.missing) for item in model.spec.inputs}
    text = torch.randn(1, 1, model.config.text, generator=generator)
    inputs["prompt"] = text.expand(1, frames, -1).clone()
    inputs["left_arm"] = text.flip(-1).expand(1, frames, -1).clone()
    inputs["temperature"].zero_()
    inputs["noise"] = torch.rand(1, frames, len(GROUPS) + 1, generator=generator)
    inputs["noise"][..., -1] = 1.0  # no end
    return inputs


def run(model: TextMotion, inputs: Tensors) -> Tensors:
    """Outputs of a whole stream."""
    with torch.inference_mode():
        return model.scan(inputs, model.initial_state(1))[0]


def best(logits: Tensor) -> Tensor:
    """The likeliest bin of every group."""
    return torch.stack([logits[..., a : a + n].argmax(-1) for a, n in zip(STARTS, SIZES, strict=True)], -1)


def test_codes_are_those_of_the_base_transformer_over_whole_sequences(model: TextMotion):
    inputs = given(model, 9 * TOKEN)  # longer than the window of past tokens
    codes = run(model, inputs)["codes"][:, ::TOKEN]
    vectors = torch.stack([inputs[name][:, 0] for name in ("prompt", *_fields(model))], 1)[:, None]
    before = torch.cat([torch.full_like(codes[:, :1], -1), codes[:, :-1]], 1)
    since = torch.arange(codes.shape[1])[None].float()
    with torch.inference_mode():
        logits, _ = model.base(
            khot(before), since, vectors, initial_state(model.base.state_specs(), 1), torch.zeros(1, 9).long()
        )
    assert torch.equal(best(logits), codes)
    assert len(torch.unique(codes[0], dim=0)) > 1


def test_residual_ids_are_those_of_the_refine_transformer_over_whole_sequences(model: TextMotion):
    inputs = given(model)
    inputs["hold"][:, 2 * TOKEN :, :30] = 0.0  # what is held is what it goes by
    made = run(model, inputs)
    codes, ids = made["codes"][:, ::TOKEN], made["residual"][:, ::TOKEN]
    vectors = torch.stack([inputs[name][:, 0] for name in ("prompt", *_fields(model))], 1)[:, None]
    with torch.inference_mode():
        whole = model.tokenizer.quantizer.decode(ids)
        before = torch.cat([torch.zeros_like(whole[:, :1]), whole[:, :-1]], 1)
        context, _ = model.refine.context(
            model.tokenizer.pose_latent(codes),
            before,
            vectors,
            initial_state(model.refine.state_specs(), 1),
            torch.zeros(codes.shape[:2]).long(),
        )
        chosen, _ = model.refine.choose(context, model.tokenizer.quantizer.tables())
    assert torch.equal(chosen, ids)


def test_the_body_is_the_decoded_tokens_on_the_stage(model: TextMotion):
    inputs = given(model)
    hold = inputs["hold"].round().long()
    hold[:, 2 * TOKEN : 3 * TOKEN, ELBOW] = 8
    inputs["hold"] = hold.float()
    made = run(model, inputs)
    tokens = Tokens(made["codes"][:, ::TOKEN], made["residual"][:, ::TOKEN])
    with torch.inference_mode():
        rows = model.tokenizer.decode(tokens, (hold[:, ::TOKEN] >= 0).any(-1))
        posed, _ = model.posture(model.pose(rows), initial_state(model.posture.state_specs(), 1), hold)
        body, _ = model.stage(posed, initial_state(model.stage.state_specs(), 1), travel(rows))
    torch.testing.assert_close(made["body"], body, atol=1e-4, rtol=1e-4)
    assert (made["codes"][0, 2 * TOKEN : 3 * TOKEN, ELBOW] == 8).all()


def test_what_is_held_is_the_past_of_what_follows(model: TextMotion):
    free, held = given(model), given(model)
    held["hold"][:, : 2 * TOKEN] = 0.0  # every group in its first bin, for two tokens
    first, second = run(model, free)["codes"], run(model, held)["codes"]
    assert (second[:, : 2 * TOKEN] == 0).all()
    assert not torch.equal(first[:, 2 * TOKEN :], second[:, 2 * TOKEN :])


def test_a_hold_acts_with_its_frame_and_beyond_a_groups_bins_it_is_the_last_bin(model: TextMotion):
    inputs = given(model)
    inputs["hold"][:, 5, ELBOW], inputs["hold"][:, 5, -1] = 4.0, 17.0
    codes = run(model, inputs)["codes"]
    assert codes[0, 5, ELBOW] == 4 and codes[0, 5, -1] == SIZES[-1] - 1
    assert torch.equal(codes[:, 6], run(model, given(model))["codes"][:, 6])


def test_a_text_acts_from_the_next_token_on_and_not_before(model: TextMotion):
    inputs, others = given(model), given(model)
    others["prompt"][:, 5:] = given(model, seed=9)["prompt"][:, 5:]
    first, second = run(model, inputs), run(model, others)
    assert model.spec.quantum == TOKEN and model.spec.lookahead == 0
    for name in ("codes", "residual", "body"):
        assert torch.equal(first[name][:, : 2 * TOKEN], second[name][:, : 2 * TOKEN]), name
    assert not torch.equal(first["residual"][:, 2 * TOKEN :], second["residual"][:, 2 * TOKEN :])


def _ending(model: TextMotion, chance: float) -> TextMotion:
    other = build("tiny").eval()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.base.out.weight[END] = 0.0
        other.base.out.bias[END] = torch.logit(torch.tensor(chance))
    return other


def test_when_the_text_is_done_the_body_idles_until_another_is_set(model: TextMotion):
    inputs = given(model, 8 * TOKEN)
    inputs["noise"][..., -1] = 0.5
    ended = run(_ending(model, 0.9), inputs)["ended"][0]
    assert (ended == 1.0).all()  # done with the first token, and stays so
    assert (run(_ending(model, 0.1), inputs)["ended"] == 0.0).all()
    inputs["noise"][:, TOKEN:, -1] = 1.0
    inputs["prompt"][:, 4 * TOKEN :] *= -1.0
    ended = run(_ending(model, 0.9), inputs)["ended"][0]
    assert (ended[: 4 * TOKEN] == 1.0).all() and (ended[4 * TOKEN :] == 0.0).all()


def test_what_is_said_of_another_part_of_the_body_is_another_text(model: TextMotion):
    inputs = given(model)
    inputs["noise"][:, :TOKEN, -1] = 0.5
    arm = inputs["left_arm"].clone()
    inputs["left_arm"][:, 3 * TOKEN :] = 0.0
    inputs["right_arm"][:, 3 * TOKEN :] = arm[:, 3 * TOKEN :]
    ended = run(_ending(model, 0.9), inputs)["ended"][0]
    assert (ended[: 3 * TOKEN] == 1.0).all() and (ended[3 * TOKEN :] == 0.0).all()


def test_an_idle_body_is_one_of_whom_nothing_is_asked(model: TextMotion):
    inputs = given(model)
    inputs["noise"][..., -1] = 0.5
    idle = run(_ending(model, 0.9), inputs)
    asked = {name: value.clone() for name, value in inputs.items()}
    for name in ("prompt", *_fields(model)):
        asked[name][:, TOKEN:] = 0.0
    nothing = run(_ending(model, 0.9), asked)
    assert torch.equal(idle["codes"], nothing["codes"])
    assert torch.equal(idle["residual"], nothing["residual"])


def test_again_does_it_again(model: TextMotion):
    inputs = given(model)
    inputs["noise"][..., -1] = 0.5
    inputs["after"] += 1.0
    again = run(_ending(model, 0.9), inputs)
    assert (again["ended"] == 0.0).all()
    # Its clock begins anew with every token, so it is at its first for ever: another stream than one that goes on.
    going = run(_ending(model, 0.1), {**inputs, "noise": inputs["noise"]})
    assert not torch.equal(again["codes"], going["codes"])


def test_without_a_text_nothing_ends(model: TextMotion):
    inputs = given(model)
    inputs["noise"][..., -1] = 0.0
    inputs["prompt"].zero_()
    assert (run(_ending(model, 0.9), inputs)["ended"] == 0.0).all()


def test_temperature_and_noise_decide_what_is_drawn(model: TextMotion):
    cold, warm, other = given(model), given(model), given(model)
    for inputs in (warm, other):
        inputs["temperature"] += 1.0
    other["noise"] = given(model, seed=5)["noise"]
    drawn = [run(model, inputs)["codes"] for inputs in (cold, warm, other)]
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[1], drawn[2])
    assert (drawn[1] >= 0).all() and (drawn[1] < torch.tensor(SIZES)).all()


def test_the_clock_of_a_text_tells_times_apart_and_ends_somewhere():
    times = clock(torch.tensor([0.0, 1.0, 5.0, 50.0, 1e9, 1e12]))
    assert (times[:-1] - times[1:]).abs().amax(-1)[:4].min() > 0.05
    assert torch.equal(times[-1], times[-2])


def bodies(frames: int) -> Tensor:
    """A body of the reader's bones that walks, (1, frames, 22, 3)."""
    return build_reader("tiny").pose.walked(torch.from_numpy(walker(HUMANML3D, frames, 1))[None].float())


def test_a_tokenizer_of_either_kind_gives_clips_of_the_same_shape():
    for size in (named("tiny"), dataclasses.replace(named("tiny"), causal=False)):
        tokenizer = build(size).tokenizer.eval()
        body = bodies(LENGTH)
        tokens = tokenizer.encode(encode(body, HUMANML3D, backward=True), bins(measures(body))[:, ::TOKEN])
        assert tokens.ids.shape == (1, LENGTH // TOKEN, LEVELS)
        assert decode(tokenizer.decode(tokens), HUMANML3D, backward=True).shape == body.shape


def test_the_frames_of_a_token_differ_by_their_place_in_it():
    tokenizer = build("tiny").tokenizer.eval()
    same = Tokens(torch.zeros(1, 30, len(GROUPS)).long(), torch.zeros(1, 30, LEVELS).long())
    with torch.no_grad():
        rows = tokenizer.decode(same)[0]
    torch.testing.assert_close(rows[-TOKEN:], rows[-2 * TOKEN : -TOKEN], atol=1e-5, rtol=1e-5)
    assert (rows[-1] - rows[-2]).abs().max() > 1e-3


def test_only_the_yardstick_sees_the_future():
    body = encode(bodies(LENGTH), HUMANML3D, backward=True)
    codes = torch.zeros(1, LENGTH // TOKEN, len(GROUPS)).long()
    changed = body.clone()
    changed[:, 3 * TOKEN :] += 1.0
    for causal in (True, False):
        torch.manual_seed(0)
        tokenizer = build(dataclasses.replace(named("tiny"), causal=causal)).tokenizer.eval()
        with torch.no_grad():
            latents = [
                tokenizer.encoder(rows, initial_state(tokenizer.encoder.state_specs(), 1))[0]
                for rows in (body, changed)
            ]
            tokens = tokenizer.encode(body, codes)
            other = tokens._replace(ids=torch.cat([tokens.ids[:, :3], tokens.ids[:, 3:] + 1], 1).clamp_max(500))
            made = [tokenizer.decode(item) for item in (tokens, other)]
        for first, second in (latents, made):
            same = torch.equal(first[:, : 3 * TOKEN], second[:, : 3 * TOKEN])
            assert same == causal


def test_a_configuration_comes_back_from_its_plain_values():
    for size in ("small", "tiny", "paper", "kit", "small_future"):
        assert TextMotionConfig.from_dict(named(size).to_dict()) == named(size)
    with pytest.raises(EngineError, match="no text_motion configuration 'huge'; there is small"):
        create("text_motion:huge")
    with pytest.raises(EngineError, match="heads"):
        dataclasses.replace(named("tiny"), base_heads=5)
    with pytest.raises(EngineError, match="for training and evaluation; serve a causal one"):
        build(dataclasses.replace(named("tiny"), causal=False)).spec  # noqa: B018


def test_the_papers_sizes_are_the_papers():
    with torch.device("meta"):
        made = build("paper")
    count = {name: sum(p.numel() for p in getattr(made, name).parameters()) for name in ("tokenizer", "base", "refine")}
    # PGR2M: 25.9, 228 and 81 million; ours attend to the text in a layer of their own, and the tokenizer's convolutions
    # run at one rate.
    assert 20e6 < count["tokenizer"] < 32e6
    assert 210e6 < count["base"] < 330e6
    assert 70e6 < count["refine"] < 130e6


def _fields(model: TextMotion) -> list[str]:
    return [item.name for item in model.spec.texts if item.name != "prompt"]


def test_the_refine_transformer_takes_the_entry_with_the_least_expected_error(model: TextMotion):
    refine = model.refine
    tables = [torch.zeros(512, model.config.latent) for _ in range(LEVELS)]
    tables[0][:, 0] = torch.linspace(-10.0, 10.0, 512)
    context = torch.zeros(1, model.config.refine_channels)
    scores = torch.full((1, 512), -30.0)

    def chosen() -> int:
        refine_logits = refine.logits
        refine.logits = lambda *_: scores
        try:
            return int(refine.choose(context, tables)[0][0, 0])
        finally:
            refine.logits = refine_logits

    scores[0, 400] = 0.0
    assert chosen() == 400  # sure: the likeliest
    scores[0, 0] = scores[0, 400] + 0.1
    between = tables[0][[0, 400], 0] @ torch.softmax(torch.tensor([0.1, 0.0]), 0)
    assert chosen() == int((tables[0][:, 0] - between).abs().argmin())  # torn between two: between them
