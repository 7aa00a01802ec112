"""Solved layers are at their optimum: scikit-learn's, or the formula's, penalty by penalty."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from toy_principal import of_rows, outputs, standardised

from common.inference.feature_table import FeatureTable
from common.training.solved.linear_solvers import lda_path, logistic_path, ridge_path, svm_path
from common.training.solved.principal import Part, Principal, moments, principal

CLASSES = 4


def rows(count: int, width: int, seed: int = 0) -> tuple[Any, Any]:
    """Features [N, F] of several scales, and classes that they tell a little of."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    x = rng.normal(size=(count, width)) + rng.normal(size=(CLASSES, width))[y]
    return (x * rng.uniform(0.1, 9, width) + 3).astype(np.float32), y


@pytest.fixture(params=[(40, 90), (120, 15)], ids=["wide", "tall"])
def data(request: Any) -> tuple[Any, Any, Principal]:
    x, y = rows(*request.param)
    return x, y, of_rows(x)


def test_logistic_regression_is_at_the_optimum(data: tuple[Any, Any, Principal]) -> None:
    x, y, of = data
    strengths = (0.01, 0.1, 1.0)
    path = logistic_path(of, np.eye(CLASSES)[y], strengths, one_of=True)
    for strength, layer in zip(strengths, map(of.unfold, path), strict=True):
        peer = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(standardised(x, of), y)
        theirs = peer.decision_function(standardised(x, of))
        assert np.abs(outputs(x, layer) - theirs).max() < 0.02


def test_the_loss_of_many_classes_on_more_rows_than_features_is_the_least() -> None:
    rng, count, classes, strength = np.random.default_rng(0), 2000, 20, 0.1
    y = rng.integers(0, classes, count)
    x = rng.normal(size=(count, 256)) + 0.3 * rng.normal(size=(classes, 256))[y] + 20
    of = of_rows(x.astype(np.float32))
    (layer,) = logistic_path(of, np.eye(classes)[y], (strength,), one_of=True)
    z = standardised(x, of)
    peer = LogisticRegression(C=strength, tol=1e-6, max_iter=5000).fit(z, y)

    def loss(weight: Any, bias: Any) -> float:
        logits = z @ weight.T + bias
        rows = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(count), y]
        return float(rows.mean() + (weight**2).sum() / (2 * strength * count))

    ours = loss(layer[0] @ of.basis.T, layer[1])
    assert ours < loss(peer.coef_, peer.intercept_) + 1e-6


def test_an_optimum_of_many_classes_takes_few_copies_of_their_logits() -> None:
    rng, count, classes = np.random.default_rng(0), 4000, 200
    of, hot = of_rows(rng.normal(size=(count, 8)).astype(np.float32)), np.eye(classes)
    hot = hot[np.arange(count) % classes]
    assert of.x.shape == (count, 8)
    tracemalloc.start()
    next(logistic_path(of, hot, (0.1,), one_of=True))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * hot.nbytes


def test_a_row_counts_in_a_multinomial_regression_as_much_as_its_shares_sum_to(
    data: tuple[Any, Any, Principal],
) -> None:
    x, y, of = data
    weights = np.random.default_rng(1).uniform(0, 1, len(y))
    targets = weights[:, None] * np.eye(CLASSES)[y]
    (layer,) = map(of.unfold, logistic_path(of, targets, (0.1,), one_of=True))
    peer = LogisticRegression(C=0.1, tol=1e-8, max_iter=5000)
    theirs = peer.fit(standardised(x, of), y, sample_weight=weights)
    assert np.abs(outputs(x, layer) - theirs.decision_function(standardised(x, of))).max() < 0.02


def test_a_logistic_regression_for_each_label_knows_nothing_of_the_others(
    data: tuple[Any, Any, Principal],
) -> None:
    x, y, of = data
    labels = np.stack([y == 0, y > 1, np.zeros(len(y)), np.ones(len(y))], axis=1).astype(float)
    (layer,) = map(of.unfold, logistic_path(of, labels, (0.1,), one_of=False))
    found = outputs(x, layer)
    for column in (0, 1):
        peer = LogisticRegression(C=0.1, tol=1e-8, max_iter=5000)
        peer.fit(standardised(x, of), labels[:, column])
        theirs = peer.decision_function(standardised(x, of))
        assert np.abs(found[:, column] - theirs).max() < 0.02
    none, all_rows = found[:, 2], found[:, 3]  # what every row answers alike has a bias alone
    assert np.ptp(none) < 1e-9 and np.ptp(all_rows) < 1e-9 and none[0] < -4 < 4 < all_rows[0]


def test_ridge_regression_is_at_the_optimum(data: tuple[Any, Any, Principal]) -> None:
    x, y, of = data
    for penalty, layer in zip(
        (1.0, 300.0), ridge_path(of, np.eye(CLASSES)[y], (1.0, 300.0)), strict=True
    ):
        peer = Ridge(alpha=penalty).fit(standardised(x, of), np.eye(CLASSES)[y])
        theirs = peer.predict(standardised(x, of))
        assert np.abs(outputs(x, of.unfold(layer)) - theirs).max() < 1e-6


def test_discriminant_analysis_is_its_formula(data: tuple[Any, Any, Principal]) -> None:
    x, y, of = data
    z = standardised(x.astype(float), of)
    means = np.stack([z[y == label].mean(axis=0) for label in range(CLASSES)])
    within = (z - means[y]).T @ (z - means[y]) / len(z)
    sphere = np.trace(within) / z.shape[1] * np.eye(z.shape[1])
    for shrinkage, layer in zip((0.9, 0.2), lda_path(of, y, CLASSES, (0.9, 0.2)), strict=True):
        weight = np.linalg.solve((1 - shrinkage) * within + shrinkage * sphere, means.T).T
        bias = np.log(np.bincount(y) / len(y)) - (weight * means).sum(axis=1) / 2
        assert np.abs(outputs(x, of.unfold(layer)) - outputs(z, (weight, bias))).max() < 1e-6


