"""`kit new`: the folder that it writes is a competition of today's API."""

import importlib
from pathlib import Path

import pytest
from toy_answers import rows_of

import competitions
from common.competition import Competition
from common.data.table import check_table
from common.errors import KitError
from common.verbs import new
from common.workflow.files import read_files
from common.workflow.request import Catalogue


def catalogue(folder: Path, *taken: str) -> Catalogue:
    def no_kernel(*_: object) -> None:
        raise AssertionError

    return Catalogue(
        competitions=(),
        load=competitions.load,
        folder=folder,
        taken=frozenset(taken),
        run_kernel=no_kernel,  # type: ignore[arg-type]
    )


def test_a_new_folder_reads_back_what_its_lay_out_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new.run(new.Options(slug="toy-of-a-test"), catalogue(tmp_path))
    monkeypatch.setattr(competitions, "__path__", [*competitions.__path__, str(tmp_path)])
    competition = importlib.import_module("competitions.toy_of_a_test").COMPETITION
    assert isinstance(competition, Competition)
    assert [*competition.notes] == [*competition.recipes]
    table = rows_of(competition, 6, 2)
    competition.lay_out(table, [b"image"] * 6, tmp_path / "files")
    files = read_files(competition, tmp_path / "files")
    assert files.train["label"].tolist() == table["label"].tolist()[:4]
    assert files.form.kind == "label"
    test = check_table(competition.read_test(tmp_path / "files"), source="test")
    assert test["id"].tolist() == table["id"].tolist()[4:]
    assert all(Path(path).is_file() for path in [*files.train["path"], *test["path"]])


def test_a_slug_that_is_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="would be a second 'toy'"):
        new.run(new.Options(slug="toy"), catalogue(tmp_path, "toy"))
    assert not [*tmp_path.iterdir()]


NAMES = ["../evil", "a/b", "..", "ünder", "a b", "_x", "a.b", "x" * 101, "/tmp/x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_that_of_a_folder_in_competitions(name: str, tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"is no name of a folder: .* as in toy_slug"):
        new.run(new.Options(slug="toy-slug", name=name), catalogue(tmp_path / "competitions"))
    assert not [*tmp_path.iterdir()]


def test_the_slugs_own_folder_is_named_where_it_is_there_already(tmp_path: Path) -> None:
    new.run(new.Options(slug="toy-slug"), catalogue(tmp_path))
    with pytest.raises(KitError, match=r"or delete .*/toy_slug to have it written anew"):
        new.run(new.Options(slug="toy-slug"), catalogue(tmp_path))
