"""Tables with a row for each image and column, whose ids are made of both names."""

from collections.abc import Sequence

import pandas as pd

from common.errors import KitError
from common.progress import first_of


def long_rows_of(
    rows: pd.DataFrame,
    long: str,
    columns: Sequence[str],
    *,
    id: str,
    label: str,
    keep: Sequence[str],
) -> pd.DataFrame:
    """Rows for each image and column as a row an image: `id`, the columns, and those to keep.

    Rows that are the same in all of these count once.

    Raises:
        KitError: an image lacks a row for a column, or has several that differ: which.
    """
    rows = rows.drop_duplicates([id, label, *keep])
    stems, names = split_ids(rows[id], long, columns)
    pairs = pd.MultiIndex.from_arrays([stems, names])
    whole = pd.MultiIndex.from_product([dict.fromkeys(stems), columns])
    lacking = [long.format(id=a, name=b) for a, b in whole[~whole.isin(pairs)]]
    for what, wrong in (
        ("an id of none of these,", rows[id][~pairs.isin(whole)].tolist()),
        ("several rows, which differ, for", rows[id][pairs.duplicated()].unique().tolist()),
        ("no row for", lacking),
    ):
        if wrong:
            raise KitError(
                f"a table of a row for each image and each of {first_of(list(columns))} has {what} "
                f"{first_of(wrong)}: write a table of your own with one row each"
            )
    answers = pd.Series(rows[label].to_numpy(), index=pairs).loc[whole].to_numpy()
    wide = pd.DataFrame(answers.reshape(-1, len(columns)), columns=list(columns), dtype=str)
    wide.insert(0, "id", [*dict.fromkeys(stems)])
    first = ~pd.Series(stems).duplicated().to_numpy()
    return wide.assign(**{name: rows[name].to_numpy()[first] for name in keep})


def split_ids(
    ids: "pd.Series[str]", long: str, columns: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Ids to the images' and the columns' names in them; '' for a column that is none of these."""
    mark = long.removeprefix("{id}").removesuffix("{name}")
    ends = {mark + name: name for name in sorted(columns, key=len, reverse=True)}
    names = [next((n for end, n in ends.items() if each.endswith(end)), "") for each in ids]
    return [each[: -len(mark + name)] for each, name in zip(ids, names, strict=True)], names


def long_ids(ids: Sequence[str] | pd.Series, long: str, columns: Sequence[str]) -> list[str]:
    """The ids of a table with a row for each image and column."""
    return [long.format(id=each, name=name) for each in ids for name in columns]
