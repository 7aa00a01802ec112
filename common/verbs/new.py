"""Create a competition: a folder with readers, lay_out, facts and a first recipe to edit.

The slug is the one on Kaggle, or the address of any of the competition's pages. The folder has
the slug in lower case with _ for -; c_ is put before a digit or a Python keyword.

Example: kit new plant-seedlings-classification
"""

import keyword
from dataclasses import dataclass
from typing import Any

from common.errors import KitError
from common.kaggle.address import slug_in
from common.progress import say
from common.workflow.options import flag
from common.workflow.request import Catalogue

FACTS = '''"""{slug}: say in one line what is predicted, and of how many images."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import OneClass
from competitions.{name}.recipes import NOTES, RECIPES

# Change these to the names of the competition's files. `kit {name} check` lists problems.
TRAIN, TEST = "train/{{id}}.jpg", "test/{{id}}.jpg"
LABELS, SAMPLE = "train.csv", "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of the training CSV; `id=`, `label=`, `columns=`, `group=` and `weight=` name its columns."""
    return labelled_rows(folder / LABELS, TRAIN)


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / LABELS, {{"id": known["id"], "label": known["label"]}})
    some = known["label"].iloc[0]
    write_csv(folder / SAMPLE, {{"id": hidden["id"], "label": [some] * len(hidden)}})


COMPETITION = Competition(
    name="{name}",
    slug="{slug}",
    title="{title}",
    target=OneClass(),  # or YesNo(), LabelSet(), Grades(), Numbers(): what a row's answer is
    metric="accuracy",  # `kit score --help` lists them
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,  # False where a reader lists folders: images of an archive are kept in one file
)
'''

RECIPES = '''"""Recipes for {slug}, and their lab notes (`NOTES`): what each scored, or what it needs."""

from common.recipe import Recipe
from common.recipe_note import Note

RECIPES = {{
    "quick": Recipe(
        backbone="resnet18",
        weights="pretrained",
        image_size=224,
        store_short_side=256,
        augment="photo",
        freeze="lp-ft:1",
        epochs=5,
        batch_size=32,
        optimizer="adamw",
        lr=3e-4,
        weight_decay=0.05,
        warmup_ratio=0.1,
        views="mirror",
    ),
}}

NOTES = {{
    "quick": Note(
        command="kit {name} run",
        # Once it has run, in place of `needs`: metric= score= scored_on= n= minutes= hardware= date=
        needs="the competition's files",
    ),
}}
'''


@dataclass(frozen=True)
class Options:
    """The options of `new`."""

    slug: str = flag(
        "the competition's slug on Kaggle, or an address of its pages", positional=True
    )


def run(options: Options, catalogue: Catalogue) -> dict[str, Any]:
    """A slug to its competition's folder, written unless the name is taken.

    Raises:
        KitError: no slug was given, or the folder exists.
    """
    slug = slug_in(options.slug)
    name = name_of(slug)
    folder = catalogue.folder / name
    taken = {each.lower() for each in catalogue.taken}
    if folder.exists() or {slug.lower(), name} & taken:
        raise KitError(
            f"{folder} would be a second {slug!r}: choose another slug, or edit the one there is"
        )
    title = slug.replace("-", " ")
    words = {"slug": slug, "name": name, "title": title[0].upper() + title[1:]}
    folder.mkdir()
    (folder / "__init__.py").write_text(FACTS.format(**words), encoding="utf-8")
    (folder / "recipes.py").write_text(RECIPES.format(**words), encoding="utf-8")
    say(f"{folder}: facts in __init__.py, recipes in recipes.py; edit the file names there")
    say(f"next: kit {name} download && kit {name} check")
    return {"folder": str(folder)}


def name_of(slug: str) -> str:
    """A slug to its folder's name, a valid Python identifier."""
    name = slug.replace("-", "_").lower()
    return f"c_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
