"""Predict rows with one model under test-time-augmentation views; average views and models."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from common.data.batches.sources import Source
from common.data.folds import Rows
from common.inference.smaller_batches import WHOLE, in_parts_that_fit
from common.inference.tta_views import VIEW_GROUPS, VIEW_WEIGHTS
from common.metrics import Probs
from common.models.activations import Activation
from common.models.network import Network
from common.progress import bar

Unsure = Callable[[npt.NDArray[np.float32]], Rows]  # certainty [N] to the rows that get more views


def predict(
    network: Network,
    source: Source,
    rows: Rows,
    *,
    views: Sequence[str],
    label: str,
    unsure: Unsure | None = None,
) -> dict[str, Probs]:
    """Predict rows: for each view group its mean probs over views, name to [len(rows), C].

    With `unsure` only the rows that it picks by the certainty of their `identity` probs get other
    views; the rest keeps these.
    """
    others = [name for name in views if name != "identity"]
    if unsure is not None and others:
        plain = predict(network, source, rows, views=["identity"], label=label)["identity"]
        few, found = unsure(network.target.certainty(plain)), {"identity": plain}
        if not len(few):
            return found | dict.fromkeys(others, plain)
        more = predict(network, source, rows[few], views=others, label=f"{label}, views")
        return found | {name: replace_rows(plain, few, more[name]) for name in others}
    network.model.eval()
    sums: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in views}
    limit = WHOLE

    def probs_of(images: Tensor) -> list[Probs]:
        batch = network.input(images)
        return [
            mean_probs(view_outputs(network, batch, name), network.activation) for name in views
        ]

    with bar(len(rows), label) as progress:
        for images in source.plain(rows, network.size):
            found_parts, limit = in_parts_that_fit(probs_of, images, limit)
            for part in found_parts:
                for name, probs in zip(views, part, strict=True):
                    sums[name].append(probs)
            progress.update(len(images))
    return {name: np.concatenate(parts) for name, parts in sums.items()}


@torch.inference_mode()
def view_outputs(network: Network, batch: Tensor, group: str) -> Tensor:
    """The network's output for an input batch under each view of a group: float32 [V, B, …]."""
    found = []
    for view in VIEW_GROUPS[group]:
        with network.autocast():
            found.append(
                network.model(view(batch).contiguous(memory_format=network.layout)).float()
            )
    return torch.stack(found)


def mean_probs(outputs: Tensor, activation: Activation) -> Probs:
    """Outputs [V, B, O] to their mean probs over views: float32 [B, C]."""
    probs: Probs = (activation(outputs).sum(dim=0) / len(outputs)).cpu().numpy()
    return probs


def least_certain(certainty: npt.NDArray[np.float32], share: float) -> Rows:
    """The sorted positions of the `share` of rows [N] with the least certainty."""
    count = math.ceil(share * len(certainty))
    return np.sort(np.argsort(certainty, kind="stable")[:count])


def up_to(certainty: npt.NDArray[np.float32], threshold: float) -> Rows:
    """The positions of the rows [N] whose certainty is at most this."""
    return np.flatnonzero(certainty <= np.float32(threshold))


def replace_rows(plain: Probs, rows: Rows, probs: Probs) -> Probs:
    """Copy `plain` [N, C] with `rows` replaced by `probs` [len(rows), C]."""
    found = plain.copy()
    found[rows] = probs
    return found


def mean_over_views(groups: dict[str, Probs], names: Sequence[str]) -> Probs:
    """The weighted mean over all single views of these view groups: float32 [N, C]."""
    weights = [len(VIEW_GROUPS[name]) * VIEW_WEIGHTS.get(name, 1.0) for name in names]
    total = sum(weight * groups[name] for weight, name in zip(weights, names, strict=True))
    return np.asarray(total / np.float32(sum(weights)), dtype=np.float32)


def mean(parts: list[Probs]) -> Probs:
    """The mean of several models' probs, summed in order in float32."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total / np.float32(len(parts))
