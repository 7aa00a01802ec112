"""How a job begins: its network, drawn by seed and whitened by its own images, and what trains it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from common import randomness
from common.models.backbone import build
from common.models.freezing import freeze
from common.models.network import Network
from common.models.whitening import whitening_of
from common.training.context import Setting
from common.training.jobs import Job
from common.training.loss import Mixing, RowLoss, build_loss
from common.training.optimisers import build_optimiser
from common.training.plan import Phase

WHITENED_BY = 5000  # images: their patches are millions


@dataclass(frozen=True)
class Parts:
    """What an update touches. `averaged` is None without EMA; `mix` hands back what it need not mix."""

    network: Network
    forward: Callable[[Tensor], Tensor]
    averaged: ModelEmaV3 | None
    loss_of: RowLoss
    mix: Mixing
    optimiser: Any = None  # each phase has its own

    @property
    def judged(self) -> nn.Module:
        """The model that is judged and kept."""
        return self.averaged.module if self.averaged else self.network.model


def parts_of(job: Job, setting: Setting) -> Parts:
    """A job's parts before its first phase."""
    recipe, network = setting.recipe, begin(job, setting)
    torch.compiler.reset()  # what earlier jobs compiled shapes nothing here
    forward = torch.compile(network.model, dynamic=False) if recipe.compile else network.model
    averaged = ModelEmaV3(network.model, decay=recipe.ema_decay) if recipe.ema_decay else None
    labels = torch.from_numpy(setting.targets[job.rows])
    loss_of = build_loss(recipe, labels, len(setting.classes)).to(setting.device)
    return Parts(network, forward, averaged, loss_of, Mixing(recipe, len(setting.classes)))


def in_phase(parts: Parts, setting: Setting, phase: Phase) -> Parts:
    """The same with the stages frozen that the phase freezes, and its optimiser."""
    freeze(parts.network.model, phase.frozen)
    optimiser = build_optimiser(parts.network.model, setting.recipe, phase.lr)
    return replace(parts, optimiser=setting.accelerator.prepare(optimiser))


def begin(job: Job, setting: Setting) -> Network:
    """The network before its first update."""
    torch.manual_seed(randomness.seed_of(randomness.WEIGHTS, job.seed, job.fold))
    network = setting.network(build(setting.recipe, setting.classes))
    whitening = whitening_of(network.model)
    if whitening is not None and setting.recipe.weights == "scratch":
        spread = np.linspace(0, len(job.rows) - 1, min(len(job.rows), WHITENED_BY)).astype(np.int64)
        images = setting.source.plain(job.rows[spread], network.size)
        whitening.fit(network.input(batch) for batch in images)
    return network
