"""On a GPU the parts of a training give a CPU's numbers: augmentation, input, views, losses, Muon, norms."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_gpu_cases import APART, DEVICE, NEEDS_GPU

from common.data.batches.small_images import DRAWS, SMALL, augment
from common.data.batches.sources import to_input
from common.inference.predict import mean_probs, view_outputs
from common.inference.tta_views import VIEW_GROUPS
from common.models.activations import activation_of
from common.models.backbone import InputConfig, build
from common.models.kit_fastnet import ShiftNorm
from common.models.network import Network
from common.models.whitening import Whitening
from common.recipe import Recipe
from common.targets import Grades, LabelSet, Numbers, OneClass, Target
from common.training.devices import PRECISIONS
from common.training.updates.loss import MixupCutmix, build_loss
from common.training.updates.muon import FilterMuon

pytestmark = NEEDS_GPU
LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
FOUR = tuple("abcd")


def images(count: int = 5, side: int = 12) -> Tensor:
    """uint8 [count, side, side, 3], as the store has them."""
    return torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    )


@pytest.mark.parametrize("preset", SMALL)
@pytest.mark.parametrize("count", [1, 5])
def test_small_images_are_augmented_to_the_same_pixels(preset: str, count: int) -> None:
    draws = torch.from_numpy(np.random.default_rng(1).random((count, DRAWS), np.float32))
    fill = torch.tensor([120, 110, 100], dtype=torch.uint8)
    there = [each.to(DEVICE) for each in (images(count), draws)]
    found = augment(*there, SMALL[preset], fill.to(DEVICE))
    assert torch.equal(found.cpu(), augment(images(count), draws, SMALL[preset], fill))


@pytest.mark.parametrize("size", [0, 8, 20])
def test_the_network_sees_the_same_input_at_every_size(size: int) -> None:
    shown, mean_std = images().permute(0, 3, 1, 2), torch.tensor([[0.5, 0.4, 0.3], [0.2, 0.3, 0.4]])
    mean, std = mean_std.view(2, 1, 3, 1, 1)
    found = to_input(shown.to(DEVICE), mean.to(DEVICE), std.to(DEVICE), size)
    assert torch.allclose(found.cpu(), to_input(shown, mean, std, size), atol=1e-4)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("group", VIEW_GROUPS)
def test_a_view_shows_the_same(group: str, layout: str) -> None:
    torch.manual_seed(0)
    batch = torch.randn(3, 3, 16, 16).contiguous(memory_format=LAYOUTS[layout])
    for view in VIEW_GROUPS[group]:
        assert torch.allclose(view(batch.to(DEVICE)).cpu(), view(batch), atol=1e-4)


def network(name: str, precision: str, layout: str = "channels_last") -> Network:
    """A random network on the device, of inputs of 32 pixels."""
    torch.manual_seed(0)
    if DEVICE == "cpu" and precision == "fp16":
        precision = "bf16"
    return Network(
        model=build(Recipe(backbone=name, image_size=32), FOUR).eval().to(DEVICE),
        input_config=InputConfig((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1.0),
        size=32,
        device=torch.device(DEVICE),
        precision=PRECISIONS[precision],
        layout=LAYOUTS[layout],
        target=OneClass(names=FOUR),
        loss="cross_entropy",
    )


@pytest.mark.parametrize("precision", APART)
@pytest.mark.parametrize("name", ["kit_resnet9_16", "kit_fastnet_16", "test_resnet", "test_vit"])
def test_a_batch_of_one_is_predicted(name: str, precision: str) -> None:
    made = network(name, precision)
    batch = made.input(images(1, 32).permute(0, 3, 1, 2).to(DEVICE))
    for group in VIEW_GROUPS:
        probs = mean_probs(view_outputs(made, batch, group), made.activation)
        assert probs.shape == (1, 4) and probs.dtype == np.float32
        assert probs.sum() == pytest.approx(1, abs=1e-5)


TARGETS: list[tuple[Target, str]] = [
    (OneClass(names=FOUR), "cross_entropy"),
    (LabelSet(names=FOUR), "bce"),
    (LabelSet(names=FOUR), "asymmetric"),
    (Grades(lowest=0, highest=4), "cumulative"),
    *((Numbers(names=FOUR, low=0, high=1), name) for name in ("mse", "l1", "huber", "bce_range")),
]


@pytest.mark.parametrize("balance", ["none", "weights"])
@pytest.mark.parametrize(("target", "loss"), TARGETS)
def test_a_loss_mixed_or_not_has_the_same_value_and_gradient(
    target: Target, loss: str, balance: str
) -> None:
    recipe = Recipe(loss=loss, class_balance=balance, label_smoothing=0.1, mixup=1.0, batch_size=8)
    generator = torch.Generator().manual_seed(0)
    answers = torch.randint(0, 2, (8, 4), generator=generator)
    y = answers.sum(1) % 4 if loss == "cross_entropy" else answers.float()
    outputs, seen = torch.randn(8, 4, generator=generator), []
    if y.ndim > 1 and balance == "none":
        y[3, 1] = torch.nan
    for device in ("cpu", DEVICE):
        loss_of = build_loss(recipe, y, target).to(device)
        x, there = outputs.to(device, copy=True).requires_grad_(), y.to(device)
        plain = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(1)).to(device)
        mixed, soft = MixupCutmix(recipe, 4)(plain, there, (0, 0, 0, 0))
        total = loss_of(x, there) * loss_of.share(there, [there, there]) + loss_of(x, soft)
        total.backward()
        assert x.grad is not None
        probs = activation_of(target, loss)(x.detach())
        seen.append([each.cpu() for each in (total.detach(), x.grad, mixed, soft, probs)])
    for one, other in zip(*seen, strict=True):
        assert torch.allclose(one, other, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_muon_takes_the_same_steps(layout: str) -> None:
    found = []
    for device in ("cpu", DEVICE):
        torch.manual_seed(0)
        parameters = [
            nn.Parameter(torch.randn(shape).to(device))
            for shape in ((6, 4, 3, 3), (16, 3, 2, 2), (5, 7), (5,))
        ]
        for each in parameters[:2]:
            each.data = each.data.contiguous(memory_format=LAYOUTS[layout])
        optimiser = FilterMuon([{"params": parameters}], lr=0.1, momentum=0.6, weight_decay=0.01)
        for _ in range(3):
            for each in parameters:
                each.grad = torch.randn(each.shape).to(device)
            optimiser.step()
        found.append([each.detach().cpu() for each in parameters])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("precision", APART)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_norm_without_a_trained_scale_has_the_formulas_gradients(
    layout: str, precision: str
) -> None:
    torch.manual_seed(0)
    norm, dtype = ShiftNorm(6).to(DEVICE), PRECISIONS[precision]
    x = (3 * torch.randn(8, 6, 5, 5) + 1).to(DEVICE, dtype)
    x = x.contiguous(memory_format=LAYOUTS[layout]).requires_grad_()
    weigh = torch.randn(8, 6, 5, 5)
    (norm(x).float() * weigh.to(DEVICE)).sum().backward()
    exact = x.detach().cpu().double().requires_grad_()
    centred = exact - exact.mean((0, 2, 3), keepdim=True)
    spread = centred.square().mean((0, 2, 3), keepdim=True) + norm.eps
    bias = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    ((centred / spread.sqrt() + bias[:, None, None]) * weigh).sum().backward()
    within: Any = {"atol": 4 * APART[precision], "rtol": APART[precision]}
    assert x.grad is not None and norm.bias.grad is not None
    assert exact.grad is not None and bias.grad is not None
    assert torch.allclose(x.grad.cpu().double(), exact.grad, **within)
    assert torch.allclose(norm.bias.grad.cpu().double(), bias.grad, **within)


def test_the_whitening_is_fitted_to_the_same_filters() -> None:
    torch.manual_seed(0)
    batch = torch.randn(16, 3, 16, 16) + torch.randn(16, 1, 16, 16)
    found = []
    for device in ("cpu", DEVICE):
        layer = Whitening(3).to(device)
        layer.fit(batch.to(device).contiguous(memory_format=torch.channels_last).split(5))
        found.append(layer.weight.cpu())
    assert torch.allclose(*found, atol=1e-3)
