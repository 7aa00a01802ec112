"""Five folds of heads on a frozen resnet18 at 224, ten epochs: cached features against none.

The peer is the kit's own loop on the frozen network, with the same rows, batches and rates. All its
epochs cost the same, so one epoch of one fold is timed, training rows and held-out rows alike; ours is
timed whole, the features' pass and the out-of-fold predictions included. Before that both train a few
images to the end and have to agree.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save_file

from benchmarks.measure import Effort, Row, Way, alone, compare, one_thread
from common.data.pixels.store import Store
from common.data.pixels.store_files import PIXELS, SHAPES
from common.errors import KitError
from common.inference.evaluator import Evaluator
from common.metrics import Probs, metric_named
from common.models.backbone import build
from common.recipe import Recipe
from common.targets import OneClass
from common.training.jobs import Job, jobs_of
from common.training.linear_probe import train_heads, write_job
from common.training.loop import train
from common.training.run_context import RunContext, open_run_context
from common.training.trained_models import predictions

CLAIM = "five folds x 10 epochs of a head on a frozen resnet18 at 224, cached features"
STORED, CLASSES = 256, tuple(f"class {number}" for number in range(120))
FOLDS, EPOCHS, FEW, APART = 5, 10, 24, 1e-5
RECIPE = Recipe(
    backbone="resnet18",
    freeze="backbone",
    augment="photo-none",
    image_size=224,
    store_short_side=STORED,
    folds=FOLDS,
    epochs=EPOCHS,
    batch_size=64,
    optimizer="adamw",
    lr=0.03,
    device="cpu",
)
Scene = tuple[RunContext, list[Job], Path]


def measure(effort: Effort) -> list[Row]:
    """The whole job on features, against the loop without them."""
    with one_thread():
        agree()
        with scene(effort.images, RECIPE) as whole:
            peers = [
                (30.0, "torch", lambda: Way("frozen, not cached", _epoch(whole), effort.images))
            ]
            passes = effort.images * FOLDS * EPOCHS
            return compare(
                CLAIM, Way("kit", lambda: on_features(whole), passes), peers, repeats=effort.repeats
            )


@contextmanager
def scene(images: int, recipe: Recipe) -> Iterator[Scene]:
    """A setting of so many noisy images, its jobs, and a folder to write in."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        torch.manual_seed(0)
        save_file(build(Recipe(backbone="resnet18"), CLASSES).state_dict(), place / "w.safetensors")
        recipe = replace(recipe, weights=str(place / "w.safetensors"))
        targets = np.random.default_rng(0).integers(0, len(CLASSES), images)
        setting = open_run_context(
            recipe,
            noise(images, place / "store"),
            targets,
            weights=None,
            evaluator=Evaluator(OneClass(names=CLASSES), metric_named("log_loss")),
            cache=place / "cache",
            trained=False,
        )
        yield setting, jobs_of(recipe, np.arange(images)[None] % FOLDS), place


def noise(images: int, folder: Path) -> Store:
    """A store of square noise: each image a run of bytes of a few megabytes."""
    folder.mkdir()
    random = np.random.default_rng(0)
    source = random.integers(0, 256, 8 * STORED * STORED * 3, np.uint8)
    length = STORED * STORED * 3
    with (folder / PIXELS).open("wb") as file:
        for start in random.integers(0, len(source) - length, images):
            file.write(source[start : start + length].data)
    np.full((images, 2), STORED).tofile(folder / SHAPES)
    return Store(folder, [str(number) for number in range(images)])


def on_features(scene: Scene) -> Probs:
    """All heads at once on features computed anew, and the out-of-fold predictions [N, C]."""
    setting, jobs, place = scene
    with TemporaryDirectory(dir=place) as cache:
        mine = replace(setting, cache=Path(cache))
        for each in train_heads(jobs, mine):
            write_job(place / each.job.name, each, 0)
        return _out_of_fold(mine, jobs, place)


def in_the_loop(scene: Scene) -> Probs:
    """The same by the loop: the frozen network sees every image in every epoch."""
    setting, jobs, place = scene
    mine = replace(setting, on_features=False)
    for job in jobs:
        list(train(job, mine, place / job.name))
    return _out_of_fold(mine, jobs, place)


def agree() -> float:
    """Both ways to the end on a few images: how far their probabilities are apart at most.

    Raises:
        KitError: further than rounding explains.
    """
    with scene(FEW, replace(RECIPE, epochs=2, batch_size=8, workers=0)) as few:
        apart = float(np.abs(on_features(few) - in_the_loop(few)).max())
    if not apart <= APART:
        raise KitError(f"cached features gave other numbers than the loop, {apart:.2g} apart")
    return apart


def _epoch(scene: Scene) -> Callable[[], object]:
    """One epoch of one fold by the loop: every image once, trained on or judged."""
    setting, jobs, place = scene
    mine = replace(setting, recipe=replace(setting.recipe, epochs=1), on_features=False)

    def work() -> None:
        with TemporaryDirectory(dir=place) as folder:
            list(train(jobs[0], mine, Path(folder)))

    return work


def _out_of_fold(setting: RunContext, jobs: list[Job], place: Path) -> Probs:
    probs = np.zeros((len(setting.targets), len(CLASSES)), np.float32)
    for job in jobs:
        assert job.held_out is not None
        (found,) = predictions(setting, [place / job.name], job.held_out, label=job.name)
        probs[job.held_out] = found["identity"]
    return probs


if __name__ == "__main__":
    alone(measure)
