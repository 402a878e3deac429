"""The objective of M2: against sums written out, and the literal form's defects, each where it was found."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from train.dance.objective import classification, divergence, m2

LABELS = 3


def test_divergence_is_that_of_torch_and_literally_twice() -> None:
    mean, spread = torch.randn(5, 7), torch.randn(5, 7)
    ours = divergence(mean, spread)
    normal = torch.distributions.Normal(mean, (0.5 * spread).exp())
    theirs = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(divergence(mean, spread, literal=True), 2 * theirs)


def test_only_the_literal_classification_ignores_who_has_which_label() -> None:
    torch.manual_seed(0)
    logits = torch.randn(6, LABELS)
    efforts = torch.nn.functional.one_hot(torch.tensor([0, 1, 2, 0, 1, 0]), LABELS).float()
    torch.testing.assert_close(
        classification(logits, efforts), torch.nn.functional.cross_entropy(logits, efforts.argmax(-1))
    )
    other = efforts[torch.tensor([3, 2, 1, 5, 0, 4])]
    assert not torch.allclose(classification(logits, efforts), classification(logits, other))
    torch.testing.assert_close(classification(logits, efforts, True), classification(logits, other, True))


def pieces(windows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Windows (N, 2) whose first number is their own, errors (N, labels) and logits (N, labels)."""
    torch.manual_seed(1)
    return (
        torch.stack([torch.arange(windows).float()] * 2, -1),
        torch.rand(windows, LABELS),
        torch.randn(windows, LABELS),
    )


def objective(count: int, labelled: int, literal: bool = False) -> tuple[float, Tensor, Tensor, Tensor]:
    windows, errors, logits = pieces(count)

    def bound(given: Tensor, effort: Tensor) -> tuple[Tensor, Tensor]:
        return errors[given[:, 0].long(), effort.argmax(-1)], torch.zeros(len(given))

    def classify(given: Tensor) -> Tensor:
        return logits[given[:, 0].long()]

    efforts = torch.nn.functional.one_hot(torch.arange(labelled) % LABELS, LABELS).float()
    terms = m2(classify, bound, (windows[:labelled], efforts), windows[labelled:], 1.0, 0.1, literal)
    return float(terms.loss), errors, logits, efforts


def test_unlabelled_windows_try_every_label() -> None:
    loss, errors, logits, _ = objective(4, 0)
    chances = logits.softmax(-1)
    by_hand = sum(
        float(chances[n, y] * (errors[n, y] + math.log(LABELS) + chances[n, y].log()))
        for n in range(4)
        for y in range(LABELS)
    )
    assert math.isclose(loss, by_hand / 4, rel_tol=1e-5)
    assert not math.isclose(objective(4, 0, literal=True)[0], loss, rel_tol=1e-3)  # rows read in another order


def test_labelled_windows_add_the_classifiers_own_loss() -> None:
    loss, errors, logits, efforts = objective(5, 5)
    expected = errors[:, :][torch.arange(5), efforts.argmax(-1)].mean() + math.log(LABELS)
    expected = expected + 0.1 * torch.nn.functional.cross_entropy(logits, efforts.argmax(-1))
    assert math.isclose(loss, float(expected), rel_tol=1e-5)


def test_the_classifier_weighs_more_where_labels_are_few() -> None:
    def weight(count: int, labelled: int) -> float:
        windows, errors, logits = pieces(count)
        efforts = torch.nn.functional.one_hot(torch.arange(labelled) % LABELS, LABELS).float()
        terms = [
            m2(
                lambda given, logits=logits: logits[given[:, 0].long()],
                lambda given, effort, errors=errors: (errors[given[:, 0].long(), 0], torch.zeros(len(given))),
                (windows[:labelled], efforts),
                windows[labelled:],
                1.0,
                alpha,
            )
            for alpha in (0.0, 1.0)
        ]
        return float((terms[1].loss - terms[0].loss) / terms[1].classification)

    assert math.isclose(weight(6, 6), 1.0, rel_tol=1e-4)
    assert math.isclose(weight(8, 2), 3.0, rel_tol=1e-4)
