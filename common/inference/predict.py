"""Probabilities of rows under a set of views, from one model."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from common.data.batches.sources import Source
from common.data.folds import Rows
from common.inference.views import GROUPS, WEIGHTS
from common.metrics import Probs
from common.models.network import Network
from common.progress import bar


def predict(
    network: Network,
    source: Source,
    rows: Rows,
    *,
    views: Sequence[str],
    label: str,
    tta_fraction: float = 1.0,
) -> dict[str, Probs]:
    """For every group of views, the mean of its views' softmax: name to float32 [len(rows), C].

    Only the `tta_fraction` share of the rows is shown under other views than the plain one.
    """
    others = [name for name in views if name != "identity"]
    if tta_fraction < 1 and others:
        found = predict(network, source, rows, views=["identity"], label=label)
        unsure = least_certain(found["identity"], tta_fraction)
        more = predict(network, source, rows[unsure], views=others, label=f"{label}, views")
        plain = found["identity"]
        return found | {name: with_rows(plain, unsure, more[name]) for name in others}
    network.model.eval()
    sums: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in views}
    with bar(len(rows), label) as progress:
        for images in source.plain(rows, network.size):
            ready = network.input(images)
            for name in views:
                sums[name].append(mean_probs(outputs(network, ready, name)))
            progress.update(len(images))
    return {name: np.concatenate(parts) for name, parts in sums.items()}


@torch.inference_mode()
def outputs(network: Network, ready: Tensor, group: str) -> Tensor:
    """What the network says of an input batch under each view of a group: float32 [V, B, …]."""
    found = []
    for view in GROUPS[group]:
        with network.autocast():
            found.append(
                network.model(view(ready).contiguous(memory_format=network.layout)).float()
            )
    return torch.stack(found)


def mean_probs(logits: Tensor) -> Probs:
    """The mean over views of their softmax: logits [V, B, C] to float32 [B, C]."""
    probs: Probs = (logits.softmax(dim=2).sum(dim=0) / len(logits)).cpu().numpy()
    return probs


def least_certain(probs: Probs, share: float) -> Rows:
    """The positions, in order, of this share of the rows [N, C] whose likeliest class is least likely."""
    count = math.ceil(share * len(probs))
    return np.sort(np.argsort(probs.max(axis=1), kind="stable")[:count])


def with_rows(plain: Probs, rows: Rows, probs: Probs) -> Probs:
    """The plain view's probs [N, C], with these rows' own [len(rows), C] in their place."""
    found = plain.copy()
    found[rows] = probs
    return found


def joined(groups: dict[str, Probs], names: Sequence[str]) -> Probs:
    """The mean over all single views of these groups, each by its weight: float32 [N, C]."""
    weights = [len(GROUPS[name]) * WEIGHTS.get(name, 1.0) for name in names]
    total = sum(weight * groups[name] for weight, name in zip(weights, names, strict=True))
    return np.asarray(total / np.float32(sum(weights)), dtype=np.float32)


def mean(parts: list[Probs]) -> Probs:
    """The mean of arrays, in float32 and in their order."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total / np.float32(len(parts))
