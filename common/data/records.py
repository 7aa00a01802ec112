"""A table file to rows of text, and back: CSV, or JSON of records, COCO's among them."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from common.data.table import read_csv
from common.errors import KitError
from common.progress import counted, first_of
from common.storage import write_text

OF_ANNOTATION = ("id", "image_id", "bbox", "area", "segmentation", "iscrowd")
AGAIN = "download it again, or write its rows as a CSV"


class NoRecordsError(KitError):
    """A JSON file that is whole, and no table."""


def read_table(path: Path, *, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table, every value as text: a CSV, or, by its suffix, JSON.

    JSON is a list of records, or COCO's `images` (each a row, named `id`) with what `annotations`
    tell of them (`category_id`); values that are lists or records are left out.

    Raises:
        KitError: it is missing, no table, or lacks one of these columns.
    """
    if path.suffix.lower() != ".json":
        return read_csv(path, columns=columns)
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KitError(f"{path} is not a readable JSON file ({error}): {AGAIN}") from error
    records = _of_coco(path, found) if isinstance(found, dict) and "images" in found else found
    if not (isinstance(records, list) and records and all(isinstance(r, dict) for r in records)):
        raise NoRecordsError(f"{path} is no list of records and has no images as COCO has: {AGAIN}")
    rows = pd.DataFrame([{k: _text(v) for k, v in r.items() if _is_plain(v)} for r in records])
    if lacking := [name for name in columns if name not in rows]:
        raise KitError(f"{path} has no {first_of(lacking)}, only {first_of([*rows])}")
    return rows.fillna("").astype(str)


def write_table(path: Path, columns: Mapping[str, Sequence[str] | pd.Series]) -> None:
    """Write text columns as a CSV, or as COCO's JSON, where `category_id` goes into annotations."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(dict(columns))
    if path.suffix.lower() != ".json":
        table.to_csv(path, index=False, lineterminator="\n")
        return
    if "id" not in table:
        table.insert(0, "id", [str(row) for row in range(len(table))])
    whole: dict[str, Any] = {
        "images": table.drop(columns="category_id", errors="ignore").to_dict("records")
    }
    if "category_id" in table:
        pairs = zip(table["id"], table["category_id"], strict=True)
        whole["annotations"] = [{"image_id": a, "category_id": b} for a, b in pairs]
    write_text(path, json.dumps(whole))


def _of_coco(path: Path, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A record an image, the fields of its annotation with it."""
    told: dict[Any, dict[str, Any]] = defaultdict(dict)
    differing: dict[Any, None] = {}
    for each in found.get("annotations", []):
        fields = {name: value for name, value in each.items() if name not in OF_ANNOTATION}
        before = told[each.get("image_id")]
        if before.get("category_id", each.get("category_id")) != each.get("category_id"):
            differing[each["image_id"]] = None
        before |= fields
    if differing:
        raise KitError(
            f"{path} has {counted(len(differing), 'image')} of several categories "
            f"({first_of([*differing])}): write its rows as a CSV with one answer an image"
        )
    images = [each.get("image_id", each.get("id")) for each in found["images"]]
    return [each | told.get(i, {}) for i, each in zip(images, found["images"], strict=True)]


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _text(value: object) -> str:
    return "" if value is None else str(value)
