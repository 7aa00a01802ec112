"""Small draws of a pool of images: what cross-validation says of a draw, and what the hidden rest says.

Of each draw a few hundred rows train the folds' heads on cached features, and other rows of the pool are
hidden: single fold models score them. So the truth behind a cross-validation score is known.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from common.data.folds import Rows, assign_folds
from common.data.pixels.store import Store
from common.inference.evaluator import Evaluator
from common.inference.features import detach_head, features_of, predict_head
from common.inference.out_of_fold import FoldProbs
from common.metrics import Probs, metric_named
from common.models.activations import activation_of
from common.models.backbone import build
from common.randomness import WEIGHTS, seed_of
from common.recipe import Recipe
from common.targets import Target, Targets
from common.training.jobs import Job
from common.training.linear_probe import RECIPE_POINT
from common.training.run_context import RunContext, open_run_context
from common.training.stacked_heads import train_stack
from common.training.updates.loss import loss_name

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
BLOCKS = 10  # of labelled rows, each left out once for an interval


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
class Probe:
    """A task's run context, its images' features [1, N, F], and the head that each fold begins with."""

    context: RunContext
    features: Tensor
    heads: list[nn.Module]


@dataclass(frozen=True)
class Draw:
    """A draw's out-of-fold probs, and each fold model's probs [H, C] of the hidden rows [H].

    `y` and `groups` are those of the whole pool, whose positions all rows are; `without` holds the
    draw trained without each block of its labelled rows.
    """

    target: Target
    y: Targets
    groups: npt.NDArray[np.object_]
    folds: list[FoldProbs]
    hidden: Rows
    models: list[Probs]
    without: "list[Draw]"


def probe_of(pool: Pool, task: Task) -> Probe:
    """What the draws of a task on all of a pool's images share; features are computed once."""
    target = _fitted(task, np.arange(len(pool.table)))
    context = open_run_context(
        pool.recipe,
        pool.store,
        target.read(task.answers),
        weights=None,
        evaluator=Evaluator(target, metric_named(task.metrics[0])),
        cache=pool.cache,
        trained=False,
    )
    heads = []
    for fold in range(pool.recipe.folds):
        torch.manual_seed(seed_of(WEIGHTS, 0, fold))
        model = build(pool.recipe, target.outputs)
        heads.append(detach_head(model)[1])
    source, store = context.source, context.store
    features = features_of(context.network(model), source, store, "identity", cache=pool.cache)
    return Probe(context, features, heads)


def random_rows(count: int, number: int) -> tuple[Rows, Rows]:
    """The labelled and the hidden rows of a draw by its number, of `count`; a quarter is labelled at most."""
    order = np.random.default_rng(number).permutation(count)
    labelled = min(LABELLED, count // 4)
    return np.sort(order[:labelled]), np.sort(order[labelled:][:HIDDEN])


def drawn(
    probe: Probe,
    task: Task,
    labelled: Rows,
    hidden: Rows,
    groups: Sequence[str] | None = None,
    together: Sequence[str] | None = None,
) -> Draw:
    """Train a draw's folds, with all rows and without each block, and predict held-out and hidden rows.

    Args:
        groups: of the pool's rows [N], whole ones in one fold; each row its own if None.
        together: groups that blocks and resamples keep whole, where folds may split them.
    """
    ids = np.arange(len(task.answers)).astype(str)
    known = pd.Series(ids if groups is None else groups, dtype=object)
    units = known.to_numpy() if together is None else np.asarray(together, dtype=object)
    target = _fitted(task, labelled)
    evaluator = Evaluator(target, probe.context.evaluator.metric)
    mine = replace(probe.context, evaluator=evaluator, targets=target.read(task.answers))
    strata = target.strata(mine.targets[labelled])
    (fold,) = assign_folds(strata, known.iloc[labelled].reset_index(drop=True), mine.recipe)
    block = blocks_of(fold, units[labelled])
    folds = int(fold.max()) + 1
    parts = [
        (
            labelled[(fold != held) & (block != left_out)],
            labelled[(fold == held) & (block != left_out)],
        )
        for left_out in range(-1, BLOCKS)  # -1: no block is left out
        for held in range(folds)
    ]
    found = _predicted(replace(probe, context=mine), parts, hidden)
    draws = [
        Draw(target, mine.targets, units, [*held], hidden, [*models], [])
        for held, models in (
            zip(*found[start : start + folds], strict=True) for start in range(0, len(found), folds)
        )
    ]
    return replace(draws[0], without=draws[1:])


def blocks_of(fold: Rows, groups: npt.NDArray[np.object_]) -> Rows:
    """The block of every row [N]: whole groups, in the order of their first row's fold, take turns."""
    codes, firsts = pd.factorize(groups)
    first = fold[np.unique(codes, return_index=True)[1]]
    turn = np.empty(len(firsts), dtype=np.int64)
    turn[np.argsort(first, kind="stable")] = np.arange(len(firsts)) % BLOCKS
    return np.asarray(turn[codes])


def _predicted(
    probe: Probe, parts: Sequence[tuple[Rows, Rows]], hidden: Rows
) -> list[tuple[FoldProbs, Probs]]:
    """Train a head on the first rows of each part; its probs of the second, and of the hidden ones.

    The parts take turns at the folds' heads, and those of equally many rows are trained at once.
    """
    context, features = probe.context, probe.features
    activation = activation_of(context.target, loss_name(context.recipe, context.target))
    # Without held-out rows, as they would be scored after every epoch.
    folds = len(probe.heads)
    jobs = [Job(str(at), at % folds, 0, rows, None) for at, (rows, _) in enumerate(parts)]
    found = {}
    for count in {len(job.rows) for job in jobs}:
        equal = [job for job in jobs if len(job.rows) == count]
        heads = [deepcopy(probe.heads[job.fold]) for job in equal]
        epochs = context.recipe.epochs
        for each in train_stack(
            equal, context, features[0], heads, RECIPE_POINT, total_epochs=epochs
        ):
            heads[0].load_state_dict(each.weights[0])
            held = parts[int(each.job.name)][1]
            probs = [
                predict_head(heads[0], features[:, rows], activation) for rows in (held, hidden)
            ]
            found[each.job.name] = FoldProbs(held, probs[0]), probs[1]
    return [found[job.name] for job in jobs]


def _fitted(task: Task, rows: Rows) -> Target:
    table = task.answers.iloc[rows]
    sample = table[["id", *task.target.answer_columns(table)]]
    return task.target.fitted(table, sample, "the answers")
