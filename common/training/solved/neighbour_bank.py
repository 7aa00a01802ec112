"""Training rows to the bank of a head by nearest neighbours, and its outputs at every k and temperature."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from common.inference.feature_table import Features
from common.models.tensor_heads import KINDS, Neighbours, nearest
from common.targets import Target
from common.training.solved.principal import Principal

WIDTH = 256  # principal coordinates at most, of the largest variance
# Coordinates are divided by their variance to this power: 0 leaves them, 0.5 whitens. Of these and two
# between, an eighth is best or near it on leaves, hotdog, dishes and dogs.
WHITENING = 0.125


def neighbours(
    rows: Principal,
    answers: npt.NDArray[Any],
    target: Target,
    k: int = 1,
    temperature: float = 0.1,
) -> Neighbours:
    """The head whose bank are these rows; answers are classes [N] or what outputs mean [N, O]."""
    basis = rows.basis[:, -WIDTH:] / rows.variances[-WIDTH:] ** WHITENING / rows.scale[:, None]
    bank = np.concatenate([(block - rows.mean) @ basis for block in rows.part.blocks()])
    bank /= np.maximum(np.linalg.norm(bank, axis=1, keepdims=True), 1e-12)
    name = target.activation(target.losses[0])
    kind = KINDS.index(name) if name in KINDS else KINDS.index("sigmoid")
    given, known = _kept(answers)
    return Neighbours(
        {
            "weight": torch.from_numpy(basis.T.astype(np.float32)),
            "bias": torch.from_numpy((-rows.mean @ basis).astype(np.float32)),
            "bank": torch.from_numpy(bank.astype(np.float16)),
            "answers": given,
            "known": known,
            "settings": torch.tensor(
                [k, temperature, len(target.outputs), kind], dtype=torch.float32
            ),
        }
    )


def _kept(answers: npt.NDArray[Any]) -> tuple[Tensor, Tensor]:
    """Answers in the smallest type that holds them, and which are known (none are asked of classes)."""
    if answers.ndim == 1:
        return torch.from_numpy(answers.astype(np.int32)), torch.zeros(0, dtype=torch.bool)
    known = np.isfinite(answers)
    given = np.where(known, answers, 0)
    small = np.uint8 if np.isin(given, (0, 1)).all() else np.float32
    return torch.from_numpy(given.astype(small)), torch.from_numpy(known)


@torch.inference_mode()
def neighbours_on_grid(
    head: Neighbours, counts: Sequence[float], temperatures: Sequence[float], features: Features
) -> Iterator[tuple[float, float, Features]]:
    """Each k and temperature, and the outputs [V, M, O] of features [V, M, F] there."""
    parts: list[list[Tensor]] = []
    rows = torch.from_numpy(features)
    for part in rows.flatten(0, 1).split(head.rows_at_once):
        similar = head.similarities(part)
        parts.append(
            [
                head.outputs(similar, near, temperature)
                for near in (nearest(similar, int(k)) for k in counts)
                for temperature in temperatures
            ]
        )
    points = product(counts, temperatures)
    for (k, temperature), outputs in zip(points, zip(*parts, strict=True), strict=True):
        yield k, temperature, torch.cat(outputs).unflatten(0, rows.shape[:2]).numpy()
