"""Competitions of every kind, small enough to train in a second, with images that tell the answers."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from toy_answers import answers_of

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.data.hidden_split import without_answers
from common.recipe import Recipe
from common.targets import Target
from common.workflow.request import Request

CHEAP = Recipe(
    folds=2,
    epochs=2,
    batch_size=8,
    lr=0.02,
    augment="small",
    device=os.environ.get("KIT_TEST_DEVICE", "cpu"),
    eval_batch_size=32,
)


def pictured(fitted: Target, table: pd.DataFrame, side: int = 8) -> list[bytes]:
    """A noisy PNG for each row: as many stripes as the target has outputs, each as bright as its answer."""
    soft = fitted.soft(fitted.read(table))
    bright = np.eye(len(fitted.names))[soft] if soft.ndim == 1 else np.clip(soft, -1, 2)
    rng = np.random.default_rng(0)
    images = []
    for row in np.nan_to_num(bright):
        stripes = np.repeat(row, -(-side // len(row)))[:side]
        pixels = rng.integers(60, 120, (side, side, 3)) + 60 * stripes[None, :, None]
        images.append(bytes(cv2.imencode(".png", pixels.astype(np.uint8))[1]))
    return images


def laid_out(
    competition: Competition,
    folder: Path,
    *,
    count: int = 36,
    hidden: int = 8,
    side: int = 8,
    **columns: Any,
) -> pd.DataFrame:
    """A miniature in `folder`, by the competition's own `lay_out`; its whole table is the answer.

    `columns` are more of the table (`weight`), or answers in place of the toy's own.
    """
    rng, target = np.random.default_rng(0), competition.target
    suffix = ".jpg" if competition.name == "plant_pathology_2021" else ""
    ids = [f"{number:03}e{number}{suffix}" for number in range(count)]
    table = pd.DataFrame({"id": ids, **(answers_of(target, count, rng) | columns)})
    table["group"] = [f"group {number // 2}" for number in range(count)]
    answers = target.answer_columns(table)
    sample = pd.DataFrame({"id": ids, "answer": ""})
    images = pictured(target.fitted(table, sample, "toy"), table, side)
    table["hidden"] = np.arange(count) >= count - hidden
    folder.mkdir(parents=True)
    competition.lay_out(without_answers(table, answers, table["hidden"]), images, folder)
    return table


def request_of(competition: Competition, folder: Path, **fields: Any) -> Request:
    """A request with the cheap recipe for the files in `folder / data`."""
    return Request(
        competition=replace(competition, recipes={"toy": replace(CHEAP, **fields)}),
        recipe_name="toy",
        words=(),
        data=folder / "data",
        runs=folder / "runs",
    )


def toy_competition(
    target: Target,
    metric: str,
    header: Sequence[str],
    *,
    columns: Sequence[str] = (),
    long: str = "",
    weight: bool = False,
) -> Competition:
    """A competition whose train.csv holds the table, and whose sample has `header` beside the id.

    Args:
        columns: the table's columns of answers, where it has others than `label`.
        long: the pattern of the sample's ids, where it has a row for each of the columns.
    """
    wanted = [*(columns or ["label"]), *(["weight"] if weight else [])]

    def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
        write_images(table, images, folder, train="images/{id}.png", test="images/{id}.png")
        known, test = table[~table["hidden"]], table[table["hidden"]]
        write_csv(folder / "train.csv", {"id": known["id"], **{n: known[n] for n in wanted}})
        write_csv(folder / "test.csv", {"id": test["id"]})
        ids = (
            [long.format(id=i, name=n) for i in test["id"] for n in columns] if long else test["id"]
        )
        blank = {name: ["0"] * len(ids) for name in header}
        write_csv(folder / "sample_submission.csv", {"id": ids, **blank})

    return Competition(
        name="toy",
        slug="toy-of-a-kind",
        title="A toy",
        target=target,
        metric=metric,
        sample="sample_submission.csv",
        read_train=lambda folder: labelled_rows(
            folder / "train.csv",
            "images/{id}.png",
            columns=columns,
            weight="weight" if weight else "",
        ),
        read_test=lambda folder: unlabelled_rows(folder / "test.csv", "images/{id}.png"),
        lay_out=lay_out,
        recipes={"toy": CHEAP},
        long=long,
        on_kaggle=True,
    )
