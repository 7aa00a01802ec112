"""The head by nearest neighbours answers as scikit-learn's, but for the small share of all its rows."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_iris
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from common.inference.feature_table import FeatureTable
from common.models import tensor_heads as module
from common.models.tensor_heads import REST, Neighbours
from common.targets import Numbers, OneClass, Target
from common.training.solved.neighbour_bank import neighbours, neighbours_on_grid
from common.training.solved.principal import Part, principal

TEMPERATURE = 0.2
IRIS = OneClass(names=tuple("abc"))


def fitted(x: Any, answers: Any, target: Target, k: int) -> Neighbours:
    rows = principal(Part(FeatureTable([[x[None].astype(np.float32)]]), np.arange(len(x))))
    return neighbours(rows, answers, target, k, TEMPERATURE)


def peers(head: Neighbours, kind: Any, y: Any, k: int, queries: Any) -> Any:
    """What scikit-learn says of queries on the same coordinates: of k neighbours and, a little, of all."""

    def said(count: int) -> Any:
        weights: Any = lambda distances: np.exp((1 - distances) / TEMPERATURE)  # noqa: E731
        model = kind(count, metric="cosine", weights=weights).fit(head.bank.numpy(), y)
        return model.predict_proba(at) if kind is KNeighborsClassifier else model.predict(at)

    at = queries @ head.weight.numpy().T + head.bias.numpy()
    return (1 - REST) * said(k) + REST * said(len(y))


@pytest.mark.parametrize("k", [1, 5, 40])
def test_classes_are_voted_for_as_by_scikit_learn(k: int) -> None:
    x, y = load_iris(return_X_y=True)
    head = fitted(x[::2], y[::2], IRIS, k)
    queries = x[1::2].astype(np.float32)
    mine = head(torch.from_numpy(queries)).softmax(dim=-1).numpy()
    theirs = peers(head, KNeighborsClassifier, y[::2], k, queries)
    # float16 draws a neighbour from two rows that are equally similar but for its rounding
    assert (np.abs(mine - theirs).max(axis=1) < 1e-3).mean() > 0.95


def test_numbers_are_means_weighted_as_by_scikit_learn() -> None:
    x, y = load_diabetes(return_X_y=True)
    y = (y / y.std()).astype(np.float32)
    head = fitted(x[::2], y[::2, None], Numbers(names=("a",)), 10)
    queries = x[1::2].astype(np.float32)
    mine = head(torch.from_numpy(queries))[:, 0].numpy()
    theirs = peers(head, KNeighborsRegressor, y[::2], 10, queries)
    assert (np.abs(mine - theirs) < 1e-3).mean() > 0.95


def test_a_number_that_a_row_lacks_is_not_taken_for_0() -> None:
    x = np.random.default_rng(0).normal(size=(30, 4))
    y = np.stack([np.full(30, 7.0), np.where(np.arange(30) < 25, np.nan, 3.0)], axis=1)
    found = fitted(x, y, Numbers(names=("a", "b")), 2)(torch.from_numpy(x.astype(np.float32)))
    assert np.allclose(found.numpy(), [7, 3], atol=1e-4)


def test_classes_that_no_neighbour_has_are_ranked_by_their_own_most_similar_rows() -> None:
    rng, classes = np.random.default_rng(0), 40
    centres = rng.normal(size=(classes, 60))
    x, y = np.repeat(centres, 2, axis=0) + 0.05 * rng.normal(size=(80, 60)), np.arange(80) // 2
    target = OneClass(names=tuple(map(str, range(classes))))
    head = fitted(x, y, target, 1)
    mixed = np.stack([0.9 * centres[n] + 0.5 * centres[n - 1] for n in range(classes)])
    order = head(torch.from_numpy(mixed.astype(np.float32))).argsort(dim=-1, descending=True)
    assert (order[:, 0] == torch.arange(classes)).all()
    assert (order[:, 1] == (torch.arange(classes) - 1) % classes).float().mean() > 0.9


def test_labels_are_chances_each_by_itself() -> None:
    x, y = load_iris(return_X_y=True)
    labels = np.stack([y == 0, y > 0], axis=1).astype(np.float32)
    target: Any = SimpleNamespace(
        outputs=("a", "b"), losses=("bce",), activation=lambda _: "sigmoid"
    )
    head = fitted(x, labels, target, 5)
    assert head.answers.dtype == torch.uint8
    chances = head(torch.from_numpy(x.astype(np.float32))).sigmoid().numpy()
    assert ((chances > 0.5) == labels).mean() > 0.97 and (chances[:, :1] < 1).all()


def test_the_grid_says_what_heads_at_its_points_say_however_few_rows_go_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = load_iris(return_X_y=True)
    views = np.stack([x, x[:, ::-1]]).astype(np.float32)
    tried = neighbours_on_grid(fitted(x, y, IRIS, 1), (1, 5, 1000), (0.1, TEMPERATURE), views)
    found = {(k, t): outputs for k, t, outputs in tried}
    head = Neighbours(fitted(x, y, IRIS, 5).state_dict())
    monkeypatch.setattr(module, "NUMBERS", 7 * len(x))
    assert np.abs(head(torch.from_numpy(views)).numpy() - found[5, TEMPERATURE]).max() < 1e-5
    assert len(found) == 6 and found[1000, 0.1].shape == (2, len(x), 3)
