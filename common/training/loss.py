"""Losses, and mixup and cutmix of a batch: random by (seed, fold, epoch, step) alone."""

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


class Mixing:
    """Mixes a batch in place when the recipe asks for it; otherwise hands it back.

    Its targets are the mixture of the rows' own, unsmoothed: smoothing is the loss's alone.
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
        # timm draws from numpy's global generator: lend it our seed, and give its state back.
        before = np.random.get_state()
        np.random.seed(randomness.seed_of(randomness.MIXING, *place) & 0xFFFFFFFF)
        mixed, soft = self.mixup(images[:even], targets[:even])
        np.random.set_state(before)
        return mixed, soft


class RowLoss(nn.Module):
    """Cross-entropy as a mean over rows, smoothed; with class weights each row counts by its own.

    A row's weight is its class's, a mixed row's the mixture of its two. torch's own `weight=` would
    weigh each class's share of a smoothed or mixed target instead: then the rare class is learnt
    from the little that smoothing gives it in every row, and predicted everywhere.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing
        self.register_buffer("weight", weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [B, C] and targets [B], or mixed ones [B, C], to the mean."""
        if self.weight is None:
            return cross_entropy(logits, targets, label_smoothing=self.smoothing)
        rows = cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        weights = self._of_rows(targets)
        return (weights * rows).sum() / weights.sum()

    def share(self, part: Tensor, whole: Sequence[Tensor]) -> Tensor | float:
        """What a batch of targets [B] counts in an update of several, so that these make one mean.

        Mixing a batch within itself leaves the sum of its weights as it was.
        """
        if self.weight is None:
            return len(part) / sum(map(len, whole))
        return self._of_rows(part).sum() / self._of_rows(torch.cat(list(whole))).sum()

    def _of_rows(self, targets: Tensor) -> Tensor:
        assert self.weight is not None
        return self.weight[targets] if targets.ndim == 1 else targets @ self.weight


def build_loss(recipe: Recipe, labels: Tensor, class_count: int) -> RowLoss:
    """Cross-entropy, smoothed; with `class_balance=weights`, rows weighted by 1 / frequency of their class.

    `labels` [N] are the training rows'. A class that is in none of them has no weight.
    """
    weight = None
    if recipe.class_balance == "weights":
        counts = torch.bincount(labels, minlength=class_count).float()
        weight = torch.where(counts > 0, len(labels) / (class_count * counts), 0.0)
    return RowLoss(weight, recipe.label_smoothing)
