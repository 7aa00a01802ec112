"""The submission contract, on toy samples."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common import submission

CLASSES = ["frog", "cat", "dog"]
IDS = ["007", "12e4567", "7", "images/18353.jpg", "0"]


def label_sample() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "label": "cat"}, dtype=str)


def probability_sample() -> pd.DataFrame:
    frame = pd.DataFrame({"id": IDS}, dtype=str)
    return frame.assign(cat="0.33333", dog="0.33333", frog="0.33333")


def shuffled_probs(seed: int = 0) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = [IDS[place] for place in rng.permutation(len(IDS))]
    return ids, rng.dirichlet(np.ones(3), len(IDS)).astype(np.float32)


def labels() -> pd.DataFrame:
    return submission.label_rows(label_sample(), *shuffled_probs(), CLASSES)


def probabilities() -> pd.DataFrame:
    return submission.probability_rows(probability_sample(), *shuffled_probs(), CLASSES)


def only_problem(answer: pd.DataFrame, sample: pd.DataFrame) -> str:
    problems = submission.validate(answer, sample, CLASSES)
    assert len(problems) == 1, problems
    return problems[0]


# Writers


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_joined_by_id_whatever_the_order_of_the_predictions(seed: int) -> None:
    ids, probs = shuffled_probs(seed)
    answer = submission.label_rows(label_sample(), ids, probs, CLASSES)
    assert list(answer.columns) == ["id", "label"] and list(answer["id"]) == IDS
    for identity, row in zip(ids, probs, strict=True):
        said = answer.loc[answer["id"] == identity, "label"].item()
        assert said == CLASSES[row.argmax()]


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_are_joined_by_id_and_by_class_name(seed: int) -> None:
    ids, probs = shuffled_probs(seed)
    answer = submission.probability_rows(probability_sample(), ids, probs, CLASSES)
    assert list(answer.columns) == ["id", "cat", "dog", "frog"] and list(answer["id"]) == IDS
    for identity, row in zip(ids, probs, strict=True):
        written = answer.loc[answer["id"] == identity, CLASSES].to_numpy(dtype=float)[0]
        np.testing.assert_allclose(written, row / row.sum(), rtol=1e-6)


def test_certain_rows_are_kept_off_zero_and_still_sum_to_one() -> None:
    probs = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    answer = submission.probability_rows(probability_sample(), IDS, probs, CLASSES)
    values = answer[CLASSES].to_numpy()
    assert values.min() > 0 and values.min() == pytest.approx(1e-15)
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-12)


def test_rows_that_do_not_sum_to_one_are_normalised_before_they_are_clipped() -> None:
    probs = np.tile(np.array([3, 1, 0], dtype=np.float32), (5, 1))
    answer = submission.probability_rows(probability_sample(), IDS, probs, CLASSES)
    np.testing.assert_allclose(answer["frog"], 0.75)
    np.testing.assert_allclose(answer["cat"], 0.25)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([*IDS[:4], "8"], "1 ids of the sample have no prediction: 0;"),
        ([*IDS, "8"], "1 predicted ids are not in the sample: 8;"),
        ([*IDS, "007"], "1 ids were predicted twice: 007;"),
    ],
)
def test_writers_refuse_ids_that_are_not_the_samples(ids: list[str], words: str) -> None:
    probs = np.full((len(ids), 3), 1 / 3, dtype=np.float32)
    with pytest.raises(ValueError, match=words):
        submission.label_rows(label_sample(), ids, probs, CLASSES)
    with pytest.raises(ValueError, match=words):
        submission.probability_rows(probability_sample(), ids, probs, CLASSES)


def test_long_lists_of_ids_are_counted_not_printed() -> None:
    sample = pd.DataFrame({"id": [str(row) for row in range(1000)], "label": "cat"})
    with pytest.raises(ValueError, match=r"1,000 ids .*: 0, 1, 2, 3, 4 and 995 more;"):
        submission.label_rows(sample, [], np.empty((0, 3), dtype=np.float32), CLASSES)


@pytest.mark.parametrize("value", [np.nan, -0.1, np.inf])
def test_writers_refuse_rows_that_are_no_distribution(value: float) -> None:
    _, probs = shuffled_probs()
    probs[3, 1] = value
    with pytest.raises(ValueError, match=r"1 rows of probs .*: images/18353\.jpg;"):
        submission.label_rows(label_sample(), IDS, probs, CLASSES)


def test_a_class_missing_from_the_header_is_named() -> None:
    with pytest.raises(ValueError, match="no class is called frog; no column is toad"):
        submission.probability_rows(
            probability_sample(), *shuffled_probs(), classes=["toad", "cat", "dog"]
        )


def test_labels_do_not_fill_a_sample_of_probabilities() -> None:
    with pytest.raises(ValueError, match="the sample has 4 columns"):
        submission.label_rows(probability_sample(), *shuffled_probs(), CLASSES)


# Validation


def test_what_the_writers_made_has_no_problem() -> None:
    assert submission.validate(labels(), label_sample(), CLASSES) == []
    assert submission.validate(probabilities(), probability_sample(), CLASSES) == []


def test_a_sample_answers_itself() -> None:
    assert submission.validate(label_sample(), label_sample(), CLASSES) == []
    assert submission.validate(probability_sample(), probability_sample(), CLASSES) == []


def test_a_misspelt_column_is_named_with_the_one_meant() -> None:
    renamed = probabilities().rename(columns={"frog": "Forg"})
    problems = submission.validate(renamed, probability_sample(), CLASSES)
    assert "the header lacks 'frog'" in problems
    assert any("'Forg' (did you mean 'frog'?)" in problem for problem in problems)


def test_an_index_column_is_named() -> None:
    extra = labels().reset_index(names="Unnamed: 0")
    assert "'Unnamed: 0'" in only_problem(extra, label_sample())


def test_columns_in_another_order_are_named_and_still_read_by_name() -> None:
    swapped = probabilities()[["id", "dog", "cat", "frog"]]
    assert "column 2 is 'dog' and should be 'cat'" in only_problem(swapped, probability_sample())


def test_missing_rows_are_counted_and_named() -> None:
    problems = submission.validate(labels()[1:], label_sample(), CLASSES)
    assert problems == ["there are 4 rows, but the sample has 5", "1 id is missing: 007"]


def test_an_id_that_a_reader_took_for_a_number_is_named_with_the_one_meant() -> None:
    sample = pd.DataFrame({"id": ["007", "011"], "label": "cat"})
    answer = pd.DataFrame({"id": [7, 11], "label": "cat"})
    problems = submission.validate(answer, sample, CLASSES)
    assert problems[0] == "2 ids are missing: 007, 011"
    assert problems[1].startswith("2 ids are not in the sample: 7 (the sample has 007: read ids as")


def test_a_row_given_twice_is_named() -> None:
    twice = pd.concat([labels(), labels()[2:3]])
    problems = submission.validate(twice, label_sample(), CLASSES)
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
    problems = submission.validate(answer, label_sample(), CLASSES)
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
    assert submission.validate(answer, probability_sample(), CLASSES) == []
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


def test_a_written_file_is_read_back_to_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "run" / "submission.csv"
    submission.write(path, labels(), label_sample(), CLASSES)
    assert b"\r" not in path.read_bytes()
    pd.testing.assert_frame_equal(submission.read_csv(path), labels())
    assert [item.name for item in path.parent.iterdir()] == ["submission.csv"]


def test_written_probabilities_sum_to_one_as_text(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    submission.write(path, probabilities(), probability_sample(), CLASSES)
    values = submission.read_csv(path)[CLASSES].astype(float)
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-8)


def test_a_bad_submission_is_not_written_over_a_good_one(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    submission.write(path, labels(), label_sample(), CLASSES)
    before = path.read_bytes()
    bad = labels()[1:].assign(label="toad")
    with pytest.raises(ValueError, match=r"(?s)was not written.*007.*'toad'"):
        submission.write(path, bad, label_sample(), CLASSES)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_ids_and_labels_are_read_as_the_text_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("\ufeffid,label\n007,NA\n12e4567,\n1.0,null\n", encoding="utf-8")
    frame = submission.read_csv(path)
    assert list(frame.columns) == ["id", "label"]
    assert frame.to_numpy().tolist() == [["007", "NA"], ["12e4567", ""], ["1.0", "null"]]


def test_packed_files_are_read(tmp_path: Path) -> None:
    text = b"id,label\n007,cat\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    with zipfile.ZipFile(tmp_path / "b.csv.zip", "w") as archive:
        archive.writestr("b.csv", text)
    for name in ("a.csv.gz", "b.csv.zip"):
        assert submission.read_csv(tmp_path / name).to_numpy().tolist() == [["007", "cat"]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.csv", None, "there is no file"),
        ("empty.csv", b"", "is empty"),
        ("latin.csv", "id,label\n1,Bärtraube\n".encode("latin-1"), "is not UTF-8 text"),
        ("ragged.csv", b"id,label\n1,cat\n2,dog,3\n", "not a readable CSV"),
        ("surplus.csv", b"id,label\n1,cat,\n2,dog,\n", "more values than its header"),
        ("cut.csv.gz", gzip.compress(b"id,label\n" * 99, mtime=0)[:-20], "not a readable CSV"),
        ("no.csv.zip", b"id,label\n", "not a readable CSV"),
    ],
)
def test_a_file_that_is_no_csv_gives_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        submission.read_csv(tmp_path / name)
    assert "\n" not in str(caught.value) and name in str(caught.value)
