"""Which images a batch holds: an epoch's order, an image's random seed, the size of inference batches."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common import randomness
from common.data.folds import Rows
from common.recipe import Recipe

Place = tuple[int, int, int]  # (seed, fold, epoch)
# Pixels and images that one inference batch holds: a CPU's caches set the first, a GPU's memory.
AT_ONCE = {"cpu": (16 * 224**2, 256), "gpu": (256 * 224**2, 4096)}


@dataclass(frozen=True)
class Share:
    """The part of every batch that one of several processes trains on."""

    number: int = 0
    count: int = 1

    def of(self, length: int) -> slice:
        """The part of a batch of this length."""
        return slice(length * self.number // self.count, length * (self.number + 1) // self.count)

    def rows(self, length: int, batch: int) -> Rows:
        """The positions in an epoch's order of this length, batch by batch."""
        whole = np.arange(length)
        return np.concatenate(
            [part[self.of(len(part))] for part in np.split(whole, range(batch, length, batch))]
        )


WHOLE = Share()


def epoch_order(labels: npt.NDArray[np.int64], recipe: Recipe, place: Place) -> Rows:
    """Positions [M] an epoch trains on, shuffled; a multiple of the batch unless all fit in one.

    With `class_balance=sampling` each draw takes every class with equal chance. The rows that
    would not fill a last batch are dropped, different ones each epoch.
    """
    generator = randomness.stream(randomness.ORDER, *place)
    if recipe.class_balance == "sampling":
        counts = np.bincount(labels)
        chance = 1 / counts[labels]
        order = generator.choice(len(labels), len(labels), p=chance / chance.sum())
    else:
        order = generator.permutation(len(labels))
    whole = len(order) // recipe.batch_size * recipe.batch_size
    return order[: whole or len(order)]


def image_seeds(rows: Rows, count: int, place: Place) -> list[int]:
    """A random seed for each row of an epoch's order, per image, plus one each time it recurs."""
    seeds = randomness.stream(randomness.AUGMENT, *place).integers(1 << 62, size=count)
    found: list[int] = (seeds[rows] + times_before(rows)).tolist()
    return found


def times_before(rows: Rows) -> Rows:
    """How often each row stands earlier in the order: all 0 unless rows are drawn repeatedly."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[starts, len(rows)])
    before = np.empty(len(rows), dtype=np.int64)
    before[order] = np.arange(len(rows)) - np.repeat(starts, counts)
    return before


def inference_batch(recipe: Recipe, device: str, height: int, width: int) -> int:
    """The inference batch size for images of this size.

    `eval_batch_size` where it is given. Else as many as hold the pixels of 16 images of 224x224 on a CPU,
    at most 256, and of 256 on a GPU, at most 4,096.
    """
    pixels, most = AT_ONCE["cpu" if device == "cpu" else "gpu"]
    return recipe.eval_batch_size or max(1, min(most, pixels // (height * width)))
