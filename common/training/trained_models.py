"""Predictions of a run's trained models: load each job's weights and predict rows."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from common.data.folds import Rows
from common.inference.features import detach_head, feature_blocks, predict_head
from common.inference.predict import Unsure, least_certain, predict, replace_rows, up_to
from common.metrics import Probs
from common.models.backbone import rebuild
from common.models.network import Network
from common.training.checkpoint import load_weights
from common.training.run_context import RunContext


def load_trained(context: RunContext, folder: Path) -> Network:
    """A job folder's `weights.safetensors` as a network on the device."""
    weights = load_weights(folder / "weights.safetensors")
    return context.network(rebuild(context.recipe, context.target.outputs, weights))


def predictions(
    context: RunContext, folders: Sequence[Path], rows: Rows, *, label: str
) -> Iterator[dict[str, Probs]]:
    """Each trained model's probs per TTA view group: name to float32 [len(rows), C].

    Heads trained on frozen-backbone features share one pass of the backbone.
    """
    if context.on_features:
        yield from _from_features(context, folders, rows)
        return
    for number, folder in enumerate(folders, 1):
        text = f"{label}, model {number} of {len(folders)}"
        network = load_trained(context, folder)
        yield predict(
            network,
            context.source,
            rows,
            views=context.recipe.view_names,
            label=text,
            unsure=_unsure(context),
        )


def _from_features(
    context: RunContext, folders: Sequence[Path], rows: Rows
) -> list[dict[str, Probs]]:
    """Run every job's head on each block of features in turn."""
    networks = [load_trained(context, folder) for folder in folders]
    heads = [detach_head(network.model)[1] for network in networks]
    found: list[dict[str, Probs]] = [{} for _ in folders]
    unsure = _unsure(context)
    for group in context.recipe.view_names:
        parts: list[list[Probs]] = [[] for _ in folders]
        order = []
        for start, block in feature_blocks(
            networks[0], context.source, context.store, group, cache=context.cache
        ):
            inside = np.flatnonzero((rows >= start) & (rows < start + block.shape[1]))
            order.append(inside)
            features = block[:, torch.from_numpy(rows[inside] - start).to(block.device)]
            for head, mine in zip(heads, parts, strict=True):
                mine.append(predict_head(head, features, networks[0].activation))
        back = np.argsort(np.concatenate(order), kind="stable")
        for groups, mine in zip(found, parts, strict=True):
            groups[group] = np.concatenate(mine)[back]
            if group != "identity" and unsure:  # a head costs nothing: it is masked afterwards
                few = unsure(context.target.certainty(groups["identity"]))
                groups[group] = replace_rows(groups["identity"], few, groups[group][few])
    return found


def _unsure(context: RunContext) -> Unsure | None:
    """Which rows get more than one view: those up to a certainty, a share of them, or all (None)."""
    if context.certain is not None:
        return partial(up_to, threshold=context.certain)
    share = context.recipe.tta_fraction
    return partial(least_certain, share=share) if share < 1 else None
