"""Probabilities of rows under a set of views, from one model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from common.data.batches import Source, to_input
from common.data.folds import Rows
from common.inference.views import GROUPS
from common.metrics import Probs
from common.models.backbone import InputFacts
from common.progress import bar


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


def predict(
    network: Network, source: Source, rows: Rows, *, views: Sequence[str], label: str
) -> dict[str, Probs]:
    """For every group of views, the mean of its views' softmax: name to float32 [len(rows), C]."""
    sums: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in views}
    with bar(len(rows), label) as progress:
        for images in source.plain(rows, network.size):
            for name, probs in _batch(network, images, views):
                sums[name].append(probs)
            progress.update(len(images))
    return {name: np.concatenate(parts) for name, parts in sums.items()}


@torch.inference_mode()
def _batch(
    network: Network, images: Tensor, views: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    network.model.eval()
    ready = network.input(images)
    for name in views:
        total: Tensor | float = 0.0
        for view in GROUPS[name]:
            with network.autocast():
                logits = network.model(view(ready).contiguous(memory_format=network.layout))
            total = total + logits.float().softmax(dim=1)
        assert isinstance(total, Tensor)
        yield name, (total / len(GROUPS[name])).cpu().numpy()


def joined(groups: dict[str, Probs], names: Sequence[str]) -> Probs:
    """The mean over all single views of these groups: float32 [N, C]."""
    weights = [len(GROUPS[name]) for name in names]
    total = sum(weight * groups[name] for weight, name in zip(weights, names, strict=True))
    return np.asarray(total / np.float32(sum(weights)), dtype=np.float32)


def mean(parts: list[Probs]) -> Probs:
    """The mean of arrays, in float32 and in their order."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total / np.float32(len(parts))
