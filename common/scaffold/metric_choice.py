"""The metrics that fit training answers and a sample, and the one that is meant."""

import pandas as pd

from common.data.csv_layout import renamed
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.kinds import Fit, Kind, fitting, kinds_of
from common.scaffold.notes import Notes
from common.scaffold.samples import Sample
from common.scaffold.training import Training


def fits_of(
    training: Training, sample: Sample, metric: str, yes: str, notes: Notes
) -> dict[str, Fit]:
    """The metrics that fit what the answers and the sample are."""
    kinds = kinds_of(training.rows, training.answers, sample, yes)
    tables = [table_of(training, kind) for kind in kinds]
    fits, strange = fitting(kinds, tables, sample, metric)
    if metric in strange or not fits:
        cells = first_of([*map(repr, sample.rows[sample.answers[0]].unique())], 3)
        doubt = (
            f"what the cells of {sample.name} ({cells}) stand for: they are none of these answers"
        )
        notes.add(doubt=doubt if strange else "")
        fits, strange = fits | strange, {}
    only = {id(fit[0]): fit[0].target.kind for fit in fits.values()}
    notes.add(metrics=[*fits], kind=next(iter(only.values())) if len(only) == 1 else None)
    notes.found["others"] = [*strange]
    if not fits:
        _check_answers(training)
        known = {training.id, "path", *training.answers}
        others = [name for name in training.rows.columns if name not in known]
        other = f"name another column ({first_of(others)}: --target COLUMN), or " if others else ""
        reasons = "; ".join(kind.why for kind in kinds) or "no answer is like another"
        raise KitError(
            f"no metric and target of the kit fit {sample.name} ({sample.id}, {first_of(sample.answers)}) "
            f"with the training answers ({reasons}): {other}write the folder by hand (`kit new SLUG` "
            "without --data)"
        )
    return fits


def _check_answers(training: Training) -> None:
    """Check that answers are there, and not all the same."""
    for name in training.answers:
        cells = training.rows[name]
        if empty := int((cells == "").sum()):
            raise KitError(
                f"{name} of {training.name} is empty in {empty:,} of {counted(len(cells), 'row')}: fill "
                "them in or drop the rows, in a table of your own, and name that (--train FILE)"
            )
        if cells.nunique() == 1:
            raise KitError(
                f"each row of {training.name or 'the images'} has the answer {cells.iloc[0]!r}, "
                "from which nothing is learnt: is the training table whole?"
            )


def table_of(training: Training, kind: Kind) -> pd.DataFrame:
    """The training table as the competition's reader will give it to a target of this kind."""
    rows = renamed(training.rows, {training.id: "id"})
    if kind.one_hot:
        names = list(training.answers)
        return rows[["id"]].assign(label=rows[names].isin(["1", "1.0"]).idxmax(axis=1))
    if has_label(kind):
        return rows[["id"]].assign(label=rows[training.answers[0]])
    return rows[["id", *training.answers]]


def has_label(kind: Kind) -> bool:
    """Is the answer one column, `label`, of the competition's table?"""
    return kind.target.columns == ("label",)


def metric_of(fits: dict[str, Fit], given: str, sample: Sample, notes: Notes) -> str:
    """The metric that is `given`, or the only one that fits."""
    if given in fits:
        return given
    told, others = ", ".join(fits), ", ".join(notes.found["others"])
    if others:
        told += f"; and {others}, should the cells of {sample.name} be no answers"
    if given:
        raise KitError(f"--metric {given} does not fit the sample, as these do: {told}")
    if len(fits) == 1 and not others:
        return next(iter(fits))
    raise KitError(
        f"the files do not tell the metric: name it (--metric NAME); the sample fits {told}"
    )
