"""The loss (smoothed, class-weighted cross-entropy) and mixup/cutmix of a batch."""

from collections.abc import Sequence

import numpy as np
import torch
from timm.data import Mixup
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from common import randomness
from common.errors import KitError
from common.recipe import Recipe

Mixed = tuple[Tensor, Tensor]


class MixupCutmix:
    """Mixup and cutmix (timm's) of a batch, in place; the identity when the recipe has neither.

    Random numbers depend on (seed, fold, epoch, step) alone. Targets are mixed but not smoothed:
    label smoothing is the loss's.
    """

    def __init__(self, recipe: Recipe, class_count: int) -> None:
        self.mixup = None
        if recipe.mixup or recipe.cutmix:
            self.mixup = Mixup(
                mixup_alpha=recipe.mixup,
                cutmix_alpha=recipe.cutmix,
                label_smoothing=0.0,
                num_classes=class_count,
            )

    def __call__(self, images: Tensor, targets: Tensor, place: tuple[int, ...]) -> Mixed:
        """Float images [B, 3, H, W] and targets [B] to mixed images and targets [B] or [B, C]."""
        if self.mixup is None:
            return images, targets
        even = len(images) // 2 * 2  # timm pairs a batch with its reverse
        if even == 0:
            raise KitError("mixup and cutmix need batches of two or more: raise batch_size")
        # timm draws from numpy's global generator: seed it, then restore its state.
        before = np.random.get_state()
        np.random.seed(randomness.seed_of(randomness.MIXING, *place) & 0xFFFFFFFF)
        mixed, soft = self.mixup(images[:even], targets[:even])
        np.random.set_state(before)
        return mixed, soft


class WeightedCrossEntropy(nn.Module):
    """Cross-entropy with label smoothing; with class weights a weighted mean over rows.

    A row's weight is its class's; a mixed row's is the mixture of its two. torch's `weight=` instead
    weights each class's share of a smoothed or mixed target: a rare class then learns from the little
    that smoothing gives it in every row, and is predicted everywhere.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing
        self.register_buffer("weight", weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [B, C] and targets [B], or mixed targets [B, C], to the (weighted) mean loss."""
        if self.weight is None:
            return cross_entropy(logits, targets, label_smoothing=self.smoothing)
        rows = cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        weights = self._row_weights(targets)
        return (weights * rows).sum() / weights.sum()

    def share(self, part: Tensor, whole: Sequence[Tensor]) -> Tensor | float:
        """The factor of one batch's loss under gradient accumulation, so that several make one mean.

        `part` are the batch's targets [B], `whole` those of all batches of the update. Mixing within a
        batch does not change the sum of its weights.
        """
        if self.weight is None:
            return len(part) / sum(map(len, whole))
        return self._row_weights(part).sum() / self._row_weights(torch.cat(list(whole))).sum()

    def _row_weights(self, targets: Tensor) -> Tensor:
        assert self.weight is not None
        return self.weight[targets] if targets.ndim == 1 else targets @ self.weight


def build_loss(recipe: Recipe, labels: Tensor, class_count: int) -> WeightedCrossEntropy:
    """The recipe's loss; `class_balance=weights` weights rows by 1 / frequency of their class.

    `labels` [N] are the training rows'. A class without rows has weight 0.
    """
    weight = None
    if recipe.class_balance == "weights":
        counts = torch.bincount(labels, minlength=class_count).float()
        weight = torch.where(counts > 0, len(labels) / (class_count * counts), 0.0)
    return WeightedCrossEntropy(weight, recipe.label_smoothing)
