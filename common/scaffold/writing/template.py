"""A competition's facts and recipes as the source of its folder."""

from dataclasses import dataclass

import pandas as pd

from common.scaffold.conclusions import Facts
from common.scaffold.kinds import Kind
from common.scaffold.metric_choice import has_label
from common.scaffold.samples import Sample
from common.scaffold.training import Training
from common.scaffold.writing.laying_out import columns, lay_out, pattern
from common.scaffold.writing.source import imported, listed, names, target, text
from common.submission import Format
from common.targets import OneClass

HEAD = '''"""{doc}"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
{imports}
from common.targets import {target}
from competitions.{name}.recipes import NOTES, RECIPES

{constants}


def read_train(folder: Path) -> pd.DataFrame:
    """{train_doc}"""
{read_train}


def read_test(folder: Path) -> pd.DataFrame:
    """{test_doc}"""
{read_test}


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
{lay_out}


COMPETITION = Competition(
    name="{name}",
    slug="{slug}",
    title={title},
    target={declared},
    metric="{metric}",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
{more})
'''

RECIPES = '''"""Recipes for {slug}, and under `NOTES` what each was measured to do."""

from common.photo_recipes import FEATURES, FINE_TUNED, FROZEN_HEAD
from common.recipe_note import Note

RECIPES = {{"quick": FROZEN_HEAD, "features": FEATURES, "strong": FINE_TUNED}}

NOTES = {{
    "quick": Note(
        command="kit {name} run",
        needs="the competition's files and MobileNetV2's weights",
    ),
    "features": Note(
        command="kit {name} run --recipe features",
        needs="the competition's files and MobileNetV2's weights",
        remark="With some hundred or thousand images, the best to be had in minutes on two cores.",
    ),
    "strong": Note(
        command="kit {name} run --recipe strong",
        needs="the competition's files, ConvNeXt's weights and a GPU",
    ),
}}
'''


@dataclass(frozen=True, kw_only=True)
class Called:
    """What a competition is called: its folder, its slug and title on Kaggle; does it take notebooks only?"""

    name: str
    slug: str
    title: str
    code: bool = False


def placeholder() -> Facts:
    """Facts to fill in, where there are no files: a label of each image in train.csv."""
    rows = pd.DataFrame({"id": ["1"], "label": ["?"]})
    sample = Sample("sample_submission.csv", rows, images="test/{id}.jpg")
    training = Training("train/{id}.jpg", ("label",), rows[:0], name="train.csv")
    kind = Kind(OneClass(), "")
    return Facts(
        sample, training, kind, "accuracy", "", kind.target, Format(kind="label", names=())
    )


def facts_source(called: Called, facts: Facts) -> str:
    """The text of a competition's `__init__.py`."""
    training, sample = facts.training, facts.sample
    more = ["    long=LONG,\n"] if sample.parts else []
    more += ["    code=True,\n"] if called.code else []
    table = training.name or "the images' paths"
    doc = f"{len(training.rows):,} labelled images and {len(sample.ids):,} to label, by {facts.metric}."
    if training.rows.empty:
        doc = "say in one line what is predicted, and of how many images."
    return HEAD.format(
        doc=f"{called.slug}: {doc}",
        name=called.name, slug=called.slug, title=text(called.title), metric=facts.metric,
        imports=_imports(facts), target=type(facts.kind.target).__name__,
        constants=_constants(facts),
        train_doc=f"Rows of {table} ({training.id}, {_listed(training.answers)}).",
        test_doc=f"The ids of {sample.beside[0] if sample.beside else 'the sample submission'}.",
        read_train=_read_train(facts), read_test=_read_test(facts), lay_out=lay_out(facts),
        declared=target(facts.kind.target, columns(facts)), more="".join(more),
    )  # fmt: skip


def recipes_source(called: Called) -> str:
    """The text of a competition's `recipes.py`."""
    return RECIPES.format(name=called.name, slug=called.slug)


def _listed(columns: tuple[str, ...]) -> str:
    shown = ", ".join(columns[:3]) + (" …" if len(columns) > 3 else "")
    return shown.replace("\\", "/").replace('"', "'")  # as a docstring may have it


def _imports(facts: Facts) -> str:
    readers = ["unlabelled_rows", "write_csv", "write_images"]
    after = []
    if not facts.training.name:
        after = ["from common.data.image_paths import labelled_images"]
    else:
        one = "one_hot_rows" if facts.kind.one_hot else "labelled_rows"
        readers.append("long_rows" if facts.training.long else one)
    after += ["from common.data.long_ids import long_ids"] if facts.sample.parts else []
    return "\n".join([imported("common.data.csv_layout", readers), *after])


def _constants(facts: Facts) -> str:
    training, sample = facts.training, facts.sample
    lines = []
    if called := columns(facts):
        one = len(called) == 1
        lines.append(f"COLUMNS = {names(called)}" if one else
                     listed("COLUMNS = ", [*map(text, called)], indent=0))  # fmt: skip
    if training.images == sample.images:
        lines.append(f"IMAGE = {text(sample.images)}")
    else:
        lines.append(f"TRAIN, TEST = {text(training.images)}, {text(sample.images)}")
    files = {"LABELS": training.name, "BESIDE": training.beside, "SAMPLE": sample.name,
             "TEST_LIST": sample.beside[0] if sample.beside else ""}  # fmt: skip
    lines += [f"{name} = {text(file)}" for name, file in files.items() if file]
    lines += [f"LONG = {text(sample.parts[0])}"] if sample.parts else []
    return "\n".join(lines)


def _read_train(facts: Facts) -> str:
    training = facts.training
    if not training.name:
        apart = ', but=read_test(folder)["path"]' if training.apart else ""
        return f"    return labelled_images(folder, TRAIN{apart})"
    arguments = ["folder / LABELS", pattern(facts, "TRAIN", training.name)]
    if training.long:
        words = {"id": training.long[0], "label": training.long[1], "group": facts.group}
        named = [f"{k}={text(v)}" for k, v in words.items() if v]
        return listed("return long_rows", [*arguments, "LONG", "COLUMNS", *named])
    words = {"id": training.id, "group": facts.group}
    if facts.kind.one_hot:
        arguments.append("COLUMNS")
    elif has_label(facts.kind):
        words["label"] = training.answers[0]
    else:
        arguments.append("columns=COLUMNS")
    arguments += [
        f"{k}={text(v)}" for k, v in words.items() if v not in ("", k if k != "group" else "")
    ]
    arguments += ["beside=folder / BESIDE"] if training.beside else []
    reader = "one_hot_rows" if facts.kind.one_hot else "labelled_rows"
    if training.apart:
        by = training.apart
        rest = f'    return rows[~rows["{by}"].isin(read_test(folder)["{by}"])]'
        return listed(f"rows = {reader}", arguments) + f"\n{rest}"
    return listed(f"return {reader}", arguments)


def _read_test(facts: Facts) -> str:
    sample = facts.sample
    file, id = sample.beside[:2] if sample.beside else (sample.name, sample.id)
    place = "TEST_LIST" if sample.beside else "SAMPLE"
    arguments = [f"folder / {place}", pattern(facts, "TEST", file)]
    arguments += [f"id={text(id)}"] if id != "id" else []
    arguments += ["long=LONG", "columns=COLUMNS"] if sample.parts else []
    return listed("return unlabelled_rows", arguments)
