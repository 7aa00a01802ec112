"""A model with its device, precision, input size, normalisation and memory format."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from common.data.batches.sources import to_input
from common.models.activations import Activation, activation_of
from common.models.backbone import InputConfig
from common.targets import Target


@dataclass(frozen=True)
class Network:
    """A model and how to feed it: uint8 images in (`input`), under `autocast`."""

    model: nn.Module
    input_config: InputConfig
    size: int
    device: torch.device
    precision: torch.dtype
    layout: torch.memory_format
    target: Target
    loss: str  # what it is trained by, which decides what its outputs mean

    @cached_property
    def activation(self) -> Activation:
        """What turns its outputs [..., O] into probs [..., C]."""
        return activation_of(self.target, self.loss)

    @cached_property
    def mean_std(self) -> tuple[Tensor, Tensor]:
        """Mean and std [1, 3, 1, 1] on the device, of pixels in [0, 1]."""
        mean, std = (
            torch.tensor(each, device=self.device).view(1, 3, 1, 1)
            for each in (self.input_config.mean, self.input_config.std)
        )
        return mean, std

    def input(self, images: Tensor, size: int | None = None) -> Tensor:
        """uint8 [B, 3, H, W] to the normalised float input [B, 3, S, S] in the memory format."""
        ready = to_input(images, *self.mean_std, self.size if size is None else size)
        return ready.contiguous(memory_format=self.layout)

    def autocast(self) -> torch.autocast:
        """Mixed precision for the forward pass; a no-op in fp32."""
        return torch.autocast(
            self.device.type, dtype=self.precision, enabled=self.precision != torch.float32
        )
