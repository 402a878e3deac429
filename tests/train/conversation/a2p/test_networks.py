"""What the networks see and do not see, kept keys against none, and codes that learn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from train.conversation.a2p.config import SIZES
from train.conversation.a2p.denoiser import Denoiser, Keys, PostConvs, rows_of
from train.conversation.a2p.guide import Guide, drawn, nucleus
from train.conversation.a2p.hearing import Mel
from train.conversation.a2p.layers import Attention, Size, rotated
from train.conversation.a2p.layout import HOP
from train.conversation.a2p.lips import CHUNK, LipRegressor, lip_error

SIZE = SIZES["tiny"].face
EVERY = torch.ones(2, dtype=torch.bool)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_rotary_attention_depends_on_distance_alone() -> None:
    one, other = torch.randn(1, 1, 16), torch.randn(1, 1, 16)
    products = [(rotated(one, at) * rotated(other, at + 5)).sum() for at in (0, 7, 400)]
    assert products[1] == pytest.approx(float(products[0]), abs=1e-4)
    assert products[2] == pytest.approx(float(products[0]), abs=1e-4)
    assert (rotated(one, 3) * rotated(other, 3)).sum() == pytest.approx(float((one * other).sum()), abs=1e-5)
    assert abs(float((rotated(one, 0) * rotated(other, 9)).sum() - products[0])) > 1e-2


def test_keys_know_their_places() -> None:
    net = Attention(SIZE).eval()
    x, source = torch.randn(1, 5, 16), torch.randn(1, 7, 16)
    plain = net(x, net.memory(source))
    assert not torch.allclose(net(x, net.memory(source, 9)), plain, atol=1e-4)
    assert not torch.allclose(net(x, net.memory(source), 9), plain, atol=1e-4)
    parts = net.memory(source[:, :4]).joined(net.memory(source[:, 4:], 4))
    assert torch.allclose(net(x, parts), plain, atol=1e-6)


def test_attention_is_that_of_torch() -> None:
    size = Size(16, 24, 1, 4, 0.0)
    ours, theirs = Attention(size, rotary=False), torch.nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.out_proj.weight.copy_(ours.out.weight)
    x, memory = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    assert torch.allclose(ours(x, ours.memory(memory)), theirs(x, memory, memory)[0], atol=1e-6)


def denoiser(keys: int = 0) -> Denoiser:
    return Denoiser(SIZE, 104, 12, 1, table=9, keys=keys).eval()


def test_conditions_reach_the_frames_and_are_dropped() -> None:
    net = denoiser(keys=2)
    x, step, heard = torch.randn(2, 40, 104), torch.tensor([3, 700]), torch.randn(2, 20, 12)
    keys = Keys(torch.randn(2, 3, 104), torch.ones(2, 3, dtype=torch.bool))

    def made(heard: Tensor, keys: Keys, keep: Tensor = EVERY, keep_keys: Tensor = EVERY) -> Tensor:
        return net(x, step, net.given(heard, keep, keys, keep_keys))

    plain = made(heard, keys)
    assert plain.shape == x.shape
    assert not torch.allclose(plain, made(heard + 1, keys)) and not torch.allclose(
        plain, made(heard, Keys(keys.poses + 1, keys.known))
    )
    unknown = torch.tensor([[True, False, True]] * 2)
    changed = keys.poses.clone()
    changed[:, 1] += 5
    assert torch.equal(made(heard, Keys(keys.poses, unknown)), made(heard, Keys(changed, unknown)))
    none = torch.zeros(2, dtype=torch.bool)
    assert torch.allclose(made(heard, keys, none), made(heard + 1, keys, none))
    assert not torch.allclose(made(heard, keys, none), made(heard, Keys(keys.poses + 1, keys.known), none))
    assert torch.allclose(made(heard, keys, EVERY, none), made(heard, Keys(keys.poses + 1, keys.known), EVERY, none))
    assert torch.allclose(made(heard, keys, none, none), net(x, step, net.nothing(2, 20, 3)), atol=1e-6)
    first = torch.tensor([True, False])
    mixed = made(heard, keys, first, first)
    assert torch.allclose(mixed[0], plain[0], atol=1e-5)
    assert torch.allclose(mixed[1], made(heard, keys, none, none)[1], atol=1e-5)


@pytest.mark.parametrize("without", [None, "to_time_cond", "to_time_tokens"])
def test_the_step_is_told_in_two_ways(without: str | None) -> None:
    net = denoiser()
    if without:
        torch.nn.init.zeros_(getattr(net, without).weight)
    x, given = torch.randn(1, 10, 104), net.given(torch.randn(1, 20, 12), EVERY[:1])
    assert not torch.allclose(net(x, torch.tensor([3]), given), net(x, torch.tensor([600]), given), atol=1e-6)


def test_the_table_for_nothing_serves_any_length() -> None:
    table = torch.arange(5.0).reshape(1, 5, 1)
    assert rows_of(table, 3).flatten().tolist() == [0, 1, 2]
    assert rows_of(table, 7).flatten().tolist() == [0, 1, 2, 3, 4, 0, 1]


def test_convolutions_after_a_pose_are_causal_over_24_frames() -> None:
    net = PostConvs(104)
    x = torch.randn(1, 60, 104)
    changed = x.clone()
    changed[:, 30] += 1
    apart = (net(x) - net(changed)).abs().sum(-1)[0] > 0
    assert apart.nonzero().flatten().tolist() == list(range(30, 55))


def guide(causal: bool) -> Guide:
    return Guide(SIZE, 16, 4, 6, audio_layers=1, table=50, causal=causal).eval()


@pytest.mark.parametrize("causal", [False, True], ids=["whole", "causal"])
def test_kept_keys_give_what_no_keys_give(causal: bool) -> None:
    net, known = guide(causal), torch.arange(5) * 20
    heard = net.hear(torch.randn(2, 90, 6), EVERY, known)
    tokens = torch.randint(16, (2, 20))
    whole = net(tokens, heard)
    past: list[object] = [None] * len(net.layers)
    newest = torch.full((2, 1), 16)
    for at in range(20):
        step = net.step(newest, at, heard, past)  # type: ignore[arg-type]
        assert torch.allclose(step, whole[:, at], atol=1e-5)
        newest = tokens[:, at : at + 1]


def test_no_token_sees_a_later_one() -> None:
    net = guide(False)
    heard = net.hear(torch.randn(2, 90, 6), EVERY, torch.arange(5) * 20)
    tokens = torch.randint(16, (2, 20))
    changed = tokens.clone()
    changed[:, 7] = (changed[:, 7] + 1) % 16
    one, other = net(tokens, heard), net(changed, heard)
    assert torch.equal(one[:, :8], other[:, :8]) and not torch.equal(one[:, 8:], other[:, 8:])


def test_the_causal_guide_hears_only_what_is_past() -> None:
    features, known = torch.randn(2, 90, 6), torch.arange(5) * 20
    changed = features.clone()
    changed[:, 40:] += 1  # from second 2 on
    tokens = torch.randint(16, (2, 20))
    for causal in (True, False):
        net = guide(causal)
        one, other = (net(tokens, net.hear(each, EVERY, known)) for each in (features, changed))
        same = (one - other).abs().amax((0, 2)) < 1e-6
        assert same.tolist() == [causal and at < 12 for at in range(20)]
        # a longer clip changes nothing of what was, and second 0 has heard nothing
        if causal:
            longer = net.hear(torch.cat([features, features], 1), EVERY, torch.arange(9) * 20)
            assert torch.allclose(net(tokens, longer), one, atol=1e-5)
            assert torch.equal(one[:, :4], net(tokens, net.hear(features + 9, EVERY, known))[:, :4])


def test_a_guide_hears_clips_shorter_than_its_convolutions() -> None:
    net = guide(False)
    heard = net.hear(torch.randn(2, 5, 6), EVERY, torch.arange(1))
    assert net.generate(heard, torch.rand(2, 4), 0.9).shape == (2, 4)


def test_a_dropped_condition_hears_nothing() -> None:
    for causal in (False, True):
        net, tokens, known = guide(causal), torch.randint(16, (2, 8)), torch.arange(2) * 20
        keep = torch.tensor([True, False])
        one, other = (net(tokens, net.hear(torch.randn(2, 90, 6), keep, known)) for _ in range(2))
        assert not torch.allclose(one[0], other[0])
        assert torch.allclose(one[1], other[1], atol=1e-6)


def test_the_nucleus_is_the_fewest_that_have_enough() -> None:
    chances = torch.tensor([[0.1, 0.5, 0.05, 0.35]])
    assert nucleus(chances, 0.5)[0].tolist() == [0, 1, 0, 0]
    assert nucleus(chances, 0.51)[0] == pytest.approx([0, 0.5 / 0.85, 0, 0.35 / 0.85])
    assert nucleus(chances, 0.94)[0] == pytest.approx([0.1 / 0.95, 0.5 / 0.95, 0, 0.35 / 0.95])
    assert nucleus(chances, 1.0)[0] == pytest.approx(chances[0].tolist())
    assert nucleus(torch.tensor([[0.2, 0.8]]), 0.01)[0].tolist() == [0, 1]


def test_draws_fall_where_the_chances_are() -> None:
    chances = torch.tensor([[0.0, 0.25, 0.75, 0.0]])
    found = [int(drawn(chances, torch.tensor([draw]))) for draw in (0.0, 0.2, 0.26, 0.9, 1.0)]
    assert found == [1, 1, 2, 2, 2]


@pytest.mark.parametrize("causal", [False, True], ids=["whole", "causal"])
def test_lips_come_in_chunks_of_120_frames(causal: bool) -> None:
    net = LipRegressor(SIZES["tiny"].lips._replace(layers=2), Mel(8, 1), causal).eval()
    rows = torch.randn(1, 2 * 300, 2, 80)
    with torch.no_grad():
        made = net(rows, 300)
        assert made.shape == (1, 300, 1014)
        assert torch.allclose(made[:, CHUNK : 2 * CHUNK], net(rows[:, 2 * CHUNK : 4 * CHUNK], CHUNK), atol=1e-5)
        partner = rows.clone()
        partner[:, :, 1] += 1
        assert torch.equal(made, net(partner, 300))
        changed = rows.clone()
        changed[:, 2 * 50 :] += 1  # from frame 50 on
        same = (made - net(changed, 300)).abs().amax((0, 2)) < 1e-6
    assert same.any() == causal and same[:50].all() == causal and not same[50:].any()


def test_the_lip_error_is_the_worst_vertex_of_centred_lips() -> None:
    truth = torch.zeros(2, 4, 3)
    made = truth + 7.0  # only shifted
    assert lip_error(made, truth) == pytest.approx(0.0, abs=1e-6)
    made[0, 1, 0] += 4.0  # less the mean of 1: the worst vertex is 3 off in the first frame
    assert lip_error(made, truth) == pytest.approx(1.5)


def test_mel_rows_are_of_sound_up_to_their_end() -> None:
    hearing = Mel(8)
    audio = torch.randn(20 * HOP, 2).numpy()
    rows = hearing.rows(audio)
    assert rows.shape == (40, 2, 80)
    changed = audio.copy()
    changed[10 * HOP :] = 0
    apart = (rows - hearing.rows(changed)).abs().amax((1, 2)) > 0
    assert not apart[:20].any() and apart[20:].all()
    hearing.fit([rows])
    scaled = (rows - hearing.mean) / hearing.deviation
    assert scaled.mean() == pytest.approx(0.0, abs=1e-4) and scaled.std() == pytest.approx(1.0, abs=1e-2)
    heard = hearing((hearing.mean + hearing.deviation).expand(1, 3, 2, 80))
    assert torch.allclose(heard, hearing.project(torch.ones(80)).repeat(2).expand(1, 3, 16), atol=1e-5)
