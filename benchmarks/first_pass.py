"""Photographs of 500x375 become training batches at 224 on their first pass, decoding included.

The kit reads and checks every file, decodes it into the store at 256 and makes the epoch's batches
from there; the peers decode while they go.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from benchmarks.measure import Effort, Row, Way, alone, compare, one_thread
from benchmarks.peers import (
    BATCH,
    MEAN,
    SIDE,
    STD,
    WORKERS,
    fastai_pass,
    timm_pass,
    torchvision_pass,
)
from benchmarks.photographs import photographs
from common.data.batches.batching import epoch_order
from common.data.batches.sources import open_source, to_input
from common.data.pixels.store import Store, open_store
from common.recipe import Recipe

CLAIM = "photographs at 224, first pass"
STORED = 256
RECIPE = Recipe(augment="photo-crop", image_size=SIDE, batch_size=BATCH, workers=WORKERS)


def measure(effort: Effort) -> list[Row]:
    """The first pass, against torchvision, timm and fastai."""
    with one_thread(), photographs(effort) as (paths, scratch):

        def work() -> None:
            with TemporaryDirectory(dir=scratch) as cache:
                one_pass(stored(paths, Path(cache)))

        peers = [
            (2.0, "torchvision", lambda: torchvision_pass(paths)),
            (0.0, "timm", lambda: timm_pass(paths)),
            (0.0, "fastai", lambda: fastai_pass(paths)),
        ]
        return compare(CLAIM, Way("kit", work, len(paths)), peers, repeats=effort.repeats)


def stored(paths: list[Path], cache: Path) -> Store:
    """The store of these files at 256."""
    table = pd.DataFrame({"id": [path.stem for path in paths], "path": [str(p) for p in paths]})
    return open_store(table, side=STORED, cache=cache, threads=WORKERS)


def one_pass(store: Store) -> None:
    """An epoch's batches as the network takes them."""
    source = open_source(store, RECIPE, torch.device("cpu"), mean=MEAN, crop=0.875)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (MEAN, STD))
    rows = epoch_order(np.zeros(len(store), np.int64), RECIPE, (0, 0, 0))
    for images in source.training(rows, (0, 0, 0), SIDE):
        to_input(images, mean, std, SIDE)


if __name__ == "__main__":
    alone(measure)
