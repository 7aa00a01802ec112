"""The one loop: a job's rows in, trained weights and a log of every epoch out.

Read it top to bottom. Everything random is drawn from (seed, fold, epoch, step), so the state at
the end of an epoch is parameters, optimiser and averages alone, and a killed job goes on exactly.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common import randomness
from common.data.batches.sources import epoch_order
from common.environment import memory_mb
from common.errors import KitError
from common.inference.predict import predict
from common.metrics import log_loss
from common.models.freezing import stages, train_mode
from common.models.network import Network
from common.progress import bar, say
from common.training import checkpoint
from common.training.context import Setting
from common.training.early_stop import Best
from common.training.jobs import Job
from common.training.optimisers import set_rate
from common.training.plan import Phase, phases_of
from common.training.schedules import ema_decay_at, rate_share
from common.training.setup import Parts, in_phase, parts_of

REMEDY = "Lower lr=, raise warmup_ratio=, or set clip_grad=1"


class Diverged(KitError):
    """The loss is no longer a number."""


def train(job: Job, setting: Setting, folder: Path) -> Iterator[checkpoint.Record]:
    """Train a job from its last finished epoch to its end, and yield every epoch's figures.

    When the last one has been taken, the folder holds the weights.

    Raises:
        Diverged: the loss became infinite or nan.
    """
    recipe = setting.recipe
    folder.mkdir(parents=True, exist_ok=True)
    parts = parts_of(job, setting)
    model, judged = parts.network.model, parts.judged
    state = checkpoint.load_state(folder)
    checkpoint.trim_log(folder, state["epoch"] if state else 0)
    best = Best.of(state)
    if state:
        model.load_state_dict(state["model"])
        judged.load_state_dict(state["judged"])
        say(f"  {job.name}: going on after epoch {state['epoch']} of {recipe.epochs}")

    _load_scaler(setting, (state and state["scaler"]) or torch.amp.GradScaler("cpu").state_dict())
    finished = 0
    for phase in phases_of(recipe, len(stages(model)), setting.side):
        begun, finished = finished, finished + phase.epochs
        if state and state["epoch"] >= finished:
            continue
        parts = in_phase(parts, setting, phase)
        if state and state["epoch"] > begun:
            parts.optimiser.load_state_dict(state["optimiser"])
        else:
            best.waited = 0  # patience begins anew with each phase
        for epoch in range(max(begun, state["epoch"] if state else 0), finished):
            if recipe.early_stop and best.waited >= recipe.early_stop:
                break
            record = train_epoch(job, setting, phase, parts, epoch=epoch, begun=begun)
            record |= _judge(job, setting, setting.network(judged))
            if job.held_out is not None:
                best.see(record["score"], setting, judged)
            checkpoint.append_log(folder, record)
            checkpoint.save_state(
                folder,
                {
                    "epoch": epoch + 1,
                    "model": model.state_dict(),
                    "judged": judged.state_dict(),
                    "optimiser": parts.optimiser.state_dict(),
                    "scaler": _scaler(setting),
                    **best.state(),
                },
            )
            yield record
        setting.accelerator.free_memory()
    if recipe.early_stop and best.weights is not None:
        judged.load_state_dict(best.weights)
    if not all(bool(tensor.isfinite().all()) for tensor in judged.state_dict().values()):
        raise Diverged(f"training diverged in {job.name}: its weights are not finite. {REMEDY}")
    checkpoint.save_weights(folder, judged.state_dict())


def train_epoch(
    job: Job, setting: Setting, phase: Phase, parts: Parts, *, epoch: int, begun: int
) -> checkpoint.Record:
    """One pass over the job's rows: rates, updates, and what they cost."""
    recipe, device = setting.recipe, setting.device
    place = (job.seed, job.fold, epoch)
    rows = job.rows[epoch_order(setting.targets[job.rows], recipe, place)]
    batches = math.ceil(len(rows) / recipe.batch_size)
    updates = math.ceil(batches / recipe.grad_accum_steps)
    targets = torch.from_numpy(setting.targets[rows]).to(device).split(recipe.batch_size)
    network, optimiser, size = parts.network, parts.optimiser, phase.sizes[epoch - begun]
    train_mode(network.model)
    total, rates, peak = torch.zeros((), device=device), [], 0.0
    start = time.perf_counter()
    with bar(len(rows), f"{job.name} epoch {epoch + 1}/{recipe.epochs}") as progress:
        for step, images in enumerate(setting.source.training(rows, place, size)):
            update = (epoch - begun) * updates + step // recipe.grad_accum_steps
            rates.append(phase.lr * rate_share(recipe, update, phase.epochs * updates, updates))
            set_rate(optimiser, rates[-1])
            x, y = parts.mix(network.input(images, size), targets[step], (*place, step))
            torch.manual_seed(randomness.seed_of(randomness.DROPOUT, *place, step))
            with network.autocast():
                logits = parts.forward(x)
            loss: Tensor = parts.loss_of(logits.float(), y)
            first = step - step % recipe.grad_accum_steps
            together = targets[first : first + recipe.grad_accum_steps]
            setting.accelerator.backward(loss * parts.loss_of.share(targets[step], together))
            total += loss.detach()
            if (step + 1) % recipe.grad_accum_steps == 0 or step + 1 == batches:
                if recipe.clip_grad:
                    setting.accelerator.clip_grad_norm_(
                        network.model.parameters(), recipe.clip_grad
                    )
                optimiser.step()
                optimiser.zero_grad()
                if parts.averaged is not None:
                    done = epoch * updates + step // recipe.grad_accum_steps
                    parts.averaged.decay = ema_decay_at(
                        recipe.ema_decay, done, recipe.epochs * updates
                    )
                    parts.averaged.update(network.model)
            if step % 20 == 19 or step + 1 == batches:
                _check_loss(float(total) / (step + 1), job, epoch, rates[-1])
                peak = max(peak, memory_mb())
            progress.update(len(images))
    seconds = time.perf_counter() - start
    return {
        "epoch": epoch + 1,
        "train_loss": float(total) / batches,
        "lr": rates[-1],
        "rates": rates[:: max(1, len(rates) // 50)],
        "seconds": seconds,
        "images_per_second": len(rows) / seconds,
        "peak_memory_mb": peak,
    }


def _judge(job: Job, setting: Setting, network: Network) -> checkpoint.Record:
    """The held-out rows' loss and score after an epoch; nothing when all rows train."""
    if job.held_out is None:
        return {}
    found = predict(
        network, setting.source, job.held_out, views=["identity"], label=f"{job.name} held out"
    )["identity"]
    truth = setting.targets[job.held_out]
    if not np.isfinite(found).all():
        raise Diverged(
            f"training diverged in {job.name}: its last update left no usable weights. {REMEDY}"
        )
    return {"valid_loss": log_loss(found, truth), "score": setting.metric.score(found, truth)}


def _check_loss(loss: float, job: Job, epoch: int, lr: float) -> None:
    # Guessing blindly among a million classes costs 14: a mean beyond 1,000 does not come back.
    if not loss < 1000:
        raise Diverged(
            f"training diverged in {job.name}, epoch {epoch + 1}: the loss is {loss:.3g} at a rate of "
            f"{lr:.2g}. {REMEDY}"
        )


def _scaler(setting: Setting) -> Any:
    scaler = setting.accelerator.scaler
    return scaler.state_dict() if scaler is not None else None


def _load_scaler(setting: Setting, state: Any) -> None:
    if state and setting.accelerator.scaler is not None:
        setting.accelerator.scaler.load_state_dict(state)
