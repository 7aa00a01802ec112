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
    """Rows for each image and column as a row an image: `id`, the columns, and those to keep."""
    stems, names = split_ids(rows[id], long, columns)
    pairs = pd.MultiIndex.from_arrays([stems, names])
    whole = pd.MultiIndex.from_product([dict.fromkeys(stems), columns])
    if len(pairs) != len(whole) or not pairs.isin(whole).all() or pairs.has_duplicates:
        lacking = first_of([long.format(id=a, name=b) for a, b in whole[~whole.isin(pairs)]])
        raise KitError(
            f"there is not one row for each image and each of {first_of(list(columns))} (missing: "
            f"{lacking or 'none'}; {len(pairs):,} rows for {len(whole):,}): correct the table, or fetch "
            "it again"
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
