"""Split a hidden test set off labelled rows (for rehearsals), under ids that do not reveal labels."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows
from common.errors import KitError


def hidden_rows(strata: npt.ArrayLike, groups: Sequence[str], share: float, seed: int) -> Rows:
    """Positions of about `share` of the rows, stratified, in an order drawn by `seed`.

    Rows of one group stay on one side, and every stratum keeps a row that is not hidden. The order
    is drawn because files are often sorted by label, and a sample submission shows it.

    Args:
        strata: of all rows [N].
        groups: of all rows [N]; rows of the same content share one.

    Raises:
        KitError: `share` is none, or too small to hide two rows.
    """
    if not 0 < share < 1:
        raise KitError(f"--hidden {share} is no share of the rows: say one between 0 and 1")
    rng = np.random.default_rng(seed)
    names = np.asarray(strata).tolist()
    members: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    by_stratum: dict[int, list[list[int]]] = {}
    for rows in members.values():
        by_stratum.setdefault(names[rows[0]], []).append(rows)
    left, target = Counter(names), 0.0
    hidden: list[int] = []
    for stratum in sorted(by_stratum):
        target += share * sum(
            map(len, by_stratum[stratum])
        )  # small strata share what rounding leaves
        for place in rng.permutation(len(by_stratum[stratum])):
            rows = by_stratum[stratum][place]
            lost = Counter(names[row] for row in rows)
            if len(hidden) + len(rows) <= round(target) and all(left[n] > lost[n] for n in lost):
                hidden += rows
                left -= lost
    if len(hidden) < 2:
        raise KitError(
            f"--hidden {share} of {len(names):,} rows hides {len(hidden)}: two are the least, one "
            "public and one private; say a larger share"
        )
    return rng.permutation(np.array(hidden, dtype=np.int64))


def without_answers(
    table: pd.DataFrame, answers: Sequence[str], hidden: npt.ArrayLike
) -> pd.DataFrame:
    """The table as `lay_out` takes it: rows marked `hidden` [N], and their answers taken away."""
    marked = table.assign(hidden=np.asarray(hidden, dtype=bool))
    for name in answers:
        marked[name] = marked[name].astype(object).mask(marked["hidden"], None)
    return marked[[name for name in marked.columns if name != "path"]]


def blind_ids(ids: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The ids, but test/ and a name without a meaning for those whose folders tell the label."""
    return [
        f"test/{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}{PurePosixPath(name).suffix}"
        if label in PurePosixPath(name).parts[:-1]
        else name
        for name, label in zip(ids, labels, strict=True)
    ]
