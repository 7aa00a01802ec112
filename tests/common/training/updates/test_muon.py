"""The kit's Muon: filters of one size, moved by orthogonal matrices; the rest as torch's SGD moves it."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from common.models.backbone import build
from common.recipe import Recipe
from common.training.updates.muon import FilterMuon, orthogonal
from common.training.updates.optimisers import build_optimiser, check_optimiser


def filters(seed: int = 0) -> nn.Parameter:
    torch.manual_seed(seed)
    return nn.Parameter(torch.randn(6, 4, 3, 3).contiguous(memory_format=torch.channels_last))


def gradients(like: Tensor, count: int = 3) -> Iterator[Tensor]:
    torch.manual_seed(1)
    for _ in range(count):
        yield torch.randn_like(like)


def muon(*parameters: nn.Parameter, lr: float, decay: float = 0.0) -> FilterMuon:
    return FilterMuon(parameters, lr=lr, momentum=0.6, weight_decay=decay)


def moved(optimiser: torch.optim.Optimizer, parameter: nn.Parameter, scale: float = 1.0) -> Tensor:
    for gradient in gradients(parameter):
        parameter.grad = gradient * scale
        optimiser.step()
    return parameter.detach().clone()


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (8, 8)])
def test_an_orthogonal_matrix_keeps_its_singular_vectors(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.T @ orthogonal([7 * matrix])[0] @ right.T
    assert torch.allclose(inner, inner.diag().diag(), atol=1e-4)
    large = inner.diag()[values > values.max() / 5]
    assert ((large > 0.5) & (large < 1.3)).all()


def test_matrices_of_several_shapes_come_out_as_each_alone() -> None:
    torch.manual_seed(0)
    matrices = [torch.randn(shape) for shape in ((8, 40), (40, 8), (8, 8), (5, 9), (8, 17))]
    for matrix, together in zip(matrices, orthogonal(matrices), strict=True):
        assert torch.allclose(together, orthogonal([matrix])[0], atol=1e-5)


def test_a_step_leaves_filters_of_the_size_of_their_number_and_a_turn() -> None:
    parameter = filters()
    before, gradient = parameter.detach().clone(), next(gradients(parameter))
    parameter.grad = gradient
    muon(parameter, lr=0.1).step()
    unit = before * 6**0.5 / before.norm()
    turn = orthogonal([gradient.flatten(1)])[0].view(before.shape)
    assert torch.allclose(parameter, unit - 0.1 * turn, atol=1e-5)


def test_a_step_without_a_rate_leaves_the_direction_of_filters() -> None:
    parameter = filters()
    before = parameter.detach().clone()
    after = moved(muon(parameter, lr=0.0), parameter)
    assert after.norm() == pytest.approx(6**0.5)
    assert torch.allclose(after / after.norm(), before / before.norm(), atol=1e-6)


def test_filters_move_alike_whatever_the_size_of_gradients_and_filters_and_never_decay() -> None:
    one, other = filters(), filters()
    with torch.no_grad():
        other.mul_(30)
    first = moved(muon(one, lr=0.1), one)
    second = moved(muon(other, lr=0.1, decay=0.5), other, scale=100.0)
    assert torch.allclose(first, second, atol=1e-4)


def test_what_is_no_filter_moves_as_with_torchs_nesterov() -> None:
    for shape in ((5,), (5, 3)):
        torch.manual_seed(2)
        ours = nn.Parameter(torch.randn(shape))
        theirs = nn.Parameter(ours.detach().clone())
        torchs = torch.optim.SGD([theirs], lr=0.1, momentum=0.85, weight_decay=0.2, nesterov=True)
        found = moved(muon(ours, lr=0.1, decay=0.2), ours)
        assert torch.allclose(found, moved(torchs, theirs), atol=1e-6)


def test_what_has_no_gradient_stays() -> None:
    frozen, free = filters(0), filters(1)
    before = frozen.detach().clone()
    optimiser = FilterMuon([frozen, free], lr=0.1, momentum=0.6, weight_decay=0.1)
    moved(optimiser, free)
    assert torch.equal(frozen, before)


def test_a_recipe_may_name_it_and_a_slip_is_led_to_it() -> None:
    check_optimiser("kit_muon")
    with pytest.raises(ValueError, match="kit_muon"):
        check_optimiser("kit_moun")
    recipe = Recipe(
        optimizer="kit_muon", backbone="kit_fastnet_16", head_lr_scale=2.0, norm_bias_lr_scale=8.0
    )
    optimiser = build_optimiser(build(recipe, ("a", "b")), recipe, 0.1)
    assert isinstance(optimiser, FilterMuon)
    assert sorted(group["lr_scale"] for group in optimiser.param_groups) == [1.0, 2.0, 8.0]
