"""The loss of rows that weigh differently: what a rare class and an absent one do to it."""

from typing import Any

import pytest
import torch
from torch import Tensor
from toy_answers import classes

from common.recipe import Recipe
from common.training.updates.loss import MixupCutmix, WeightedCrossEntropy, build_loss

LABELS = torch.tensor([0, 0, 1, 0, 2, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0])  # 11, 4, 1


def blobs() -> tuple[Tensor, Tensor]:
    """78, 75 and 2 points of three classes that lie close together."""
    labels = torch.tensor([0] * 78 + [1] * 75 + [2] * 2)
    noise = torch.randn(155, 8, generator=torch.Generator().manual_seed(0))
    return noise + 1.5 * torch.eye(3, 8)[labels], labels


@pytest.mark.parametrize("fields", [{"label_smoothing": 0.1}, {"mixup": 0.4}, {"cutmix": 1.0}])
def test_a_rare_class_with_weights_is_not_predicted_everywhere(fields: dict[str, Any]) -> None:
    points, labels = blobs()
    recipe = Recipe(class_balance="weights", batch_size=154, **fields)
    mix, loss_of = MixupCutmix(recipe, 3), build_loss(recipe, labels, classes(3))
    head = torch.nn.Linear(8, 3)
    optimiser = torch.optim.SGD(head.parameters(), lr=0.5, momentum=0.9)
    for step in range(100):
        order = torch.randperm(155, generator=torch.Generator().manual_seed(step))[:154]
        # As images of 1x1: cutmix takes all of one of the two.
        x, y = mix(points[order, :, None, None].clone(), labels[order], (0, 0, 0, step))
        loss = loss_of(head(x[..., 0, 0]), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = head(points).argmax(1)
    assert int((found == 2).sum()) < 20
    assert float((found == labels).float().mean()) > 0.75


def test_a_class_without_rows_weighs_nothing_and_changes_no_other() -> None:
    recipe = Recipe(class_balance="weights")
    with_it, without = (build_loss(recipe, LABELS, classes(n)).weight for n in (4, 3))
    assert with_it is not None and without is not None
    assert with_it[3] == 0
    own = torch.tensor([1 / 11, 1 / 4, 1.0])
    assert torch.allclose(with_it[:3] / with_it.sum(), without / without.sum())
    assert torch.allclose(without / without.sum(), own / own.sum())
    logits, rows = torch.randn(16, 4), LABELS
    assert build_loss(recipe, rows, classes(4))(logits, rows).isfinite()


def test_without_weights_the_loss_is_torchs_own_to_the_bit() -> None:
    logits, rows = torch.randn(16, 4), LABELS
    for smoothing in (0.0, 0.1):
        own = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, rows)
        assert torch.equal(WeightedCrossEntropy(None, smoothing)(logits, rows), own)


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_a_doubtful_row_pulls_by_its_weight_and_not_by_its_square(balance: str) -> None:
    loss_of = build_loss(Recipe(class_balance=balance), LABELS, classes(3))
    targets = torch.eye(3)[LABELS]
    targets[1] *= 0.2  # of the class of row 0
    logits = torch.zeros(16, 3, requires_grad=True)
    loss_of(logits, targets).backward()
    assert logits.grad is not None
    pulls = logits.grad.abs().sum(1)
    assert float(pulls[1] / pulls[0]) == pytest.approx(0.2)
