"""The mean prediction in every row of a sample submission, in a moment: nothing but the standard library."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

PREDICTOR = "predictor.json"  # a package's facts, beside the weights


def write_mean(sample: Path, cells: Mapping[str, str], long: str, out: Path) -> int:
    """Copy a sample submission with `cells` in place of its own; how many rows it has.

    Args:
        cells: the text of each column, or where the sample has a row for each image and column, by name.
        long: how the ids of such a sample are made, as '{id}_{name}'; empty: it has a row an image.

    Raises:
        ValueError, LookupError: it is no CSV with these columns or names; the file is as it was.
    """
    name_of = re.compile(
        re.escape(long)
        .replace(re.escape("{id}"), ".*")
        .replace(re.escape("{name}"), f"({'|'.join(map(re.escape, cells))})"),
        re.DOTALL,
    )
    try:
        with sample.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = filter(None, csv.reader(file))
    except csv.Error as error:
        raise ValueError(f"{sample}: {error}") from error
    same = [] if long else [cells[name] for name in header[1:]]
    temporary = out.with_name(f".{out.name}.mean.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            for row in rows:
                match = name_of.fullmatch(row[0]) if long else None
                if long and match is None:
                    raise ValueError(f"{row[0]} is no id of the form {long}")
                writer.writerow([row[0], *([cells[match[1]]] if match else same)])
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return len(rows)
