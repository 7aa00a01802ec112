"""Where the training answers are: columns of a table, folders, or the images' names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from common.data.long_ids import long_rows_of
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.answers import DOUBTFUL, answers_in
from common.scaffold.inventory import Inventory
from common.scaffold.joins import Images, Join
from common.scaffold.label_names import in_paths
from common.scaffold.samples import Sample


@dataclass(frozen=True)
class Training:
    """The training rows and where their answers are.

    Attributes:
        images: the pattern of their images, with {label} where the label is in it.
        answers: columns of answers; ('label',) where they are in the images' paths.
        rows: all columns, text; with those of `beside`.
        name: the table; '' where there is none.
        id: its column of ids.
        beside: a second table, joined by the columns both have.
        shared, of_beside: the columns that both have, and those of the second alone.
        long: its columns of ids and answers, where it has a row for each image and answer.
        told: how that was found, sentences.
        doubts: what of it is a guess, sentences.
    """

    images: str
    answers: tuple[str, ...]
    rows: pd.DataFrame
    name: str = ""
    id: str = "id"
    beside: str = ""
    shared: tuple[str, ...] = ()
    of_beside: tuple[str, ...] = ()
    long: tuple[str, str] | None = None
    told: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What the user answered: names of a table, of columns, a pattern with {label}; '' for nothing."""

    train: str = ""
    id: str = ""
    target: str = ""
    images: str = ""


def find_training(inventory: Inventory, sample: Sample, given: Given) -> Training:
    """A folder to its training rows.

    Raises:
        KitError: there are none, or several may be meant: which, and the flag that says so.
    """
    if given.images:
        return _from_paths(inventory, sample, given)
    images = Images(inventory, test=False)
    found: list[tuple[float, Training]] = []
    for name, rows in inventory.tables.items():
        if name == sample.name or not _is_named(name, given.train):
            continue
        if sample.parts and (long := _long(name, rows, sample, images)):
            found.append((0, long))
            continue
        joined = _ids_of(name, rows, sample, given.id, images)
        if joined is None or (not given.train and _lists_the_test_set(rows[joined[0]], sample)):
            continue
        make = _maker(name, rows, *joined)
        if answers := answers_in(rows, joined[0], sample, given.target):
            found.append((answers[0], make(*answers[1:])))
        found += _beside(inventory, sample, given.target, name, rows, make)
    best = [each for rank, each in found if rank == min(rank for rank, _ in found)]
    if not best:
        return _from_paths(inventory, sample, given)
    if len(best) > 1:
        shown = first_of([" and ".join(filter(None, (e.name, e.beside))) for e in best])
        raise KitError(
            f"{shown} may each be the training table: name the one that is (--train FILE)"
        )
    if min(found, key=lambda each: each[0])[0] >= DOUBTFUL:
        columns, name = first_of(best[0].answers), best[0].beside or best[0].name
        raise KitError(
            f"{columns} of {name} may each hold the answers: name the one that does (--target COLUMN)"
        )
    return best[0]


def _long(name: str, rows: pd.DataFrame, sample: Sample, images: Images) -> Training | None:
    """A table of rows for each image and column, as the sample has them, with an image a row."""
    assert sample.parts
    pattern, _, names = sample.parts
    id, answer = sample.id, sample.answers[0]
    mark = pattern.removeprefix("{id}").removesuffix("{name}")
    if not {id, answer} <= {*rows.columns} or _lists_the_test_set(rows[id], sample):
        return None
    if not all(each.endswith(tuple(mark + name for name in names)) for each in rows[id]):
        return None
    more = [c for c in rows.columns if c not in (id, answer)]
    wide = long_rows_of(rows, pattern, names, id=id, label=answer, keep=more)
    join = images.join(wide["id"].tolist())
    if join is None:
        return None
    return Training(
        images=join.pattern, answers=names, rows=wide, name=name, long=(id, answer),
        told=(f"{name} has a row for each of {counted(len(wide), 'image')} and of {first_of(names)}: "
              f"{id} is {pattern}, {join.pattern} the image, {answer} the answer",),
    )  # fmt: skip


