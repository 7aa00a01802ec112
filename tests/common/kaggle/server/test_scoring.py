from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.kaggle.server.scoring import scorer
from common.metrics import metric_named
from common.submission import Format

CLASSES = ["ash", "oak", "yew"]
FORM = Format(kind="label", names=tuple(CLASSES))
COLUMNS = Format(kind="probabilities", names=tuple(CLASSES), lowest=0.0, highest=1.0)
IDS = [f"0{number}" for number in range(10)]


def solution() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "label": [CLASSES[number % 3] for number in range(10)]})


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def labels_sample() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "label": "ash"})


def test_accuracy_is_split_into_public_and_private_rows(tmp_path: Path) -> None:
    score = scorer(solution(), labels_sample(), FORM, metric_named("accuracy"), public_share=0.3)
    perfect = write(tmp_path / "perfect.csv", solution())
    assert score(perfect) == (1.0, 1.0)

    one_wrong = solution()
    one_wrong.loc[0, "label"] = "oak"
    public, private = score(write(tmp_path / "wrong.csv", one_wrong))
    assert sorted([(1 - public) * 3, (1 - private) * 7]) == pytest.approx([0, 1])


def test_the_split_follows_ids_and_seed_and_not_the_order_of_the_rows(tmp_path: Path) -> None:
    half_wrong = solution().assign(label="ash")
    path = write(tmp_path / "half.csv", half_wrong)
    sample, metric = labels_sample(), metric_named("accuracy")
    turned = solution().iloc[::-1]
    assert scorer(solution(), sample, FORM, metric)(path) == (
        scorer(turned, sample, FORM, metric)(path)
    )
    scores = {scorer(solution(), sample, FORM, metric, seed=seed)(path) for seed in range(20)}
    assert len(scores) > 1


def test_rows_that_only_the_sample_lists_are_not_scored(tmp_path: Path) -> None:
    few = solution().iloc[:4]
    score = scorer(few, labels_sample(), FORM, metric_named("accuracy"))
    right_where_scored = solution()
    right_where_scored.loc[4:, "label"] = "yew"
    assert score(write(tmp_path / "s.csv", right_where_scored)) == (1.0, 1.0)


def test_log_loss_finds_each_classes_column_by_its_name(tmp_path: Path) -> None:
    columns = ["id", "yew", "ash", "oak"]  # not the order of the classes
    rows = solution()
    frame = pd.DataFrame(
        {"id": IDS} | {name: np.where(rows["label"] == name, 0.8, 0.1) for name in CLASSES}
    )[columns]
    sample = pd.DataFrame({"id": IDS, "yew": "0.4", "ash": "0.3", "oak": "0.3"})
    score = scorer(rows, sample, COLUMNS, metric_named("log_loss"))
    public, private = score(write(tmp_path / "s.csv", frame))
    assert (public, private) == pytest.approx((-np.log(0.8), -np.log(0.8)), rel=1e-5)


def test_rows_and_columns_in_another_order_score_the_same(tmp_path: Path) -> None:
    score = scorer(solution(), labels_sample(), FORM, metric_named("accuracy"))
    answer = solution()
    answer.loc[:3, "label"] = "yew"
    turned = answer.iloc[::-1][["label", "id"]]
    assert score(write(tmp_path / "t.csv", turned)) == score(write(tmp_path / "s.csv", answer))


def test_a_bad_file_is_refused_in_sentences(tmp_path: Path) -> None:
    score = scorer(solution(), labels_sample(), FORM, metric_named("accuracy"))
    with pytest.raises(ValueError, match="09"):
        score(write(tmp_path / "short.csv", solution().iloc[:9]))
    with pytest.raises(ValueError, match="elm"):
        score(write(tmp_path / "unknown.csv", solution().replace("oak", "elm")))


def test_a_solution_with_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="elm"):
        scorer(solution().replace("oak", "elm"), labels_sample(), FORM, metric_named("accuracy"))


def test_a_long_file_is_scored_by_column_and_its_images_stay_whole(tmp_path: Path) -> None:
    rng, images = np.random.default_rng(0), [f"x_{number}" for number in range(10)]
    truth, told = rng.normal(size=(2, 10, 2)) * [1, 9]
    ids = [f"{image}_{name}" for image in images for name in ("a", "b")]
    tables = [pd.DataFrame({"id": ids, "y": side.ravel()}).astype(str) for side in (truth, told)]
    form = Format(kind="columns", names=("a", "b"), long="{id}_{name}")
    score = scorer(tables[0], tables[0], form, metric_named("r2:9,1"), public_share=0.5)
    public, private = score(write(tmp_path / "told.csv", tables[1].sample(frac=1, random_state=0)))
    assert np.isfinite([public, private]).all()
    one = scorer(tables[0], tables[0], form, metric_named("mean_column_rmse"), public_share=0.5)
    public, private = one(tmp_path / "told.csv")
    squares = (truth - told) ** 2
    pairs = combinations(range(10), 5)
    halves = (np.sqrt(squares[list(rows)].mean(axis=0)).mean() for rows in pairs)
    assert any(half == pytest.approx(public, rel=1e-12) for half in halves)
