"""Photographs from the store to batches: each image transformed on threads ahead of the training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
# of them 10,000. Beside a network on the same processors one thread makes thousands of 500x375.
PIXELS_A_THREAD, PIXELS_A_THREAD_BESIDE = 50_000, 200_000


@dataclass(frozen=True)
class _Part:
    """Images of a batch that one thread fills: where in the whole they are, and which of the rows."""

    whole: Tensor | None
    at: slice
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
            whole = part.whole if part.whole is not None else self._batch(these, size)
            try:
                for into, row, seed in zip(
                    whole[part.at].numpy(), rows[these].tolist(), seeds[these], strict=True
                ):
                    transform(self.store[row], seed, into)
            finally:
                idle.put(transform)
            return replace(part, whole=whole)

        parts = self._parts(len(rows), batch, size, max(1, threads))
        with one_opencv_thread():
            ahead = in_order(transformed, parts, threads, 2 * threads) if threads else None
            done = ahead or map(transformed, parts)
            ready = (part.whole for part in done if part.last and part.whole is not None)
            for images in _on_device(ready, self.device):
                yield images.permute(0, 3, 1, 2)

    @property
    def _most_threads(self) -> int:
        """More threads hold one another up at Python's lock, the sooner the smaller the images are.

        A CPU's network takes fewer images than a GPU's, and more threads would take its time.
        """
        pixels = int(self.store.shapes.prod(axis=1).mean())
        if self.device.type == "cpu":
            return max(1, pixels // PIXELS_A_THREAD_BESIDE)
        return max(4, pixels // PIXELS_A_THREAD)

    def _parts(self, count: int, batch: int, size: int, threads: int) -> Iterator[_Part]:
        """Every batch in as many parts as there are threads, so that the first one is there early.

        A thread that fills a batch alone on a CPU takes its memory too, from its own heap. Memory that a GPU
        copies from is taken here: no other thread may while passes are captured.
        """
        alone = threads == 1 and self.device.type == "cpu"
        for start in range(0, count, batch):
            end = min(start + batch, count)
            whole = None if alone else self._batch(slice(start, end), size)
            step = -(-(end - start) // threads)
            for first in range(start, end, step):
                these = slice(first, min(first + step, end))
                at = slice(first - start, these.stop - start)
                yield _Part(whole, at, these, these.stop == end)

    def _batch(self, rows: slice, size: int) -> Tensor:
        shape = (rows.stop - rows.start, size, size, 3)
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")


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
