"""Photographs from the store to batches: each image transformed on threads ahead of the training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue

import torch
from torch import Tensor

from common.data.batches.batching import WHOLE, Place, Share, image_seeds, inference_batch
from common.data.batches.photographs import PhotoTransform, one_opencv_thread
from common.data.folds import Rows
from common.data.parallel import in_order
from common.data.pixels.store import Store
from common.recipe import Recipe

# Pixels of an image for which a thread more pays. 4 threads shrink 15,000 images of 500x375 a second, 16
# of them 10,000.
PIXELS_A_THREAD = 50_000


@dataclass(frozen=True)
class _Part:
    """Images of a batch that one thread fills: a view of the whole, and which of the rows they are."""

    whole: Tensor
    images: Tensor
    rows: slice
    last: bool


@dataclass(frozen=True)
class PerImage:
    """Photographs: each image cropped, mirrored and recoloured on threads, ahead of the training."""

    store: Store
    recipe: Recipe
    device: torch.device
    crop: float
    share: Share = WHOLE

    def training(self, rows: Rows, place: Place, size: int) -> Iterator[Tensor]:
        seeds, batch = image_seeds(rows, len(self.store), place), self.recipe.batch_size
        if self.share.count > 1:
            mine = self.share.rows(len(rows), batch)
            rows, seeds, batch = rows[mine], [seeds[n] for n in mine], batch // self.share.count
        yield from self._load(rows, seeds, self.recipe.augment, batch, size)

    def plain(self, rows: Rows, size: int) -> Iterator[Tensor]:
        batch = inference_batch(self.recipe, self.device.type, size, size)
        seeds = image_seeds(rows, len(self.store), (0, 0, 0))
        yield from self._load(rows, seeds, "photo-none", batch, size)

    def _load(
        self, rows: Rows, seeds: list[int], preset: str, batch: int, size: int
    ) -> Iterator[Tensor]:
        threads = min(self.recipe.workers, self._most_threads)
        # A transform keeps its random state: no two threads hold one at a time.
        idle: SimpleQueue[PhotoTransform] = SimpleQueue()
        for _ in range(max(1, threads)):
            idle.put(PhotoTransform(preset, size=size, crop=self.crop))

        def transformed(part: _Part) -> _Part:
            transform, these = idle.get(), part.rows
            try:
                for into, row, seed in zip(
                    part.images.numpy(), rows[these].tolist(), seeds[these], strict=True
                ):
                    transform(self.store[row], seed, into)
            finally:
                idle.put(transform)
            return part

        parts = self._parts(len(rows), batch, size, max(1, threads))
        with one_opencv_thread():
            ahead = in_order(transformed, parts, threads, 2 * threads) if threads else None
            ready = (part.whole for part in ahead or map(transformed, parts) if part.last)
            for images in _on_device(ready, self.device):
                yield images.permute(0, 3, 1, 2)

    @property
    def _most_threads(self) -> int:
        """More threads hold one another up at Python's lock, the sooner the smaller the images are.

        One makes more images than a CPU's network takes, and a second would take the network's time.
        """
        if self.device.type == "cpu":
            return 1
        return max(4, int(self.store.shapes.prod(axis=1).mean()) // PIXELS_A_THREAD)

    def _parts(self, count: int, batch: int, size: int, threads: int) -> Iterator[_Part]:
        """Every batch in as many parts as there are threads, so that the first one is there early."""
        for start in range(0, count, batch):
            end = min(start + batch, count)
            shape = (end - start, size, size, 3)
            whole = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
            step = -(-len(whole) // threads)
            for at in range(start, end, step):
                these = slice(at, min(at + step, end))
                yield _Part(whole, whole[at - start : at - start + step], these, these.stop == end)


def _on_device(batches: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Batches on the device; a GPU copies the next one while it computes on the one before."""
    if device.type != "cuda":
        yield from (images.to(device) for images in batches)
        return
    copies, computes = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    for images in batches:
        with torch.cuda.stream(copies):
            there = images.to(device, non_blocking=True)
        computes.wait_stream(copies)
        there.record_stream(computes)
        yield there
