r"""Solved heads of all folds beside scikit-learn's: objective, held-out loss and accuracy, seconds.

    python -m benchmarks.solved_heads cifar10 --data DIR --recipe transfer rows=300 image_size=64 \
        augment=photo-none label_smoothing=0 backbone=local-dir:…
    python -m benchmarks.solved_heads made-up --rows 10000 --width 1280 --classes 176 --head ridge

Both see the same rows of the kit's own features, standardised on each fold's training rows, on one thread.
Made-up features are noise around a centre for each class. Logistic regression is solved at three penalties,
the others at all that the kit tries.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

import competitions
from common.inference.feature_table import FeatureTable
from common.models.joined_features import Block
from common.recipe import Recipe
from common.targets import OneClass
from common.training.jobs import Job, jobs_of
from common.training.solved.candidates import PENALTIES, PENALTY
from common.training.solved.paths import path_of
from common.training.solved.principal import Part, principal
from common.training.solved_heads import HeadSolver, open_solver
from common.workflow.prepare import prepared
from common.workflow.request import Request

HEADS = ("logistic", "ridge", "lda", "svm")
Layer = tuple[Any, Any]  # weight [C, F], bias [C]


def main() -> None:
    """Both on the features that the words ask for; a line for each penalty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("competition")
    parser.add_argument("fields", nargs="*")
    parser.add_argument("--head", choices=HEADS, default="logistic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--recipe", default="frozen")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    for name, default in (("rows", 1000), ("width", 1280), ("classes", 176), ("folds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_intermixed_args()  # fields may come last
    fields: dict[str, Any] = {
        "freeze": "backbone", "head": asked.head, "head_views": "identity"
    }  # fmt: skip
    if asked.competition == "made-up":
        recipe = replace(Recipe(), **fields)
        compare(made_up(recipe, asked.rows, asked.width, asked.classes, asked.folds))
        return
    words = (*asked.fields, *(f"{name}={value}" for name, value in fields.items()))
    request = Request(
        competition=competitions.load(asked.competition), recipe_name=asked.recipe,
        words=(*words, "head_grid=none"), data=asked.data, runs=asked.runs,
    )  # fmt: skip
    with prepared(request) as ready:
        compare(open_solver(jobs_of(ready.recipe, ready.split.folds), ready.setting))


def made_up(recipe: Recipe, rows: int, width: int, classes: int, folds: int) -> HeadSolver:
    """Noise around a centre for each class."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(rows) % classes)
    x = rng.normal(size=(rows, width)) + 0.3 * rng.normal(size=(classes, width))[y]
    fold = np.arange(rows) % folds
    jobs = [
        Job(f"fold{k}", k, 0, np.flatnonzero(fold != k), np.flatnonzero(fold == k))
        for k in range(folds)
    ]
    target = OneClass(names=tuple(map(str, range(classes))))
    context: Any = SimpleNamespace(recipe=recipe, target=target, targets=y, loss_targets=y)
    return HeadSolver(
        jobs, context, FeatureTable([[x[None].astype(np.float32)]]), [Block(0, 0, "mean", width)]
    )


def compare(solver: HeadSolver) -> None:
    """Print each penalty's objective, held-out loss and accuracy and, of all, the seconds of both.

    The objective is what both minimise: whose is less is nearer to the optimum.
    """
    head, taken = solver.context.recipe.head, {}
    penalties = PENALTIES[head][2:7:2] if head == "logistic" else PENALTIES[head]
    with threadpool_limits(1):
        for name, solve in (("kit", kits), ("scikit-learn", peers)):
            found, taken[name] = [], 0.0
            for job in solver.jobs:
                begun = time.process_time()
                layers = list(solve(solver, job, penalties))
                taken[name] += time.process_time() - begun
                pairs = zip(penalties, layers, strict=True)
                found.append([judged(solver, job, *pair) for pair in pairs])
            for penalty, (least, loss, right) in zip(penalties, np.mean(found, 0), strict=True):
                print(
                    f"{name:12} {PENALTY[head]} = {penalty:<7g} objective {least:.6f}  "
                    f"loss {loss:.5f}  accuracy {right:.4f}",
                    flush=True,
                )
            print(f"{name:12} {taken[name]:.1f} s of processor time, {len(found)} folds")
    print(f"scikit-learn / kit {taken['scikit-learn'] / taken['kit']:.1f}")


def kits(solver: HeadSolver, job: Job, penalties: tuple[float, ...]) -> Iterator[Layer]:
    """The layers that the kit's solver gives a fold, on features as they come."""
    rows, y = principal(Part(solver.table, job.rows)), solver.context.loss_targets[job.rows]
    head, target = solver.context.recipe.head, solver.context.target
    yield from path_of(head, rows, y, target, penalties, one_of=True)


def peers(solver: HeadSolver, job: Job, penalties: tuple[float, ...]) -> Iterator[Layer]:
    """The same by scikit-learn; logistic regression from the solution before, as LogisticRegressionCV."""
    y, scaler = solver.context.loss_targets[job.rows], StandardScaler()
    x = scaler.fit_transform(solver.table.take(job.rows)[0].astype(np.float64))
    warnings.simplefilter("ignore", ConvergenceWarning)  # the objective shows it
    logistic = LogisticRegression(max_iter=1000, warm_start=True)
    makers: dict[str, Callable[[float], Any]] = {
        "logistic": lambda penalty: logistic.set_params(C=penalty),
        "ridge": lambda penalty: Ridge(penalty),
        "lda": lambda penalty: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=penalty),
        "svm": lambda penalty: LinearSVC(C=penalty),
    }
    head, outputs = solver.context.recipe.head, len(solver.context.target.outputs)
    answers = 2 * np.eye(outputs)[y] - 1 if head == "ridge" else y
    for penalty in penalties:
        model = makers[head](penalty).fit(x, answers)
        weight = model.coef_ / scaler.scale_
        yield weight, model.intercept_ - weight @ scaler.mean_


def judged(solver: HeadSolver, job: Job, penalty: float, layer: Layer) -> tuple[float, ...]:
    """A layer's objective on a fold's training rows (0: it has none), its held-out log loss and accuracy."""
    assert job.held_out is not None
    (weight, bias), y = layer, solver.context.loss_targets
    x = solver.table.take(job.rows)[0]
    least = objective(
        solver.context.recipe.head, x @ weight.T + bias, y[job.rows],
        weight * x.std(axis=0, dtype=np.float64), penalty,
    )  # fmt: skip
    outputs = solver.table.take(job.held_out)[0] @ weight.T + bias
    right = (outputs.argmax(axis=1) == y[job.held_out]).mean()
    return least, log_loss(outputs, y[job.held_out]), float(right)


def objective(head: str, outputs: Any, y: Any, weight: Any, penalty: float) -> float:
    """What a head minimises, by its outputs [N, C] for training rows and its standardised weight."""
    count, squares, yes = len(y), float((weight**2).sum()), np.eye(outputs.shape[1])[y]
    if head == "logistic":
        return log_loss(outputs, y) + squares / (2 * penalty * count)
    if head == "ridge":
        return (float(((outputs - 2 * yes + 1) ** 2).sum()) + penalty * squares) / count
    if head == "svm":
        lacks = np.maximum(0, 1 - (2 * yes - 1) * outputs)
        return (float((lacks**2).sum()) + squares / (2 * penalty)) / count
    return 0.0


def log_loss(outputs: Any, y: Any) -> float:
    """The mean cross-entropy of outputs [M, C] as logits."""
    logits = outputs - outputs.max(axis=1, keepdims=True)
    given = logits[np.arange(len(y)), y]
    return float((np.log(np.exp(logits).sum(axis=1)) - given).mean())


if __name__ == "__main__":
    main()
