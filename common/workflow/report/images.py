"""Which images a report shows: mistakes and a sample, duplicate pairs, doubtful labels."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.data.duplicates import groups
from common.data.pixels.store import open_store
from common.data.table import read_csv
from common.errors import KitError
from common.inference.label_errors import label_errors
from common.reporting.html.thumbnails import SIDE, Thumbnails, chosen_rows
from common.workflow.files import read_test
from common.workflow.report.judged import Material

PAIRS = 24  # duplicate pairs of a kind that are shown
MOST_CELLS = 50_000_000  # of probs: confident learning takes some times their memory
DOUBTS = 60  # doubtful labels that are shown


@dataclass(frozen=True)
class Side:
    """One image of a pair: its id and label, and the name of its picture."""

    id: str
    label: str
    picture: str
    row: int | None  # in the gallery


def doubts_of(material: Material) -> dict[str, Any] | None:
    """Rows most likely mislabelled, the largest loss first; None for numbers and very many classes."""
    if not material.answers or material.answers[0].form == "columns":
        return None
    probs = material.answers[0].probs
    if probs.size > MOST_CELLS:
        return None
    if len(material.answers) > 1:
        probs = np.stack([each.probs for each in material.answers]).mean(axis=0)
    found = label_errors(material.target, probs, material.y)
    # By loss: of labels that were made wrong it puts more first than the margin does (docs/report.md).
    order = np.argsort(-material.target.row_losses(probs, material.y)[found.rows], kind="stable")
    rows, suggested = found.rows[order], found.suggested[order]
    told = [material.target.told(answer) for answer in suggested]
    given = [material.target.told(answer) for answer in material.y[rows]]
    shown = list(zip(rows.tolist(), given, told, strict=True))[:DOUBTS]
    return {"rows": shown, "all": rows.tolist(), "share": found.share}


def pairs_of(material: Material, thumbnails: Thumbnails) -> dict[str, Any]:
    """Duplicate pairs within the labelled rows and across to the test set, as far as they are known.

    Those that `check` has listed; else those within train that the split has searched for.
    """
    request, target = material.request, material.target
    path = request.runs / "checks" / request.competition.name / "pairs.csv"
    if path.is_file():
        listed = read_csv(path, may_be_empty=True).assign(near=lambda t: t["kind"] == "near")
        when = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
        source = f"as kit check listed them on {when}"
    elif material.runs[0].recipe().groups == "near" and material.runs[0].recipe().folds:
        ids = material.table["id"].to_numpy()
        found = groups.within(material.store)
        listed = found.assign(split_a="train", split_b="train", id_a=ids[found["a"]])
        listed = listed.assign(id_b=ids[found["b"]], near=found["kind"] == "near")
        source = "searched within the labelled images; kit check finds those shared with the test set too"
    else:
        return {"source": "not searched for yet; kit check does", "kinds": []}
    listed = listed[listed["split_a"] == "train"]
    label = pd.Series(target.texts(material.table), index=material.table["id"])
    listed = listed[listed["id_a"].isin(label.index)]
    inside = listed[(listed["split_b"] == "train") & listed["id_b"].isin(label.index)]
    odd = label[inside["id_a"]].to_numpy() != label[inside["id_b"]].to_numpy()
    across = listed[listed["split_b"] == "test"]
    kinds = [
        ("One image, two labels", inside[odd]),
        ("Shared by train and test", across),
        ("Within train, with one label", inside[~odd]),
    ]
    tests = _test_pictures(material, across.head(PAIRS), thumbnails)
    place = pd.Series(np.arange(len(material.rows)), index=material.rows["id"])

    def side(split: str, name: str) -> Side | None:
        if split == "test":
            return Side(name, "test", f"test:{name}", None) if name in tests else None
        row = int(place[name]) if name in place.index else None
        at = int(label.index.get_loc(name))  # type: ignore[arg-type]
        key = f"table:{at}" if row is None else str(row)
        thumbnails.add(key, lambda: material.store[at])
        return Side(name, label[name], key, row)

    told = []
    for title, rows in kinds:
        shown = [
            (side("train", a), side(split, b), kind, float(apart))
            for split, a, b, kind, apart in rows[
                ["split_b", "id_a", "id_b", "kind", "distance"]
            ].head(PAIRS).itertuples(index=False)
        ]  # fmt: skip
        shown = [each for each in shown if each[0] and each[1]]
        told.append({"title": title, "count": len(rows), "shown": shown})
    return {"source": source, "kinds": told}


def _test_pictures(material: Material, pairs: pd.DataFrame, thumbnails: Thumbnails) -> set[str]:
    """Encode the test images of these pairs; the ids of those that could be read."""
    if pairs.empty:
        return set()
    try:
        table = read_test(material.request, material.files.folder)
        table = table[table["id"].isin(pairs["id_b"])].reset_index(drop=True)
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(table, side=SIDE, cache=Path(folder))
            for at, name in enumerate(table["id"]):
                thumbnails.add(f"test:{name}", lambda at=at: store[at])  # type: ignore[misc]
    except KitError:
        return set()  # the pairs are counted all the same
    return set(table["id"])


def gallery_of(
    material: Material,
    doubts: dict[str, Any] | None,
    thumbnails: Thumbnails,
    count: int,
    always: Sequence[int] = (),
) -> dict[str, Any]:
    """The data of the page's gallery: every row's answers, and pictures of `count` rows at most."""
    groups_ = np.unique(material.split.groups.astype(str), return_inverse=True)[1]
    sizes = np.bincount(groups_)
    first = [*always, *([] if doubts is None else [row for row, *_ in doubts["rows"]])]
    losses = np.max([each.losses for each in material.answers], axis=0)
    rows = chosen_rows(losses, material.target.strata(material.y), first, count)
    worst = set(rows[: count // 8])
    lonely = sizes[groups_] > 1
    shots = set(groups_[[row for row in worst if lonely[row]]].tolist())
    rows = list(dict.fromkeys([*rows, *np.flatnonzero(np.isin(groups_, list(shots))).tolist()]))
    one = material.answers[0]
    found = {
        "form": one.form,
        "names": list(one.names),
        "ids": material.rows["id"].tolist(),
        "true": one.true_answers(),
        "order": material.y[:, 0].tolist() if one.form == "columns" and not np.isnan(material.y[:, 0]).any() else None,
        "fold": material.split.folds[0].tolist(),
        "group": np.where(lonely, groups_, -1).tolist(),
        "doubt": [] if doubts is None else doubts["all"],
        "runs": [
            {"name": run.folder.name, **each.gallery()}
            for run, each in zip(material.runs, material.answers, strict=True)
        ],
        "small": bool(material.store.shapes.max() <= 40),
    }  # fmt: skip
    thumbnails.leave_room(len(json.dumps(found, separators=(",", ":"))))
    taken = [
        row
        for row in rows
        if thumbnails.add(str(row), lambda row=row: material.store[int(material.at[row])])  # type: ignore[misc]
    ]
    found["top"] = {str(row): [each.likeliest(row) for each in material.answers] for row in taken}
    return found
