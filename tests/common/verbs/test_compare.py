"""`kit … compare`: variants on equal terms, and differences with their luck."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from common.recipe import Recipe
from common.verbs import compare, validate
from common.workflow.request import Request
from common.workflow.variants import variants


def compared(toy: Any, *words: str, **options: Any) -> dict[str, Any]:
    return compare.run(toy(epochs=1), compare.Options(words, **options))


def stamps(runs: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in runs.glob("*/fold*/weights.safetensors")}


def made(toy: Any, *words: str, seeds: int | None = None, own_budget: bool = False) -> Any:
    return variants(toy(epochs=2), words, seeds=seeds, own_budget=own_budget)


def recipes(named: list[tuple[str, list[Request]]]) -> list[Recipe]:
    return [each.recipe for _, requests in named for each in requests]


def test_equal_variants_are_one_run_and_differ_by_nothing(toy: Any, capsys: Any) -> None:
    validate.run(toy(epochs=1))
    before = stamps(toy().runs)
    result = compared(toy, "toy", "toy,momentum=0.9", "toy,lr=0.001")
    one, same, other = result["variants"]
    assert one["runs"] == same["runs"] != other["runs"]
    assert (same["gain"], same["low"], same["high"]) == (0, 0, 0)
    assert other["low"] <= other["gain"] <= other["high"]
    assert other["gain"] == pytest.approx(other["score"] - one["score"])
    after = stamps(toy().runs)
    assert len(after) == 4
    assert before == {path: after[path] for path in before}
    kept = pd.read_csv(result["csv"])
    assert kept["variant"].tolist() == ["toy", "toy,momentum=0.9", "toy,lr=0.001"]
    assert kept["score"].tolist() == pytest.approx([row["score"] for row in result["variants"]])
    assert "gain on the first" in capsys.readouterr().err
    assert compared(toy, "toy", "toy,momentum=0.9", "toy,lr=0.001") == result
    assert stamps(toy().runs) == after


@pytest.mark.slow
def test_seeds_are_runs_of_their_own_and_their_rows_are_averaged(toy: Any) -> None:
    result = compared(toy, "toy", "toy,lr=0.001", "folds=1", "holdout=0.5", seeds=2)
    for row in result["variants"]:
        assert len(set(row["runs"])) == len(row["scores"]) == 2
        assert row["score"] == pytest.approx(sum(row["scores"]) / 2)
        assert row["sd"] == pytest.approx(abs(row["scores"][0] - row["scores"][1]) / 2**0.5)
    first, second = result["variants"]
    assert second["gain"] == pytest.approx(second["score"] - first["score"])
    assert result["n"] == 24


def test_a_word_is_a_recipe_its_fields_or_fields_for_all(toy: Any) -> None:
    found = made(toy, "toy", "lr=0.5,clip_grad=1", "toy,lr=0.3", "freeze=backbone")
    assert [name for name, _ in found] == ["toy", "lr=0.5,clip_grad=1", "toy,lr=0.3"]
    assert [each.lr for each in recipes(found)] == [0.02, 0.5, 0.3]
    assert [each.freeze for each in recipes(found)] == ["backbone"] * 3
    assert [each.seed for each in recipes(made(toy, "toy", "toy,lr=0.3", seeds=2))] == [0, 1, 0, 1]


def test_the_budget_is_the_firsts_unless_a_word_says_otherwise(toy: Any, capsys: Any) -> None:
    request = toy(epochs=2)
    both = request.competition.recipes | {"long": replace(request.recipe, epochs=9, lr=0.5)}
    request = replace(request, competition=replace(request.competition, recipes=both))
    zero = "toy,epochs=0,head=rows,freeze=backbone"
    words = [zero, "toy", "long", "long,epochs=4"]
    for own, epochs in ((False, [0, 2, 2, 4]), (True, [0, 2, 9, 4])):
        found = variants(request, words, seeds=None, own_budget=own)
        assert [each.epochs for each in recipes(found)] == epochs
    said = capsys.readouterr().err
    assert "long trains for 2 epochs, as the first does, and not for 9" in said
    assert "long,epochs=4 trains for 4 epochs, as its word says" in said


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["toy", "toy,folds=3"], "toy has folds=2 and toy,folds=3 folds=3.*give folds= alone"),
        (["toy", "toy,seed=3"], "give seed= alone"),
        (["toy", "lr=3"], "two variants or more"),
        (["toy", "toy"], "named twice"),
        (["toy", "toi,lr=1"], "has no recipe 'toi'"),
        (["toy", "toy,lr=1", "lr=2"], "lr is given twice"),
    ],
)
def test_what_is_no_fair_comparison_is_refused(toy: Any, words: list[str], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        made(toy, *words)
