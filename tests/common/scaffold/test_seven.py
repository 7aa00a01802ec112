"""Seven competitions of the kit are what `kit new --data` writes of their files, but for words."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_answers import rows_of
from toy_layouts import SEVEN, Words

import competitions
import kit
from common.code_digest import meaning

HOME = Path(competitions.__file__).parent
CODE = [name for name in SEVEN if competitions.load(name).code]


def written(
    name: str, data: Path, metric: str, into: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The files that `kit new --data` writes, by name."""
    monkeypatch.setenv("KIT_CACHE", str(into / "cache"))
    folder = into / "competitions"
    folder.mkdir()
    words = ["new", SEVEN[name][0], "--name", name, "--data", str(data), "--metric", metric]
    emptied = replace(kit._catalogue(), folder=folder, taken=frozenset())
    monkeypatch.setattr(kit, "_catalogue", lambda: emptied)
    assert kit.main([*words, "--json", *(["--code"] if name in CODE else [])]) == 0
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / name).iterdir()}


def facts(source: str) -> str:
    """What a module says without docstrings and the title."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "title":
            node.value = ast.Constant("")
    return meaning(ast.unparse(tree))


def assert_is_committed(name: str, found: dict[str, str]) -> None:
    assert sorted(found) == ["__init__.py", "recipes.py"]
    for file, source in found.items():
        assert facts(source) == facts((HOME / name / file).read_text(encoding="utf-8")), file


@pytest.mark.parametrize("name", SEVEN)
def test_the_folder_is_what_its_files_tell_and_a_metric(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words: Words = SEVEN[name][1](tmp_path / "data")
    assert_is_committed(
        name, written(name, tmp_path / "data", words["metric"], tmp_path, monkeypatch)
    )
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [*told] == [
        "name", "folder", "kind", "id_column", "target_columns", "group_columns", "writer", "metrics",
        "classes", "evidence", "unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SEVEN)
def test_the_folder_is_what_its_own_miniature_tells(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = competitions.load(name)
    image = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()
    competition.lay_out(rows_of(competition, 18, 6), [image] * 18, tmp_path / "data")
    metric = competition.metric
    assert_is_committed(name, written(name, tmp_path / "data", metric, tmp_path, monkeypatch))


def test_whether_it_takes_notebooks_only_is_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    SEVEN["histopathologic"][1](tmp_path / "data")
    source = written("histopathologic", tmp_path / "data", "auc", tmp_path, monkeypatch)
    assert "code=" not in source["__init__.py"]
    assert "not known: whether it takes notebooks only" in capsys.readouterr().err
