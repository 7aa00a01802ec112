"""Does training fit in the GPU's memory? Tried before the first epoch; if not, what would fit.

A trial is two updates of the training loop itself at the recipe's largest image size, on a network, optimiser
and gradient scaler of its own: nothing that trains later is touched, the random generators are restored.
"""

import gc
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common.errors import KitError
from common.inference.smaller_batches import is_out_of_memory
from common.models.backbone import build
from common.models.freezing import stages
from common.models.grad_checkpointing import supports_grad_checkpointing
from common.recipe import Recipe
from common.training.checkpoint import Record
from common.training.components import build_components, components_for_phase
from common.training.devices import open_accelerator
from common.training.jobs import Job
from common.training.loop import Diverged, train, train_epoch
from common.training.parallel.launch import train_on_gpus
from common.training.phases import phases_of
from common.training.run_context import RunContext

TINY_LR = 1e-9  # a trial's network is thrown away: its loss only has to be finite


class OutOfMemory(KitError):
    """Training does not fit in the GPU's memory."""


def check_memory(job: Job, context: RunContext) -> None:
    """Try two updates on a GPU before the first jobs; a compiled network is tried uncompiled.

    Raises:
        OutOfMemory: they do not fit; the message names what does.
    """
    if context.device.type != "cuda" or context.recipe.gpus > 1:
        return
    # A compiled network may need less than the same one uncompiled: only its own training can tell.
    if not (fits(job, context) or context.recipe.compile):
        raise OutOfMemory(explanation(job, context))
    torch.cuda.reset_peak_memory_stats()


def train_job(job: Job, context: RunContext, folder: Path) -> Iterator[Record]:
    """`loop.train`, on `gpus` GPUs, with memory that runs out told in a sentence.

    Raises:
        OutOfMemory: the message names what fits.
    """
    if context.recipe.gpus > 1:
        yield from train_on_gpus(job, context, folder)
        return
    free(context)  # what an earlier job's captured passes and gradient scaler hold
    try:
        yield from train(job, context, folder)
        return
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the network and its gradients
    free(context)
    raise OutOfMemory(explanation(job, context))


def fits(job: Job, context: RunContext) -> bool:
    """Do two updates of this training, in its last and largest phase, fit in the memory?"""
    gpus = [torch.cuda.current_device()] if context.device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        try:
            _two_updates(job, context)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return False
        finally:
            free(context)
    return True


def explanation(job: Job, context: RunContext) -> str:
    """What does not fit in which memory, and the smallest changes of the recipe that do, as tried."""
    recipe = context.recipe
    height, width = context.store.shapes[0].tolist()
    size = recipe.image_size or max(height, width)
    what = (
        f"training {recipe.backbone} at {size} px with batch_size={recipe.batch_size} in "
        f"{context.precision} does not fit in the memory of {_memory_of(context.device)}"
    )
    remedies = [" ".join(changes) for changes in _remedies(job, context)]
    if remedies:
        return f"{what}: set {', or '.join(remedies)}"
    return f"{what}, nor does batch_size=2: set a smaller image_size= or backbone="


def _remedies(job: Job, context: RunContext) -> Iterator[list[str]]:
    """Changes that were tried and fit: checkpointed gradients, and the largest batch by halving."""
    recipe = context.recipe
    checkpointed = replace(recipe, grad_checkpointing=True)
    network = build(recipe, context.target.outputs, bare=True)
    can = not recipe.grad_checkpointing and supports_grad_checkpointing(network)
    if can and fits(job, _with(context, checkpointed)):
        yield ["grad_checkpointing=true (fits here; the same numbers, slower)"]
    batch = largest_batch(job, context)
    extra = []
    if not batch and can:
        batch = largest_batch(job, _with(context, checkpointed))
        extra = ["grad_checkpointing=true"]
    if batch:
        whole = recipe.batch_size * recipe.grad_accum_steps
        steps = max(1, round(whole / batch))
        same = "the same" if steps * batch == whole else f"{steps * batch} instead of"
        told = f"(fits here; {same} {whole} images an update)"
        yield [*extra, f"batch_size={batch}", f"grad_accum_steps={steps}", told]


def largest_batch(job: Job, context: RunContext) -> int:
    """The largest batch that fits, by halving the recipe's; 0: none does."""
    recipe = context.recipe
    size = min(recipe.batch_size, len(job.rows)) // 2
    while size >= 2:
        size -= size % 2  # mixup and cutmix take pairs
        smaller = replace(recipe, batch_size=size, grad_accum_steps=2)
        if fits(job, _with(context, smaller)):
            return size
        size //= 2
    return 0


def free(context: RunContext) -> None:
    """Give the device's memory back that nothing refers to any more."""
    context.accelerator.free_memory()
    gc.collect()
    if context.device.type == "cuda":
        torch.cuda.empty_cache()


def _two_updates(job: Job, context: RunContext) -> None:
    """Two updates: in the second one the optimiser's state is there; with accumulation gradients too."""
    recipe = context.recipe
    recipe = replace(recipe, compile=False, grad_accum_steps=min(2, recipe.grad_accum_steps))
    accelerator, _ = open_accelerator(replace(recipe, precision=context.precision))
    context = replace(_with(context, recipe), accelerator=accelerator)
    initial = build_components(job, context)
    *_, last = phases_of(recipe, len(stages(initial.network.model)), context.side)
    phase = replace(last, lr=TINY_LR)
    components = components_for_phase(initial, context, phase)
    at, needed = np.arange(len(job.rows)), 2 * recipe.grad_accum_steps * recipe.batch_size
    if len(at) > recipe.batch_size:
        at = np.resize(at, needed)
    answers = None if job.answers is None else job.answers[at]
    job = replace(job, rows=job.rows[at], answers=answers)
    with suppress(Diverged):
        train_epoch(job, context, phase, components, epoch=phase.epochs - 1, begun=0)
    accelerator.free_memory()


def _with(context: RunContext, recipe: Recipe) -> RunContext:
    """The context with another recipe, in its batch source too."""
    return replace(context, recipe=recipe, source=replace(context.source, recipe=recipe))  # type: ignore[type-var]


def _memory_of(device: torch.device) -> str:
    """A GPU's name and memory, and how much of it is not this process's to use."""
    if device.type != "cuda":
        return f"the {device.type}"
    free_bytes, total = torch.cuda.mem_get_info(device)
    others = max(0, total - free_bytes - torch.cuda.memory_reserved(device))
    return (
        f"{torch.cuda.get_device_name(device)} ({total / 2**30:.1f} GB, of which "
        f"{others / 2**30:.1f} GB are taken by other processes and CUDA itself)"
    )
