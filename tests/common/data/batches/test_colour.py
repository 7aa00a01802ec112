"""Colour jitter: what each draw does to a pixel, and how its images compare with albumentations' own."""

import random

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from common.data.batches.colour import CHANCE, GREY, HELD, LUMA, TURNED, jitter


def photographs(count: int) -> np.ndarray:
    """Crops of two photographs, uint8 [count, 64, 64, 3]."""
    sources, generator = load_sample_images().images, np.random.default_rng(0)
    corners = generator.integers(0, 300, (count, 2))
    return np.stack(
        [
            sources[number % 2][top : top + 128 : 2, left : left + 128 : 2]
            for number, (top, left) in enumerate(corners)
        ]
    )


class Draws(random.Random):
    """Draws that were written down: whether at all, brightness, contrast, saturation, hue, each in -1 … 1."""

    def __init__(self, *values: float) -> None:
        super().__init__(0)
        self.values = list(values)

    def random(self) -> float:
        return 0.0

    def uniform(self, *_: float) -> float:
        return self.values.pop(0)


def changed(pixels: np.ndarray, *values: float) -> np.ndarray:
    out = pixels.copy()
    jitter(out, Draws(*values))
    return out


MIDDLE = np.full((4, 5, 3), (120, 90, 60), np.uint8)
MIDDLE[:2] = (60, 90, 120)


def test_the_three_parts_of_a_colour_make_the_image_and_its_turn_keeps_the_luma() -> None:
    assert np.allclose(GREY + HELD, np.eye(3), atol=1e-3)
    assert np.allclose(LUMA @ HELD, 0, atol=1e-3) and np.allclose(LUMA @ TURNED, 0, atol=1e-3)
    assert np.allclose(TURNED @ TURNED, -HELD, atol=1e-3)  # two quarters: the opposite colour


def test_each_of_the_four_does_what_its_name_says() -> None:
    assert np.abs(changed(MIDDLE, 0, 0, 0, 0).astype(int) - MIDDLE).max() <= 1
    assert np.abs(changed(MIDDLE, 1, 0, 0, 0) - 1.3 * MIDDLE).max() <= 1
    mean = LUMA @ MIDDLE.mean(axis=(0, 1))
    assert np.abs(changed(MIDDLE, 0, -1, 0, 0) - (0.7 * MIDDLE + 0.3 * mean)).max() <= 1
    luma = (MIDDLE @ LUMA)[..., None]
    assert np.abs(changed(MIDDLE, 0, 0, 1, 0) - (luma + 1.3 * (MIDDLE - luma))).max() <= 1
    turned = changed(MIDDLE, 0, 0, 0, 1)
    assert np.abs(turned @ LUMA - MIDDLE @ LUMA).max() < 1
    assert np.abs(turned.astype(int) - MIDDLE).max() > 5


def test_what_leaves_the_range_is_cut_off() -> None:
    bright = np.full((2, 2, 3), 250, np.uint8)
    assert (changed(bright, 1, 0, 0, 0) == 255).all()


def test_a_fifth_of_the_images_stays_as_it_is() -> None:
    draws, pixels = random.Random(0), np.zeros((3, 3, 3), np.uint8)
    pixels[1] = (200, 100, 50)
    stayed = 0
    for _ in range(1000):
        out = pixels.copy()
        jitter(out, draws)
        stayed += np.array_equal(out, pixels)
    assert stayed / 1000 == pytest.approx(1 - CHANCE, abs=0.05)


def test_a_view_of_a_batch_is_changed_in_place_and_its_neighbours_are_not() -> None:
    batch = photographs(3)
    before = batch.copy()
    jitter(batch[1], Draws(1, 1, 1, 1))
    assert np.array_equal(batch[::2], before[::2]) and not np.array_equal(batch[1], before[1])


def test_images_are_spread_as_albumentations_spreads_them() -> None:
    import albumentations as A

    theirs = A.ColorJitter(0.3, 0.3, 0.3, 0.05, p=CHANCE)
    theirs.set_random_seed(0)
    given, draws = photographs(400), random.Random(0)
    expected = np.stack([theirs(image=image)["image"] for image in given]).astype(float)
    found = given.copy()
    for image in found:
        jitter(image, draws)
    ours = found.astype(float)
    for measure in (
        lambda x: x.mean(axis=(1, 2)).mean(axis=0),  # level
        lambda x: x.mean(axis=(1, 2)).std(axis=0),  # spread of levels
        lambda x: x.std(axis=(1, 2)).mean(axis=0),  # contrast
        lambda x: (x.max(axis=3) - x.min(axis=3)).mean(),  # colourfulness
    ):
        assert measure(ours) == pytest.approx(measure(expected), rel=0.06)
