"""The commands that verbs print work as they are, from the same folder."""

import importlib
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import competitions
import kit
from common.workflow import options, request
from common.workflow.request import Request, field_words

PLACES = ("--data", "my data", "--runs", "my runs")


SMALL = ("rows=60", "epochs=1", "folds=1", "groups=none")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The digits where only --data finds them; they go to the kit's own Kaggle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    assert kit.main(["digits", "download", "--data", "my data"]) == 0
    return tmp_path


def obeyed(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Do what a printed line says; the commands that are printed then."""
    for each in command.split(" && "):
        words = shlex.split(each)
        assert words[0] == "kit"
        capsys.readouterr()
        assert kit.main(words[1:]) == 0
    after = "\n" + capsys.readouterr().err
    _, _, said = after.rpartition("\nnext:")
    return re.findall(r"(kit [a-z].*)$", said, flags=re.MULTILINE)


def typed(*words: str) -> str:
    return shlex.join(["kit", "digits", *words, *PLACES])


def test_next_lines_obeyed_word_for_word_stay_with_the_same_data_run_and_fields(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (submit,) = obeyed(typed("run", *SMALL), capsys)
    assert submit == typed("submit", *SMALL)
    views, other, recipes = obeyed(submit, capsys)
    assert "epochs=2" in other
    obeyed(recipes, capsys)
    obeyed(views, capsys)
    assert len(list((folder / "my runs").glob("digits-*"))) == 1  # no other run was begun
    assert not (folder / "data").exists()  # and nothing was fetched again
    assert not (folder / "runs").exists()


@pytest.mark.slow
def test_next_lines_of_the_other_verbs_are_obeyed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checked,) = obeyed(typed("check", "--recipe", "quick"), capsys) or [typed("run")]
    obeyed(obeyed(checked, capsys)[0], capsys)
    (again,) = obeyed(typed("rehearse", *SMALL, "--hidden", "0.3"), capsys)
    assert shlex.split(again)[2:] == [
        "rehearse",
        *SMALL,
        "--hidden",
        "0.3",
        "--seed",
        "1",
        *PLACES,
    ]
    obeyed(again, capsys)
    (first,) = obeyed("kit digits download --data 'new data'", capsys)
    assert first == "kit digits run --data 'new data'"
    assert not (folder / "data").exists()


def test_a_command_keeps_recipe_fields_run_and_places_and_quotes_them() -> None:
    digits = competitions.load("digits")
    asked = Request(
        competition=digits,
        recipe_name="quick",
        named_recipe=True,
        words=("lr=0.1", "weights=a b"),
        data=Path("it's"),
        runs=Path("r"),
        run=Path("r/one"),
    )
    places = ["--data", "it's", "--runs", "r"]
    said = shlex.split(asked.command("submit", "lr=1"))
    assert said == [
        "kit",
        "digits",
        "submit",
        "--recipe",
        "quick",
        "weights=a b",
        "lr=1",
        "--run",
        "r/one",
        *places,
    ]
    assert shlex.split(asked.command("check")) == [
        "kit",
        "digits",
        "check",
        "--recipe",
        "quick",
        *places,
    ]
    named = shlex.split(asked.command("submit", "--run", "other"))
    assert named == ["kit", "digits", "submit", "--run", "other", *places]
    base = digits.recipes["quick"]
    assert field_words(base, replace(base, epochs=99, lr=0.5)) == ("epochs=99", "lr=0.5")


def test_what_a_command_gives_a_verb_is_what_the_verb_takes() -> None:
    for verb in kit.VERBS:
        shared = getattr(importlib.import_module(kit._module(verb)), "SHARED", ())
        takers = {options.field_flags, options.file_or_field_flags, options.job_flags}
        fields = takers & {*shared}
        assert bool(fields) == (verb in request.TAKE_FIELDS), verb
        assert bool(fields or options.recipe in shared) == (verb in request.TAKE_RECIPE), verb
        assert (options.run in shared) == (verb in request.TAKE_RUN), verb
    assert "kernel" in request.TAKE_RUN


def test_a_sentence_of_the_core_names_the_competition_and_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["digits", "check-submission", "none.csv", "--data", "my  empty", "--runs", "my runs"]
    (tmp_path / "my  empty").mkdir()
    assert kit.main(words) == 1
    assert "`kit digits download --data 'my  empty' --runs 'my runs'`" in capsys.readouterr().err
    assert kit.main(["host", "none"]) == 1
    assert "kit host rehearse" not in capsys.readouterr().err
