"""The table of the GPU tests holds every pair that may occur together, and nothing that is refused."""

from itertools import combinations, product

import pytest
from toy_gpu_cases import CASES, COMPILED_WITH, FACTORS, REFUSED, Case

from common.recipe import Recipe

LITERALS = {name: [f"{name}={value}" for value in values] for name, values in FACTORS.items()}


def pairs_of(case: Case) -> set[tuple[str, str]]:
    words = [f"{name}={value}" for name, value in zip(FACTORS, case.values, strict=True)]
    return set(combinations(words, 2))


def allowed() -> set[tuple[str, str]]:
    """All pairs of values of two factors, less those refused and those that need not be compiled."""
    known = {word for words in LITERALS.values() for word in words}
    assert {word for pair in REFUSED for word in pair} <= known
    found = set()
    for one, other in combinations(FACTORS, 2):
        for pair in product(LITERALS[one], LITERALS[other]):
            spared = "compile=compiled" in pair and not {one, other} & {*COMPILED_WITH}
            if not spared and pair not in REFUSED and pair[::-1] not in REFUSED:
                found.add(pair)
    return found


def test_every_pair_of_values_that_may_occur_together_stands_in_a_case() -> None:
    seen = {pair for case in CASES for pair in pairs_of(case)}
    assert allowed() - seen == set()


def test_no_case_holds_a_pair_that_is_refused() -> None:
    refused = {*REFUSED, *(pair[::-1] for pair in REFUSED)}
    assert [str(case) for case in CASES if pairs_of(case) & refused] == []


def test_there_are_at_most_forty_cases_and_four_of_them_compile() -> None:
    assert len(CASES) <= 40
    assert sum(case["compile"] == "compiled" for case in CASES) <= 4
    assert len({case.values for case in CASES}) == len(CASES)


def test_every_form_of_a_value_is_in_a_case() -> None:
    assert {case["network"] for case in CASES} == {
        "kit_resnet9_16", "kit_resnet9_32", "kit_fastnet_16", "kit_fastnet_128", "test_resnet", "test_vit",
    }  # fmt: skip
    assert {case["augment"] for case in CASES} >= {"small-mirror", "photo", "photo-crop"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_a_recipe(case: Case) -> None:
    recipe = Recipe(**case.fields("cuda"))
    assert recipe.precision == case["precision"]
