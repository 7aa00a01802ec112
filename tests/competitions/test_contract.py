"""What every competition promises, shown on a miniature that its own `lay_out` writes."""

import re
import shutil
from itertools import takewhile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import competitions
from common import submission
from common.data.archives.encoded_images import Encoded
from common.data.archives.open_data import open_folder
from common.data.archives.pack import packs_of
from common.data.pixels.store import open_store
from common.data.table import check_table
from common.metrics import METRICS
from common.models.backbone import check_backbone
from common.workflow.files import read_sample

ALL = competitions.names()
LABELS = ("first", "second", "third")


def miniature(name: str, folder: Path) -> tuple[pd.DataFrame, list[bytes]]:
    """Twelve labelled and six hidden images; ids that a careless reader takes for numbers."""
    rng = np.random.default_rng(0)
    competition = competitions.load(name)
    labels = [LABELS[number % 3] if number < 12 else None for number in range(18)]
    ids = [f"{number:03}e{number}" for number in range(18)]
    if competition.make_sample is not None:  # where no CSV names the images, their paths do
        places = [f"train/{label}" if label else "test" for label in labels]
        ids = [f"{place}/{name}.png" for place, name in zip(places, ids, strict=True)]
    table = pd.DataFrame({"id": ids, "label": labels})
    pixels = rng.integers(0, 256, (18, 32, 32, 3), dtype=np.uint8)
    images = [cv2.imencode(".png", each)[1].tobytes() for each in pixels]
    folder.mkdir(parents=True, exist_ok=True)
    competition.lay_out(table, images, folder)
    return table, images


@pytest.mark.parametrize("name", ALL)
def test_what_lay_out_writes_the_readers_read_back(name: str, tmp_path: Path) -> None:
    (table, images), competition = miniature(name, tmp_path), competitions.load(name)
    train = check_table(competition.read_train(tmp_path), labelled=True, source="train")
    test = check_table(competition.read_test(tmp_path), labelled=False, source="test")
    known = table.iloc[:12]
    assert dict(zip(train["id"], train["label"], strict=True)) == dict(known.values.tolist())
    assert test["id"].tolist() == table["id"].tolist()[12:]
    wanted = dict(zip(table["id"], images, strict=True))
    for row in [*train.itertuples(), *test.itertuples()]:
        assert Path(str(row.path)).read_bytes() == wanted[row.id]
    store = open_store(test, side=0, cache=tmp_path / "cache")
    assert len(store) == 6


@pytest.mark.parametrize("name", ALL)
def test_an_archive_of_what_lay_out_writes_is_read_back(name: str, tmp_path: Path) -> None:
    (table, images), competition = miniature(name, tmp_path / "files"), competitions.load(name)
    (tmp_path / "data").mkdir()
    shutil.make_archive(str(tmp_path / "data/all"), "zip", tmp_path / "files")
    folder = open_folder(tmp_path / "data", tmp_path / "cache", packed=competition.packed)
    assert competition.packed or not packs_of(folder)
    wanted = dict(zip(table["id"], images, strict=True))
    for rows in (competition.read_train(folder), competition.read_test(folder)):
        assert len(rows) in (12, 6)
        assert [*Encoded(rows["path"].tolist())] == [wanted[each] for each in rows["id"]]


@pytest.mark.parametrize("name", ALL)
def test_the_writer_answers_the_sample_by_id_in_its_order(name: str, tmp_path: Path) -> None:
    miniature(name, tmp_path)
    competition = competitions.load(name)
    sample = read_sample(competition, tmp_path)
    ids = sample.iloc[::-1, 0].tolist()
    probs = np.random.default_rng(0).dirichlet(np.ones(3), len(ids)).astype(np.float32)
    rows = competition.writer(sample, ids, probs, LABELS)
    assert submission.validate(rows, sample, LABELS) == []
    assert rows.iloc[:, 0].tolist() == sample.iloc[:, 0].tolist()


@pytest.mark.parametrize("name", ALL)
def test_facts_and_recipes_name_things_that_exist(name: str) -> None:
    competition = competitions.load(name)
    assert competition.name == name
    assert competition.metric in METRICS
    assert bool(competition.sample) != bool(competition.make_sample)
    assert competition.recipes
    for recipe in competition.recipes.values():
        check_backbone(recipe.backbone)


@pytest.mark.parametrize("name", ALL)
def test_a_competition_is_few_lines_and_its_recipes_have_notes(name: str) -> None:
    folder = Path(competitions.__file__).parent / name
    assert len((folder / "__init__.py").read_text().splitlines()) <= 100
    notes = (folder / "recipes.py").read_text()
    for recipe in competitions.load(name).recipes:
        note = " ".join(_comment_above(f'    "{recipe}": ', notes))
        assert re.search(rf"kit {name} (run|compare|validate)", note), (
            f"{name} {recipe}: the note gives no command"
        )
        assert re.search(r"n = [\d,]+|not measured: needs", note), (
            f"{name} {recipe}: no score, no n"
        )


def _comment_above(line: str, text: str) -> list[str]:
    above = text[: text.index(line)].splitlines()
    lines = takewhile(lambda each: each.strip().startswith("#"), reversed(above))
    return [each.strip("# ") for each in reversed(list(lines))]


def test_the_digits_are_all_there_and_the_hidden_part_is_drawn_once() -> None:
    embedded = competitions.load("digits").embedded
    assert embedded is not None
    found, again = embedded(), embedded()
    assert len(found.table) == len(found.images) == 1797
    assert int(found.table["hidden"].sum()) == 359
    assert found.table.equals(again.table)
    assert found.images == again.images
