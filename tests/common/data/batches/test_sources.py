"""Batches: augmentation that belongs to the image, uint8 to the device, one normalisation there."""

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from common import randomness
from common.data.batches import sources
from common.data.batches.batching import epoch_order, image_seeds, inference_batch, times_before
from common.data.batches.photo_source import PerImage
from common.data.batches.small_images import DRAWS, SMALL, SmallPreset, augment
from common.data.batches.sources import InMemory, open_source, to_input
from common.data.pixels.store import Store, open_store
from common.recipe import Recipe

CPU = torch.device("cpu")


def images(count: int = 6, side: int = 8) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    )


def draws(count: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).random((count, DRAWS), np.float32))


@pytest.fixture
def photographs(tmp_path: Path) -> Store:
    rows = []
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (40 + number, 60, 3), np.uint8)
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), pixels)
        rows.append((str(number), str(path)))
    table = pd.DataFrame(rows, columns=["id", "path"])
    return open_store(table, side=0, cache=tmp_path / "cache")


@pytest.mark.parametrize("preset", SMALL)
def test_an_image_is_augmented_the_same_in_any_batch(preset: str) -> None:
    x, d, fill = images(), draws(6), torch.tensor([9, 9, 9], dtype=torch.uint8)
    whole = augment(x, d, SMALL[preset], fill)
    alone = torch.cat([augment(x[i : i + 1], d[i : i + 1], SMALL[preset], fill) for i in range(6)])
    assert whole.dtype == torch.uint8
    assert torch.equal(whole, alone)


def test_a_mirror_is_half_of_the_images_and_exact() -> None:
    x, d = images(400), draws(400)
    out = augment(x, d, SmallPreset(mirror=True), torch.zeros(3, dtype=torch.uint8))
    flipped = (out == x.flip(2)).flatten(1).all(1)
    assert (flipped | (out == x).flatten(1).all(1)).all()
    assert 150 < int(flipped.sum()) < 250


def test_a_shift_moves_by_whole_pixels_and_reflects_the_edge() -> None:
    x = images(1)
    d = torch.tensor([[0.9, 0.999, 0.0, 0.0, 0.0]])  # one pixel along the rows, one back in columns
    out = augment(x, d, SmallPreset(shift=1 / 8), torch.zeros(3, dtype=torch.uint8))
    assert torch.equal(out[0, :-1, 1:], x[0, 1:, :-1])
    assert torch.equal(out[0, -1, 1:], x[0, -2, :-1])


def test_pieces_of_strips_are_what_picking_every_pixel_gives() -> None:
    x = images(50)[:, :5]  # 5 rows, 8 columns
    d, preset = draws(50), SmallPreset(mirror=True, shift=1 / 4)
    out = augment(x, d, preset, torch.zeros(3, dtype=torch.uint8))
    for image, found, (mirror, down, right, *_) in zip(x.numpy(), out.numpy(), d, strict=True):
        shown = image[:, ::-1] if mirror < 0.5 else image
        reach = (round(5 / 4), round(8 / 4))
        moves = [int(u * (2 * r + 1)) - r for u, r in zip((down, right), reach, strict=True)]
        wide = np.pad(shown, ((reach[0],) * 2, (reach[1],) * 2, (0, 0)), "reflect")
        top, left = (move + r for move, r in zip(moves, reach, strict=True))
        assert np.array_equal(found, wide[top : top + 5, left : left + 8])


def test_cutout_erases_one_square_of_the_fill() -> None:
    x = torch.full((1, 8, 8, 3), 200, dtype=torch.uint8)
    d = torch.tensor([[0.0, 0.0, 0.0, 0.5, 0.5]])
    out = augment(x, d, SmallPreset(cutout=1 / 4), torch.tensor([1, 2, 3], dtype=torch.uint8))
    erased = (out != 200).all(-1)[0]
    assert int(erased.sum()) == 4
    assert out[0][erased][0].tolist() == [1, 2, 3]


def test_two_epochs_two_folds_and_two_seeds_never_share_their_numbers() -> None:
    places = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
    found = {tuple(randomness.stream(randomness.AUGMENT, *place).random(4)) for place in places}
    found |= {tuple(randomness.stream(randomness.ORDER, *places[0]).random(4))}
    assert len(found) == 5
    # A place is not the beginning of a longer one.
    longer = [randomness.seed_of(randomness.DROPOUT, 0, 0, *more) for more in ((), (0,), (0, 0))]
    assert len(set(longer)) == 3


def test_two_epochs_in_succession_show_each_image_both_ways_round() -> None:
    pixels, fill = images(200), torch.zeros(3, dtype=torch.uint8)
    source = InMemory(pixels, Recipe(augment="small-alternate", batch_size=200), fill)
    assert round(SMALL["small-alternate"].shift * 8) == 0  # too small here to move anything
    first, second, third = (
        next(source.training(np.arange(200), (0, 0, epoch), 0)) for epoch in range(3)
    )
    assert torch.equal(first.flip(3), second)
    assert torch.equal(first, third)
    plain = (first.permute(0, 2, 3, 1) == pixels).flatten(1).all(1)
    assert 60 < int(plain.sum()) < 140


def test_an_epoch_shuffles_every_row_once_and_drops_only_what_fills_no_batch() -> None:
    labels = np.zeros(103, dtype=np.int64)
    order = epoch_order(labels, Recipe(batch_size=10), (0, 0, 0))
    assert len(set(order.tolist())) == len(order) == 100
    assert order.tolist() != sorted(order.tolist())
    assert len(epoch_order(labels, Recipe(batch_size=1000), (0, 0, 0))) == 103


