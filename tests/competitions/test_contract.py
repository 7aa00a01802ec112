"""What every competition promises, shown on a miniature that its own `lay_out` writes."""

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from toy_answers import rows_of
from toy_competitions import toy_competition

import competitions
import kit
from common import submission
from common.competition import Competition
from common.data.archives.encoded_images import Encoded
from common.data.archives.open_data import open_folder
from common.data.archives.pack import packs_of
from common.data.pixels.store import open_store
from common.data.table import check_table
from common.errors import KitError
from common.kaggle.server.scoring import reading_of
from common.metrics import NAMES
from common.models.backbone_names import check_backbones
from common.recipe_note import Note
from common.score.tables import score_tables
from common.targets import LabelSet
from common.workflow.files import read_files
from common.workflow.variants import variants

ALL = competitions.names()


def miniature(competition: Competition, folder: Path) -> tuple[pd.DataFrame, list[bytes]]:
    """Twelve labelled and six hidden images; ids that a careless reader takes for numbers."""
    rng = np.random.default_rng(0)
    table = rows_of(competition, 18, 6)
    pixels = rng.integers(0, 256, (18, 32, 32, 3), dtype=np.uint8)
    images = [cv2.imencode(".png", each)[1].tobytes() for each in pixels]
    folder.mkdir(parents=True, exist_ok=True)
    competition.lay_out(table, images, folder)
    return table, images


@pytest.mark.parametrize("name", ALL)
def test_what_lay_out_writes_the_readers_read_back(name: str, tmp_path: Path) -> None:
    competition = competitions.load(name)
    table, images = miniature(competition, tmp_path)
    files = read_files(competition, tmp_path)
    test = check_table(competition.read_test(tmp_path), source="test")
    train, known = files.train.set_index("id"), table.iloc[:12].set_index("id")
    columns = [*files.target.columns, *(["group"] if "group" in train else [])]
    assert train.loc[known.index, columns].to_numpy().tolist() == known[columns].to_numpy().tolist()
    assert test["id"].tolist() == table["id"].tolist()[12:]
    wanted = dict(zip(table["id"], images, strict=True))
    for row in [*files.train.itertuples(), *test.itertuples()]:
        assert Path(str(row.path)).read_bytes() == wanted[row.id]
    store = open_store(test, side=0, cache=tmp_path / "cache")
    assert len(store) == 6


@pytest.mark.parametrize("name", ALL)
def test_an_archive_of_what_lay_out_writes_is_read_back(name: str, tmp_path: Path) -> None:
    competition = competitions.load(name)
    table, images = miniature(competition, tmp_path / "files")
    (tmp_path / "data").mkdir()
    shutil.make_archive(str(tmp_path / "data/all"), "zip", tmp_path / "files")
    folder = open_folder(tmp_path / "data", tmp_path / "cache", packed=competition.packed)
    assert competition.packed or not packs_of(folder)
    wanted = dict(zip(table["id"], images, strict=True))
    for rows in (competition.read_train(folder), competition.read_test(folder)):
        assert len(rows) in (12, 6)
        assert [*Encoded(rows["path"].tolist())] == [wanted[each] for each in rows["id"]]


LONG = toy_competition(
    LabelSet(names=("any", "left", "right"), wide=True),
    "weighted_log_loss:2,1,1",
    ["Label"],
    columns=("any", "left", "right"),
    long="{id}_{name}",
)


@pytest.mark.parametrize("name", [*ALL, "a long sample"])
def test_the_writer_answers_the_sample_by_id_in_its_order(name: str, tmp_path: Path) -> None:
    competition = competitions.load(name) if name in ALL else LONG
    miniature(competition, tmp_path)
    files = read_files(competition, tmp_path)
    sample, form, count = files.sample, files.form, len(files.target.names)
    ids = competition.read_test(tmp_path)["id"].tolist()[::-1]
    probs = np.random.default_rng(0).dirichlet(np.ones(max(2, count)), len(ids))[:, :count]
    rows = submission.rows_of(form, files.target, sample, ids=ids, probs=probs.astype(np.float32))
    assert submission.validate(rows, sample, form) == []
    assert rows.iloc[:, 0].tolist() == sample.iloc[:, 0].tolist()
    solution = submission.solution_rows(form, files.target, sample, files.train)
    told = solution.set_axis([*solution], axis=1)
    score = score_tables(competition.scored_by, solution, told, reading_of(form))
    assert score.rows == (12 * count if form.long else 12)


