"""Photographs on threads: no more of them than the size of the images pays for."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from common.data.batches.photo_source import PerImage
from common.recipe import Recipe


@dataclass
class Shapes:
    """A store of images of one size, of which nothing but the size is asked."""

    height: int
    width: int
    shapes: Any = field(init=False)

    def __post_init__(self) -> None:
        self.shapes = np.array([(self.height, self.width)] * 3)


@pytest.mark.parametrize(
    ("height", "width", "most"), [(32, 32, 4), (375, 500, 4), (1000, 1000, 20), (2000, 3000, 120)]
)
def test_on_a_gpu_small_images_get_four_threads_and_large_ones_more(
    height: int, width: int, most: int
) -> None:
    store: Any = Shapes(height, width)
    recipe = Recipe(augment="photo", workers=16)
    assert PerImage(store, recipe, torch.device("cuda"), 0.875)._most_threads == most
    # A CPU's network takes fewer images than one thread makes.
    assert PerImage(store, recipe, torch.device("cpu"), 0.875)._most_threads == 1
