"""A job's first training batch as images: after augmentation, resizing and mixup or cutmix."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from common.data.batches.batching import epoch_order
from common.training.jobs import Job
from common.training.progressive_resizing import sizes_per_epoch
from common.training.run_context import RunContext
from common.training.updates.loss import MixupCutmix


def first_batch(
    job: Job, context: RunContext, count: int
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """The first batch as uint8 pixels [M, S, S, 3] and label texts, M <= count.

    A mixed image's label names both classes with their weights: 'cat 0.70 + dog 0.30'.
    """
    recipe, place = context.recipe, (job.seed, job.fold, 0)
    size = next(iter(sizes_per_epoch(recipe, context.side)), recipe.image_size)
    rows = job.rows[epoch_order(context.strata[job.rows], recipe, place)][: recipe.batch_size]
    network = context.network(nn.Identity())
    images = network.input(next(iter(context.source.training(rows, place, size))), size)
    targets = torch.from_numpy(context.loss_targets[rows]).to(context.device)
    mix = MixupCutmix(recipe, len(context.target.names))
    images, mixed = mix(images, targets, (*place, 0))
    mean, std = network.mean_std
    pixels = (images[:count] * std + mean).mul(255).round().clamp(0, 255).to(torch.uint8)
    if mixed.ndim == targets.ndim:  # one class a row is mixed to shares of classes
        told = [context.target.told(answer) for answer in context.targets[rows[:count]]]
        labels = told if mixed is targets else [f"{each} +" for each in told]
    else:
        labels = [_label(shares, context.target.names) for shares in mixed[:count].cpu()]
    return pixels.permute(0, 2, 3, 1).cpu().numpy(), labels


def _label(shares: Tensor, classes: tuple[str, ...]) -> str:
    named = [(float(share), name) for share, name in zip(shares, classes, strict=True)]
    two = sorted(named, reverse=True)[:2]
    return " + ".join(f"{name} {share:.2f}" for share, name in two if share > 0.05)
