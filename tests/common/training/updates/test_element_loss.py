"""Losses of yes and no, grades and numbers against plain readings of their definitions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from common.errors import KitError
from common.models.activations import activation_of
from common.recipe import Recipe
from common.targets import Grades, LabelSet, Numbers, OneClass, Target
from common.training.updates.loss import MixupCutmix, build_loss

LABELS = LabelSet(names=("a", "b"))
NUMBERS = Numbers(names=("a", "b"), shift=(1.0, 2.0), scale=(2.0, 4.0))
OUTPUTS = torch.tensor([[0.3, -1.2], [2.0, 0.1], [-0.4, 0.6]])
TARGETS = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]])


def binary(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    p = outputs.sigmoid()
    return -(targets * p.log() + (1 - targets) * (1 - p).log())


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_bce_is_the_mean_over_cells_smoothed_towards_a_half(smoothing: float) -> None:
    loss = build_loss(Recipe(label_smoothing=smoothing), TARGETS, LABELS)
    smooth = TARGETS * (1 - smoothing) + smoothing / 2
    assert loss(OUTPUTS, TARGETS).item() == pytest.approx(binary(OUTPUTS, smooth).mean().item())


def test_class_weights_count_an_answer_by_one_over_its_frequency() -> None:
    loss = build_loss(Recipe(class_balance="weights"), TARGETS, LABELS)
    # Label a is there in 3 of 3 rows: its 'no' has no weight. Label b: 1 of 3.
    weights = torch.tensor([[0.5, 0.75], [0.5, 1.5], [0.5, 0.75]])
    wanted = (weights * binary(OUTPUTS, TARGETS)).sum() / weights.sum()
    assert loss(OUTPUTS, TARGETS).item() == pytest.approx(wanted.item())


@pytest.mark.parametrize("name", ["mse", "l1", "huber"])
def test_a_missing_number_is_left_out(name: str) -> None:
    loss = build_loss(Recipe(loss=name), TARGETS, NUMBERS)
    holes = TARGETS.clone()
    holes[0, 1] = torch.nan
    apart = OUTPUTS - TARGETS
    cells = {
        "mse": apart**2,
        "l1": apart.abs(),
        "huber": torch.where(apart.abs() < 1, apart**2 / 2, apart.abs() - 0.5),
    }[name]
    kept = torch.tensor([cells[0, 0], *cells[1], *cells[2]])
    assert loss(OUTPUTS, holes).item() == pytest.approx(kept.mean().item())
    outputs = OUTPUTS.clone().requires_grad_()
    loss(outputs, holes).backward()
    assert outputs.grad is not None and outputs.grad[0, 1] == 0 and outputs.grad.isfinite().all()


def test_accumulated_batches_make_one_mean() -> None:
    loss = build_loss(Recipe(), TARGETS, LABELS)
    holes = TARGETS.clone()
    holes[2, 0] = torch.nan
    parts = holes.split(2)
    total = sum(
        loss(o, t) * loss.share(t, parts) for o, t in zip(OUTPUTS.split(2), parts, strict=True)
    )
    assert float(total) == pytest.approx(loss(OUTPUTS, holes).item())


@pytest.mark.parametrize("field", ["mixup", "cutmix"])
def test_answers_are_mixed_as_their_images_are(field: str) -> None:
    recipe = replace(Recipe(batch_size=4), **{field: 1.0})
    mix, images = MixupCutmix(recipe, 2), torch.rand(4, 3, 8, 8)
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [torch.nan, 1.0]])
    mixed, soft = mix(images.clone(), targets, (0, 0, 0, 0))
    share = (mixed - images.flip(0)).abs().mean() / (images - images.flip(0)).abs().mean()
    assert soft[0].isnan().tolist() == [True, False]  # its other half has no number there
    assert soft[1, 0].item() == pytest.approx(1 - share.item(), abs=0.15)
    assert soft[1:3].isfinite().all()


def test_the_chances_of_grades_are_a_distribution() -> None:
    grades = Grades(names=("0", "1", "2"), lowest=0, highest=2)
    probs = activation_of(grades, "cumulative")(torch.tensor([[3.0, -2.0], [-1.0, 2.0]]))
    assert torch.allclose(probs.sum(dim=1), torch.ones(2)) and (probs >= 0).all()
    assert probs[0].tolist() == pytest.approx([0.0474, 0.8334, 0.1192], abs=1e-4)
    assert probs[1, 1] == 0  # above 2 but not above 1: the lower chance holds for both


def test_numbers_come_back_in_their_own_units_and_within_their_scale() -> None:
    y = np.array([[3.0, 10.0]])
    outputs = torch.from_numpy(NUMBERS.soft(y))
    assert activation_of(NUMBERS, "mse")(outputs).tolist() == y.tolist()
    bounded = Numbers(names=("a",), low=1, high=100, shift=(1.0,), scale=(99.0,))
    ends = activation_of(bounded, "bce_range")(torch.tensor([[-99.0], [99.0]])).ravel()
    assert ends.tolist() == pytest.approx([1, 100])
    assert activation_of(bounded, "mse")(torch.tensor([[7.0]])).item() == 100


@pytest.mark.parametrize(("name", "target"), [("mse", LABELS), ("bce", OneClass(names=("a", "b")))])
def test_a_loss_that_does_not_fit_names_those_that_do(name: str, target: Target) -> None:
    with pytest.raises(
        KitError, match=f"loss={name} does not fit a target of kind .*: say auto or"
    ):
        build_loss(Recipe(loss=name), TARGETS, target)


def test_a_batch_without_a_known_cell_teaches_nothing() -> None:
    loss = build_loss(Recipe(), TARGETS, NUMBERS)
    outputs, lacking = OUTPUTS.clone().requires_grad_(), torch.full_like(TARGETS, torch.nan)
    for whole in ([lacking], [lacking, TARGETS]):
        (loss(outputs, lacking) * loss.share(lacking, whole)).backward()
        assert outputs.grad is not None and (outputs.grad == 0).all()
    assert float(loss.share(TARGETS, [TARGETS, lacking])) == 1