@pytest.mark.parametrize("name", ALL)
def test_facts_and_recipes_name_things_that_exist(name: str) -> None:
    competition = competitions.load(name)
    assert competition.name == name
    assert competition.scored_by.name == competition.metric
    assert bool(competition.sample) != bool(competition.make_sample)
    assert competition.recipes
    for recipe in competition.recipes.values():
        check_backbones(recipe.backbones)


@pytest.mark.parametrize("name", ALL)
def test_a_competition_is_few_lines(name: str) -> None:
    facts = Path(competitions.__file__).parent / name / "__init__.py"
    assert len(facts.read_text().splitlines()) <= 100


@pytest.mark.parametrize("name", ALL)
def test_every_recipe_has_a_note_with_a_measurement_or_with_what_it_needs(name: str) -> None:
    competition = competitions.load(name)
    assert [*competition.notes] == [*competition.recipes]
    for recipe, note in competition.notes.items():
        assert incomplete(note) == [], f"{name} {recipe}"


def incomplete(note: Note) -> list[str]:
    """What is missing in a note, or is there beside `needs`, or cannot be."""
    measured = ("metric", "score", "scored_on", "n", "minutes", "hardware", "date")
    filled = {each for each in measured if getattr(note, each) not in (None, "", 0)}
    if note.needs:
        return sorted(filled)
    problems = [each for each in measured if each not in filled]
    if note.metric not in NAMES:
        problems.append(f"metric={note.metric}")
    if not re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", note.date):
        problems.append(f"date={note.date}")
    if note.spread and not re.fullmatch(r"± [\d.]+ \(.+\)", note.spread):
        problems.append(f"spread={note.spread}")
    return problems


def test_a_note_that_says_half_is_incomplete() -> None:
    note = competitions.load("digits").notes["quick"]
    assert incomplete(note) == []
    assert incomplete(replace(note, n=0, hardware="")) == ["n", "hardware"]
    assert incomplete(replace(note, date="yesterday")) == ["date=yesterday"]
    assert incomplete(replace(note, spread="a little")) == ["spread=a little"]
    assert incomplete(Note(command="kit digits run")) != []
    assert incomplete(Note(command="kit digits run", needs="a GPU", score=0.9)) == ["score"]


@pytest.mark.parametrize("name", ALL)
def test_the_command_of_a_note_runs_its_recipe_with_fields_that_exist(name: str) -> None:
    competition = competitions.load(name)
    for recipe, note in competition.notes.items():
        assert recipe in recipes_of(note.command, name), f"{name} {recipe}: `{note.command}`"


def recipes_of(command: str, competition: str) -> list[str]:
    """The recipes that a command of this competition runs; a word that does not exist raises."""
    program, *words = shlex.split(command)
    assert (program, words[0]) == ("kit", competition)
    request, own = kit.request_of(words)
    if words[1] != "compare":
        assert words[1] in ("run", "validate")
        return [request.recipe_name]
    options = own[0]
    named = variants(request, options.variants, seeds=options.seeds, own_budget=options.own_budget)
    return [each.recipe_name for _, requests in named for each in requests]


@pytest.mark.parametrize(
    "command",
    [
        "kit digits run --recipe slow",
        "kit digits run epoch=3",
        "kit digits runn",
        "kit digits compare quick slow epochs=2",
    ],
)
def test_a_command_that_names_what_is_not_there_is_found_out(command: str) -> None:
    with pytest.raises(KitError):
        recipes_of(command, "digits")


def test_the_digits_are_all_there_and_the_hidden_part_is_drawn_once() -> None:
    embedded = competitions.load("digits").embedded
    assert embedded is not None
    found, again = embedded(), embedded()
    assert len(found.table) == len(found.images) == 1797
    assert int(found.table["hidden"].sum()) == 359
    assert found.table.equals(again.table)
    assert found.images == again.images
