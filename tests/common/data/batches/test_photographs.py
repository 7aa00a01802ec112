"""Presets for photographs: albumentations' own crops and mirrors, by seed."""

import random
import warnings

import cv2
import numpy as np
import pytest

from common.data.batches.photographs import PHOTO, SHARES, PhotoTransform

RANDOM = np.random.default_rng(0)


def shown(transform: PhotoTransform, pixels: np.ndarray, seed: int) -> np.ndarray:
    out = np.full((transform.size, transform.size, 3), 7, np.uint8)
    transform(pixels, seed, out)
    return out


@pytest.mark.parametrize("preset", PHOTO)
def test_a_photo_preset_repeats_by_seed(preset: str) -> None:
    pixels = RANDOM.integers(0, 256, (50, 70, 3), np.uint8)
    transform = PhotoTransform(preset, size=32, crop=0.875)
    first = shown(transform, pixels, 5)
    assert np.array_equal(first, shown(transform, pixels, 5))
    assert np.array_equal(first, shown(transform, pixels, 6)) == (preset == "photo-none")


@pytest.mark.parametrize("preset", [name for name in PHOTO if name != "photo"])
def test_what_is_written_into_the_batch_is_what_albumentations_makes(preset: str) -> None:
    for side, how in ((40, cv2.INTER_LINEAR), (90, cv2.INTER_AREA)):
        steps = by_albumentations(preset, 32, how)
        for seed in range(20):
            pixels = RANDOM.integers(0, 256, (side, side + seed, 3), np.uint8)
            draws, expected = random.Random(seed), pixels
            for step in steps:
                step.set_random_state(np.random.default_rng(0), draws)
                expected = step(image=expected)["image"]
            transform = PhotoTransform(preset, size=32, crop=0.875)
            assert np.array_equal(shown(transform, pixels, seed), expected)


def by_albumentations(preset: str, size: int, how: int) -> list:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import albumentations as A

    if preset == "photo-none":
        return [A.SmallestMaxSize(round(size / 0.875), interpolation=how), A.CenterCrop(size, size)]
    crop = A.RandomResizedCrop((size, size), scale=(SHARES[preset], 1.0), interpolation=how)
    return [crop, A.HorizontalFlip(p=0.5)]


@pytest.mark.parametrize("side", [36, 48, 49, 200])
def test_shrinking_leaves_out_no_pixel(side: int) -> None:
    stripes = np.zeros((side, side, 3), np.uint8)
    stripes[:, ::2] = 200
    middle = shown(PhotoTransform("photo-none", size=32, crop=1.0), stripes, 0)
    assert middle.mean() == pytest.approx(100, abs=4)
    assert (middle[8:-8, 8:-8].mean(axis=(0, 1)) > 80).all()
