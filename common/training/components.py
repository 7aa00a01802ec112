"""What one job trains with: initialised network, EMA, loss, mixup and each phase's optimiser."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from timm.utils import ModelEmaV3
from torch import nn

from common import randomness
from common.models.backbone import build
from common.models.freezing import freeze
from common.models.grad_checkpointing import set_grad_checkpointing
from common.models.network import Network
from common.models.whitening import find_whitening
from common.training.jobs import Job
from common.training.phases import Phase
from common.training.run_context import RunContext
from common.training.training_forward import TrainingForward
from common.training.updates.loss import Loss, MixupCutmix, build_loss
from common.training.updates.optimisers import build_optimiser

WHITENING_IMAGES = 5000  # enough: they give millions of patches


@dataclass(frozen=True)
class Components:
    """Everything that an update uses. `ema` is None without EMA; `mix` may be the identity."""

    network: Network
    forward: TrainingForward
    ema: ModelEmaV3 | None
    loss_of: Loss
    mix: MixupCutmix
    optimiser: Any = None  # rebuilt for each phase

    @property
    def eval_model(self) -> nn.Module:
        """The model that is evaluated and saved: the EMA where there is one."""
        return self.ema.module if self.ema else self.network.model


def build_components(job: Job, context: RunContext) -> Components:
    """A job's network, EMA, loss and mixup before its first phase; no optimiser yet."""
    recipe, network = context.recipe, init_network(job, context)
    network = replace(network, model=context.ranks.model(network.model))
    ema = ModelEmaV3(network.model, decay=recipe.ema_decay) if recipe.ema_decay else None
    if recipe.grad_checkpointing:
        set_grad_checkpointing(network.model)
    targets = torch.from_numpy(context.loss_targets[job.rows])
    loss_of = build_loss(recipe, targets, context.target).to(context.device)
    mix = MixupCutmix(recipe, len(context.target.names))
    return Components(network, TrainingForward(network, recipe), ema, loss_of, mix)


def components_for_phase(components: Components, context: RunContext, phase: Phase) -> Components:
    """The same with the phase's stages frozen and an optimiser over what trains."""
    freeze(components.network.model, phase.frozen)
    optimiser = build_optimiser(components.network.model, context.recipe, phase.lr)
    return replace(
        components,
        forward=TrainingForward(
            components.network,
            context.recipe,
            context.ranks.wrapped(components.network.model, context.accelerator),
        ),
        optimiser=context.accelerator.prepare(optimiser),
    )


def init_network(job: Job, context: RunContext) -> Network:
    """The job's initial network: seeded by (seed, fold), its whitening layer fitted to its rows."""
    torch.manual_seed(randomness.seed_of(randomness.WEIGHTS, job.seed, job.fold))
    network = context.network(build(context.recipe, context.target.outputs))
    whitening = find_whitening(network.model)
    if whitening is not None and context.recipe.weights == "scratch":
        spread = np.linspace(0, len(job.rows) - 1, min(len(job.rows), WHITENING_IMAGES)).astype(
            np.int64
        )
        images = context.source.plain(job.rows[spread], network.size)
        whitening.fit(network.input(batch) for batch in images)
    return network
