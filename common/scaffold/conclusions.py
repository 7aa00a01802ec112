"""A folder and a user's answers to all that a competition's facts need, with the evidence."""

from collections import Counter
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pandas as pd

from common.data.csv_layout import renamed
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.groups import find_group
from common.scaffold.inventory import Inventory, look
from common.scaffold.kinds import Fit, Kind, fitting, kinds_of
from common.scaffold.samples import Sample, find_sample, guessed, splits
from common.scaffold.training import Given, Training, joinable, with_beside
from common.scaffold.training_search import find_training
from common.submission import Format
from common.targets import Target

DEEPEST_TOP = 2  # folders above a sample submission that a competition's files may lie in


class OpenQuestionError(KitError):
    """What the files do not tell; `result` is what was concluded by then."""

    def __init__(self, sentence: str, result: dict[str, Any]) -> None:
        super().__init__(sentence)
        self.result = result


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the user tells beside the files; '' for nothing."""

    metric: str = ""
    sample: str = ""
    train: str = ""
    id: str = ""
    target: str = ""
    group: str = ""
    images: str = ""
    yes: str = ""


@dataclass(frozen=True)
class Facts:
    """All that the template needs, found in the files."""

    sample: Sample
    training: Training
    kind: Kind
    metric: str
    group: str
    fitted: Target
    form: Format


@dataclass
class Notes:
    """What is said on the way, and the JSON that it makes."""

    evidence: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def add(self, *evidence: str, doubt: str = "", **found: Any) -> None:
        """Note sentences of evidence, what stays open, and conclusions."""
        self.evidence += [each for each in evidence if each]
        self.unknown += [doubt] if doubt else []
        self.found |= found

    def result(self) -> dict[str, Any]:
        """The conclusions as JSON."""
        names = (
            "kind",
            "id_column",
            "target_columns",
            "group_columns",
            "writer",
            "metrics",
            "classes",
        )
        told = {name: self.found.get(name) for name in names}
        return {**told, "evidence": self.evidence, "unknown": self.unknown}


def conclude(folder: Path, answers: Answers) -> tuple[Facts, dict[str, Any]]:
    """A folder with a competition's unpacked files to its facts, and the conclusions as JSON.

    Raises:
        OpenQuestionError: the files leave something open that an option answers: which.
    """
    notes = Notes()
    try:
        return _concluded(folder, answers, notes), notes.result()
    except KitError as error:
        notes.unknown.append(str(error))
        raise OpenQuestionError(str(error), notes.result()) from error


def _concluded(folder: Path, answers: Answers, notes: Notes) -> Facts:
    inventory = _only(look(folder), answers.images)
    notes.add(inventory.said(), *inventory.unread)
    sample = find_sample(inventory, answers.sample)
    top = f"{sample.name.rpartition('/')[0]}/"
    inside = all(each.startswith(top) for each in (*inventory.images, *inventory.tables))
    if inside and top.count("/") <= DEEPEST_TOP:
        answers = replace(answers, images=answers.images.removeprefix(top))
        inventory = _only(look(folder / top), answers.images)
        sample = find_sample(inventory, answers.sample)
        notes.evidence[:] = [f"the files lie in {top}", inventory.said(), *inventory.unread]
    if not inventory.images:
        suffixes = Counter(path.suffix for path in folder.rglob("*") if path.suffix)
        shown = first_of([f"{count:,} {suffix}" for suffix, count in suffixes.most_common()])
        raise KitError(
            f"there is no image in {folder} (files: {shown}): pixels in tables or arrays and DICOM are "
            "not read; download the images, or convert them to PNG"
        )
    rows = counted(len(sample.rows), "row")
    notes.add(f"{sample.name}: {rows}, {sample.id} and {first_of(sample.answers)}", sample.told)
    named = answers.images if "{label}" in answers.images else ""
    training = find_training(
        inventory, sample, Given(answers.train, answers.id, answers.target, named)
    )
    sample = guessed(sample, inventory, training.images)
    notes.add(
        *training.told,
        doubt=sample.doubt,
        id_column=training.long[0] if training.long else training.id,
        target_columns=[*training.answers],
    )
    for doubt in training.doubts:
        notes.add(doubt=doubt)
    fits = _fits(training, sample, answers, notes)
    training, group = _grouped(inventory, sample, training, answers.group, notes)
    metric = _metric(fits, answers.metric, sample, notes)
    kind, target, form = fits[metric]
    notes.add(
        f"kind {kind.target.kind}, for {kind.why}",
        f"a submission's cells are {form.kind}, as {sample.name} and {metric} have them",
        doubt=kind.doubt, kind=target.kind, writer=form.kind, classes=[*target.names],
    )  # fmt: skip
    _doubt_size(sample, training, notes)
    return Facts(sample, training, kind, metric, group, target, form)


def _only(inventory: Inventory, pattern: str) -> Inventory:
    """The inventory with those images alone that the user means."""
    if not pattern or "{" in pattern:
        return inventory
    images = tuple(each for each in inventory.images if fnmatchcase(each, pattern))
    if not images:
        raise KitError(f"--images {pattern}: none of {inventory.said()} is called so")
    return replace(inventory, images=images)


def _grouped(
    inventory: Inventory, sample: Sample, training: Training, given: str, notes: Notes
) -> tuple[Training, str]:
    """The column of groups in the training table, or in another one that has a row for each of its ids."""
    known = (training.id, *training.answers, "path")
    group, why, doubt = find_group(training.rows, known, given)
    if training.name and not (training.beside or group or given):
        for other, joined, shared in joinable(inventory, sample, training.name, training.rows):
            new = joined.columns.difference(training.rows.columns)
            found = find_group(joined[[training.id, *new]], known, "")
            if training.id in shared and found[0]:
                training = with_beside(training, other, joined, shared)
                group, doubt = found[0], ""
                why = f"{other} is joined by {first_of(shared)}: {found[1]}"
                break
    parts = splits(training.rows[training.id].tolist()) if training.name else []
    if not (group or given or doubt) and parts and len(parts[0][2]) < len(parts[0][1]):
        doubt = (
            f"whether images of one beginning belong together: {training.id} is {parts[0][0]} of "
            f"{first_of(parts[0][2])}, and no column names the group"
        )
    notes.add(why, doubt=doubt, group_columns=[group] if group else [])
    return training, group


def _fits(training: Training, sample: Sample, answers: Answers, notes: Notes) -> dict[str, Fit]:
    """The metrics that fit what the answers and the sample are."""
    kinds = kinds_of(training.rows, training.answers, sample, answers.yes)
    tables = [table_of(training, kind) for kind in kinds]
    fits, strange = fitting(kinds, tables, sample, answers.metric)
    if answers.metric in strange or not fits:
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
        reasons = "; ".join(kind.why for kind in kinds) or "no answer is like another"
        raise KitError(
            f"no metric and target of the kit fit {sample.name} ({sample.id}, {first_of(sample.answers)}) "
            f"with the training answers ({reasons}): say which column holds them (--target COLUMN), "
            "or write the folder by hand (`kit new SLUG` without --data)"
        )
    return fits


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


def _metric(fits: dict[str, Fit], given: str, sample: Sample, notes: Notes) -> str:
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


def _doubt_size(sample: Sample, training: Training, notes: Notes) -> None:
    if len(sample.ids) <= 10 and len(training.rows) > 100 * len(sample.ids):
        notes.add(
            doubt=f"whether the test set is hidden: the sample has {counted(len(sample.ids), 'image')} "
            f"for {len(training.rows):,} of training"
        )
