"""Finished jobs at work: their networks, and what they say of rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from common.data.folds import Rows
from common.inference.features import feature_blocks, predict_head, split
from common.inference.predict import least_certain, predict, with_rows
from common.metrics import Probs
from common.models.backbone import rebuild
from common.models.network import Network
from common.training.context import Setting


def load_trained(setting: Setting, folder: Path) -> Network:
    """The network whose weights lie in a job's folder."""
    weights = load_file(folder / "weights.safetensors")
    return setting.network(rebuild(setting.recipe, setting.classes, weights))


def predictions(
    setting: Setting, folders: Sequence[Path], rows: Rows, *, label: str
) -> Iterator[dict[str, Probs]]:
    """Each job's probs of the setting's images under each group of views: name to [len(rows), C].

    Jobs that trained on features share one pass of them.
    """
    if setting.on_features:
        yield from _from_features(setting, folders, rows)
        return
    for number, folder in enumerate(folders, 1):
        text = f"{label}, model {number} of {len(folders)}"
        network = load_trained(setting, folder)
        tta_fraction = setting.recipe.tta_fraction
        yield predict(
            network,
            setting.source,
            rows,
            views=setting.recipe.view_names,
            label=text,
            tta_fraction=tta_fraction,
        )


def _from_features(setting: Setting, folders: Sequence[Path], rows: Rows) -> list[dict[str, Probs]]:
    """A block of features at a time goes through the heads of all jobs."""
    networks = [load_trained(setting, folder) for folder in folders]
    heads = [split(network.model)[1] for network in networks]
    found: list[dict[str, Probs]] = [{} for _ in folders]
    for group in setting.recipe.view_names:
        parts: list[list[Probs]] = [[] for _ in folders]
        order = []
        for start, block in feature_blocks(
            networks[0], setting.source, setting.store, group, cache=setting.cache
        ):
            inside = np.flatnonzero((rows >= start) & (rows < start + block.shape[1]))
            order.append(inside)
            features = block[:, torch.from_numpy(rows[inside] - start).to(block.device)]
            for head, mine in zip(heads, parts, strict=True):
                mine.append(predict_head(head, features))
        back = np.argsort(np.concatenate(order), kind="stable")
        for groups, mine in zip(found, parts, strict=True):
            groups[group] = np.concatenate(mine)[back]
            if (
                group != "identity"
            ):  # heads cost nothing: the others' views are left out, not spared
                unsure = least_certain(groups["identity"], setting.recipe.tta_fraction)
                groups[group] = with_rows(groups["identity"], unsure, groups[group][unsure])
    return found
