"""Begin a competition: a folder with its readers, lay_out, facts and a first recipe to fill in.

The slug is the one on Kaggle, or the address of any of the competition's pages. The folder is called
as the slug is, in small letters, with _ for -; c_ comes before a digit, or a word of Python's.

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

FACTS = '''"""{slug}: say in one line what is to be told apart, and from how many images."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common import submission
from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from competitions.{name}.recipes import NOTES, RECIPES

# Change these to what the competition's files are called. `kit {name} check` tells what is amiss.
TRAIN, TEST = "train/{{id}}.jpg", "test/{{id}}.jpg"
LABELS, SAMPLE = "train.csv", "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of the training CSV: `id=` and `label=` name its columns where they are called otherwise."""
    return labelled_rows(folder / LABELS, TRAIN)


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's own files: what rehearsals and the tests are made of."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[table["label"].notna()], table[table["label"].isna()]
    write_csv(folder / LABELS, {{"id": known["id"], "label": known["label"]}})
    some = known["label"].iloc[0]
    write_csv(folder / SAMPLE, {{"id": hidden["id"], "label": [some] * len(hidden)}})


COMPETITION = Competition(
    name="{name}",
    slug="{slug}",
    title="{title}",
    metric="accuracy",  # or log_loss, with writer=submission.probability_rows
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    writer=submission.label_rows,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,  # not where a reader lists folders: in an archive's pack there are no files
)
'''

RECIPES = '''"""Recipes for {slug}, and under `NOTES` what each was measured to do."""

from common.recipe import Recipe
from common.recipe_note import Note

RECIPES = {{
    "quick": Recipe(
        backbone="resnet18", weights="pretrained", augment="photo", image_size=224, store_short_side=256,
        freeze="lp-ft:1", epochs=5, batch_size=32, optimizer="adamw", lr=3e-4,
        weight_decay=0.05, warmup_ratio=0.1, label_smoothing=0.1, views="mirror",
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
    """What `new` takes."""

    slug: str = flag(
        "the competition's slug on Kaggle, or an address of its pages", positional=True
    )


def run(options: Options, catalogue: Catalogue) -> dict[str, Any]:
    """Write the folder, unless there is one of that name.

    Raises:
        KitError: there is no slug in it, or the folder exists.
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
    """The folder of a slug: a word of Python's that nothing else is called."""
    name = slug.replace("-", "_").lower()
    return f"c_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
