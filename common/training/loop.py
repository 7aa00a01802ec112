"""The training loop: a job's rows in, trained weights and a log record per epoch out.

Read it top to bottom. Every random number is drawn from (seed, fold, epoch, step), so the state at the
end of an epoch is parameters, optimiser and EMA alone, and a killed job resumes bit-exactly.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import randomness
from common.data.batches.batching import epoch_order
from common.environment import memory_mb
from common.errors import KitError
from common.inference.predict import predict
from common.models.freezing import stages, train_mode
from common.models.network import Network
from common.progress import bar, say
from common.training import checkpoint
from common.training.components import Components, build_components, components_for_phase
from common.training.devices import device_peak
from common.training.early_stopping import EarlyStopping
from common.training.jobs import Job
from common.training.phases import Phase, phases_of
from common.training.run_context import RunContext
from common.training.updates.optimisers import set_lr
from common.training.updates.schedules import ema_decay_at, lr_factor

REMEDY = "Lower lr=, raise warmup_ratio=, or set clip_grad=1"


class Diverged(KitError):
    """Training diverged: the loss or the weights are no longer finite."""


def train(job: Job, context: RunContext, folder: Path) -> Iterator[checkpoint.Record]:
    """Train a job from its last finished epoch on; yield each epoch's log record.

    Once the iterator is exhausted, `folder` holds `weights.safetensors`.

    Raises:
        Diverged: the loss became infinite or nan, or the weights did.
    """
    recipe, ranks = context.recipe, context.ranks
    folder.mkdir(parents=True, exist_ok=True)
    components = build_components(job, context)
    model, eval_model = components.network.model, components.eval_model
    state = checkpoint.load_state(folder)
    checkpoint.trim_log(folder, state["epoch"] if state else 0)
    early_stopping = EarlyStopping.from_state(state)
    if state:
        model.load_state_dict(state["model"])
        eval_model.load_state_dict(state["judged"])
        say(f"  {job.name}: resuming after epoch {state['epoch']} of {recipe.epochs}")

    _load_scaler(context, (state and state["scaler"]) or torch.amp.GradScaler("cpu").state_dict())
    finished = 0
    for phase in phases_of(recipe, len(stages(model)), context.side):
        begun, finished = finished, finished + phase.epochs
        if state and state["epoch"] >= finished:
            continue
        components = components_for_phase(components, context, phase)
        if state and state["epoch"] > begun:
            components.optimiser.load_state_dict(state["optimiser"])
        else:
            early_stopping.waited = 0  # patience restarts with each phase
        for epoch in range(max(begun, state["epoch"] if state else 0), finished):
            if recipe.early_stop and early_stopping.waited >= recipe.early_stop:
                break
            record = train_epoch(job, context, phase, components, epoch=epoch, begun=begun)
            record |= ranks.shared(lambda: _validate(job, context, context.network(eval_model)))
            if job.held_out is not None:
                early_stopping.update(record["score"], context, eval_model)
            if ranks.first:
                checkpoint.append_log(folder, record)
                state_now = {
                    "epoch": epoch + 1,
                    "model": model.state_dict(),
                    "judged": eval_model.state_dict(),
                    "optimiser": components.optimiser.state_dict(),
                    "scaler": _scaler(context),
                }
                checkpoint.save_state(folder, state_now | early_stopping.state())
            yield record
        context.accelerator.free_memory()
    if recipe.early_stop and early_stopping.weights is not None:
        eval_model.load_state_dict(early_stopping.weights)
    if not all(bool(tensor.isfinite().all()) for tensor in eval_model.state_dict().values()):
        raise Diverged(f"training diverged in {job.name}: its weights are not finite. {REMEDY}")
    if ranks.first:
        checkpoint.save_weights(folder, eval_model.state_dict())


def train_epoch(
    job: Job, context: RunContext, phase: Phase, components: Components, *, epoch: int, begun: int
) -> checkpoint.Record:
    """Train one epoch over the job's rows; return its log record (loss, rates, speed, memory)."""
    recipe, device, ranks = context.recipe, context.device, context.ranks
    place = (job.seed, job.fold, epoch)
    order = epoch_order(context.strata[job.rows], recipe, place)
    rows = job.rows[order]
    batches = math.ceil(len(rows) / recipe.batch_size)
    updates = math.ceil(batches / recipe.grad_accum_steps)
    targets = torch.from_numpy(context.answers_of(job)[order]).to(device).split(recipe.batch_size)
    network, optimiser, size = components.network, components.optimiser, phase.sizes[epoch - begun]
    train_mode(network.model)
    total, rates, peak, prepared = torch.zeros((), device=device), [], 0.0, 0.0
    start = time.perf_counter()
    with bar(len(rows), f"{job.name} epoch {epoch + 1}/{recipe.epochs}") as progress:
        for step, images in enumerate(context.source.training(rows, place, size)):
            update = (epoch - begun) * updates + step // recipe.grad_accum_steps
            rates.append(phase.lr * lr_factor(recipe, update, phase.epochs * updates, updates))
            set_lr(optimiser, rates[-1])
            x = network.input(images, size)
            x, y = ranks.mixed(components.mix, x, targets[step], (*place, step))
            if step == 0:
                prepared = components.forward.prepare(x)
            torch.manual_seed(randomness.seed_of(randomness.DROPOUT, *place, step))
            with network.autocast():
                logits = components.forward(x)
            loss = ranks.loss(components.loss_of, logits.float(), y)
            together = targets[step - step % recipe.grad_accum_steps :][: recipe.grad_accum_steps]
            share = ranks.count * components.loss_of.share(targets[step], together)
            context.accelerator.backward(loss * share)
            total += loss.detach()
            if (step + 1) % recipe.grad_accum_steps == 0 or step + 1 == batches:
                if recipe.clip_grad:
                    context.accelerator.clip_grad_norm_(
                        network.model.parameters(), recipe.clip_grad
                    )
                optimiser.step()
                optimiser.zero_grad()
                if components.ema is not None:
                    done = epoch * updates + step // recipe.grad_accum_steps
                    decay = ema_decay_at(recipe.ema_decay, done, recipe.epochs * updates)
                    components.ema.decay = decay
                    components.ema.update(network.model)
            if step % 20 == 19 or step + 1 == batches:
                _check_loss(float(ranks.summed(total)) / (step + 1), job, epoch, rates[-1])
                peak = max(peak, memory_mb())
            progress.update(len(images))
    seconds = time.perf_counter() - start - prepared
    return {
        "epoch": epoch + 1,
        "train_loss": float(ranks.summed(total)) / batches,
        "lr": rates[-1],
        "rates": rates[:: max(1, len(rates) // 50)],
        "seconds": seconds,
        "images_per_second": len(rows) / seconds,
        "prepare_seconds": prepared,
        "peak_memory_mb": peak,
        **device_peak(device),
    }


def _validate(job: Job, context: RunContext, network: Network) -> checkpoint.Record:
    """Loss and score on the held-out rows after an epoch; empty without a validation split."""
    if job.held_out is None:
        return {}
    found = predict(
        network, context.source, job.held_out, views=["identity"], label=f"{job.name} held out"
    )["identity"]
    if not np.isfinite(found).all():
        raise Diverged(
            f"training diverged in {job.name}: its weights are no longer finite. {REMEDY}"
        )
    return context.validated(found, job.held_out)


def _check_loss(loss: float, job: Job, epoch: int, lr: float) -> None:
    # Chance level with a million classes is 14: a mean loss beyond 1,000 does not recover.
    if not loss < 1000:
        raise Diverged(
            f"training diverged in {job.name}, epoch {epoch + 1}: the loss is {loss:.3g} at lr "
            f"{lr:.2g}. {REMEDY}"
        )


def _scaler(context: RunContext) -> Any:
    scaler = context.accelerator.scaler
    return scaler.state_dict() if scaler is not None else None


def _load_scaler(context: RunContext, state: Any) -> None:
    if state and context.accelerator.scaler is not None:
        context.accelerator.scaler.load_state_dict(state)
