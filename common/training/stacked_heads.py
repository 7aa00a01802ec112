"""Train many heads as one stacked tensor: features in, each job's head at each grid point out."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from common.data.batches.batching import epoch_order
from common.environment import memory_mb
from common.inference.features import predict_head
from common.models.activations import activation_of
from common.progress import bar
from common.training import checkpoint
from common.training.devices import device_peak
from common.training.jobs import Job
from common.training.run_context import RunContext
from common.training.updates.loss import build_loss, loss_name
from common.training.updates.optimisers import optimiser_for_groups, set_lr
from common.training.updates.schedules import ema_decay_at, lr_factor

GridPoint = tuple[float, float]  # factors of the recipe's lr and weight_decay
GRID_VALIDATIONS = (
    10  # validations of a grid during training: each is one pass over all held-out rows
)


@dataclass(frozen=True)
class StackedHeads:
    """The heads in training of K jobs with equally many rows, at every grid point.

    `parameters[point]` holds each tensor of a head stacked over the jobs, [K, …]; `eval_params` is
    their EMA, or the same tensors without EMA. `template` is one head as a module.
    """

    jobs: list[Job]
    template: nn.Module
    parameters: list[dict[str, Tensor]]
    eval_params: list[dict[str, Tensor]]
    losses: Sequence[nn.Module]

    def logits(self, point: int, features: Tensor) -> Tensor:
        """Features [K, B, F] to logits [K, B, C]."""

        def one(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
            found: Tensor = functional_call(self.template, parameters, (x,))
            return found

        stacked: Tensor = vmap(one)(self.parameters[point], features)
        return stacked

    def average(self, decay: float) -> None:
        """Update the EMA after a step, as timm's ModelEmaV3 does."""
        for averages, parameters in zip(self.eval_params, self.parameters, strict=True):
            for name, tensor in averages.items():
                tensor.lerp_(parameters[name].detach(), 1 - decay)

    def head(self, point: int, place: int) -> nn.Module:
        """One job's head for evaluation, loaded into the shared `template`: use it before the next call."""
        self.template.load_state_dict(_job_tensors(self.eval_params[point], place))
        return self.template


@dataclass(frozen=True)
class TrainedHead:
    """A job's trained head at each grid point: `weights` (the EMA's, if any) and `logs`.

    `unaveraged` are the raw parameters, with which training continues; equal without EMA.
    """

    job: Job
    weights: list[dict[str, Tensor]]
    unaveraged: list[dict[str, Tensor]]
    logs: list[list[checkpoint.Record]]

    def usable(self, point: int) -> bool:
        """Are the weights finite and the last training loss below the divergence limit?"""
        finite = all(bool(tensor.isfinite().all()) for tensor in self.weights[point].values())
        return finite and all(record["train_loss"] < 1000 for record in self.logs[point][-1:])

    def loss(self, point: int) -> float:
        """The held-out log loss after the last epoch; inf where training diverged."""
        loss = float(self.logs[point][-1]["valid_loss"])
        return loss if math.isfinite(loss) and self.usable(point) else math.inf


