"""Histogram gradient boosting on principal coordinates: scikit-learn's trees as tensors.

The one place that reads scikit-learn's private arrays of nodes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from common.errors import KitError
from common.inference.feature_table import Features
from common.models.tensor_heads import Trees
from common.targets import Target
from common.training.solved.principal import Principal

WIDTH = 64  # principal coordinates at most, of the largest variance
FIXED: dict[str, Any] = {
    "learning_rate": 0.1,
    "min_samples_leaf": 5,
    "max_bins": 63,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "random_state": 0,
}
NODE = ("feature_idx", "num_threshold", "left", "right", "value", "is_leaf", "depth")


@dataclass(frozen=True)
class Part:
    """A fitted model and the outputs that its trees of one round are of, in order."""

    model: Any
    columns: list[int]


def boosted(
    rows: Principal, answers: npt.NDArray[Any], target: Target, leaves: int, rounds: float
) -> Trees:
    """Trees of so many leaves, round by round; answers are classes [N], or of each output [N, O].

    Of shares of classes the largest is taken.
    """
    if answers.ndim == 2 and target.activation(target.losses[0]) == "softmax":
        answers = answers.argmax(axis=1)
    basis = rows.basis[:, -WIDTH:] / rows.scale[:, None]
    weight, bias = basis.T.astype(np.float32), (-rows.mean @ basis).astype(np.float32)
    x = np.concatenate([block @ weight.T + bias for block in rows.part.blocks()])
    outputs = len(target.outputs)
    baseline, parts = _fitted(
        x, answers, target, outputs, max_leaf_nodes=leaves, max_iter=int(rounds)
    )
    projection = {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)}
    return Trees(
        {**projection, "baseline": torch.from_numpy(baseline), **_tensors(parts, int(rounds))}
    )


def _fitted(
    x: npt.NDArray[np.float32],
    answers: npt.NDArray[Any],
    target: Target,
    outputs: int,
    **settings: Any,
) -> tuple[npt.NDArray[np.float32], list[Part]]:
    """Of every output what it is without trees, and the models: of all classes one, else one an output."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    baseline, parts = np.zeros(outputs, np.float32), list[Part]()
    if answers.ndim == 1:
        baseline -= np.log(2.0 * len(x))  # of a class without a row: half a row
        groups = [(np.unique(answers).tolist(), np.ones(len(x), bool), answers)]
    else:
        known = np.isfinite(answers)
        groups = [([at], known[:, at], answers[known[:, at], at]) for at in range(outputs)]
    kind = HistGradientBoostingRegressor if target.scaling[1] else HistGradientBoostingClassifier
    for columns, rows, y in groups:
        alike = len(np.unique(y)) < 2
        if alike:
            baseline[columns] = _alone(
                y, numbers=bool(target.scaling[1]), classes=answers.ndim == 1
            )
            continue
        with threadpool_limits(1, user_api="openmp"):
            model = kind(**FIXED, **settings).fit(x[rows], y)
        start = np.asarray(model._baseline_prediction, np.float32).ravel()
        if len(start) < len(columns):  # of two classes the trees are of the second
            baseline[columns[0]], columns = 0, columns[1:]
        baseline[columns] = start
        parts.append(Part(model, columns))
    return baseline, parts


def _alone(y: npt.NDArray[Any], *, numbers: bool, classes: bool) -> float:
    """The output for answers that are all alike, or none."""
    if classes or not len(y):
        return 0.0
    return float(y[0]) if numbers else float(np.log(2.0 * len(y)) * (1 if y[0] > 0.5 else -1))


def _tensors(parts: Sequence[Part], rounds: int) -> dict[str, Tensor]:
    """The trees of all models, a round after another, as `Trees` has them."""
    trees = [
        (column, _nodes(tree))
        for at in range(rounds)
        for part in parts
        for column, tree in zip(part.columns, part.model._predictors[at], strict=True)
    ]
    root = np.cumsum([0, *(len(nodes) for _, nodes in trees)])
    nodes = np.concatenate([nodes for _, nodes in trees]) if trees else _no_nodes()
    own, start = np.arange(len(nodes)), np.repeat(root[:-1], np.diff(root))
    leaf = nodes["is_leaf"].astype(bool)
    whole = {
        "feature": np.where(leaf, 0, nodes["feature_idx"]),
        "left": np.where(leaf, own, nodes["left"] + start),
        "right": np.where(leaf, own, nodes["right"] + start),
        "root": root[:-1],
        "column": np.array([column for column, _ in trees]),
        "depth": np.array([nodes["depth"].max(initial=0)]),
    }
    found = {name: torch.from_numpy(each.astype(np.int32)) for name, each in whole.items()}
    found["threshold"] = torch.from_numpy(_floor(nodes["num_threshold"]))
    found["value"] = torch.from_numpy(nodes["value"].astype(np.float32))
    return found


def _nodes(tree: Any) -> npt.NDArray[Any]:
    """A tree's nodes, a structured array.

    Raises:
        KitError: this scikit-learn keeps its trees otherwise.
    """
    nodes = getattr(tree, "nodes", None)
    if nodes is None or not set(NODE) <= set(nodes.dtype.names or ()):
        raise KitError(
            f"head=boosting reads the trees of scikit-learn, which its version {sklearn.__version__} keeps "
            "otherwise than 1.6 to 1.9: install one of these, or set head=ridge"
        )
    return nodes[list(NODE)]  # type: ignore[no-any-return]


def _no_nodes() -> npt.NDArray[Any]:
    return np.zeros(0, [(name, np.float64) for name in NODE])


def _floor(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The largest float32 up to each: a float32 is at most the one where it is at most the other."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


@torch.inference_mode()
def boosted_on_grid(
    head: Trees, rounds: Sequence[float], features: Features
) -> Iterator[tuple[float, Features]]:
    """Each number of rounds, and the outputs [V, M, O] of features [V, M, F] after it."""
    rows, every = torch.from_numpy(features), len(head.root) / max(rounds)
    parts = [
        [head.outputs(leaves, round(count * every)) for count in rounds]
        for leaves in map(head.leaves, rows.flatten(0, 1).split(256))
    ]
    for count, outputs in zip(rounds, zip(*parts, strict=True), strict=True):
        yield count, torch.cat(outputs).unflatten(0, rows.shape[:2]).numpy()
