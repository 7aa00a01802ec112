"""Small draws of a pool of images: what cross-validation says of a draw, and what the hidden rest says.

Of each draw a few hundred rows train the folds' heads on cached features, and other rows of the pool are
hidden: single fold models score them. So the truth behind a cross-validation score is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows, assign_folds
from common.data.pixels.store import Store
from common.inference.bootstrap import CONFIDENCE, ScoredRows, resampled
from common.inference.decisions import DECISIONS, kind_for
from common.inference.evaluator import Evaluator
from common.inference.fitting import decided
from common.inference.out_of_fold import FoldProbs, pooled
from common.metrics import Probs, metric_named
from common.recipe import Recipe
from common.targets import Target, Targets
from common.training.jobs import Job
from common.training.linear_probe import train_heads, write_job
from common.training.run_context import RunContext, open_run_context
from common.training.trained_models import predictions

RECIPE = Recipe(
    weights="pretrained",
    freeze="backbone",
    augment="photo-none",
    image_size=96,
    folds=5,
    epochs=40,
    batch_size=64,
    optimizer="adamw",
    lr=1e-2,
    weight_decay=2.0,  # few rows and 1,280 features
    warmup_ratio=0.1,
    device="cpu",
)
LABELLED, HIDDEN = 500, 2000  # rows of a draw
RESAMPLED = 500  # times for an interval, of which there are hundreds here


@dataclass(frozen=True)
class Pool:
    """Images whose answers are all known: table [N], store, the recipe with its backbone, and a cache."""

    table: pd.DataFrame
    store: Store
    recipe: Recipe
    cache: Path


@dataclass(frozen=True)
class Task:
    """What is asked about a pool: a target, not yet fitted, its table of answers [N], and metrics."""

    name: str
    target: Target
    answers: pd.DataFrame
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Draw:
    """A draw's out-of-fold probs, and each fold model's probs [H, C] of the hidden rows [H].

    `y` and `groups` are those of the whole pool, whose positions all rows are.
    """

    target: Target
    y: Targets
    groups: npt.NDArray[np.object_]
    folds: list[FoldProbs]
    hidden: Rows
    models: list[Probs]


@dataclass(frozen=True)
class Scores:
    """A draw by one metric: with the decision that the metric asks for, and without.

    `honest` judges each fold by values of the other ones, `in_sample` by its own; `hidden` is the mean of
    the fold models' scores, `plain` and `plain_hidden` are without a decision. `low` and `high` bound
    the difference of honest and hidden score.
    """

    plain: float
    honest: float
    in_sample: float
    hidden: float
    plain_hidden: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Is the hidden score one that the out-of-fold score allows?"""
        return self.low <= 0 <= self.high


def context_of(pool: Pool, task: Task) -> RunContext:
    """The run context of a task on all of a pool's images; its features are computed once."""
    target = _fitted(task, np.arange(len(pool.table)))
    return open_run_context(
        pool.recipe,
        pool.store,
        target.read(task.answers),
        weights=None,
        evaluator=Evaluator(target, metric_named(task.metrics[0])),
        cache=pool.cache,
        trained=False,
    )


def random_rows(count: int, number: int) -> tuple[Rows, Rows]:
    """The labelled and the hidden rows of a draw by its number, of `count`; a quarter is labelled at most."""
    order = np.random.default_rng(number).permutation(count)
    labelled = min(LABELLED, count // 4)
    return np.sort(order[:labelled]), np.sort(order[labelled:][:HIDDEN])


def drawn(
    context: RunContext,
    task: Task,
    labelled: Rows,
    hidden: Rows,
    groups: Sequence[str] | None = None,
) -> Draw:
    """Train a draw's folds, whole groups [N] in one fold, and predict its held-out and hidden rows."""
    known = pd.Series(np.arange(len(task.answers)).astype(str) if groups is None else groups)
    target = _fitted(task, labelled)
    evaluator = Evaluator(target, context.evaluator.metric)
    mine = replace(context, evaluator=evaluator, targets=target.read(task.answers))
    strata = target.strata(mine.targets[labelled])
    (fold,) = assign_folds(strata, known.iloc[labelled].reset_index(drop=True), context.recipe)
    parts = [(labelled[fold != held], labelled[fold == held]) for held in range(fold.max() + 1)]
    jobs = [Job(f"fold{n}", n, 0, rows, held) for n, (rows, held) in enumerate(parts)]
    with TemporaryDirectory() as place:
        for each in train_heads(jobs, mine):
            write_job(Path(place) / each.job.name, each, 0)
        folders = [Path(place) / job.name for job in jobs]
        every = np.arange(len(task.answers))
        found = [each["identity"] for each in predictions(mine, folders, every, label=task.name)]
    folds = [FoldProbs(held, probs[held]) for (_, held), probs in zip(parts, found, strict=True)]
    models = [probs[hidden] for probs in found]
    return Draw(target, mine.targets, known.to_numpy(dtype=object), folds, hidden, models)


def scores(draw: Draw, metric: str) -> Scores:
    """Score a draw by a metric, with the decision that it asks for, fitted out-of-fold."""
    evaluator = Evaluator(draw.target, metric_named(metric))
    kind = kind_for("auto", evaluator)
    plain = _pooled_score(evaluator, draw, draw.folds)
    folds, models, in_sample = draw.folds, draw.models, plain
    if kind != "none":
        fitted = decided(draw.folds, draw.y, draw.groups, evaluator, kind=kind)
        folds, in_sample = fitted.folds, fitted.facts["in_sample"]
        apply = DECISIONS[kind].apply
        models = [apply(draw.target, probs, fitted.values) for probs in draw.models]
    rows, probs = pooled(folds, len(draw.y))
    seen = _resampled(evaluator, draw, rows, [probs], seed=0)
    unseen = _resampled(evaluator, draw, draw.hidden, models, seed=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(seen[1:] - unseen[1:], [tail, 1 - tail])
    truth = draw.y[draw.hidden]
    plain_hidden = float(np.mean([evaluator.score(each, truth) for each in draw.models]))
    return Scores(plain, seen[0], in_sample, unseen[0], plain_hidden, low, high)


def _pooled_score(evaluator: Evaluator, draw: Draw, folds: Sequence[FoldProbs]) -> float:
    rows, probs = pooled(folds, len(draw.y))
    return evaluator.score(probs, draw.y[rows])


def _resampled(
    evaluator: Evaluator, draw: Draw, rows: Rows, models: Sequence[Probs], *, seed: int
) -> npt.NDArray[np.float64]:
    runs = [ScoredRows.of(evaluator, probs, draw.y[rows]) for probs in models]
    return resampled(runs, draw.groups[rows], None, seed, RESAMPLED)


def _fitted(task: Task, rows: Rows) -> Target:
    table = task.answers.iloc[rows]
    sample = table[["id", *task.target.answer_columns(table)]]
    return task.target.fitted(table, sample, "the answers")
