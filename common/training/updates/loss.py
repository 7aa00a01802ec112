"""Losses by the names that targets give them, and mixup and cutmix of a batch.

Mixing is random by (seed, fold, epoch, step) alone.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from timm.data import Mixup
from timm.loss import AsymmetricLossMultiLabel
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
)

from common import randomness
from common.errors import KitError
from common.recipe import Recipe
from common.targets import Target

Mixed = tuple[Tensor, Tensor]
ElementLosses = Callable[[Tensor, Tensor], Tensor]  # outputs and targets [B, O] to losses [B, O]


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
                num_classes=max(class_count, recipe.batch_size),
            )
        self.class_count = class_count

    def __call__(self, images: Tensor, targets: Tensor, place: tuple[int, ...]) -> Mixed:
        """Float images [B, 3, H, W] and targets [B] or [B, O] to mixed images and soft targets [B, C] or [B, O]."""
        if self.mixup is None:
            return images, targets
        even = len(images) // 2 * 2  # timm pairs a batch with its reverse
        if even == 0:
            raise KitError("mixup and cutmix need batches of two or more: raise batch_size")
        classes, index = targets.ndim == 1, torch.arange(even, device=targets.device)
        # timm draws from numpy's global generator: seed it, then restore its state.
        before = np.random.get_state()
        np.random.seed(randomness.seed_of(randomness.MIXING, *place) & 0xFFFFFFFF)
        mixed, shares = self.mixup(images[:even], targets[:even] if classes else index)
        np.random.set_state(before)
        if classes:
            return mixed, shares[:, : self.class_count]
        return mixed, _mixture(shares[:, :even], targets[:even])


def _mixture(shares: Tensor, targets: Tensor) -> Tensor:
    """Targets [B, O] mixed by shares [B, B]; a cell that one of its two rows lacks stays missing."""
    known = targets.isfinite()
    mixed = shares @ torch.where(known, targets, 0)
    lacking = (shares > 0).to(targets.dtype) @ (~known).to(targets.dtype) > 0
    return torch.where(lacking, torch.nan, mixed)


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
        if targets.ndim == 1:
            return self.weight[targets]
        # Of a row that noise=weight weighs less the sum is less than 1, and the loss already has it.
        return targets @ self.weight / targets.sum(dim=1).clamp(min=1e-12)


class ElementLoss(nn.Module):
    """A loss of every output as a mean over the known cells, each by the weight of its answer.

    `weights` [2, O] are those of the answers 0 and 1; an answer between them has their mixture. A
    missing cell (nan) counts nothing.
    """

    weights: Tensor | None

    def __init__(self, elements: ElementLosses, weights: Tensor | None, smoothing: float) -> None:
        super().__init__()
        self.elements, self.smoothing = elements, smoothing
        self.register_buffer("weights", weights)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Outputs and targets [B, O] to the mean."""
        weights = self._element_weights(targets)
        known = torch.where(targets.isfinite(), targets, 0)
        smooth = known * (1 - self.smoothing) + self.smoothing / 2 if self.smoothing else known
        losses = self.elements(outputs, smooth)
        return (weights * losses).sum() / weights.sum().clamp(min=1e-12)

    def share(self, part: Tensor, whole: Sequence[Tensor]) -> Tensor | float:
        """What a batch of targets [B, O] counts in an update of several: its share of the weight."""
        # An update without a known cell teaches nothing: 0, and not 0 / 0.
        total = torch.stack([self._element_weights(each).sum() for each in whole]).sum()
        return self._element_weights(part).sum() / total.clamp(min=1e-12)

    def _element_weights(self, targets: Tensor) -> Tensor:
        known = targets.isfinite().to(targets.dtype)
        if self.weights is None:
            return known
        no, yes = self.weights
        return known * torch.where(targets.isfinite(), no + (yes - no) * targets, 0)


def _asymmetric(outputs: Tensor, targets: Tensor) -> Tensor:
    """timm's asymmetric loss (Ridnik et al., 2021), cell by cell."""
    loss = AsymmetricLossMultiLabel()  # its mean, or in older releases its sum, of one cell
    cells = vmap(lambda x, y: loss(x.view(1, 1), y.view(1, 1)))(outputs.ravel(), targets.ravel())
    return cells.view_as(outputs)


def _binary(outputs: Tensor, targets: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(outputs, targets, reduction="none")


ELEMENT_LOSSES: dict[str, ElementLosses] = {
    "bce": _binary,
    "cumulative": _binary,
    "bce_range": _binary,
    "asymmetric": _asymmetric,
    "mse": lambda outputs, targets: mse_loss(outputs, targets, reduction="none"),
    "l1": lambda outputs, targets: l1_loss(outputs, targets, reduction="none"),
    "huber": lambda outputs, targets: huber_loss(outputs, targets, reduction="none"),
}


Loss = WeightedCrossEntropy | ElementLoss


def loss_name(recipe: Recipe, target: Target) -> str:
    """The loss that a recipe trains by: the one it names, or the target's first.

    Raises:
        KitError: it does not fit the target.
    """
    if recipe.loss == "auto":
        return target.losses[0]
    if recipe.loss not in target.losses:
        raise KitError(
            f"loss={recipe.loss} does not fit a target of kind {target.kind}: say "
            f"{' or '.join(['auto', *target.losses])}"
        )
    return recipe.loss


def build_loss(recipe: Recipe, targets: Tensor, target: Target) -> Loss:
    """The recipe's loss, smoothed; with `class_balance=weights`, answers weighted by 1 / frequency.

    `targets` [N] or [N, O] are the training rows', as `target.soft` gives them. An answer that is in
    none of them has no weight.
    """
    name, balanced = loss_name(recipe, target), recipe.class_balance == "weights"
    if name == "cross_entropy":
        weight, count = None, len(target.names)
        if balanced:
            counts = torch.bincount(targets, minlength=count).float()
            weight = torch.where(counts > 0, len(targets) / (count * counts), 0.0)
        return WeightedCrossEntropy(weight, recipe.label_smoothing)
    weights = None
    if balanced:
        yes = targets.sum(dim=0)
        counts = torch.stack([len(targets) - yes, yes])
        weights = torch.where(counts > 0, len(targets) / (2 * counts), 0.0)
    return ElementLoss(ELEMENT_LOSSES[name], weights, recipe.label_smoothing)
