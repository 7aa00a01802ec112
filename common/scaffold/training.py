"""Where the training answers are: columns of a table, folders, or the images' names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.inventory import Inventory
from common.scaffold.joins import Images, Join
from common.scaffold.label_names import in_paths
from common.scaffold.samples import Sample
from common.scaffold.values import tokens_of

CALLED = ("label", "labels", "class", "category", "category_id", "class_id", "target", "targets")


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
    found, without = [], []
    for name, rows in inventory.tables.items():
        if name == sample.name or not _is_named(name, given.train):
            continue
        joined = _ids_of(name, rows, sample, given.id, images)
        if joined is None or (not given.train and _lists_the_test_set(rows[joined[0]], sample)):
            continue
        column, join = joined
        make = _maker(name, rows, column, join)
        if found_in := answers_in(name, rows, column, sample, given.target):
            found.append((found_in[0], make(*found_in[1:])))
        else:
            without.append((name, rows, make))
    if not found:
        found = [
            (rank, each) for name, rows, make in without
            for rank, each in _beside(inventory, sample, given.target, name, rows, make)
        ]  # fmt: skip
    best = [each for rank, each in found if rank == min(rank for rank, _ in found)]
    if len(best) > 1:
        shown = first_of([" and ".join(filter(None, (e.name, e.beside))) for e in best])
        raise KitError(
            f"{shown} may each be the training table: name the one that is (--train FILE)"
        )
    return best[0] if best else _from_paths(inventory, sample, given)


def _is_named(name: str, given: str) -> bool:
    return not given or name == given or name.endswith(f"/{given}")


def _ids_of(
    name: str, rows: pd.DataFrame, sample: Sample, given: str, images: Images
) -> tuple[str, Join] | None:
    """The column that names the images of a table's rows, the sample's own name first."""
    if given:
        if given not in rows:
            return None
        joined = {given: images.join(rows[given].tolist())}
        if not joined[given]:
            raise KitError(f"--id {given}: no image is called as its values in {name} are "
                           f"({first_of(rows[given].tolist(), 2)})")  # fmt: skip
    else:
        order = sorted(rows.columns, key=lambda column: column != sample.id)
        joined = {c: images.join(rows[c].tolist()) for c in order if rows[c].is_unique}
    found = [(column, join) for column, join in joined.items() if join]
    if len({join.images for _, join in found}) > 1 and found[0][0] != sample.id:
        raise KitError(
            f"{' and '.join(c for c, _ in found)} of {name} each name an image a row, and not the same "
            f"({first_of([j.images[0] for _, j in found])}): say which is meant (--id COLUMN)"
        )
    return found[0] if found else None


def _lists_the_test_set(ids: "pd.Series[str]", sample: Sample) -> bool:
    return bool(ids.isin(sample.ids).mean() > 0.5)


def _maker(name: str, rows: pd.DataFrame, column: str, join: Join) -> Callable[..., Training]:
    def make(answers: tuple[str, ...], why: str) -> Training:
        lacking = (
            f"{counted(join.lacking, 'id')} of {name} without an image" if join.lacking else ""
        )
        return Training(
            images=join.pattern, answers=answers, rows=rows, name=name, id=column,
            doubts=(lacking,) if lacking else (),
            told=(f"{name} has a row for each of {counted(len(rows), 'image')}: {column} is its id, "
                  f"{join.pattern} the image", why),
        )  # fmt: skip

    return make


def answers_in(
    name: str, rows: pd.DataFrame, id: str, sample: Sample, given: str
) -> tuple[int, tuple[str, ...], str] | None:
    """The columns of a table that hold answers: how sure that is (0: most), the columns, and why."""
    others = [column for column in rows.columns if column != id]
    wanted = sample.names
    if wanted and set(wanted) <= {*others} and not given:
        return 0, wanted, f"its columns {first_of(wanted)} are the sample's"
    if given:
        return (0, (given,), f"{given} was named") if given in others else None
    if wanted:
        known = {column: tokens_of(rows[column]) for column in others}
        fits = [
            c
            for c, names in known.items()
            if names and names <= {*wanted} and rows[c].nunique() > 1
        ]
        return _only(name, fits, 1, f"its values are columns of {sample.name}")
    same = [column for column in others if column.casefold() == sample.answers[0].casefold()]
    if same:
        return 0, (same[0],), f"{same[0]} is the sample's column, too"
    return _by_values(name, rows, others, sample)


def _by_values(
    name: str, rows: pd.DataFrame, others: Sequence[str], sample: Sample
) -> tuple[int, tuple[str, ...], str] | None:
    """The column of answers where the sample calls it otherwise: by values, by name, as the only one."""
    varied = [c for c in others if rows[c].nunique() > 1 and not _is_measure(rows[c])]
    cells = tokens_of(sample.rows[sample.answers[0]])
    called = [column for column in varied if column.casefold() in CALLED]
    if len(called) == 1:
        return 1, (called[0],), f"{called[0]} is called as answers are"
    fits = [column for column in varied if cells & tokens_of(rows[column])]
    if len(fits) == 1:
        return 1, (fits[0],), f"the sample's {sample.answers[0]} has values of {fits[0]}"
    several = fits or (varied if varied else [c for c in others if rows[c].nunique() > 1])
    return _only(name, several, 2, "it is the only column that may hold answers")


def _only(
    name: str, columns: Sequence[str], rank: int, why: str
) -> tuple[int, tuple[str, ...], str] | None:
    if len(columns) > 1:
        raise KitError(
            f"{first_of(columns)} of {name} may each hold the answers: name the one that does (--target COLUMN)"
        )
    return (rank, (columns[0],), f"{columns[0]} holds the answers: {why}") if columns else None


def _is_measure(column: "pd.Series[str]") -> bool:
    """Is each value of a column its own, or a number with decimals?"""
    return bool(column.is_unique or column.str.fullmatch(r"-?\d+\.\d*[1-9]\d*").any())


def _beside(
    inventory: Inventory, sample: Sample, target: str, name: str, rows: pd.DataFrame,
    make: Callable[..., Training],
) -> list[tuple[int, Training]]:  # fmt: skip
    """A table of images without answers, joined to those that have answers for the same keys."""
    found = []
    for other, joined, shared in joinable(inventory, sample, name, rows):
        more = inventory.tables[other]
        if answers := answers_in(other, more.drop(columns=shared[1:]), shared[0], sample, target):
            why = f"{other} has the answers, joined by {first_of(shared)}: {answers[2]}"
            found.append((answers[0], with_beside(make(answers[1], why), other, joined, shared)))
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
        raise KitError(
            "no labels were found: no table has ids of training images and a column of answers "
            f"({first_of(tables) or 'there are none'} beside {sample.name}), and neither folders nor "
            f"names of the {counted(len(inventory.images), 'image')} are labels; name the table, its "
            "ids and its answers (--train FILE --id COLUMN --target COLUMN), or download what is missing"
        )
    pattern, rows, why = found
    return Training(images=pattern, answers=("label",), rows=rows, told=(why,))
