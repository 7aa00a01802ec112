"""The evidence on answers of every kind, in small: cross-validation tells what hidden rows score."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.answers_of_every_kind import DECIDED, Size, holding, of_groups, of_task
from benchmarks.cifar10_answers import IN_GROUP, open_pool, tasks_of, watermarked
from benchmarks.draw_scores import Scores
from benchmarks.small_draws import BLOCKS, RECIPE, Pool, blocks_of, random_rows
from common.data.pixels.store import Store
from common.data.pixels.store_files import PIXELS, SHAPES
from common.targets import Numbers

SHARED = Path(__file__).parents[2].parent / "shared"
DATA, WEIGHTS = SHARED / "data" / "cifar-10", SHARED / "weights" / "mobilenetv2_100.tf_in1k"
SMALL = Size(images=1600, draws=6, groups=80)

real = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DATA.is_dir() and WEIGHTS.is_dir()), reason="the shared files are not here"
    ),
]
Found = dict[str, list[Scores]]


def mean(found: list[Scores], figure: str) -> float:
    return float(np.mean([getattr(each, figure) for each in found]))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(cache: Path) -> Found:
    pool = open_pool(DATA, WEIGHTS, cache, SMALL.images)
    each = [of_task(pool, task, SMALL) for task in tasks_of(pool).values()]
    return {metric: scores for task in each for metric, scores in task.items()}


@pytest.fixture
def toy(tmp_path: Path) -> Pool:
    """Noise of two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    pixels.tofile(tmp_path / PIXELS)
    np.full((60, 2), 32).tofile(tmp_path / SHAPES)
    ids = [str(number) for number in range(60)]
    table = pd.DataFrame({"id": ids, "label": ["cat", "dog", "bird"] * 20})
    return Pool(table, Store(tmp_path, ids), RECIPE, tmp_path)


class TestOnRealImages:
    pytestmark = real

    def test_the_hidden_score_lies_in_the_interval_of_nearly_every_draw(self, found: Found) -> None:
        inside = {metric: holding(each) for metric, each in found.items()}
        assert min(inside.values()) >= SMALL.draws - 2, inside
        assert sum(inside.values()) >= 0.85 * SMALL.draws * len(inside), inside

    def test_the_heads_have_learned(self, found: Found) -> None:
        score = {metric: mean(each, "hidden") for metric, each in found.items()}
        assert score["auc"] > 0.8
        assert score["mean_column_auc"] > 0.75
        assert score["qwk"] > 0.3
        assert score["mean_column_r2"] > 0.1

    def test_thresholds_and_cut_points_score_more_on_hidden_rows(self, found: Found) -> None:
        decided = {metric: each for metric, each in found.items() if metric in DECIDED}
        for metric in ("f1_macro", "qwk"):
            assert mean(decided[metric], "hidden") > mean(decided[metric], "plain_hidden") + 0.02

    def test_the_honest_figure_is_nearer_to_the_hidden_one_than_the_in_sample_one(
        self, found: Found
    ) -> None:
        for metric, each in found.items():
            if metric in DECIDED:
                hidden = mean(each, "hidden")
                honest, in_sample = mean(each, "honest") - hidden, mean(each, "in_sample") - hidden
                assert abs(honest) < in_sample, metric

    def test_only_folds_of_whole_groups_tell_what_new_groups_score(self, cache: Path) -> None:
        pool = open_pool(DATA, WEIGHTS, cache, SMALL.groups * IN_GROUP, ("cat", "dog"))
        kept, split = of_groups(watermarked(pool, cache / "watermarked"), SMALL).values()
        assert abs(mean(kept, "honest") - mean(kept, "hidden")) < 0.06
        assert mean(split, "honest") - mean(split, "hidden") > 0.1


def test_a_group_is_of_one_class_and_under_one_watermark(toy: Pool, tmp_path: Path) -> None:
    pool = watermarked(toy, tmp_path / "marked")
    of = pool.table.groupby("group")["label"]
    assert (of.nunique() == 1).all()
    assert (of.size() == IN_GROUP).all()
    pixels = pool.store.array().astype(float)
    own = toy.store.array()[pool.table["id"].astype(int)] * 0.6
    marks = (pixels - own)[pool.table["group"] == "cat0"]
    assert np.ptp(marks, axis=0).max() < 1.01  # rounding


def test_every_draw_has_other_rows_and_no_row_on_both_sides() -> None:
    labelled, hidden = random_rows(1000, 0)
    assert not set(labelled) & set(hidden)
    assert len(labelled) == 250
    assert set(labelled) != set(random_rows(1000, 1)[0])


def test_blocks_hold_whole_groups_and_a_like_share_of_every_fold() -> None:
    fold = np.repeat(np.arange(5), 100)
    rows = np.array([str(row) for row in range(500)], dtype=object)
    shares = pd.crosstab(fold, blocks_of(fold, rows))
    assert (shares == 100 // BLOCKS).all(axis=None)
    groups = np.array([str(row // 7) for row in range(500)], dtype=object)
    assert (pd.Series(blocks_of(fold, groups)).groupby(groups).nunique() == 1).all()


def test_a_tasks_answers_are_read_by_its_target_missing_cells_included(toy: Pool) -> None:
    for task in tasks_of(toy).values():
        sample = task.answers[["id", *task.target.answer_columns(task.answers)]]
        y = task.target.fitted(task.answers, sample, "here").read(task.answers)
        assert len(y) == 60
        assert np.isnan(y).any() == isinstance(task.target, Numbers)
