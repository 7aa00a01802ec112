"""Heads on features as one stack: every job's head at every point of a grid, step by step."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from common.data.batches.sources import epoch_order
from common.environment import memory_mb
from common.inference.features import predict_head
from common.metrics import log_loss
from common.progress import bar
from common.training import checkpoint
from common.training.context import Setting
from common.training.jobs import Job
from common.training.loss import build_loss
from common.training.optimisers import optimiser_of, set_rate
from common.training.schedules import ema_decay_at, rate_share

Point = tuple[float, float]  # factors of the recipe's lr and weight_decay
JUDGED = 10  # times a grid is judged on its way: each is one pass over all held-out rows


@dataclass(frozen=True)
class Heads:
    """The heads of some jobs of equal length at every point of the grid, as they train.

    `parameters[point]` holds each tensor of a head stacked over the jobs, [K, …]; `judged` their
    averages with EMA, else themselves.
    """

    jobs: list[Job]
    shape: nn.Module
    parameters: list[dict[str, Tensor]]
    judged: list[dict[str, Tensor]]
    losses: Sequence[nn.Module]

    def logits(self, point: int, features: Tensor) -> Tensor:
        """Features [K, B, F] to logits [K, B, C]."""

        def one(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
            found: Tensor = functional_call(self.shape, parameters, (x,))
            return found

        stacked: Tensor = vmap(one)(self.parameters[point], features)
        return stacked

    def average(self, decay: float) -> None:
        """Follow the parameters after an update, as timm's ModelEmaV3 does."""
        for averages, parameters in zip(self.judged, self.parameters, strict=True):
            for name, tensor in averages.items():
                tensor.lerp_(parameters[name].detach(), 1 - decay)

    def head(self, point: int, place: int) -> nn.Module:
        """One job's judged head in the shape's own module: used before the next is asked."""
        self.shape.load_state_dict(_taken(self.judged[point], place))
        return self.shape


@dataclass(frozen=True)
class Trained:
    """What the heads of a job came to: at each point of the grid its weights and its log.

    `unaveraged` are the parameters that training goes on from; without EMA the same numbers.
    """

    job: Job
    weights: list[dict[str, Tensor]]
    unaveraged: list[dict[str, Tensor]]
    logs: list[list[checkpoint.Record]]

    def usable(self, point: int) -> bool:
        """Are the weights numbers, and was the last loss one that comes back?"""
        finite = all(bool(tensor.isfinite().all()) for tensor in self.weights[point].values())
        return finite and all(record["train_loss"] < 1000 for record in self.logs[point][-1:])

    def loss(self, point: int) -> float:
        """The held-out log loss after the last epoch; infinite where training diverged."""
        loss = float(self.logs[point][-1]["valid_loss"])
        return loss if math.isfinite(loss) and self.usable(point) else math.inf


def train_stack(
    jobs: list[Job], setting: Setting, features: Tensor, heads: list[nn.Module],
    points: Sequence[Point], *, in_all: int,
) -> list[Trained]:  # fmt: skip
    """Train the heads of jobs of one length, all points of the grid side by side.

    `in_all` counts the epochs of the whole training, which these of the head may only begin.
    """
    recipe, device = setting.recipe, setting.device
    stacked, _ = stack_module_state(heads)  # type: ignore[arg-type]
    parameters = [
        {name: t.detach().clone().to(device).requires_grad_() for name, t in stacked.items()}
        for _ in points
    ]
    labels = [torch.from_numpy(setting.targets[job.rows]) for job in jobs]
    losses = [build_loss(recipe, each, len(setting.classes)).to(device) for each in labels]
    averages = [{name: t.detach().clone() for name, t in each.items()} for each in parameters]
    judged_by = averages if recipe.ema_decay else parameters
    group = Heads(jobs, heads[0].to(device), parameters, judged_by, losses)
    groups = [
        {
            "params": [t for t in each.values() if (t.ndim > 2) == decays],
            "lr_scale": recipe.head_lr_scale * rate,
            "weight_decay": recipe.weight_decay * decay if decays else 0.0,
        }
        for each, (rate, decay) in zip(parameters, points, strict=True)
        for decays in (True, False)
    ]
    optimiser = optimiser_of(groups, recipe, recipe.lr)
    logs: list[list[list[checkpoint.Record]]] = [[[] for _ in jobs] for _ in points]
    every = 1 if len(points) == 1 else -(-recipe.epochs // JUDGED)
    with bar(recipe.epochs, f"{len(jobs) * len(points)} heads", unit="epochs") as progress:
        for epoch in range(recipe.epochs):
            started = time.perf_counter()
            totals, rates = _epoch(group, setting, features, optimiser, epoch, in_all)
            seconds = (time.perf_counter() - started) / (len(jobs) * len(points))
            judged = (epoch + 1) % every == 0 or epoch + 1 == recipe.epochs
            for point, log in enumerate(logs):
                for place, job in enumerate(jobs):
                    record = {
                        "epoch": epoch + 1, "train_loss": float(totals[point, place]),
                        "lr": rates[-1] * points[point][0], "rates": rates[:: max(1, len(rates) // 50)],
                        "seconds": seconds, "images_per_second": len(job.rows) / seconds,
                        "peak_memory_mb": memory_mb(),
                    }  # fmt: skip
                    if judged:
                        record |= _judge(group.head(point, place), job, setting, features)
                    log[place].append(record)
            progress.update()
    return [
        Trained(
            job,
            [_taken(each, place) for each in group.judged],
            [_taken(each, place) for each in group.parameters],
            [logs[point][place] for point in range(len(points))],
        )
        for place, job in enumerate(jobs)
    ]


def _epoch(
    group: Heads, setting: Setting, features: Tensor, optimiser: torch.optim.Optimizer, epoch: int,
    in_all: int,
) -> tuple[Tensor, list[float]]:  # fmt: skip
    """One pass over every job's rows: the mean loss [points, jobs], and the rates."""
    recipe, batch = setting.recipe, setting.recipe.batch_size
    orders = [
        job.rows[epoch_order(setting.targets[job.rows], recipe, (job.seed, job.fold, epoch))]
        for job in group.jobs
    ]
    rows = torch.from_numpy(np.stack(orders)).to(features.device)
    targets = torch.from_numpy(setting.targets).to(features.device)[rows]
    steps = -(-rows.shape[1] // batch)
    total, rates = torch.zeros(len(group.parameters), len(group.jobs)), []
    for step in range(steps):
        at = slice(step * batch, (step + 1) * batch)
        share = rate_share(recipe, epoch * steps + step, recipe.epochs * steps, steps)
        rates.append(recipe.lr * share)
        set_rate(optimiser, rates[-1])
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
            group.average(ema_decay_at(recipe.ema_decay, epoch * steps + step, in_all * steps))
        total += losses.detach().cpu() / steps
    return total, rates


def _taken(stacked: dict[str, Tensor], place: int) -> dict[str, Tensor]:
    """A copy of one job's tensors."""
    return {name: tensor[place].detach().clone() for name, tensor in stacked.items()}


def _judge(head: nn.Module, job: Job, setting: Setting, features: Tensor) -> checkpoint.Record:
    if job.held_out is None:
        return {}
    at = torch.from_numpy(job.held_out).to(features.device)
    found = predict_head(head, features[None, at])
    truth = setting.targets[job.held_out]
    return {"valid_loss": log_loss(found, truth), "score": setting.metric.score(found, truth)}
