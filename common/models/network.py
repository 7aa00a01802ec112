"""A model with what it takes to feed it."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from common.data.batches.sources import to_input
from common.models.backbone import InputFacts


@dataclass(frozen=True)
class Network:
    """A model with what it takes to feed it: size, normalisation, layout, precision."""

    model: nn.Module
    facts: InputFacts
    size: int
    device: torch.device
    precision: torch.dtype
    layout: torch.memory_format

    @cached_property
    def normal(self) -> tuple[Tensor, Tensor]:
        """Mean and std [1, 3, 1, 1] on the device, of pixels in [0, 1]."""
        mean, std = (
            torch.tensor(each, device=self.device).view(1, 3, 1, 1)
            for each in (self.facts.mean, self.facts.std)
        )
        return mean, std

    def input(self, images: Tensor, size: int | None = None) -> Tensor:
        """uint8 [B, 3, H, W] to the normalised input [B, 3, S, S] in the network's layout."""
        ready = to_input(images, *self.normal, self.size if size is None else size)
        return ready.contiguous(memory_format=self.layout)

    def autocast(self) -> torch.autocast:
        """Mixed precision for the forward pass; a no-op in fp32."""
        return torch.autocast(
            self.device.type, dtype=self.precision, enabled=self.precision != torch.float32
        )
