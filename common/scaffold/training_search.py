"""Find the training rows: in a table, in two that share a column, in folders or in the images' names."""

from collections.abc import Callable

import pandas as pd

from common.data.long_ids import long_rows_of
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.answers import DOUBTFUL, answers_in
from common.scaffold.inventory import Inventory
from common.scaffold.joins import Images, Join
from common.scaffold.label_names import in_paths
from common.scaffold.no_labels import why_no_labels
from common.scaffold.samples import Sample, is_named
from common.scaffold.several_images import check_training
from common.scaffold.table_rows import maker, of_sample
from common.scaffold.training import Given, Training, joinable, with_beside


def find_training(inventory: Inventory, sample: Sample, given: Given) -> Training:
    """A folder to its training rows.

    Raises:
        KitError: there are none, or several may be meant: which, and the flag that says so.
    """
    _check_given(inventory, sample, given)
    if given.images:
        return _from_paths(inventory, sample, given)
    images = Images(inventory, test=False)
    found: list[tuple[float, Training]] = []
    questions: list[KitError] = []
    for name in inventory.tables:
        if name != sample.name and (not given.train or is_named(name, given.train)):
            try:
                found += _in_table(inventory, name, sample, given, images)
            except KitError as error:  # it matters where no other table is sure
                questions.append(error)
    rank = min((rank for rank, _ in found), default=DOUBTFUL)
    if questions and rank > 0:
        raise questions[0]
    if rank > 1 and not given.target and (by_folders := _as_sample(inventory, sample)):
        return by_folders
    best = [each for other, each in found if other == rank]
    if not best:
        return _from_paths(inventory, sample, given)
    if len(best) > 1:
        shown = first_of([" and ".join(filter(None, (e.name, e.beside))) for e in best])
        raise KitError(
            f"{shown} may each be the training table: name the one that is (--train FILE)"
        )
    if rank >= DOUBTFUL:
        columns, name = first_of(best[0].answers), best[0].beside or best[0].name
        if {*best[0].answers} & {*sample.rows[sample.answers[0]]}:
            raise KitError(
                f"{columns} of {name} are columns of classes, and {sample.name} has one, {sample.answers[0]}, "
                "of their names: write a table with such a column, and name that (--train FILE)"
            )
        raise KitError(
            f"{columns} of {name} may each hold the answers: name the one that does (--target COLUMN)"
        )
    return best[0]


def _in_table(
    inventory: Inventory, name: str, sample: Sample, given: Given, images: Images
) -> list[tuple[float, Training]]:
    """The ways in which a table, by itself or with another, has the training answers; the best is 0."""
    rows = inventory.tables[name]
    if sample.parts and (long := _long(name, rows, sample, images)):
        return [(0, long)]
    joined = _ids_of(name, rows, sample, given.id, images)
    if joined is None:
        return []
    tested = of_sample(rows[joined[0]], joined[1], sample)
    answers = answers_in(rows, joined[0], sample, given.target)
    sure = bool(answers and answers[0] == 0)
    if not given.train and (tested.all() or (tested.mean() > 0.5 and not sure)):
        return []  # it lists the test set
    make = maker(name, rows, sample, *joined, tested)
    own = [(float(answers[0]), make(*answers[1:]))] if answers else []
    return own + _beside(inventory, sample, given.target, name, rows, make)


def _as_sample(inventory: Inventory, sample: Sample) -> Training | None:
    """Training rows by folders or names, where labels there are the sample's columns or cells."""
    try:
        found = _from_paths(inventory, sample, Given())
    except KitError:
        return None
    told = {*sample.names} or {*sample.rows[sample.answers[0]]}
    return found if told & {*found.rows["label"]} else None


