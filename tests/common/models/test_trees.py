"""The head of boosted trees says what scikit-learn's own models say."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from common.errors import KitError
from common.inference.feature_table import FeatureTable
from common.models.tensor_heads import Trees
from common.targets import LabelSet, Numbers, OneClass, Target
from common.training.solved.boosting import FIXED, _nodes, boosted, boosted_on_grid
from common.training.solved.principal import Part, principal

SETTINGS = {**FIXED, "max_leaf_nodes": 6, "max_iter": 12}
LABELS = LabelSet(names=tuple("abc"))


def fitted(x: Any, answers: Any, target: Target, rounds: int = 12) -> Trees:
    rows = principal(Part(FeatureTable([[x[None].astype(np.float32)]]), np.arange(len(x))))
    return boosted(rows, answers, target, 6, rounds)


def both(kind: Any, head: Trees, y: Any, x: Any) -> tuple[Any, Any]:
    """scikit-learn's model of the same coordinates, and these."""
    at = x.astype(np.float32) @ head.weight.numpy().T + head.bias.numpy()
    return kind(**SETTINGS).fit(at, y), at


def outputs(head: Trees, x: Any) -> Any:
    return head(torch.from_numpy(x.astype(np.float32))[None])[0]


@pytest.mark.parametrize("classes", [3, 2])
def test_trees_say_of_classes_what_scikit_learn_says(classes: int) -> None:
    x, y = load_iris(return_X_y=True)
    x, y = x[y >= 3 - classes], y[y >= 3 - classes] - (3 - classes)
    head = fitted(x, y, OneClass(names=tuple("abc"[:classes])))
    model, at = both(HistGradientBoostingClassifier, head, y, x)
    chances = outputs(head, x).softmax(dim=-1).numpy()
    assert np.abs(chances - model.predict_proba(at)).max() < 1e-6
    shares = 0.9 * np.eye(classes)[y] + 0.1 / classes
    of_shares = outputs(fitted(x, shares, OneClass(names=tuple("abc"[:classes]))), x)
    assert np.array_equal(of_shares.softmax(dim=-1).numpy(), chances)


def test_trees_say_of_numbers_what_scikit_learn_says_and_leave_out_what_is_missing() -> None:
    x, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    some = np.where(np.arange(len(y)) % 3, y, np.nan)
    target = Numbers(names=("a", "b"), shift=(0.0, 0.0), scale=(1.0, 1.0))
    head = fitted(x, np.stack([y, some], axis=1), target)
    found, known = outputs(head, x).numpy(), np.isfinite(some)
    for column, rows in enumerate((np.ones(len(y), bool), known)):
        model, at = both(HistGradientBoostingRegressor, head, y, x)
        model.fit(at[rows], y[rows])
        assert np.abs(found[:, column] - model.predict(at)).max() < 1e-6


def test_labels_have_trees_each_of_their_own_unless_all_rows_are_alike() -> None:
    x, y = load_iris(return_X_y=True)
    labels = np.stack([y == 1, np.zeros(len(y)), np.ones(len(y))], axis=1).astype(np.float32)
    head = fitted(x, labels, LABELS)
    model, at = both(HistGradientBoostingClassifier, head, y == 1, x)
    found = outputs(head, x).sigmoid().numpy()
    assert np.abs(found[:, 0] - model.predict_proba(at)[:, 1]).max() < 1e-6
    assert (found[:, 1] < 0.01).all() and (found[:, 2] > 0.99).all()
    assert set(fitted(x, labels[:, [1, 1, 2]], LABELS).state_dict()) == set(head.state_dict())


def test_a_class_without_a_row_is_all_but_never_said() -> None:
    x, y = load_iris(return_X_y=True)
    found = outputs(fitted(x, np.where(y == 2, 3, y), OneClass(names=tuple("abcd"))), x)
    assert (found.softmax(dim=-1)[:, 2] < 0.05).all() and (found.argmax(dim=-1) != 2).all()


def test_the_grid_says_what_heads_of_as_many_rounds_say() -> None:
    x, y = load_iris(return_X_y=True)
    target, view = OneClass(names=tuple("abc")), x[None].astype(np.float32)
    for rounds, said in boosted_on_grid(fitted(x, y, target), (3, 12), view):
        assert np.abs(said[0] - outputs(fitted(x, y, target, int(rounds)), x).numpy()).max() < 1e-5


def test_trees_that_scikit_learn_keeps_otherwise_are_refused() -> None:
    with pytest.raises(KitError, match=r"keeps otherwise than 1\.6 to 1\.9: install one of these"):
        _nodes(SimpleNamespace(nodes=np.zeros(3, [("feature", int)])))