def test_balanced_sampling_draws_every_class_as_often() -> None:
    labels = np.repeat([0, 1], [900, 100])
    order = epoch_order(labels, Recipe(class_balance="sampling", batch_size=2), (0, 0, 0))
    assert 0.45 < labels[order].mean() < 0.55


def test_an_image_drawn_twice_in_an_epoch_is_augmented_twice(photographs: Store) -> None:
    assert times_before(np.array([4, 2, 4, 4, 0])).tolist() == [0, 0, 1, 2, 0]
    small = InMemory(images(side=16), Recipe(batch_size=8), torch.zeros(3, dtype=torch.uint8))
    photo = PerImage(photographs, Recipe(augment="photo", batch_size=8, workers=0), CPU, 0.875)
    for source in (small, photo):
        batch = next(iter(source.training(np.array([1, 1, 1]), (0, 0, 0), 24)))
        alone = next(iter(source.training(np.array([1]), (0, 0, 0), 24)))
        assert torch.equal(batch[0], alone[0])
        assert not torch.equal(batch[0], batch[1])
        assert not torch.equal(batch[1], batch[2])


def test_pixels_are_normalised_with_the_models_own_mean_and_std() -> None:
    x = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.5, 0.2, 0.1)))
    out = to_input(x, mean, std, 0)
    assert out[0, :, 0, 0].tolist() == pytest.approx([1.0, 3.0, 7.0], rel=1e-5)
    assert x.max() == 255  # the caller's batch stays uint8
    assert to_input(x, mean, std, 8).shape == (1, 3, 8, 8)
    bytes_ = images().permute(0, 3, 1, 2)
    assert torch.equal(to_input(bytes_, mean, std, 0), to_input(bytes_.contiguous(), mean, std, 0))


@pytest.mark.parametrize("size", [0, 12])
def test_a_batch_normalised_in_pieces_is_each_image_normalised(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.5, 0.2, 0.1)))
    batch = images(side=9).permute(0, 3, 1, 2)
    alone = torch.cat([to_input(image[None], mean, std, size) for image in batch])
    monkeypatch.setattr(sources, "IN_CACHE", 3 * 12 * 12 * 2)
    assert torch.equal(to_input(batch, mean, std, size), alone)


def test_two_epochs_of_photographs_differ_and_workers_do_not_matter(photographs: Store) -> None:
    def batches(workers: int, epoch: int) -> list[torch.Tensor]:
        recipe = Recipe(augment="photo", image_size=24, workers=workers, batch_size=3)
        source = open_source(photographs, recipe, CPU, mean=(0.5,) * 3, crop=0.875)
        assert isinstance(source, PerImage)
        return list(source.training(np.array([4, 2, 0, 1, 3]), (0, 0, epoch), 24))

    first, second = batches(0, 0), batches(0, 1)
    for workers in (1, 2, 3, 4):  # a batch in as many parts, the last one smaller
        others = batches(workers, 0)
        assert all(torch.equal(a, b) for a, b in zip(first, others, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[0].dtype == torch.uint8


def test_an_image_keeps_its_seed_in_any_order_and_a_second_draw_has_another() -> None:
    first = image_seeds(np.array([3, 0, 2]), 4, (0, 0, 0))
    again = image_seeds(np.array([2, 3, 3]), 4, (0, 0, 0))
    assert again[:2] == [first[2], first[0]]
    assert again[2] == first[0] + 1
    assert not set(first) & set(image_seeds(np.array([3, 0, 2]), 4, (0, 0, 1)))


def test_an_epoch_that_is_left_early_leaves_no_thread_behind(photographs: Store) -> None:
    before = threading.active_count()
    source = PerImage(photographs, Recipe(augment="photo", batch_size=2, workers=2), CPU, 0.875)
    batches = source.training(np.arange(5), (0, 0, 0), 24)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_no_row_is_lost_or_padded_when_predicting(photographs: Store) -> None:
    recipe = Recipe(augment="photo", image_size=24, workers=0, eval_batch_size=2)
    source = open_source(photographs, recipe, CPU, mean=(0.5,) * 3, crop=0.875)
    assert [len(b) for b in source.plain(np.arange(5), 24)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"augment": "small"}, "wants images of one size"),
        ({"augment": "photoo", "image_size": 24}, "is none of small"),
        ({"augment": "photo"}, "needs a size to crop to"),
    ],
)
def test_a_preset_that_does_not_fit_the_images_is_refused(
    photographs: Store, fields: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        open_source(photographs, Recipe(**fields), CPU, mean=(0.5,) * 3, crop=0.875)


def test_small_images_stay_uint8_until_they_are_on_the_device() -> None:
    source = InMemory(images(), Recipe(batch_size=4), torch.zeros(3, dtype=torch.uint8))
    batch = next(source.training(np.arange(6), (0, 0, 0), 0))
    assert batch.dtype == torch.uint8
    assert batch.shape == (4, 3, 8, 8)


@pytest.mark.parametrize(
    ("device", "side", "batch"),
    [
        ("cpu", 224, 16),
        ("cpu", 128, 49),
        ("cpu", 32, 256),
        ("cpu", 8, 256),
        ("cpu", 2000, 1),
        ("cuda", 224, 256),
        ("cuda", 32, 4096),
        ("mps", 448, 64),
    ],
)
def test_an_inference_batch_holds_so_many_pixels(device: str, side: int, batch: int) -> None:
    assert inference_batch(Recipe(), device, side, side) == batch
    assert inference_batch(Recipe(eval_batch_size=7), device, side, side) == 7
