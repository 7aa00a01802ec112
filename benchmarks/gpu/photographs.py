"""JPEG photographs to a training network on one GPU: the kit's epochs, two loaders and the bare step."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm
import torch

from benchmarks.photographs import made
from common.data.parallel import cores

EPOCHS = 3
CLASSES = 8


@dataclass(frozen=True)
class Task:
    """How many photographs of 500x375 pixels, the network that they train, and by how many workers."""

    images: int = 4096
    network: str = "resnet50"
    side: int = 224
    batch: int = 128
    workers: int = field(default_factory=cores)


@dataclass(frozen=True)
class Speeds:
    """Images per second, one an epoch."""

    name: str
    speeds: list[float]
    remark: str = ""

    def cells(self, limit: float) -> list[str]:
        """A line of the table."""
        shares = ", ".join(f"{speed / limit:.2f}" for speed in self.speeds)
        return [self.name, ", ".join(f"{speed:,.0f}" for speed in self.speeds), shares, self.remark]


HEAD = ["photographs of 500x375", "images/s, epochs 1 to 3", "of the bare step", "remark"]


def lay_out(task: Task, place: Path) -> None:
    """A folder of class folders below `place/train`, made by several processes."""
    share = -(-task.images // task.workers)
    with ProcessPoolExecutor(task.workers) as pool:
        list(pool.map(_make, [(place, part, share) for part in range(task.workers)]))


def _make(what: tuple[Path, int, int]) -> None:
    place, part, count = what
    folder = place / f"part{part}"
    folder.mkdir(parents=True)
    for number, path in enumerate(made(count, folder, seed=part)):
        into = place / "train" / f"class{number % CLASSES}"
        into.mkdir(parents=True, exist_ok=True)
        path.rename(into / f"{part}-{path.name}")
    folder.rmdir()


def bare_step(task: Task) -> Speeds:
    """The step alone, on one batch that is on the device: the limit."""
    x = torch.randn(task.batch, 3, task.side, task.side, device="cuda")
    y = torch.randint(0, CLASSES, (task.batch,), device="cuda")
    steps = task.images * 9 // 10 // task.batch
    return Speeds("bare step", _trained(task, lambda: ((x, y) for _ in range(steps))))


def torchvision_loader(task: Task, place: Path) -> Speeds:
    """torchvision's transforms in torch's loader."""
    from torchvision import datasets, transforms

    steps = [
        transforms.RandomResizedCrop(task.side),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    loader = torch.utils.data.DataLoader(
        datasets.ImageFolder(place / "train", transforms.Compose(steps)),
        task.batch,
        shuffle=True,
        num_workers=task.workers,
        pin_memory=True,
        persistent_workers=True,
        drop_last=True,
    )
    return Speeds("torchvision's loader", _trained(task, lambda: loader))


def timm_loader(task: Task, place: Path) -> Speeds:
    """timm's loader with its prefetcher, without its change of colour."""
    from timm.data import create_dataset, create_loader

    loader = create_loader(
        create_dataset("", place / "train"),
        (3, task.side, task.side),
        task.batch,
        is_training=True,
        color_jitter=None,
        num_workers=task.workers,
        device=torch.device("cuda"),
        persistent_workers=True,
    )
    return Speeds("timm's loader", _trained(task, lambda: loader))


def kit(task: Task, place: Path, *words: str) -> Speeds:
    """The kit's own training, in a process of its own: decoding, splitting, epochs, judging."""
    facts = {
        "backbone": task.network,
        "image_size": task.side,
        "batch_size": task.batch,
        "workers": task.workers,
        "epochs": EPOCHS,
        "weights": "scratch",
        "head": "linear",
        "freeze": "none",
        "folds": 1,
        "holdout": 0.1,
        "groups": "none",
        "lr": 0.05,
        "views": "identity",
    }
    facts |= dict(word.split("=", 1) for word in words)
    command = [sys.executable, "-m", "kit", "folder", "validate", "--data", str(place), "--fresh"]
    command += ["--runs", str(place / "runs"), "--json"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, *(f"{name}={value}" for name, value in facts.items())],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    whole = time.perf_counter() - start
    run = Path(json.loads(done.stdout.splitlines()[-1])["run"])
    log = [json.loads(line) for line in (run / "fold0" / "log.jsonl").read_text().splitlines()]
    spent = json.loads((run / "run.json").read_text())["seconds"].items()
    remark = f"{whole:.0f} s in all: {', '.join(f'{name} {value:.1f}' for name, value in spent)}"
    return Speeds(f"kit {' '.join(words)}", [each["images_per_second"] for each in log], remark)


def _trained(task: Task, batches: Callable[[], Iterable[Any]]) -> list[float]:
    """Images per second of each epoch of a plain loop in bf16."""
    torch.backends.cudnn.benchmark = True
    model = timm.create_model(task.network, num_classes=CLASSES).cuda()
    model = model.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    loss_of, speeds = torch.nn.CrossEntropyLoss(), []
    for _ in range(EPOCHS):
        images, start = 0, time.perf_counter()
        for x, y in batches():
            x = x.to("cuda", non_blocking=True).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cuda", torch.bfloat16):
                loss = loss_of(model(x), y.to("cuda", non_blocking=True))
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            images += len(x)
        torch.cuda.synchronize()
        speeds.append(images / (time.perf_counter() - start))
    return speeds