@pytest.mark.parametrize("head", ["logistic", "lda"])
def test_a_class_without_a_row_is_all_but_never_said(head: str) -> None:
    x, y = rows(60, 20)
    of, hot = of_rows(x), np.eye(CLASSES + 1)[y]
    path = {
        "logistic": lambda: logistic_path(of, hot, (0.1,), one_of=True),
        "lda": lambda: lda_path(of, y, CLASSES + 1, (0.5,)),
    }[head]()
    (layer,) = map(of.unfold, path)
    found = np.exp(outputs(x, layer))
    shares = (found / found.sum(axis=1, keepdims=True)).mean(axis=0)
    assert 0 < shares[-1] < 0.05 < shares[:-1].min()


@pytest.mark.parametrize("head", ["lda", "svm", "ridge"])
@pytest.mark.parametrize("shape", [(40, 90), (120, 15)], ids=["wide", "tall"])
def test_a_class_without_a_row_wins_nowhere(head: str, shape: tuple[int, int]) -> None:
    x, y = rows(*shape)
    of, hot = of_rows(x), np.eye(CLASSES + 1)[y]
    paths = {
        "lda": lambda: lda_path(of, y, CLASSES + 1, (0.95, 0.5, 0.03)),
        "svm": lambda: svm_path(of, hot, (1e-6, 1e-3, 0.1), one_of=True),
        "ridge": lambda: ridge_path(of, 2 * hot - 1, (1e4, 10.0)),
    }
    anywhere = np.random.default_rng(1).normal(3, 30, (500, shape[1])).astype(np.float32)
    for layer in map(of.unfold, paths[head]()):
        assert (outputs(anywhere, layer).argmax(axis=1) < CLASSES).all()


def test_a_feature_that_is_always_the_same_gets_no_weight() -> None:
    x, y = rows(60, 20)
    x[:, 3] = 7.3
    of = of_rows(x)
    (layer,) = map(of.unfold, ridge_path(of, np.eye(CLASSES)[y], (1.0,)))
    assert np.isfinite(layer[0]).all() and np.abs(layer[0][:, 3]).max() < 1e-12


def test_a_row_of_each_class_is_enough_for_finite_layers() -> None:
    x, y = rows(CLASSES, 20)
    of = of_rows(x)
    paths = [
        lda_path(of, y, CLASSES, (0.5,)),
        ridge_path(of, np.eye(CLASSES)[y], (1.0,)),
        logistic_path(of, np.eye(CLASSES)[y], (0.1,), one_of=True),
    ]
    for path in paths:
        (layer,) = map(of.unfold, path)
        assert (outputs(x, layer).argmax(axis=1) == y).all()


def test_a_fold_of_many_rows_is_all_rows_less_those_held_out() -> None:
    """Of two views, in blocks on disk, by the moments; the same layers as of the rows themselves."""
    x, y = rows(240, 15)
    views = np.stack([x, x[:, ::-1]]).astype(np.float16)
    table = FeatureTable([[views[:, :100], views[:, 100:]]])
    columns = np.array([0, 2, 3, 9, 14])
    held_out, kept = np.arange(0, 240, 5), np.flatnonzero(np.arange(240) % 5)
    whole = moments(Part(table, np.arange(240), columns))
    known = whole.without(moments(Part(table, held_out, columns), whole.origin))
    of = principal(Part(table, kept, columns), known)
    direct = of_rows(views[:, kept][:, :, columns].reshape(-1, 5).astype(np.float32))
    answers = np.eye(CLASSES)[y[kept][of.part.places]]
    for path in (ridge_path, lambda *given: logistic_path(*given, one_of=True)):
        (mine,) = map(of.unfold, path(of, answers, (0.1,)))
        (theirs,) = map(direct.unfold, path(direct, answers, (0.1,)))
        assert np.abs(mine[0] - theirs[0]).max() < 1e-3 * np.abs(theirs[0]).max()


def test_rows_come_from_the_table_as_they_were_put_there() -> None:
    x = np.random.default_rng(0).normal(size=(3, 50, 7)).astype(np.float32)
    table = FeatureTable([[x[:1, :20], x[:1, 20:]], [x[1:, :20], x[1:, 20:]]])
    some = np.array([49, 3, 20, 19, 3])
    assert np.array_equal(table.take(some), x[:, some])
    assert np.array_equal(table.take(some, np.array([1, 4])), x[:, some][:, :, [1, 4]])
    assert table.take(some[:0]).shape == (3, 0, 7)


def test_a_feature_that_varies_among_the_rows_taken_away_alone_gets_no_weight() -> None:
    x, y = rows(400, 30)
    x[:, :8] = 0.0
    x[300:, :8] = np.maximum(0, np.random.default_rng(2).normal(size=(100, 8)))
    table, own = FeatureTable([[x[None]]]), np.arange(300)
    whole = moments(Part(table, np.arange(400)))
    left = whole.without(moments(Part(table, np.arange(300, 400)), whole.origin))
    found = principal(Part(table, own), left)
    layer = found.unfold(next(ridge_path(found, np.eye(CLASSES)[y[:300]], (1.0,))))
    direct = principal(Part(table, own))
    other = direct.unfold(next(ridge_path(direct, np.eye(CLASSES)[y[:300]], (1.0,))))
    assert not layer[0][:, :8].any()
    assert np.abs(outputs(x, layer) - outputs(x, other)).max() < 1e-8
