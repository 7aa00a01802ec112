"""The processes that train one model together, each on its part of every batch; or one alone.

Order, augmentation and mixing are those of the whole batch, so that their number changes the sums'
rounding alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn

from common.data.batches.batching import WHOLE, Share
from common.models.kit_fastnet import ShiftNorm
from common.training.updates.loss import Loss, MixupCutmix

T = TypeVar("T")


@dataclass(frozen=True)
class Alone:
    """One process: nothing is exchanged."""

    share: Share = WHOLE

    @property
    def count(self) -> int:
        """The number of processes."""
        return self.share.count

    @property
    def first(self) -> bool:
        """Is it the one process that validates and writes?"""
        return self.share.number == 0

    def model(self, model: nn.Module) -> nn.Module:
        """The model with what it needs to train beside others."""
        return model

    def wrapped(self, model: nn.Module, accelerator: Any) -> nn.Module:  # noqa: ARG002
        """What is called in place of the model, so that gradients become those of the whole batch."""
        return model

    def mixed(
        self, mix: MixupCutmix, images: Tensor, targets: Tensor, place: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        """This process's images of a batch, mixed with others of the whole; the whole's targets."""
        return mix(images, targets, place)

    def loss(self, loss_of: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
        """What this process's outputs add to the mean loss of the whole batch, whose targets these are."""
        return loss_of(outputs, targets)

    def summed(self, value: Tensor) -> Tensor:
        """The sum over all processes."""
        return value

    def shared(self, make: Callable[[], T]) -> T:
        """What the first process makes, known to all."""
        return make()


ALONE = Alone()


def norms_shared(module: nn.Module) -> nn.Module:
    """A module, its batch norms made to take their statistics from the images of all processes."""
    if isinstance(module, ShiftNorm):
        return module.shared()
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        found: nn.Module = convert_sync_batchnorm(module)
        return found
    for name, child in module.named_children():
        setattr(module, name, norms_shared(child))
    return module


class Together(Alone):
    """One of several processes of torch's default process group."""

    def model(self, model: nn.Module) -> nn.Module:
        """On a GPU batch norm takes its statistics from the whole batch; torch has that there alone."""
        if next(model.parameters()).device.type != "cuda":
            return model
        return norms_shared(model)

    def wrapped(self, model: nn.Module, accelerator: Any) -> nn.Module:
        """DDP, which averages gradients; buffers are the first process's."""
        found: nn.Module = accelerator.prepare_model(model)
        return found

    def mixed(
        self, mix: MixupCutmix, images: Tensor, targets: Tensor, place: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        if mix.mixup is None:
            return images, targets
        whole, targets = mix(self._gathered(images, len(targets)), targets, place)
        return images.copy_(whole[self.share.of(len(whole))]), targets

    def loss(self, loss_of: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
        mine = targets[self.share.of(len(targets))]
        return loss_of(outputs, mine) * loss_of.share(mine, [targets])

    def summed(self, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    def shared(self, make: Callable[[], T]) -> T:
        found = [make() if self.first else None]
        dist.broadcast_object_list(found)
        return found[0]  # type: ignore[return-value]

    def _gathered(self, images: Tensor, whole: int) -> Tensor:
        """The images of all processes, in the batch's order."""
        lengths = [len(range(whole)[Share(n, self.count).of(whole)]) for n in range(self.count)]
        padded = images.new_zeros((max(lengths), *images.shape[1:]))
        padded[: len(images)] = images
        parts = [torch.empty_like(padded) for _ in lengths]
        dist.all_gather(parts, padded)
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])
