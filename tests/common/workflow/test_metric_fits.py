"""A metric that does not take the target's answers is refused where the files are read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from toy_competitions import laid_out, toy_competition

from common.errors import KitError
from common.metrics import metric_named
from common.submission import format_of
from common.targets import LabelSet, Numbers, OneClass
from common.workflow.files import read_files

THREE = ("big", "round", "soft")
LABELS = LabelSet(names=THREE, wide=True)
NUMBERS = Numbers(names=("age", "size"))


@pytest.mark.parametrize(
    ("target", "metric", "words"),
    [
        (LABELS, "log_loss", "takes one true class a row, .* name weighted_log_loss"),
        (LABELS, "balanced_log_loss", "name weighted_log_loss"),
        (LABELS, "weighted_log_loss:1,2", "names 2 weights, and there are 3 columns"),
        (LABELS, "auc", "takes one column, and there are 3: mean_column_auc"),
        (OneClass(names=THREE), "balanced_log_loss:1,2", "names 2 weights, .* are 3 classes"),
        (NUMBERS, "mean_column_auc", "takes a truth of 0 and 1"),
        (NUMBERS, "log_loss", "takes a truth of 0 and 1"),
        (NUMBERS, "r2:0.5", "names 1 weights, and there are 2 columns"),
    ],
)
def test_a_metric_that_does_not_take_the_answers_is_refused_before_training(
    target: Any, metric: str, words: str, tmp_path: Path
) -> None:
    columns = () if isinstance(target, OneClass) else target.names
    competition = toy_competition(target, metric, target.names, columns=columns)
    laid_out(competition, tmp_path / "data", count=9, hidden=3)
    with pytest.raises(KitError, match=words):
        read_files(competition, tmp_path / "data")


@pytest.mark.parametrize(
    ("target", "metric", "words"),
    [
        (
            OneClass(),
            "map3",
            "by ' ', where 'new whale' would be read as others: .* .'new_whale' or so",
        ),
        (OneClass(), "top1_error", "where 'new whale' would be read as others"),
        (
            LabelSet(wide=True),
            "f1_micro",
            "'new whale' would be read as others: .* LabelSet.separator=…",
        ),
        (LabelSet(wide=True, separator=", "), "f1_micro", ""),
        (OneClass(), "accuracy", ""),
    ],
)
def test_names_that_one_cell_could_not_tell_apart_are_refused_before_training(
    target: Any, metric: str, words: str
) -> None:
    fitted = replace(target, names=("new whale", "orca"))
    sample = pd.DataFrame({"id": ["1"], "label": ["orca"]})
    if not words:
        assert format_of(fitted, metric_named(metric), sample).names == fitted.names
        return
    with pytest.raises(KitError, match=words):
        format_of(fitted, metric_named(metric), sample)
