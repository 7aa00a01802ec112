"""`Competition`, the dataclass of one competition's facts: slug, metric, readers, writer, recipes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from common.metrics import METRICS, Metric, Probs
from common.recipe import Recipe
from common.recipe_note import Note

Writer = Callable[[pd.DataFrame, Sequence[str], Probs, Sequence[str]], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A data set that ships with a dependency: no download, scored by the local Kaggle.

    `table` has `id, label` and `hidden` (bool: a test row); `images` are the encoded files in the
    table's order.
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
        metric: a name in `common.metrics.METRICS`.
        sample: the sample submission's file name; '' if `make_sample` makes it.
        read_train: folder to a table `id, path, label` (text ids; paths may be missing on disk).
        read_test: folder to a table `id, path`; empty without a test set, which is allowed
            only with `make_sample`.
        writer: (sample, ids, probs, classes) to a submission in the sample's header and order.
        lay_out: (table, images, folder): write rows as this competition's own files. The table has
            `id, label`, with the label missing (NA) for rows of the test set; `images` are encoded
            files in the table's order.
        recipes: recipes by name; the first is the default.
        notes: the lab note of each recipe, by its name.
        embedded: for a data set that needs no download: a function that returns it.
        on_kaggle: the competition is on Kaggle; if not, `--data` names the files.
        packed: the readers take every path from a CSV, so that an archive's images may stay in one
            file (`common.data.archives.pack`); readers that list folders need separate files.
        make_sample: folder to a sample submission, for a data set without one.
        read_answers: folder to the test labels by id; None if they are unknown.
        caution: a sentence printed with every score, if scores are optimistic.
    """

    name: str
    slug: str
    title: str
    metric: str
    sample: str = ""
    read_train: Callable[[Path], pd.DataFrame]
    read_test: Callable[[Path], pd.DataFrame]
    writer: Writer
    lay_out: Callable[[pd.DataFrame, Sequence[bytes], Path], None]
    recipes: Mapping[str, Recipe]
    notes: Mapping[str, Note] = field(default_factory=dict)
    embedded: Callable[[], Embedded] | None = None
    on_kaggle: bool = True
    packed: bool = False
    make_sample: Callable[[Path], pd.DataFrame] | None = None
    read_answers: Callable[[Path], pd.Series | None] | None = None
    caution: str = ""

    @property
    def scored_by(self) -> Metric:
        """The `Metric` that `metric` names."""
        return METRICS[self.metric]
