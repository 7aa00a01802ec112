"""The first batch of a job exactly as its network will see it, for a person to look at."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from common.data.batches.sources import epoch_order
from common.training.context import Setting
from common.training.jobs import Job
from common.training.loss import Mixing
from common.training.sizes import sizes_of


def first_batch(job: Job, setting: Setting, count: int) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Pixels [M, S, S, 3] after augmentation, resizing and mixing, and their labels, M <= count.

    A mixed image's label names both classes with their shares: 'cat 0.70 + dog 0.30'.
    """
    recipe, place = setting.recipe, (job.seed, job.fold, 0)
    size = next(iter(sizes_of(recipe, setting.side)), recipe.image_size)
    rows = job.rows[epoch_order(setting.targets[job.rows], recipe, place)][: recipe.batch_size]
    network = setting.network(nn.Identity())
    images = network.input(next(iter(setting.source.training(rows, place, size))), size)
    targets = torch.from_numpy(setting.targets[rows]).to(setting.device)
    images, targets = Mixing(recipe, len(setting.classes))(images, targets, (*place, 0))
    mean, std = network.normal
    pixels = (images[:count] * std + mean).mul(255).round().clamp(0, 255).to(torch.uint8)
    labels = [_label(target, setting.classes) for target in targets[:count].cpu()]
    return pixels.permute(0, 2, 3, 1).cpu().numpy(), labels


def _label(target: Tensor, classes: tuple[str, ...]) -> str:
    if target.ndim == 0:
        return classes[int(target)]
    shares = [(float(share), name) for share, name in zip(target, classes, strict=True)]
    two = sorted(shares, reverse=True)[:2]
    return " + ".join(f"{name} {share:.2f}" for share, name in two if share > 0.05)