def _long(name: str, rows: pd.DataFrame, sample: Sample, images: Images) -> Training | None:
    """A table of rows for each image and column, as the sample has them, with an image a row."""
    assert sample.parts
    pattern, _, names = sample.parts
    id, answer = sample.id, sample.answers[0]
    mark = pattern.removeprefix("{id}").removesuffix("{name}")
    if not {id, answer} <= {*rows.columns} or rows[id].isin(sample.rows[sample.id]).mean() > 0.5:
        return None
    if not all(each.endswith(tuple(mark + name for name in names)) for each in rows[id]):
        return None
    more = [c for c in rows.columns if c not in (id, answer)]
    wide = long_rows_of(rows, pattern, names, id=id, label=answer, keep=more)
    join = images.join(wide["id"].tolist())
    if join is None:
        return None
    twice = int(rows.duplicated([id, answer]).sum())
    once = f"{counted(twice, 'row')} of {name}: id and answer as in another, counted once"
    return Training(
        images=join.pattern, answers=names, rows=wide, found=join.named, name=name, long=(id, answer),
        told=(f"{name} has a row for each of {counted(len(wide), 'image')} and of {first_of(names)}: "
              f"{id} is {pattern}, {join.pattern} the image, {answer} the answer",
              *([once] if twice else [])),
    )  # fmt: skip


def _ids_of(
    name: str, rows: pd.DataFrame, sample: Sample, given: str, images: Images
) -> tuple[str, Join, str] | None:
    """The column that names a table's images, the sample's own name first, the join, and a doubt."""
    if given:
        if given not in rows:
            return None
        joined = {given: images.join(rows[given].tolist())}
        if not joined[given]:
            raise KitError(f"--id {given}: no image is called as its values in {name} are "
                           f"({first_of(rows[given].tolist(), 2)})")  # fmt: skip
    else:
        wanted = sample.id.casefold()
        order = sorted(rows.columns, key=lambda column: column.casefold() != wanted)
        joined = {c: images.join(rows[c].tolist()) for c in order if rows[c].is_unique}
    found = [(column, join) for column, join in joined.items() if join]
    certain = len(found) < 2 or bool(given) or found[0][0].casefold() == sample.id.casefold()
    if len({join.images for _, join in found}) > 1 and not certain:
        raise KitError(
            f"{' and '.join(c for c, _ in found)} of {name} each name an image a row, and not the same "
            f"({first_of([j.images[0] for _, j in found])}): say which is meant (--id COLUMN)"
        )
    alike = " and ".join(c for c, _ in found)
    doubt = f"which of {alike} of {name} is the id: both name the same images (--id COLUMN)"
    return (*found[0], "" if certain else doubt) if found else None


def _beside(
    inventory: Inventory, sample: Sample, target: str, name: str, rows: pd.DataFrame,
    make: Callable[..., Training],
) -> list[tuple[float, Training]]:  # fmt: skip
    """A table of images joined to those that have answers for the same keys."""
    found = []
    for other, joined, shared in joinable(inventory, sample, name, rows):
        more = inventory.tables[other]
        if answers := answers_in(more.drop(columns=shared[1:]), shared[0], sample, target):
            why = f"{other} has the answers, joined by {first_of(shared)}: {answers[2]}"
            found.append(
                (answers[0] + 0.5, with_beside(make(answers[1], why), other, joined, shared))
            )
    return found


def _from_paths(inventory: Inventory, sample: Sample, given: Given) -> Training:
    if not given.images:
        check_training(inventory, sample)
    found = in_paths(inventory, sample, given.images)
    if given.train or given.id or given.target or found is None:
        raise KitError(why_no_labels(inventory, sample))
    return found


def _check_given(inventory: Inventory, sample: Sample, given: Given) -> None:
    """Check that the table and the columns that the user names are there."""
    named = [n for n in inventory.tables if not given.train or is_named(n, given.train)]
    if not named:
        raise KitError(
            f"--train {given.train}: no table is called so, only {first_of([*inventory.tables])}"
        )
    columns = {c: None for n in named if n != sample.name for c in inventory.tables[n].columns}
    for option, name in (("--id", given.id), ("--target", given.target)):
        if name and name not in columns:
            place = first_of(named) if given.train else "no table"
            has = "has no such column" if given.train else "has such a column"
            raise KitError(f"{option} {name}: {place} {has}, only {first_of([*columns])}")
