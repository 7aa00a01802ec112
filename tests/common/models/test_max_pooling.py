"""Global max pooling, compiled or not, in every precision."""

import pytest
import torch

from common.models.backbone import build
from common.models.max_pooling import global_max
from common.recipe import Recipe


def test_the_largest_of_a_map_gets_its_gradient_and_nan_is_passed_on() -> None:
    x = torch.randn(3, 5, 4, 6, requires_grad=True)
    assert torch.equal(global_max(x), x.amax(dim=(2, 3)))
    (own,) = torch.autograd.grad(global_max(x).sum(), x)
    (other,) = torch.autograd.grad(x.amax(dim=(2, 3)).sum(), x)
    assert torch.equal(own, other)
    assert global_max(torch.tensor([[[[1.0, torch.nan]]]])).isnan().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kit_fastnet_16", "kit_resnet9_16"])
def test_the_kits_networks_compiled_in_half_precision_have_about_the_gradients_of_the_plain_ones(
    name: str,
) -> None:
    torch.compiler.reset()
    torch.manual_seed(0)
    model, images = build(Recipe(backbone=name), tuple("abc")), torch.randn(8, 3, 32, 32)
    found = []
    for forward in (model, torch.compile(model, dynamic=False)):
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = forward(images)
        logits.float().square().sum().backward()
        found.append(
            torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        )
    assert (found[0] - found[1]).norm() < 0.2 * found[0].norm()
