"""Read everything once: tables, every image, the sample; list problems and identical images.

Example: kit cifar10 check --data data/cifar-10
"""

from argparse import ArgumentParser
from itertools import combinations
from typing import Any

import pandas as pd

from common.atomic import replacing
from common.data.store import Store, open_store
from common.data.transforms import PHOTO
from common.progress import first_of, say
from common.recipe import Recipe
from common.workflow import flags as shared
from common.workflow.download import fetch_if_absent
from common.workflow.files import open_files, read_test
from common.workflow.request import Request

COLUMNS = ["split_a", "id_a", "split_b", "id_b", "kind", "distance"]


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.recipe(parser)


def run(request: Request) -> dict[str, Any]:
    """Do it; a file that cannot be used is an error, what is only odd is listed under `problems`."""
    fetch_if_absent(request)
    files = open_files(request)
    test = read_test(request, files.folder)
    side = request.recipe.stored_side
    tables = {"train": files.train} | ({"test": test} if len(test) else {})
    stores = [open_store(table, side=side, cache=request.cache) for table in tables.values()]
    rows = [
        row for split, store in zip(tables, stores, strict=True)
        for row in _rows(tables[split], store, split)
    ]  # fmt: skip
    pairs = identical(pd.DataFrame(rows, columns=["split", "id", "digest"]))
    path = request.runs / "checks" / request.competition.name / "pairs.csv"
    with replacing(path) as temporary:
        pairs.to_csv(temporary, index=False, lineterminator="\n")
    problems = _problems(files.train, test, files.sample, pairs)
    problems += _size_problems(request.recipe, stores)
    counts = files.train["label"].value_counts()
    say(f"{files.folder}: {len(files.train):,} labelled and {len(test):,} test images, all decoded")
    say(f"  {len(files.classes)} classes of {counts.min():,} to {counts.max():,} images")
    say(f"  {_sizes(stores)}; {len(pairs):,} pairs of identical files: {path}")
    for problem in problems:
        say(f"  problem: {problem}")
    say(f"next: kit {request.competition.name} run" if not problems else "no problem stops a run")
    return {"pairs": str(path), "problems": problems, "train": len(files.train), "test": len(test)}


def identical(rows: pd.DataFrame) -> pd.DataFrame:
    """Every pair of rows of `split, id, digest` whose files are the same, in row order."""
    shared = rows[rows["digest"].duplicated(keep=False)]
    pairs = [
        (a.split, a.id, b.split, b.id, "same", 0)
        for _, group in shared.groupby("digest", sort=False)
        for a, b in combinations(group.itertuples(index=False), 2)
    ]
    return pd.DataFrame(pairs, columns=COLUMNS)


def _rows(table: pd.DataFrame, store: Store, split: str) -> list[tuple[str, str, str]]:
    return [(split, name, digest) for name, digest in zip(table["id"], store.digests, strict=True)]


def _problems(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame, pairs: pd.DataFrame
) -> list[str]:
    found = []
    label = train.set_index("id")["label"]
    inside = pairs[(pairs["split_a"] == "train") & (pairs["split_b"] == "train")]
    odd = inside[
        label.reindex(inside["id_a"]).to_numpy() != label.reindex(inside["id_b"]).to_numpy()
    ]
    if len(odd):
        named = first_of([f"{a} and {b}" for a, b in zip(odd["id_a"], odd["id_b"], strict=True)])
        found.append(f"{len(odd):,} pairs of identical images have two labels: {named}")
    if len(inside):
        found.append(
            f"{len(inside):,} pairs of identical training images: groups=identical keeps them in one fold"
        )
    twins = pairs[pairs["split_a"] == "test"]
    if len(twins):
        found.append(f"{len(twins):,} pairs of identical test images")
    across = pairs[(pairs["split_a"] == "train") & (pairs["split_b"] == "test")]
    if len(across):
        found.append(f"{len(across):,} test images are also training images: their scores flatter")
    single = train["label"].value_counts().loc[lambda counts: counts == 1].index.tolist()
    if single:
        found.append(
            f"{len(single):,} classes have one image, which no fold can both learn and judge: {first_of(single)}"
        )
    lacking = set(sample.iloc[:, 0]) ^ set(test["id"])
    if lacking:
        found.append(
            f"{len(lacking):,} ids are in the sample or in the test set only: {first_of(sorted(lacking))}"
        )
    return found


def _size_problems(recipe: Recipe, stores: list[Store]) -> list[str]:
    shapes = {tuple(shape) for store in stores for shape in store.shapes.tolist()}
    if recipe.augment in PHOTO or len(shapes) == 1:
        return []
    return [
        f"the images have {len(shapes):,} sizes and the recipe's augment={recipe.augment} wants one: "
        "say augment=photo and image_size=224"
    ]


def _sizes(stores: list[Store]) -> str:
    shapes = {tuple(shape) for store in stores for shape in store.shapes.tolist()}
    if len(shapes) == 1:
        height, width = next(iter(shapes))
        return f"all {width}x{height} pixels"
    wide = [width for _, width in shapes]
    tall = [height for height, _ in shapes]
    return f"{min(wide)} to {max(wide)} pixels wide, {min(tall)} to {max(tall)} high"