def _is_named(name: str, given: str) -> bool:
    return not given or name == given or name.endswith(f"/{given}")


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
    if (
        len({join.images for _, join in found}) > 1
        and found[0][0].casefold() != sample.id.casefold()
    ):
        raise KitError(
            f"{' and '.join(c for c, _ in found)} of {name} each name an image a row, and not the same "
            f"({first_of([j.images[0] for _, j in found])}): say which is meant (--id COLUMN)"
        )
    alike = " and ".join(c for c, _ in found)
    doubt = f"which of {alike} of {name} is the id: both name the same images (--id COLUMN)"
    certain = len(found) < 2 or given or found[0][0].casefold() == sample.id.casefold()
    return (*found[0], "" if certain else doubt) if found else None


def _lists_the_test_set(ids: "pd.Series[str]", sample: Sample) -> bool:
    return bool(ids.isin(sample.ids).mean() > 0.5)


def _maker(
    name: str, rows: pd.DataFrame, column: str, join: Join, doubt: str
) -> Callable[..., Training]:
    def make(answers: tuple[str, ...], why: str) -> Training:
        lacking = (
            f"{counted(join.lacking, 'id')} of {name} without an image" if join.lacking else ""
        )
        return Training(
            images=join.pattern, answers=answers, rows=rows, name=name, id=column,
            doubts=tuple(filter(None, (doubt, lacking))),
            told=(f"{name} has a row for each of {counted(len(rows), 'image')}: {column} is its id, "
                  f"{join.pattern} the image", why),
        )  # fmt: skip

    return make


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


def joinable(
    inventory: Inventory, sample: Sample, name: str, rows: pd.DataFrame
) -> list[tuple[str, pd.DataFrame, list[str]]]:
    """The other tables with a row for each of a table's: the name, the rows joined, the columns both have."""
    found = []
    for other, more in inventory.tables.items():
        shared = [column for column in rows.columns if column in more.columns]
        if other in (name, sample.name) or not shared or more[shared].duplicated().any():
            continue
        joined = rows.merge(more, on=shared, how="inner")
        if len(joined) == len(rows):
            found.append((other, joined, shared))
    return found


def with_beside(
    training: Training, other: str, joined: pd.DataFrame, shared: Sequence[str]
) -> Training:
    """Training rows with the columns of a second table."""
    new = tuple(column for column in joined.columns if column not in training.rows.columns)
    return replace(training, beside=other, rows=joined, shared=tuple(shared), of_beside=new)


def _from_paths(inventory: Inventory, sample: Sample, given: Given) -> Training:
    suffixed = sample.images.endswith("{id}")
    found = in_paths(inventory, sample.names, with_suffix=suffixed, given=given.images)
    if given.train or given.id or given.target or found is None:
        tables = [name for name in inventory.tables if name != sample.name]
        several = _named_more_than_once(inventory, sample)
        raise KitError(
            several
            or "no labels were found: no table has ids of training images and a column of answers "
            f"({first_of(tables) or 'there are none'} beside {sample.name}), and neither folders nor "
            f"names of the {counted(len(inventory.images), 'image')} are labels; name the table, its "
            "ids and its answers (--train FILE --id COLUMN --target COLUMN), or download what is missing"
        )
    pattern, rows, why = found
    return Training(images=pattern, answers=("label",), rows=rows, told=(why,))


def _named_more_than_once(inventory: Inventory, sample: Sample) -> str:
    """A sentence for a table that has several rows for each of some images; '' without one."""
    images = Images(inventory, test=False)
    for name, rows in inventory.tables.items():
        for column in rows.columns if name != sample.name else ():
            values = rows[column].unique().tolist()
            if len(values) < len(rows) and images.join(values):
                return (
                    f"{name} has {len(rows):,} rows for the {counted(len(values), 'image')} that {column} "
                    "names, and the kit takes one answer an image: join them in a table of your own "
                    "beside it, and name that (--train FILE)"
                )
    return ""
