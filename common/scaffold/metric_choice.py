"""The metrics that fit training answers and a sample, and the one that is meant."""

from dataclasses import replace

import pandas as pd

from common.data.csv_layout import renamed
from common.errors import KitError
from common.inference.evaluator import Evaluator
from common.metrics import NAMES, Metric, metric_named
from common.metrics.regression import REGRESSION
from common.progress import counted, first_of
from common.scaffold.kinds import FLAGS, HEAD, Kind, kinds_of
from common.scaffold.metric_refusal import why_not
from common.scaffold.no_labels import no_shapes
from common.scaffold.notes import Notes
from common.scaffold.samples import Sample
from common.scaffold.training import Training
from common.scaffold.values import is_geometry, no_numbers
from common.submission import Format, format_of, problems_and_remarks
from common.targets import Grades, LabelSet, Numbers, Target, Targets

Fit = tuple[Kind, Target, Format]
OF_NUMBERS = (*(metric.name for metric in REGRESSION), "r2")


def fits_of(
    training: Training, sample: Sample, metric: str, yes: str, notes: Notes
) -> dict[str, Fit]:
    """The metrics that fit what the answers and the sample are."""
    for name in training.answers:
        if is_geometry(training.rows[name]):
            raise KitError(no_shapes(training.rows[name], training.name))
    kinds = kinds_of(training.rows, training.answers, sample, yes)
    tables = [table_of(training, kind) for kind in kinds]
    fits, strange = _fitting(kinds, tables, sample, metric)
    if metric not in fits | strange and _of_numbers(metric):
        _check_numbers(training, metric)
    for kind, table in zip(kinds, tables, strict=True):
        if isinstance(kind.target, LabelSet) and kind.target.wide:
            for doubt in kind.target.remarks(table, sample.rows):
                notes.add(doubt=doubt)
    if metric and metric not in fits | strange:
        notes.found["why"] = why_not(kinds, tables, sample, metric_named(metric))
    if metric in strange or not fits:
        cells = first_of([*map(repr, sample.rows[sample.answers[0]].unique())], 3)
        doubt = (
            f"what the cells of {sample.name} ({cells}) stand for: they are none of these answers"
        )
        notes.add(doubt=doubt if strange else "")
        fits, strange = fits | strange, {}
    only = {kind.target.kind for kind, _, _ in fits.values()}
    notes.add(metrics=[*fits], kind=only.pop() if len(only) == 1 else None)
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


def _check_numbers(training: Training, metric: str) -> None:
    """Check that answers of which most begin as numbers do are numbers, as a metric takes them."""
    for name in training.answers:
        wrong = no_numbers(training.rows[name])
        if len(wrong) and training.rows[name].str.match(r"[-+]?\d").mean() > 0.5:
            rows = training.rows[training.id][wrong.index]
            shown = [f"{cell!r} of {row}" for cell, row in zip(wrong, rows, strict=True)]
            raise KitError(
                f"--metric {metric} is of numbers, and {name} of {training.name or 'the images'} has "
                f"{counted(len(wrong), 'cell')} that {'is' if len(wrong) == 1 else 'are'} none ({first_of(shown, 2)}): "
                "write them as 1234.5 in a table of your own, and name that (--train FILE)"
            )


def _of_numbers(metric: str) -> bool:
    return metric.partition(":")[0] in OF_NUMBERS


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
        if cells.is_unique:
            raise KitError(
                f"{name} of {training.name or 'the images'} has another value in each of {counted(len(cells), 'row')} "
                f"({first_of(cells.tolist(), 2)}): classes occur in several rows; name the column of the answers "
                "(--target COLUMN)"
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
        why = notes.found["why"]
        these = f": {why}; these do: " if why else ", as these do: "
        raise KitError(f"--metric {given} does not fit the sample{these}{told}")
    if len(fits) == 1 and not others:
        return next(iter(fits))
    raise KitError(
        f"the files do not tell the metric: name it (--metric NAME); the sample fits {told}"
    )


def _fitting(
    kinds: list[Kind], tables: list[pd.DataFrame], sample: Sample, more: str = ""
) -> tuple[dict[str, Fit], dict[str, Fit]]:
    """Every metric with what it makes of the answers and the sample.

    Args:
        tables: the training table as the competition would read it, of each kind.
        more: a metric to be tried beside those that have a name without parameters.

    Returns:
        Those under which the sample is itself a submission, and those under which its cells are none:
        they may be placeholders.
    """
    head, long = (
        sample.rows.drop_duplicates(sample.id).head(HEAD),
        sample.parts[0] if sample.parts else "",
    )
    fitted = [
        (kind, target, target.read(table.head(1000)))
        for kind, table in zip(kinds, tables, strict=True)
        if (target := _fitted(kind, table, sample))
    ]
    found: dict[str, Fit] = {}
    strange: dict[str, Fit] = {}
    plain = [name for name in NAMES if not name.startswith("f2_")]  # f1_… stands for any beta
    for metric in map(metric_named, dict.fromkeys([*plain, *([more] if more else [])])):
        fits = [
            (kind, target, form)
            for kind, target, y in sorted(fitted, key=lambda each: _is_far(each[0], metric))
            if (form := _format(target, metric, sample.rows, long, y))
        ]
        for kind, target, form in fits:
            known = (
                replace(kind, doubt=_one_or_several(kind))
                if len(fits) > 1 and kind.either
                else kind
            )
            wrong = problems_and_remarks(head, head, form)[0]
            (strange if wrong else found).setdefault(metric.name, (known, target, form))
    return found, {name: fit for name, fit in strange.items() if name not in found}


def _one_or_several(kind: Kind) -> str:
    read, other = "one label", "LabelSet(separator=…) in the folder reads a list"
    if isinstance(kind.target, LabelSet):
        read, other = "a list", "OneClass() in the folder reads one label"
    return f"whether {kind.either!r} is one label or a list: it is read as {read} (target={other})"


def _is_far(kind: Kind, metric: Metric) -> bool:
    """Is a kind not the first choice for a metric? Grades are, where their distance counts.

    Lists are where F is of each row's labels.
    """
    of_lists = metric.name.endswith("_rows") and not isinstance(kind.target, LabelSet)
    return of_lists or isinstance(kind.target, Grades) != metric.grades


def _fitted(kind: Kind, table: pd.DataFrame, sample: Sample) -> Target | None:
    try:
        return kind.target.fitted(table, sample.rows, sample.name)
    except KitError:
        return None


def _format(
    target: Target, metric: Metric, sample: pd.DataFrame, long: str, y: Targets
) -> Format | None:
    """The format of a target's submissions; None where a metric says nothing of such answers, `y`."""
    of_numbers = _of_numbers(metric.name)
    graded = isinstance(target, Grades) and (of_numbers or metric.form == "index")
    if metric.grades and not graded:
        return None
    if not graded and (isinstance(target, Grades) or of_numbers != isinstance(target, Numbers)):
        return None
    try:
        Evaluator(target, metric)
        form = format_of(target, metric, sample, long=long)
        metric.check(target.truth(y, metric.form))
    except KitError:
        return None
    scores = form.kind == "probabilities" or (
        form.kind == "flags" and not sample.head(HEAD).iloc[:, 1:].isin(FLAGS).all(axis=None)
    )
    of_scores = metric.form == "columns"
    return None if (scores and not of_scores) or (form.kind == "label" and of_scores) else form
