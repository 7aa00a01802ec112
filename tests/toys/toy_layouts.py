"""Folders laid out as Kaggle's image competitions are, with images of a few pixels.

Each function fills a folder and gives the words of `kit new` beside --data that the files do not tell.
"""

import json
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

TRAIN, TEST = [f"a{n:02}e{n}" for n in range(12)], [f"b{n:02}e{n}" for n in range(4)]
Words = dict[str, str]


def draw(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng([*name.encode()]).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def csv(folder: Path, name: str, /, **columns: Sequence[object]) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(folder / name, index=False)


def some(*values: object, count: int = 12) -> list[object]:
    return [*islice(cycle(values), count)]


def both(folder: Path, train: str, test: str) -> None:
    """Training and test images by patterns, as 'train/{}.jpg'."""
    draw(folder, *map(train.format, TRAIN), *map(test.format, TEST))


def ids(names: Sequence[str], suffix: str) -> list[str]:
    return [f"{name}{suffix}" for name in names]


def cactus(folder: Path) -> Words:
    both(folder, "train/{}.jpg", "test/{}.jpg")
    csv(folder, "train.csv", id=ids(TRAIN, ".jpg"), has_cactus=some(1, 0, 1))
    csv(folder, "sample_submission.csv", id=ids(TEST, ".jpg"), has_cactus=some(0.5, count=4))
    return {"metric": "auc"}


def dogs_vs_cats(folder: Path) -> Words:
    draw(folder, *(f"train/{name}.{n}.jpg" for name in ("cat", "dog") for n in range(6)))
    draw(folder, *(f"test/{n}.jpg" for n in range(1, 5)))
    csv(folder, "sample_submission.csv", id=range(1, 5), label=some(0.5, count=4))
    return {"metric": "log_loss"}


def histopathologic(folder: Path) -> Words:
    both(folder, "train/{}.tif", "test/{}.tif")
    csv(folder, "train_labels.csv", id=TRAIN, label=some(0, 0, 1))
    csv(folder, "sample_submission.csv", id=TEST, label=some(0, count=4))
    return {"metric": "auc"}


def leaf_classification(folder: Path) -> Words:
    species = ["Acer_Opalus", "Quercus_Rubra", "Tilia_Tomentosa"]
    draw(folder, *(f"images/{n}.jpg" for n in range(1, 17)))
    margins = {f"margin{n}": some(0.0078, 0.0273, 0.01) for n in (1, 2)}
    csv(folder, "train.csv", id=range(1, 13), species=some(*species), **margins)
    csv(folder, "test.csv", id=range(13, 17), **{k: v[:4] for k, v in margins.items()})
    even = {name: some(0.0101, count=4) for name in species}
    csv(folder, "sample_submission.csv", id=range(13, 17), **even)
    return {"metric": "log_loss"}


def ranzcr(folder: Path) -> Words:
    both(folder, "train/{}.jpg", "test/{}.jpg")
    names = [
        f"{a} - {b}" for a in ("ETT", "NGT", "CVC") for b in ("Abnormal", "Borderline", "Normal")
    ]
    names[5:5] = ["NGT - Incompletely Imaged"]
    names.append("Swan Ganz Catheter Present")
    rng = np.random.default_rng(0)
    flags = {name: rng.permutation(some(0, 0, 1)) for name in names}
    patients = [f"p{n // 2}" for n in range(12)]
    csv(folder, "train.csv", StudyInstanceUID=TRAIN, **flags, PatientID=patients)
    notes = {"label": some(*names), "data": some("[[1, 2], [3, 4]]")}
    csv(folder, "train_annotations.csv", StudyInstanceUID=some(*TRAIN[:6]), **notes)
    zeros = {name: some(0, count=4) for name in names}
    csv(folder, "sample_submission.csv", StudyInstanceUID=TEST, **zeros)
    return {"metric": "mean_column_auc"}


def humpback(folder: Path) -> Words:
    both(folder, "train/{}.jpg", "test/{}.jpg")
    whales = ["new_whale", "w_1287fbc", "w_98baff9", "w_7554f44", "w_1eafe46", "w_0ade"]
    csv(folder, "train.csv", Image=ids(TRAIN, ".jpg"), Id=some(*whales))
    five = some(" ".join(whales[:5]), count=4)
    csv(folder, "sample_submission.csv", Image=ids(TEST, ".jpg"), Id=five)
    return {"metric": "map5"}


def cassava(folder: Path) -> Words:
    both(folder, "train_images/{}.jpg", "test_images/{}.jpg")
    (folder / "label_num_to_disease_map.json").write_text(
        json.dumps({"0": "Blight", "4": "Healthy"})
    )
    csv(folder, "train.csv", image_id=ids(TRAIN, ".jpg"), label=some(0, 1, 2, 3, 4))
    csv(folder, "sample_submission.csv", image_id=ids(TEST, ".jpg"), label=some(4, count=4))
    return {"metric": "accuracy"}


SEVEN: dict[str, tuple[str, Callable[[Path], Words]]] = {
    "aerial_cactus": ("aerial-cactus-identification", cactus),
    "dogs_vs_cats": ("dogs-vs-cats-redux-kernels-edition", dogs_vs_cats),
    "histopathologic": ("histopathologic-cancer-detection", histopathologic),
    "leaf_classification": ("leaf-classification", leaf_classification),
    "ranzcr": ("ranzcr-clip-catheter-line-classification", ranzcr),
    "humpback_whale": ("humpback-whale-identification", humpback),
    "cassava": ("cassava-leaf-disease-classification", cassava),
}
