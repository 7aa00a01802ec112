"""Targets of each kind: what files say becomes answers, or a sentence says why it does not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.errors import KitError
from common.metrics import metric_named
from common.submission import format_of
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo, from_facts

SAMPLE = pd.DataFrame({"id": ["x"], "answer": ["0"]})
WIDE = pd.DataFrame({"id": ["x"], "b": ["0"], "a": ["0"]})


def table(**columns: list[str]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"id": [f"r{n}" for n in range(count)], "path": "", **columns})


def fitted(target: Target, rows: pd.DataFrame, sample: pd.DataFrame = SAMPLE) -> tuple[Any, Any]:
    found = target.fitted(rows, sample, "sample.csv")
    return found, found.read(rows)


def test_classes_are_indices_in_the_order_of_the_names() -> None:
    target, y = fitted(OneClass(), table(label=["cat", "ant", "cat"]))
    assert target.names == ("ant", "cat")
    assert y.tolist() == [1, 0, 1]


def test_the_unknown_class_is_one_even_where_no_row_has_it() -> None:
    target, _ = fitted(OneClass(unknown="new"), table(label=["a", "z"]))
    assert target.names == ("a", "new", "z")


def test_an_unknown_class_that_no_row_has_is_said_to_be_answered_nowhere() -> None:
    rows = table(label=["a", "z"])
    (said,) = OneClass(unknown="new").fitted(rows, SAMPLE, "sample.csv").remarks(rows, SAMPLE)
    assert said.startswith("no training label is 'new'") and "no row is answered so" in said
    rows = table(label=["a", "z", "new"])
    assert not OneClass(unknown="new").fitted(rows, SAMPLE, "sample.csv").remarks(rows, SAMPLE)


def test_yes_is_one_whatever_word_it_goes_by() -> None:
    assert fitted(YesNo(), table(label=["1", "0.0", "Yes", "false"]))[1].ravel().tolist() == [
        1,
        0,
        1,
        0,
    ]
    assert fitted(YesNo(yes="dog"), table(label=["dog", "cat"]))[1].ravel().tolist() == [1, 0]


def test_an_empty_set_of_labels_is_an_answer() -> None:
    target, y = fitted(LabelSet(), table(label=["b a", "", "a"]))
    assert target.names == ("a", "b")
    assert y.tolist() == [[1, 1], [0, 0], [1, 0]]
    assert target.told(y[1]) == "none"


def test_labels_in_columns_stand_in_the_order_of_the_sample() -> None:
    target, y = fitted(LabelSet(), table(a=["1", "0"], b=["0", "1.0"]), WIDE)
    assert target.names == ("b", "a")
    assert y.tolist() == [[0, 1], [1, 0]]
    assert target.texts(table(a=["1", "0"], b=["0", "1"])) == ["a", "b"]


def test_grades_count_from_the_lowest_one() -> None:
    target, y = fitted(Grades(), table(label=["2", "4", "3.0"]))
    assert target.names == ("2", "3", "4")
    assert y.tolist() == [0, 2, 1]
    assert target.outputs == (">2", ">3")
    assert target.soft(y).tolist() == [[0, 0], [1, 1], [1, 0]]


def test_a_missing_number_is_nan_and_counts_in_no_loss() -> None:
    target, y = fitted(Numbers(), table(b=["1", ""], a=["2", "4"]), WIDE)
    assert target.names == ("b", "a")
    assert np.isnan(y[1, 0]) and y[1, 1] == 4
    exact = np.where(np.isnan(y), 7, y).astype(np.float32)
    assert target.row_losses(exact, y).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("target", "rows", "words"),
    [
        (YesNo(), {"label": ["1", "maybe"]}, "1 label neither 0 nor 1 .r1: 'maybe'"),
        (YesNo(), {"label": ["1", "1"]}, "nothing to learn"),
        (YesNo(yes="a"), {"label": ["a", "b", "c"]}, "has two"),
        (LabelSet(names=("a",)), {"label": ["a b"]}, "the training labels b are none of a"),
        (LabelSet(), {"label": ["", ""]}, "no training row has a label"),
        (
            LabelSet(),
            {"a": ["1", "2"], "b": ["0", "0"]},
            "'a' has 1 value neither 0 nor 1 .r1: '2'",
        ),
        (LabelSet(), {"a": ["1"]}, "lacks b"),
        (Grades(), {"label": ["1", "1.5"]}, "not a whole grade .r1: '1.5'"),
        (Grades(lowest=0, highest=4), {"label": ["1", "5"]}, "outside the grades 0 to 4 .r1: '5'"),
        (Grades(), {"label": ["", "1"]}, "not a whole grade"),
        (Numbers(), {"a": ["1", "x"], "b": ["1", "2"]}, "'a' has 1 value not a number .r1: 'x'"),
        (Numbers(), {"a": ["1", "inf"], "b": ["1", "2"]}, "'a' has 1 value not a number"),
        (Numbers(), {"a": ["", ""], "b": ["1", "2"]}, "column a has no number"),
        (
            Numbers(low=1, high=3),
            {"a": ["1", "2"], "b": ["1", "4"]},
            "'b' has 1 value outside 1 to 3",
        ),
    ],
)
def test_what_is_no_answer_of_the_kind_is_named(
    target: Target, rows: dict[str, list[str]], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        target.fitted(table(**rows), WIDE if "a" in rows else SAMPLE, "sample.csv")


KINDS: list[tuple[Target, dict[str, list[str]]]] = [
    (OneClass(), {"label": ["a", "b", "c"] * 20}),
    (YesNo(), {"label": ["0", "1", "1"] * 20}),
    (LabelSet(), {"label": ["a", "", "a b"] * 20}),
    (Grades(), {"label": ["0", "2", "1"] * 20}),
    (Numbers(), {"a": ["1", "2", ""] * 20, "b": ["0.5", "7", "1"] * 20}),
]


@pytest.mark.parametrize(("target", "rows"), KINDS, ids=lambda each: getattr(each, "kind", ""))
def test_a_target_comes_back_from_its_facts(target: Target, rows: dict[str, list[str]]) -> None:
    found, _ = fitted(target, table(**rows), WIDE if "a" in rows else SAMPLE)
    assert from_facts(found.facts()) == found


@pytest.mark.parametrize(("target", "rows"), KINDS, ids=lambda each: getattr(each, "kind", ""))
def test_the_truth_said_outright_is_the_answer_in_every_form(
    target: Target, rows: dict[str, list[str]]
) -> None:
    found, y = fitted(target, table(**rows), WIDE if "a" in rows else SAMPLE)
    y = np.nan_to_num(y)
    probs = (np.eye(len(found.names))[y] if y.ndim == 1 else y).astype(np.float32)
    for form in found.forms:
        answers = found.answers(probs, form)
        truth = found.truth(y, form)
        best = answers[:, 0] if form == "ranked" else answers
        assert np.allclose(best.astype(float), truth.astype(float), atol=1e-6), form
    assert found.row_losses(probs, y).max() < 1e-5


def test_a_row_that_keeps_columns_from_being_one_hot_is_named() -> None:
    rows = table(a=["1", "0"] * 30, b=["0", "1"] * 30)
    rows.loc[7, ["a", "b"]] = "1"
    (said,) = fitted(LabelSet(), rows, WIDE)[0].remarks(rows, WIDE)
    assert "1 in each row, but in r7: 2 of them" in said and "OneClass" in said
    rows.loc[:9, ["a", "b"]] = "0"
    assert fitted(LabelSet(), rows, WIDE)[0].remarks(rows, WIDE) == []


def test_the_rarest_label_decides_the_stratum() -> None:
    target, y = fitted(LabelSet(), table(label=["a", "a b", "a", ""]))
    strata = target.strata(y)
    assert strata[1] > strata[0] > strata[3] == 0


def test_space_around_a_number_or_a_label_is_no_part_of_it() -> None:
    rows = table(answer=[" 3 ", "\xa020", "4\t", ""])
    assert fitted(Numbers(), rows)[1][:, 0].tolist()[:3] == [3, 20, 4]
    target, y = fitted(
        LabelSet(separator=","), table(label=["rust, scab", "scab ,rust", "\xa0rust"])
    )
    assert target.names == ("rust", "scab") and y.tolist() == [[1, 1], [1, 1], [1, 0]]
    assert fitted(LabelSet(), table(label=["a  b", "b\xa0a "]))[1].tolist() == [[1, 1], [1, 1]]


def test_labels_that_may_be_one_and_classes_without_an_image_are_told() -> None:
    target, _ = fitted(LabelSet(), table(label=["Rust scab", "rust"]))
    assert "'Rust' and 'rust' differ in case" in target.remarks(table(label=["Rust"]), SAMPLE)[0]
    rows, sample = (
        table(label=["cat", "dog"] * 2),
        pd.DataFrame(columns=["id", "ant", "cat", "dog"]),
    )
    target, y = fitted(OneClass(), rows, sample)
    assert "no training label is ant" in target.remarks(rows, sample)[0]
    assert target.summary(y) == "2 classes of 2 images, 1 without"


@pytest.mark.parametrize(
    ("separator", "cells", "names"),
    [
        (" and ", ["sand and grass", "grass"], ("grass", "sand")),
        ("\t", ["new whale\tgrass", "grass"], ("grass", "new whale")),
        (", ", ["a b,c", "c , d"], ("a b", "c", "d")),
    ],
)
def test_labels_are_split_at_the_mark_and_nowhere_else(
    separator: str, cells: list[str], names: tuple[str, ...]
) -> None:
    target, _ = fitted(LabelSet(separator=separator), table(label=cells))
    assert target.names == names
    assert format_of(target, metric_named("f1_macro"), SAMPLE).separator == separator
