r"""Logistic heads of all folds beside scikit-learn's: held-out loss at each penalty, accuracy, seconds.

    python -m benchmarks.solved_heads cifar10 --data DIR --recipe transfer rows=300 image_size=64 \
        augment=photo-none label_smoothing=0 backbone=local-dir:…
    python -m benchmarks.solved_heads made-up --rows 10000 --width 1280 --classes 176

Both see the same rows of the kit's own features, standardised on each fold's training rows, on one thread.
Made-up features are noise around a centre for each class.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import competitions
from common.inference.feature_table import FeatureTable
from common.models.joined_features import Block
from common.recipe import Recipe
from common.targets import OneClass
from common.training.jobs import Job, jobs_of
from common.training.solved.candidates import PENALTIES
from common.training.solved.paths import path_of
from common.training.solved.principal import Part, principal
from common.training.solved_heads import HeadSolver, open_solver
from common.workflow.prepare import prepared
from common.workflow.request import Request

STRENGTHS = PENALTIES["logistic"][2:7:2]  # three of scikit-learn's C
HEAD: dict[str, Any] = {"freeze": "backbone", "head": "logistic", "head_views": "identity"}


def main() -> None:
    """Both on the features that the words ask for; a line for each C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("competition")
    parser.add_argument("fields", nargs="*")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--recipe", default="frozen")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    for name, default in (("rows", 1000), ("width", 1280), ("classes", 176)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_intermixed_args()  # fields may come last
    if asked.competition == "made-up":
        compare(made_up(asked.rows, asked.width, asked.classes))
        return
    words = (*asked.fields, *(f"{name}={value}" for name, value in HEAD.items()))
    request = Request(
        competition=competitions.load(asked.competition), recipe_name=asked.recipe,
        words=(*words, "head_grid=none"), data=asked.data, runs=asked.runs,
    )  # fmt: skip
    with prepared(request) as ready:
        compare(open_solver(jobs_of(ready.recipe, ready.split.folds), ready.setting))


def made_up(rows: int, width: int, classes: int) -> HeadSolver:
    """Five folds of noise around a centre for each class."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, rows)
    x = rng.normal(size=(rows, width)) + 0.3 * rng.normal(size=(classes, width))[y]
    fold = np.arange(rows) % 5
    jobs = [
        Job(f"fold{k}", k, 0, np.flatnonzero(fold != k), np.flatnonzero(fold == k))
        for k in range(5)
    ]
    target = OneClass(names=tuple(map(str, range(classes))))
    context: Any = SimpleNamespace(
        recipe=replace(Recipe(), **HEAD), target=target, targets=y, loss_targets=y
    )
    return HeadSolver(
        jobs, context, FeatureTable([[x[None].astype(np.float32)]]), [Block(0, 0, "mean", width)]
    )


def compare(solver: HeadSolver) -> None:
    """Print each C's objective, held-out loss and accuracy and, of all, the seconds; kit and scikit-learn.

    The objective is what both minimise: whose is less is nearer to the optimum.
    """
    with threadpool_limits(1):
        for name, solve in (("kit", kits), ("scikit-learn", peers)):
            begun = time.process_time()
            found = [solve(solver, job) for job in solver.jobs]
            seconds = time.process_time() - begun
            for at, strength in enumerate(STRENGTHS):
                least, loss, right = np.mean([each[at] for each in found], axis=0)
                print(
                    f"{name:12} C = {strength:<7g} objective {least:.6f}  loss {loss:.5f}  "
                    f"accuracy {right:.4f}"
                )
            print(f"{name:12} {seconds:.1f} s of processor time, {len(found)} folds")


def kits(solver: HeadSolver, job: Job) -> list[tuple[float, ...]]:
    """A fold's objective, held-out loss and accuracy at each C, by the kit's solver."""
    rows, y = principal(Part(solver.table, job.rows)), solver.context.loss_targets
    assert job.held_out is not None
    x, held = (solver.table.take(each)[0] for each in (job.rows, job.held_out))
    path = path_of("logistic", rows, y[job.rows], solver.context.target, STRENGTHS, one_of=True)
    return [
        (
            objective(x @ weight.T + bias, y[job.rows], weight * rows.scale, strength),
            *judged(held @ weight.T + bias, y[job.held_out]),
        )
        for strength, (weight, bias) in zip(STRENGTHS, path, strict=True)
    ]


def peers(solver: HeadSolver, job: Job) -> list[tuple[float, ...]]:
    """The same by scikit-learn, each C from the solution of the one before, as LogisticRegressionCV does."""
    y, scaler = solver.context.loss_targets, StandardScaler()
    x = scaler.fit_transform(solver.table.take(job.rows)[0].astype(np.float64))
    held = scaler.transform(solver.table.take(job.held_out)[0])  # type: ignore[arg-type]
    model = LogisticRegression(max_iter=1000, warm_start=True)
    found: list[tuple[float, ...]] = []
    for strength in STRENGTHS:
        model.set_params(C=strength).fit(x, y[job.rows])
        least = objective(model.decision_function(x), y[job.rows], model.coef_, strength)
        found.append((least, *judged(model.decision_function(held), y[job.held_out])))
    return found


def objective(logits: Any, y: Any, weight: Any, strength: float) -> float:
    """The mean loss of training rows [N, C] and the penalty of a standardised weight."""
    return judged(logits, y)[0] + float((weight**2).sum()) / (2 * strength * len(y))


def judged(logits: Any, y: Any) -> tuple[float, float]:
    """Logits [M, C] to mean log loss and accuracy."""
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    labels = range(logits.shape[1])
    return float(log_loss(y, chances, labels=labels)), float((logits.argmax(axis=1) == y).mean())


if __name__ == "__main__":
    main()
