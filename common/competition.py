"""`Competition`, the dataclass of one competition's facts: slug, target, metric, readers, recipes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from common.metrics import Metric, metric_named
from common.recipe import Recipe
from common.recipe_note import Note
from common.targets import OneClass, Target


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A data set that ships with a dependency: no download, scored by the local Kaggle.

    `table` has `id`, the answers and `hidden` (bool: a test row); `images` are the encoded files in
    the table's order.
    """

    table: pd.DataFrame
    images: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class Competition:
    """The facts about one competition.

    Attributes:
        name: its folder under `competitions/`, and the word typed after `kit`.
        slug: its name on Kaggle.
        title: its title on Kaggle.
        target: what a row's answer is; one class unless it says otherwise.
        metric: a name that `common.metrics.metric_named` knows.
        sample: the sample submission's file name; '' if `make_sample` makes it.
        read_train: folder to a table `id, path` and the answers, text (paths may be missing on disk);
            also `group` (rows that folds never split) and `weight` (in scores) where the files have
            them.
        read_test: folder to a table `id, path`; empty without a test set, which is allowed
            only with `make_sample`.
        lay_out: (table, images, folder): write rows as this competition's own files. The table has
            `id`, the answers, `hidden` (bool: a test row, its answers missing), and `group` and
            `weight` as `read_train` gives them; `images` are encoded files in the table's order.
        recipes: recipes by name; the first is the default.
        notes: the lab note of each recipe, by its name.
        embedded: for a data set that needs no download: a function that returns it.
        on_kaggle: the competition is on Kaggle; if not, `--data` names the files.
        packed: the readers take every path from a CSV, so that an archive's images may stay in one
            file (`common.data.archives.pack`); readers that list folders need separate files.
        make_sample: folder to a sample submission, for a data set without one.
        read_answers: folder to a table of `id` and the test answers; None if they are unknown.
        long: for a sample with a row per image and column: the pattern of its ids, as '{id}_{name}'.
        code: a code competition: Kaggle re-runs a submitted notebook on a hidden test set.
        caution: a sentence printed with every score, if scores are optimistic.
    """

    name: str
    slug: str
    title: str
    target: Target = field(default_factory=OneClass)
    metric: str
    sample: str = ""
    read_train: Callable[[Path], pd.DataFrame]
    read_test: Callable[[Path], pd.DataFrame]
    lay_out: Callable[[pd.DataFrame, Sequence[bytes], Path], None]
    recipes: Mapping[str, Recipe]
    notes: Mapping[str, Note] = field(default_factory=dict)
    embedded: Callable[[], Embedded] | None = None
    on_kaggle: bool = True
    packed: bool = False
    make_sample: Callable[[Path], pd.DataFrame] | None = None
    read_answers: Callable[[Path], pd.DataFrame | None] | None = None
    long: str = ""
    code: bool = False
    caution: str = ""

    @property
    def scored_by(self) -> Metric:
        """The `Metric` that `metric` names."""
        return metric_named(self.metric)
