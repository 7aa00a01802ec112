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
    ("height", "width", "gpu", "cpu"),
    [(32, 32, 4, 1), (375, 500, 4, 1), (1000, 1000, 20, 5), (2000, 3000, 120, 30)],
)
def test_larger_images_get_more_threads_and_a_gpu_more_than_a_cpu(
    height: int, width: int, gpu: int, cpu: int
) -> None:
    store: Any = Shapes(height, width)
    recipe = Recipe(augment="photo", workers=16)
    assert PerImage(store, recipe, torch.device("cuda"), 0.875)._most_threads == gpu
    assert PerImage(store, recipe, torch.device("cpu"), 0.875)._most_threads == cpu
