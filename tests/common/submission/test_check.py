"""What the validator says of a submission, on toy samples."""

import numpy as np
import pandas as pd
import pytest
from toy_samples import (
    LABELS,
    PROBABILITIES,
    label_sample,
    labels,
    only_problem,
    probabilities,
    probability_sample,
)

from common import submission
from common.submission import problems_and_remarks


def test_what_the_writers_made_has_no_problem() -> None:
    assert submission.validate(labels(), label_sample(), LABELS) == []
    assert submission.validate(probabilities(), probability_sample(), PROBABILITIES) == []


def test_a_sample_answers_itself() -> None:
    assert submission.validate(label_sample(), label_sample(), LABELS) == []
    assert submission.validate(probability_sample(), probability_sample(), PROBABILITIES) == []


def test_a_misspelt_column_is_named_with_the_one_meant() -> None:
    renamed = probabilities().rename(columns={"frog": "Forg"})
    problems = submission.validate(renamed, probability_sample(), PROBABILITIES)
    assert "the header lacks 'frog'" in problems
    assert any("'Forg' (did you mean 'frog'?)" in problem for problem in problems)


def test_an_index_column_is_named() -> None:
    extra = labels().reset_index(names="Unnamed: 0")
    assert "'Unnamed: 0'" in only_problem(extra, label_sample())


def test_columns_in_another_order_are_named_and_still_read_by_name() -> None:
    swapped = probabilities()[["id", "dog", "cat", "frog"]]
    assert "column 2 is 'dog' and should be 'cat'" in only_problem(swapped, probability_sample())


def test_missing_rows_are_counted_and_named() -> None:
    problems = submission.validate(labels()[1:], label_sample(), LABELS)
    assert problems == ["there are 4 rows, but the sample has 5", "1 id is missing: 007"]


def test_an_id_that_a_reader_took_for_a_number_is_named_with_the_one_meant() -> None:
    sample = pd.DataFrame({"id": ["007", "011"], "label": "cat"})
    answer = pd.DataFrame({"id": [7, 11], "label": "cat"})
    problems = submission.validate(answer, sample, LABELS)
    assert problems[0] == "2 ids are missing: 007, 011"
    assert problems[1].startswith("2 ids are not in the sample: 7 (the sample has 007: read ids as")


def test_a_row_given_twice_is_named() -> None:
    twice = pd.concat([labels(), labels()[2:3]])
    problems = submission.validate(twice, label_sample(), LABELS)
    assert problems[1] == "1 id is there more than once: 7"


def test_rows_in_another_order_are_named() -> None:
    assert "row 1 is 0 and should be 007" in only_problem(labels()[::-1], label_sample())


@pytest.mark.parametrize("empty", ["", None, np.nan])
def test_empty_cells_are_named_by_id(empty: object) -> None:
    answer = labels()
    answer.loc[3, "label"] = empty
    problem = only_problem(answer, label_sample())
    assert problem == "1 row with an empty 'label': images/18353.jpg"
    answer = probabilities().astype(object)
    answer.loc[1, "dog"] = empty
    assert only_problem(answer, probability_sample()) == "1 row with an empty cell: 12e4567"


def test_empty_ids_are_named_by_row() -> None:
    answer = labels()
    answer.loc[2, "id"] = ""
    problems = submission.validate(answer, label_sample(), LABELS)
    assert problems == ["column 'id' is empty in 1 row: row 3", "1 id is missing: 7"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x", "1 row with a cell that is not a number: 007 (column 'dog' holds x)"),
        ("nan", "1 row with a cell that is not a number: 007 (column 'dog' holds nan)"),
        ("-0.5", "1 row with a negative value: 007 (column 'dog' holds -0.5)"),
        ("1.5", "1 row with a value above 1: 007 (column 'dog' holds 1.5)"),
        ("inf", "1 row with a value above 1: 007 (column 'dog' holds inf)"),
    ],
)
def test_a_cell_that_is_no_probability_is_named(value: str, words: str) -> None:
    answer = probability_sample()
    answer.loc[0, "dog"] = value
    assert only_problem(answer, probability_sample()) == words


def test_rows_off_one_by_more_than_a_thousandth_are_named() -> None:
    answer = probability_sample()
    answer.loc[0, "dog"] = "0.3342"
    assert submission.validate(answer, probability_sample(), PROBABILITIES) == []
    answer.loc[1:, "dog"] = "0.336"
    problem = only_problem(answer, probability_sample())
    assert problem.startswith(
        "4 rows with values that do not sum to 1: 12e4567 (it sums to 1.00266)"
    )


def test_an_unknown_label_is_named_with_the_nearest_class() -> None:
    answer = labels().assign(label="Frogg")
    problem = only_problem(answer, label_sample())
    assert problem.startswith(
        "5 rows with a label that no class has: 'Frogg' (did you mean 'frog'?)"
    )


# Files


def test_what_a_site_takes_all_the_same_is_a_remark() -> None:
    turned = probabilities()[::-1][["id", "dog", "cat", "frog"]]
    problems, remarks = problems_and_remarks(turned, probability_sample(), PROBABILITIES)
    assert problems == []
    assert [remark.partition(" are in")[0] for remark in remarks] == ["the columns", "the rows"]
    halved = probabilities().assign(cat=0.0)
    problems, remarks = problems_and_remarks(halved, probability_sample(), PROBABILITIES)
    assert (problems, len(remarks)) == ([], 1)  # Kaggle divides each row by its sum
    nothing = halved.assign(dog=0.0, frog=0.0)
    assert problems_and_remarks(nothing, probability_sample(), PROBABILITIES)[0]
