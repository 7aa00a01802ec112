"""The features of several backbones side by side, of which each has its own in the cache.

A backbone's are those that a run with it alone has cached: what is computed again is that of a new one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from common.data.batches.sources import Source
from common.data.pixels.store import Store
from common.inference import features
from common.inference.feature_table import FeatureTable, TableOfSeveral
from common.models.backbone import input_config_of
from common.models.network import Network
from common.models.side_by_side import backbones_of


def feature_table(
    network: Network, source: Source, store: Store, groups: Sequence[str], *, cache: Path
) -> FeatureTable:
    """Features of all a store's images under each view of these groups, memory-mapped."""
    tables = [
        features.feature_table(each, source, store, groups, cache=cache)
        for each in networks_of(network)
    ]
    return TableOfSeveral(tables) if len(tables) > 1 else tables[0]


def feature_blocks(
    network: Network, source: Source, store: Store, group: str, *, cache: Path
) -> Iterator[tuple[int, Tensor]]:
    """Yield features block by block: (first row, float32 [V, rows, F] on the device)."""
    networks = networks_of(network)
    for each in networks[:-1]:  # into the cache, one backbone after the other
        for _ in features.feature_files(each, source, store, group, cache=cache):
            pass
    blocks = (features.feature_blocks(each, source, store, group, cache=cache) for each in networks)
    for parts in zip(*blocks, strict=True):
        yield parts[0][0], torch.cat([block for _, block in parts], dim=2)


def networks_of(network: Network) -> list[Network]:
    """A network's backbones, each fed the same images, normalised as it was trained; itself, if one."""
    crop = network.input_config.crop
    parts = backbones_of(network.model)
    if len(parts) == 1:
        return [network]
    return [
        replace(network, model=each, input_config=replace(input_config_of(each), crop=crop))
        for each in parts
    ]
