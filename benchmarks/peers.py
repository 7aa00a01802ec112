"""One pass over the same photographs as other libraries make it, each in its usual way.

All end in normalised float batches [64, 3, 224, 224]; crops of 8 % and more, and a mirror.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets.folder import pil_loader

from benchmarks.measure import Way

SIDE, BATCH, WORKERS = 224, 64, 2
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's


class Files(Dataset[Any]):
    """As torchvision's ImageFolder: a file is opened by Pillow and transformed; its class is 0."""

    def __init__(self, paths: Sequence[Path], transform: Callable[[Any], Any]) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(pil_loader(str(self.paths[index]))), 0


def torchvision_pass(paths: Sequence[Path]) -> Way:
    """ImageFolder's loading, the usual transforms, a DataLoader."""
    steps = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIDE),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    data = Files(paths, steps)

    def work() -> None:
        for _ in DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=WORKERS):
            pass

    return Way("torchvision", work, len(paths))


def timm_pass(paths: Sequence[Path]) -> Way:
    """timm's `create_loader` with its prefetcher, which moves bytes and normalises batches."""
    import torch
    from timm.data import create_loader

    data = Files(paths, lambda image: image)

    def work() -> None:
        loader = create_loader(
            data,
            (3, SIDE, SIDE),
            BATCH,
            is_training=True,
            color_jitter=None,
            num_workers=WORKERS,
            mean=MEAN,
            std=STD,
            persistent_workers=False,
            device=torch.device("cpu"),
            pin_memory=False,
        )
        for _ in loader:
            pass

    return Way("timm", work, len(paths) // BATCH * BATCH)


def fastai_pass(paths: Sequence[Path]) -> Way:
    """fastai's DataBlock with its RandomResizedCrop, Flip and Normalize."""
    from fastai.vision import all as fastai

    block = fastai.DataBlock(
        blocks=(fastai.ImageBlock, fastai.CategoryBlock),
        get_items=lambda _: list(paths),
        get_y=lambda _: "one",
        splitter=lambda items: (list(range(len(items))), [0]),
        item_tfms=fastai.RandomResizedCrop(SIDE, min_scale=0.08),
        batch_tfms=[fastai.Flip(), fastai.Normalize.from_stats(MEAN, STD)],
    )
    loaders = block.dataloaders(None, bs=BATCH, num_workers=WORKERS, device="cpu")

    def work() -> None:
        for _ in loaders.train:
            pass

    return Way("fastai", work, len(paths) // BATCH * BATCH)
