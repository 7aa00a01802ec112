"""Losses, and mixup and cutmix of a batch: random by (seed, fold, epoch, step) alone."""

import numpy as np
import torch
from timm.data import Mixup
from torch import Tensor, nn

from common import randomness
from common.errors import KitError
from common.recipe import Recipe

Mixed = tuple[Tensor, Tensor]


class Mixing:
    """Mixes a batch in place when the recipe asks for it; otherwise hands it back."""

    def __init__(self, recipe: Recipe, class_count: int) -> None:
        self.mixup = None
        if recipe.mixup or recipe.cutmix:
            self.mixup = Mixup(
                mixup_alpha=recipe.mixup,
                cutmix_alpha=recipe.cutmix,
                label_smoothing=recipe.label_smoothing,
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


def build_loss(recipe: Recipe, labels: Tensor, class_count: int) -> nn.CrossEntropyLoss:
    """Cross-entropy, smoothed; with `balance=weights`, classes weighted by 1 / frequency.

    `labels` [N] are the training rows'. timm's Mixup smooths the soft targets itself.
    """
    weight = None
    if recipe.balance == "weights":
        counts = torch.bincount(labels, minlength=class_count).clamp(min=1)
        weight = len(labels) / (class_count * counts.float())
    smoothing = 0.0 if recipe.mixup or recipe.cutmix else recipe.label_smoothing
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
