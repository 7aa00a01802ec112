"""How a job's network begins: drawn by seed, and whitened by the job's own training images."""

import numpy as np
import torch

from common import randomness
from common.inference.predict import Network
from common.models.backbone import build
from common.models.whitening import whitening_of
from common.training.jobs import Job
from common.training.setting import Setting

WHITENED_BY = 5000  # images: their patches are millions


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
