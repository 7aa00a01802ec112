"""cifar-10's images as tasks of every kind of answer: each true answer follows from class and pixels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.small_draws import RECIPE, Pool, Task
from common.data.archives.open_data import open_folder
from common.data.pixels.store import Store, open_store
from common.data.pixels.store_files import PIXELS, SHAPES
from common.targets import Grades, LabelSet, Numbers, Target, YesNo
from competitions.cifar10 import COMPETITION

TRAITS = {
    "legs": ("bird", "cat", "deer", "dog", "frog", "horse"),
    "wings": ("airplane", "bird"),
    "pet": ("cat", "dog"),
    "frog": ("frog",),
}
SHARES = (0.45, 0.65, 0.85, 0.93)  # of rows below each grade but the first: uneven, as aptos' are
IN_GROUP, OPACITY = 10, 0.4  # images of a group; share of its watermark in their pixels
MISSING = 0.15  # share of a column's cells


def open_pool(data: Path, weights: Path, cache: Path, images: int, of: Sequence[str] = ()) -> Pool:
    """So many random training images, of all classes or of some.

    Args:
        data: the folder of Kaggle's archives.
        weights: a timm model's folder, `config.json` and `model.safetensors`.
    """
    table = COMPETITION.read_train(open_folder(data, cache, packed=True))
    table = table[table["label"].isin(of)] if of else table
    table = table.sample(images, random_state=0).reset_index(drop=True)
    store = open_store(table, side=0, cache=cache)
    return Pool(table, store, replace(RECIPE, backbone=f"local-dir:{weights}"), cache)


def tasks_of(pool: Pool) -> dict[str, Task]:
    """A task of each kind, by its target's."""
    classes, random = pool.table["label"], np.random.default_rng(0)
    pixels = pool.store.array().astype(np.float32) / 255
    light = pixels.mean(axis=(1, 2, 3))
    contrast = pixels.mean(axis=3).std(axis=(1, 2))
    warmth = (pixels[..., 0] - pixels[..., 2]).mean(axis=(1, 2))
    noisy = light + random.normal(0, 0.3 * light.std(), len(light))
    marks = {name: classes.isin(those).to_numpy() for name, those in TRAITS.items()}
    marks |= {"dark": light < np.quantile(light, 0.1), "warm": warmth > np.quantile(warmth, 0.95)}
    sets = [" ".join(name for name in marks if marks[name][row]) for row in range(len(light))]
    tasks = [
        _task(pool, "cat or dog?", YesNo(), ("auc",), label=_texts(marks["pet"])),
        _task(
            pool,
            "6 labels of 5 to 60 %",
            LabelSet(names=tuple(marks)),
            ("mean_column_auc", "f1_macro", "f1_micro"),
            label=sets,
        ),
        _task(
            pool,
            "5 grades of light",
            Grades(lowest=0, highest=4),
            ("qwk",),
            label=_texts(np.searchsorted(np.quantile(noisy, SHARES), noisy)),
        ),
        _task(
            pool,
            "2 numbers, 15 % missing",
            Numbers(),
            ("mean_column_rmse", "mean_column_r2"),
            contrast=_with_gaps(100 * contrast, random),
            warmth=_with_gaps(100 * warmth, random),
        ),
    ]
    return {each.target.kind: each for each in tasks}


def cats_and_dogs(pool: Pool) -> Task:
    """A pool of cats and dogs: is it a dog?"""
    label = pool.table["label"].tolist()
    return _task(pool, "cat or dog, watermarks", YesNo(yes="dog"), ("auc",), label=label)


def watermarked(pool: Pool, folder: Path) -> Pool:
    """The pool in groups of images of one class under one watermark, as of one camera or place."""
    random, table = np.random.default_rng(0), pool.table.sort_values("label", kind="stable")
    place = table.groupby("label").cumcount() // IN_GROUP
    table = table.assign(group=table["label"] + place.astype(str))
    codes, names = pd.factorize(table["group"])
    marks = random.integers(0, 256, (len(names), 8, 8, 3)).repeat(4, axis=1).repeat(4, axis=2)
    pixels = (1 - OPACITY) * pool.store.array()[table.index] + OPACITY * marks[codes]
    folder.mkdir(exist_ok=True)
    pixels.astype(np.uint8).tofile(folder / PIXELS)
    pool.store.shapes.tofile(folder / SHAPES)
    return replace(pool, table=table.reset_index(drop=True), store=Store(folder, [*table["id"]]))


def _task(
    pool: Pool, name: str, target: Target, metrics: tuple[str, ...], **columns: list[str]
) -> Task:
    return Task(name, target, pd.DataFrame({"id": pool.table["id"], **columns}), metrics)


def _texts(values: npt.NDArray[np.bool_ | np.int64]) -> list[str]:
    return [str(int(value)) for value in values]


def _with_gaps(values: npt.NDArray[np.floating], random: np.random.Generator) -> list[str]:
    gone = random.random(len(values)) < MISSING
    return ["" if none else f"{v:.4f}" for v, none in zip(values, gone, strict=True)]
