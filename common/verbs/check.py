"""Check the data: tables, every image and the sample; list problems and near-duplicates.

Pairs of identical images and near-duplicates go to a CSV, with a picture of the nearest and the
farthest. Nothing is removed: `groups=near` keeps such pairs in one fold.

Example: kit cifar10 check --data data/cifar-10
"""

import time
from dataclasses import replace
from typing import Any

from common.data.pixels.conversion_report import conversions, pixel_problems
from common.progress import counted, say
from common.storage import replacing
from common.workflow import options as shared
from common.workflow.data_check import (
    COLUMNS,
    all_pairs,
    draw,
    pair_problems,
    size_problems,
    sizes,
    table_problems,
)
from common.workflow.files import fetch_if_absent, open_files, read_test
from common.workflow.prepare import labelled
from common.workflow.request import Request
from common.workflow.unlabelled import unlabelled

SHARED = (shared.recipe,)


def run(request: Request) -> dict[str, Any]:
    """Check all files; an unusable one is an error, the rest is listed under `problems` of the JSON."""
    fetch_if_absent(request)
    files = open_files(request)
    test = read_test(request, files.folder)
    recipe = request.recipe
    tables, stores, unreadable = {"train": files.train}, {}, ""
    stores["train"] = labelled(request, files, replace(recipe, rows=0))[1]
    if len(test):
        tables["test"] = test
        found = unlabelled(request, test, replace(recipe, unreadable="mean"), stores["train"])
        tables["test"], stores["test"], unreadable = found.readable, found.store, found.problem
    started = time.perf_counter()
    pairs = all_pairs(tables, stores)
    seconds = round(time.perf_counter() - started, 1)
    path = request.runs / "checks" / request.competition.name / "pairs.csv"
    with replacing(path) as temporary:
        pairs[COLUMNS].to_csv(temporary, index=False, lineterminator="\n", float_format="%g")
    picture = draw(pairs, tables, stores, files.target, path.with_suffix(".png"))
    problems = pair_problems(pairs, files.train, files.target)
    if unreadable:
        problems.append(f"test: {unreadable}; unreadable=mean gives such rows the mean prediction")
    problems += table_problems(files, test)
    problems += size_problems(recipe, list(stores.values()))
    problems += [
        f"{name}: {each}" for name, store in stores.items() for each in pixel_problems(store)
    ]
    near = int((pairs["kind"] == "near").sum())
    say(f"{files.folder}: {len(files.train):,} labelled and {len(test):,} test images, "
        f"{'those decoded that can be' if unreadable else 'all decoded'}")  # fmt: skip
    say(f"  {files.target.summary(files.target.read(files.train))}")
    say(f"  {sizes(list(stores.values()))}")
    converted = [f"{name}: {line}" for name, store in stores.items()
                 for line in conversions(store, tables[name]["id"].tolist())]  # fmt: skip
    for line in converted:
        say(f"  {line}")
    say(f"  {counted(len(pairs) - near, 'pair')} of equal pixels and {near:,} of the same shot "
        f"({seconds:g} s): {path}")  # fmt: skip
    for problem in problems:
        say(f"  problem: {problem}")
    if unreadable and recipe.unreadable == "stop":
        say("a run stops at the test images that cannot be read, until it is told unreadable=mean")
    else:
        say(f"next: {request.command('run')}" if not problems else "no problem stops a run")
    return {
        "pairs": str(path), "picture": picture, "problems": problems, "conversions": converted,
        "same": len(pairs) - near, "near": near, "duplicate_seconds": seconds,
        "train": len(files.train), "test": len(test),
        "classes": list(files.classes),
    }  # fmt: skip
