"""What single windows are trained by: Kingma et al.'s M2 (2014), correct, or as PirouNet's published code computes it.

For a labelled window x, y: L(x, y) = reconstruction + divergence - log p(y), and the classifier's own loss on top,
weighted by ``alpha``. For an unlabelled one every label is tried: U(x) = sum_y q(y | x) (L(x, y) + log q(y | x)).

The literal form repeats four defects of the published code: the classifier's loss pairs every prediction with every
label of the batch, so that it learns the batch's histogram; the losses of unlabelled windows are read in another order
than they were computed in; the divergence is twice its size; limb lengths are prepared and never used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Bound = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Of windows (N, ...) and efforts (N, labels): squared error and divergence, both (N,)."""


@dataclass(frozen=True)
class Terms:
    """The loss and what it is made of, means over windows."""

    loss: Tensor
    labelled: Tensor
    unlabelled: Tensor
    classification: Tensor


def divergence(mean: Tensor, log_variance: Tensor, literal: bool = False) -> Tensor:
    """KL divergence (N,) in nats of a diagonal normal from the standard one, summed over dimensions; literal: twice."""
    twice = (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(-1)
    return twice if literal else 0.5 * twice


def classification(logits: Tensor, efforts: Tensor, literal: bool = False) -> Tensor:
    """Mean cross-entropy of logits (N, labels) with one-hot efforts (N, labels); literal: of every logit with every
    effort."""
    logged = logits.log_softmax(-1)
    if literal:
        return -(efforts[:, None] * logged[None]).sum(-1).mean()
    return -(efforts * logged).sum(-1).mean()


def m2(
    classify: Callable[[Tensor], Tensor],
    bound: Bound,
    labelled: tuple[Tensor, Tensor],
    unlabelled: Tensor,
    kl_weight: float,
    alpha: float,
    literal: bool = False,
) -> Terms:
    """The objective over ``labelled`` windows with one-hot efforts and ``unlabelled`` ones, either of which may be
    empty. ``classify`` gives logits of windows."""
    windows, efforts = labelled
    labels = efforts.shape[-1]
    prior = math.log(labels)
    zero = windows.new_zeros(())
    known = guess = hidden = zero
    if len(windows):
        error, apart = bound(windows, efforts)
        known = (error + kl_weight * apart + prior).mean()
        guess = classification(classify(windows), efforts, literal)
    if len(unlabelled):
        count = len(unlabelled)
        every = torch.eye(labels, dtype=efforts.dtype, device=efforts.device).repeat_interleave(count, 0)
        error, apart = bound(unlabelled.repeat(labels, *(1 for _ in unlabelled.shape[1:])), every)
        each = error + kl_weight * apart + prior  # label after label, windows within
        table = each.reshape(count, labels) if literal else each.reshape(labels, count).transpose(0, 1)
        logged = classify(unlabelled).log_softmax(-1)
        hidden = (logged.exp() * (table + logged)).sum(-1).mean()
    weight = alpha * max(1.0, len(unlabelled) / max(len(windows), 1))
    return Terms(known + hidden + weight * guess, known, hidden, guess)
