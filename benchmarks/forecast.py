"""The forecast of a predicting kernel against the time that it takes: views x models x image size.

Networks with random weights, as their time does not depend on them; each setting is timed on a few
images, then so many rows are predicted that it takes a while. On a quiet machine:

    python -m benchmarks.forecast --data DIR     # a folder with photographs; else some are made up
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from safetensors.torch import save_file

from benchmarks.measure import Effort, table_of
from benchmarks.photographs import photographs
from common.competition import Competition
from common.data.hidden_split import without_answers
from common.models.backbone import build_matched
from common.progress import say
from common.recipe import Recipe
from common.storage import write_json
from common.targets import OneClass
from common.workflow.predicting.answer import answer
from common.workflow.predicting.contents import FORMAT, PREDICTOR, WEIGHTS
from common.workflow.predicting.levels import Clock, Level
from common.workflow.predicting.timing import timed
from competitions import load

AIM_S = 10.0  # that a setting's rows should take
LEAST, MOST = 60, 6000  # rows
PHOTO = Recipe(
    backbone="mobilenetv2_100",
    augment="photo-none",
    store_short_side=256,
    decision="none",
    views="mirror",
)
SMALL = Recipe(augment="small-none", decision="none", views="mirror+shifts")


@dataclass(frozen=True)
class Setting:
    """A package: a recipe, and how many models it has; each of `levels` is forecast and taken."""

    competition: str
    recipe: Recipe
    models: int
    levels: tuple[Level, ...]


SETTINGS = (
    Setting("digits", SMALL, 5, (Level(3, 5), Level(1, 5))),
    Setting("dog_breed", replace(PHOTO, image_size=96), 4, (Level(2, 4), Level(1, 4), Level(1, 1))),
    Setting("dog_breed", replace(PHOTO, image_size=224), 2, (Level(2, 2), Level(1, 1))),
    Setting(
        "dog_breed",
        replace(PHOTO, image_size=160, views="mirror+five_crops"),
        3,
        (Level(3, 3), Level(1, 3)),
    ),
    Setting("dog_breed", replace(PHOTO, image_size=320, store_short_side=360), 1, (Level(2, 1),)),
)


def measure(images: Sequence[bytes], scratch: Path, settings: Sequence[Setting]) -> list[list[str]]:
    """A row a setting and level: what, rows, seconds forecast and taken, and their ratio."""
    rows = []
    for number, setting in enumerate(settings):
        folder = scratch / str(number)
        competition = load(setting.competition)
        own = competition.embedded
        some = images if own is None else own().images
        make_package(competition, setting, folder / "package")
        few = lay_out(competition, some, LEAST, folder / "few")
        found = timed(competition, folder / "package", few, cache=folder / "timing")
        assert found is not None
        for level in setting.levels:
            each = found.seconds(level, 1000) / 1000
            count = int(np.clip(AIM_S / each, LEAST, MOST))
            data = lay_out(competition, some, count, folder / f"rows-{count}")
            began = time.perf_counter()
            answer(
                competition,
                folder / "package",
                data,
                folder / "submission.csv",
                cache=folder / "cache",
                clock=Clock(1e6),
                levels=[level],
            )
            took, expected = time.perf_counter() - began, found.seconds(level, count)
            size = setting.recipe.image_size or 8
            named = f"{setting.competition}, {size} pixels, {level.text} of {setting.recipe.views}"
            rows.append(
                [named, f"{count:,}", f"{expected:.1f}", f"{took:.1f}", f"{expected / took:.2f}"]
            )
            say(" | ".join(rows[-1]))
    return rows


def make_package(competition: Competition, setting: Setting, folder: Path) -> None:
    """A package as a kernel finds it, of models that were never trained."""
    names = tuple(str(number) for number in range(10))
    target, recipe = OneClass(names=names), setting.recipe
    jobs = [f"0/fold{number}" for number in range(setting.models)]
    for job in jobs:
        (folder / job).mkdir(parents=True)
        model = build_matched(recipe, target.outputs)[0]
        weights = {name: each.contiguous() for name, each in model.state_dict().items()}
        save_file(weights, folder / job / WEIGHTS)
    node = {
        "kind": "models",
        "name": "untrained",
        "target": target.facts(),
        "recipe": asdict(recipe),
        "jobs": jobs,
        "bits": 8,
        "shape": None if recipe.image_size else [8, 8],
        "decision": None,
        "certain": None,
    }
    facts = {
        "format": FORMAT,
        "competition": competition.name,
        "run": "untrained",
        "prior": [0.1] * 10,
        "mean": {"long": "", "cells": {}},
        "node": node,
    }
    write_json(folder / PREDICTOR, facts)


def lay_out(competition: Competition, images: Sequence[bytes], count: int, folder: Path) -> Path:
    """A test set of so many rows, the images again and again, after a training image of each class."""
    if folder.is_dir():
        return folder
    numbers = np.arange(count + 10)
    table = pd.DataFrame(
        {"id": [f"{n:06}" for n in numbers], "label": [str(n % 10) for n in numbers]}
    )
    folder.mkdir(parents=True)
    rows = without_answers(table, ("label",), numbers >= 10)
    competition.lay_out(rows, [images[int(number) % len(images)] for number in numbers], folder)
    return folder


def main(words: Sequence[str] | None = None) -> None:
    """Measure all settings, and print the table with the median error and the largest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder with photographs (JPEG)")
    asked = parser.parse_args(words)
    with (
        photographs(Effort(images=200, data=asked.data)) as (paths, _),
        tempfile.TemporaryDirectory() as scratch,
    ):
        rows = measure([path.read_bytes() for path in paths], Path(scratch), SETTINGS)
    print(table_of(["setting", "rows", "forecast, s", "took, s", "ratio"], rows))
    errors = [abs(float(row[-1]) - 1) for row in rows]
    print(f"error: {median(errors):.0%} in the median of {len(rows)}, {max(errors):.0%} at most")


if __name__ == "__main__":
    main()
