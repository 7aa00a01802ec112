"""Photographs become training batches at 224 on every pass but the first: from the store.

The peers decode every file again, as they do in every epoch.
"""

from benchmarks.first_pass import one_pass, stored
from benchmarks.measure import Effort, Row, Way, alone, compare, one_thread
from benchmarks.peers import BATCH, fastai_pass, timm_pass, torchvision_pass
from benchmarks.photographs import photographs

CLAIM = "photographs at 224, later passes"


def measure(effort: Effort) -> list[Row]:
    """A pass from the store, against torchvision, timm and fastai."""
    with one_thread(), photographs(effort) as (paths, scratch):
        store = stored(paths, scratch / "cache")
        images = len(paths) // BATCH * BATCH or len(paths)
        peers = [
            (12.0, "torchvision", lambda: torchvision_pass(paths)),
            (0.0, "timm", lambda: timm_pass(paths)),
            (0.0, "fastai", lambda: fastai_pass(paths)),
        ]
        ours = Way("kit", lambda: one_pass(store), images)
        return compare(CLAIM, ours, peers, repeats=effort.repeats)


if __name__ == "__main__":
    alone(measure)
