"""Support vector machines are at scikit-learn's optimum, where it does not penalise the bias."""

from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_iris
from sklearn.svm import LinearSVC, LinearSVR
from toy_principal import of_rows, outputs, standardised

from common.training.solved.linear_solvers import EPSILON, svm_path, svr_path

# scikit-learn penalises the bias, by so little with intercept_scaling that ours, which does not, is met.
PEER: dict[str, Any] = {"dual": False, "tol": 1e-8, "intercept_scaling": 100, "max_iter": 100_000}


def test_an_svm_is_at_the_optimum_of_linearsvc() -> None:
    x, y = load_iris(return_X_y=True)
    of, hot, strengths = of_rows(x.astype(np.float32)), np.eye(3)[y], (0.001, 0.1, 1.0)
    z = standardised(x, of)

    def objective(strength: float, weight: Any, bias: Any) -> float:
        margins = 1 - (2 * hot - 1) * (z @ weight.T + bias)
        return float((weight**2).sum() / 2 + strength * (np.maximum(0, margins) ** 2).sum())

    for strength, (weight, bias) in zip(
        strengths, svm_path(of, hot, strengths, one_of=True), strict=True
    ):
        own, peer = weight @ of.basis.T, LinearSVC(C=strength, **PEER).fit(z, y)
        theirs = objective(strength, peer.coef_, peer.intercept_)
        assert objective(strength, own, bias) < theirs * (1 + 1e-5)
        assert np.abs(outputs(z, (own, bias)) - peer.decision_function(z)).max() < 0.02


def test_support_vector_regression_is_at_the_optimum_of_linearsvr() -> None:
    x, y = load_diabetes(return_X_y=True)
    of, strengths = of_rows(x.astype(np.float32)), (0.001, 0.1, 1.0)
    z, target = standardised(x, of), (y - y.mean()) / y.std()

    def objective(strength: float, weight: Any, bias: Any) -> float:
        beyond = np.maximum(0, np.abs(z @ weight.ravel() + bias - target) - EPSILON)
        return float((weight**2).sum() / 2 + strength * (beyond**2).sum())

    for strength, layer in zip(strengths, svr_path(of, y[:, None], strengths), strict=True):
        peer = LinearSVR(C=strength, epsilon=EPSILON, loss="squared_epsilon_insensitive", **PEER)
        peer.fit(z, target)
        own = (layer[0] @ of.basis.T / y.std(), (layer[1] - y.mean()) / y.std())
        theirs = objective(strength, peer.coef_, peer.intercept_)
        assert objective(strength, *own) < theirs * (1 + 1e-5)
        assert np.abs(outputs(z, own)[:, 0] - peer.predict(z)).max() < 0.005


def test_a_share_of_yes_counts_in_an_svm_as_so_many_rows_of_yes() -> None:
    rng, y = np.random.default_rng(0), np.arange(60) % 4
    x = (rng.normal(size=(60, 20)) + rng.normal(size=(4, 20))[y]).astype(np.float32)
    shares = np.where(y[:, None] == 1, 0.75, 0.0)
    (mine,) = map(of_rows(x).unfold, svm_path(of_rows(x), shares, (0.01,), one_of=True))
    four = of_rows(np.repeat(x, 4, axis=0))
    hard = np.repeat(shares, 4, axis=0) > np.tile(np.arange(4) / 4, 60)[:, None]
    (theirs,) = map(four.unfold, svm_path(four, hard.astype(float), (0.0025,), one_of=True))
    assert np.abs(outputs(x, mine) - outputs(x, theirs)).max() < 1e-3
