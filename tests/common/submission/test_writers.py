"""The submission contract, on toy samples."""

import gzip
import resource
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_samples import (
    CLASSES,
    IDS,
    LABELS,
    PROBABILITIES,
    label_sample,
    labels,
    probabilities,
    probability_sample,
    shuffled_probs,
)

from common import submission

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
    with pytest.raises(ValueError, match=r"1 row of probs .*: images/18353\.jpg;"):
        submission.label_rows(label_sample(), IDS, probs, CLASSES)


def test_a_class_missing_from_the_header_is_named() -> None:
    with pytest.raises(ValueError, match="none is called frog; no column is toad"):
        submission.probability_rows(
            probability_sample(), *shuffled_probs(), classes=["toad", "cat", "dog"]
        )


def test_labels_do_not_fill_a_sample_of_probabilities() -> None:
    with pytest.raises(ValueError, match="the sample has 4 columns"):
        submission.label_rows(probability_sample(), *shuffled_probs(), CLASSES)


# Validation


def test_a_written_file_is_read_back_to_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "run" / "submission.csv"
    submission.write(path, labels(), label_sample(), LABELS)
    assert b"\r" not in path.read_bytes()
    pd.testing.assert_frame_equal(submission.read_csv(path), labels())
    assert [item.name for item in path.parent.iterdir()] == ["submission.csv"]


@pytest.mark.parametrize("strange", ["plain", "a,b", 'q"x', "é"])
def test_floats_are_written_as_pandas_writes_them(tmp_path: Path, strange: str) -> None:
    numbers = np.random.default_rng(0).normal(size=(50, 4)) ** 9
    numbers[0] = 0, 1, -1e-15, 1e300
    frame = pd.DataFrame(numbers, columns=["a", "b,c", 'd"', "é"])
    frame.insert(0, "id", pd.Series([f"{n:03}" for n in range(49)] + [strange], dtype=str))
    numeric = submission.Format(kind="columns", names=tuple(frame.columns[1:]))
    submission.write(tmp_path / "rows.csv", frame, frame.astype(str), numeric)
    frame.to_csv(tmp_path / "pandas.csv", index=False, lineterminator="\n", float_format="%.9g")
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "pandas.csv").read_bytes()


def test_a_file_that_cannot_be_written_to_its_end_leaves_the_one_before(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [f"{n:05}" for n in range(2000)], "a": np.linspace(0, 1, 2000)})
    numeric = submission.Format(kind="columns", names=("a",))
    (tmp_path / "rows.csv").write_text("the one before", encoding="utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # as on a full disk
    try:
        with pytest.raises(OSError, match="File too large"):
            submission.write(tmp_path / "rows.csv", frame, frame.astype(str), numeric)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8") == "the one before"


def test_written_probabilities_sum_to_one_as_text(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    submission.write(path, probabilities(), probability_sample(), PROBABILITIES)
    values = submission.read_csv(path)[CLASSES].astype(float)
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-8)


def test_a_bad_submission_is_not_written_over_a_good_one(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    submission.write(path, labels(), label_sample(), LABELS)
    before = path.read_bytes()
    bad = labels()[1:].assign(label="toad")
    with pytest.raises(ValueError, match=r"(?s)was not written.*007.*'toad'"):
        submission.write(path, bad, label_sample(), LABELS)
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