def train_stack(
    jobs: list[Job], context: RunContext, features: Tensor, heads: list[nn.Module],
    points: Sequence[GridPoint], *, total_epochs: int,
) -> list[TrainedHead]:  # fmt: skip
    """Train the heads of jobs with equally many rows, at all grid points in parallel.

    `total_epochs` is that of the whole training, of which these may be only the first.
    """
    recipe, device = context.recipe, context.device
    stacked, _ = stack_module_state(heads)  # type: ignore[arg-type]
    parameters = [
        {name: t.detach().clone().to(device).requires_grad_() for name, t in stacked.items()}
        for _ in points
    ]
    targets = [torch.from_numpy(context.loss_targets[job.rows]) for job in jobs]
    losses = [build_loss(recipe, each, context.target).to(device) for each in targets]
    averages = [{name: t.detach().clone() for name, t in each.items()} for each in parameters]
    eval_params = averages if recipe.ema_decay else parameters
    group = StackedHeads(jobs, heads[0].to(device), parameters, eval_params, losses)
    groups = [
        {
            "params": [t for t in each.values() if (t.ndim > 2) == decays],
            "lr_scale": recipe.head_lr_scale * rate,
            "weight_decay": recipe.weight_decay * decay if decays else 0.0,
        }
        for each, (rate, decay) in zip(parameters, points, strict=True)
        for decays in (True, False)
    ]
    optimiser = optimiser_for_groups(groups, recipe, recipe.lr)
    logs: list[list[list[checkpoint.Record]]] = [[[] for _ in jobs] for _ in points]
    every = 1 if len(points) == 1 else -(-recipe.epochs // GRID_VALIDATIONS)
    with bar(recipe.epochs, f"{len(jobs) * len(points)} heads", unit="epochs") as progress:
        for epoch in range(recipe.epochs):
            started = time.perf_counter()
            totals, rates = _epoch(group, context, features, optimiser, epoch, total_epochs)
            seconds = (time.perf_counter() - started) / (len(jobs) * len(points))
            validates = (epoch + 1) % every == 0 or epoch + 1 == recipe.epochs
            for point, log in enumerate(logs):
                for place, job in enumerate(jobs):
                    record = {
                        "epoch": epoch + 1, "train_loss": float(totals[point, place]),
                        "lr": rates[-1] * points[point][0], "rates": rates[:: max(1, len(rates) // 50)],
                        "seconds": seconds, "images_per_second": len(job.rows) / seconds,
                        "peak_memory_mb": memory_mb(), **device_peak(device),
                    }  # fmt: skip
                    if validates:
                        record |= _validate(group.head(point, place), job, context, features)
                    log[place].append(record)
            progress.update()
    return [
        TrainedHead(
            job,
            [_job_tensors(each, place) for each in group.eval_params],
            [_job_tensors(each, place) for each in group.parameters],
            [logs[point][place] for point in range(len(points))],
        )
        for place, job in enumerate(jobs)
    ]


def _epoch(
    group: StackedHeads, context: RunContext, features: Tensor, optimiser: torch.optim.Optimizer, epoch: int,
    total_epochs: int,
) -> tuple[Tensor, list[float]]:  # fmt: skip
    """Train one epoch: the mean loss [points, jobs] and the learning rate of each step."""
    recipe, batch = context.recipe, context.recipe.batch_size
    ordered = [
        (job, epoch_order(context.strata[job.rows], recipe, (job.seed, job.fold, epoch)))
        for job in group.jobs
    ]
    answers = np.stack([context.answers_of(job)[order] for job, order in ordered])
    rows = torch.from_numpy(np.stack([job.rows[order] for job, order in ordered]))
    rows, targets = rows.to(features.device), torch.from_numpy(answers).to(features.device)
    steps = -(-rows.shape[1] // batch)
    total, rates = torch.zeros(len(group.parameters), len(group.jobs)), []
    for step in range(steps):
        at = slice(step * batch, (step + 1) * batch)
        share = lr_factor(recipe, epoch * steps + step, recipe.epochs * steps, steps)
        rates.append(recipe.lr * share)
        set_lr(optimiser, rates[-1])
        x = features[rows[:, at]]
        losses = torch.stack([
            torch.stack([
                loss(logits, y)
                for loss, logits, y in zip(
                    group.losses, group.logits(point, x), targets[:, at], strict=True
                )
            ])
            for point in range(len(group.parameters))
        ])  # fmt: skip
        losses.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        if recipe.ema_decay:
            group.average(
                ema_decay_at(recipe.ema_decay, epoch * steps + step, total_epochs * steps)
            )
        total += losses.detach().cpu() / steps
    return total, rates


def _job_tensors(stacked: dict[str, Tensor], place: int) -> dict[str, Tensor]:
    """A copy of one job's slice of stacked tensors."""
    return {name: tensor[place].detach().clone() for name, tensor in stacked.items()}


def _validate(
    head: nn.Module, job: Job, context: RunContext, features: Tensor
) -> checkpoint.Record:
    if job.held_out is None:
        return {}
    at = torch.from_numpy(job.held_out).to(features.device)
    activation = activation_of(context.target, loss_name(context.recipe, context.target))
    return context.validated(predict_head(head, features[None, at], activation), job.held_out)
