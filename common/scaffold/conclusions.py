"""A folder and a user's answers to all that a competition's facts need, with the evidence."""

from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.group_search import grouped
from common.scaffold.inventory import Inventory, look
from common.scaffold.joins import check_pattern
from common.scaffold.kinds import Kind
from common.scaffold.metric_choice import fits_of, metric_of
from common.scaffold.notes import Notes, OpenQuestionError
from common.scaffold.samples import Sample, find_sample, guessed
from common.scaffold.several_images import check_sample
from common.scaffold.training import Given, Training
from common.scaffold.training_search import find_training
from common.submission import Format
from common.targets import Target

DEEPEST_TOP = 2  # folders above a sample submission that a competition's files may lie in


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
    if not sample.images:
        check_sample(inventory, sample)
    sample = guessed(sample, inventory, training.images)
    for pattern in (sample.images, training.images):
        check_pattern(pattern)
    notes.add(
        *training.told,
        doubt=sample.doubt,
        id_column=training.long[0] if training.long else training.id,
        target_columns=[*training.answers],
    )
    for doubt in training.doubts:
        notes.add(doubt=doubt)
    fits = fits_of(training, sample, answers.metric, answers.yes, notes)
    training, group = grouped(inventory, sample, training, answers.group, notes)
    metric = metric_of(fits, answers.metric, sample, notes)
    kind, target, form = fits[metric]
    if answers.yes and getattr(target, "yes", "") != answers.yes:
        raise KitError(f"--yes {answers.yes}: it is none of two labels ({kind.why}): leave it out")
    notes.add(
        f"kind {kind.target.kind}, for {kind.why}",
        f"a submission's cells are {form.kind}, as {sample.name} and {metric} have them",
        doubt=kind.doubt, kind=target.kind, writer=form.kind, classes=[*target.names],
    )  # fmt: skip
    _doubt_size(sample, training, notes)
    notes.add(*_left_out(inventory, sample, training))
    return Facts(sample, training, kind, metric, group, target, form)


def _only(inventory: Inventory, pattern: str) -> Inventory:
    """The inventory with those images alone that the user means."""
    if not pattern or "{" in pattern:
        return inventory
    images = tuple(each for each in inventory.images if fnmatchcase(each, pattern))
    if not images:
        raise KitError(f"--images {pattern}: none of {inventory.said()} is called so")
    return replace(inventory, images=images)


def _doubt_size(sample: Sample, training: Training, notes: Notes) -> None:
    if len(sample.ids) <= 10 and len(training.rows) > 100 * len(sample.ids):
        notes.add(
            doubt=f"whether the test set is hidden: the sample has {counted(len(sample.ids), 'image')} "
            f"for {len(training.rows):,} of training"
        )


def _left_out(inventory: Inventory, sample: Sample, training: Training) -> list[str]:
    """Sentences on the images and tables of which nothing is used."""
    used = training.found | sample.found
    images = [each for each in inventory.images if each not in used]
    known = (sample.name, training.name, training.beside, (sample.beside or ("",))[0])
    tables = [each for each in inventory.tables if each not in known]
    told = [f"left out: {counted(len(images), 'image')} ({first_of(images, 2)}), of no row"]
    return (told if images else []) + (
        [f"left out: the tables {first_of(tables)}"] if tables else []
    )
