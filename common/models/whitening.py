"""Patch whitening: a fixed first layer, fitted to the training images' patch covariance.

From T. Dao's and D. Page's work on "How to train your ResNet" (2019), as K. Jordan (2024) uses it.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

SIDE = 2
FLOOR = 5e-4  # added to the eigenvalues: directions of little variance are mostly noise


class Whitening(nn.Module):
    """Images [B, C, H, W] to [B, 8 * C, H - 1, W - 1]: whitened 2x2 patches and their negatives.

    The filters are a buffer: saved with the weights, never trained. The bias trains.
    """

    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inputs = channels * SIDE * SIDE
        self.outputs = 2 * self.inputs
        plain = torch.eye(self.inputs).reshape(self.inputs, channels, SIDE, SIDE)
        self.register_buffer("weight", torch.cat([plain, -plain]))
        self.bias = nn.Parameter(torch.zeros(self.outputs))

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias)

    @torch.no_grad()
    def fit(self, images: Iterable[Tensor]) -> None:
        """Fit the filters to normalised images [B, C, H, W]: unit-variance outputs over their patches."""
        total = torch.zeros(self.inputs, self.inputs, dtype=torch.float64)
        count = 0
        for batch in images:
            patches = batch.unfold(2, SIDE, 1).unfold(3, SIDE, 1).movedim(1, 3)
            flat = patches.reshape(-1, self.inputs).double().cpu()
            total += flat.T @ flat
            count += len(flat)
        values, vectors = torch.linalg.eigh(total / count)
        filters = (vectors / (values + FLOOR).sqrt()).T.flip(0)
        # An eigenvector's sign is arbitrary: make its largest entry positive.
        largest = filters.gather(1, filters.abs().argmax(dim=1, keepdim=True))
        filters = (filters * largest.sign()).reshape(len(filters), *self.weight.shape[1:])
        self.weight.copy_(torch.cat([filters, -filters]))


def find_whitening(model: nn.Module) -> Whitening | None:
    """A model's whitening layer, or None."""
    return next((each for each in model.modules() if isinstance(each, Whitening)), None)
