"""Folding batch norms: the same outputs to rounding, and a network that cannot be folded as it is."""

import pytest
import timm
import torch
from timm.layers import StdConv2d
from torch import nn

from common.inference.folded import folded


def with_statistics(model: nn.Module) -> nn.Module:
    """The model after a few batches: its norms are no identity."""
    torch.manual_seed(0)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(2 * torch.rand(4, 3, 64, 64) + 1)
    return model.eval()


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "tf_efficientnet_b0"])
def test_a_network_without_its_norms_answers_as_it_did(name: str) -> None:
    model = with_statistics(timm.create_model(name, num_classes=7))
    image = torch.rand(2, 3, 64, 64)
    found = folded(model, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(found(image), model(image), rtol=1e-3, atol=1e-4)
    assert not any(isinstance(each, nn.BatchNorm2d) for each in found.modules())
    assert any(isinstance(each, nn.BatchNorm2d) for each in model.modules())


class Twice(nn.Module):
    """One convolution in front of two norms, and a sum that sees what is before a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.one, self.two = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        self.last, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both = self.one(self.shared(x)) + self.two(self.shared(x + 1))
        return self.norm(self.last(both))  # type: ignore[no-any-return]


def test_a_convolution_that_is_used_twice_keeps_its_norms() -> None:
    found = folded(with_statistics(Twice()), 64, 64)
    kept = [name for name, each in found.named_modules() if isinstance(each, nn.BatchNorm2d)]
    assert kept == ["one", "two"]


class Parts(nn.Module):
    """Large outputs that may be folded, and small ones that may not."""

    def __init__(self) -> None:
        super().__init__()
        self.large = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
        self.small = nn.Sequential(StdConv2d(3, 8, 1), nn.BatchNorm2d(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.large(x), 1e-5 * self.small(3 * x)], dim=1)


def test_each_part_of_the_outputs_is_held_to_its_own_size() -> None:
    model = with_statistics(Parts())
    assert folded(model, 64, 64, widths=[3, 8]) is model
    assert folded(model, 64, 64) is not model


class Seen(nn.Module):
    """A convolution whose output goes past its norm as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return self.norm(x) + x  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "model", [Seen(), nn.Sequential(StdConv2d(3, 8, 3), nn.BatchNorm2d(8))], ids=["seen", "remade"]
)
def test_a_network_that_folding_would_change_comes_back_as_it_is(model: nn.Module) -> None:
    assert folded(with_statistics(model), 64, 64) is model
