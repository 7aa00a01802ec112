"""All benchmarks, or `--only` one: prints the table and writes benchmarks/RESULTS.md.

Figures of `--quick` are rough, and those of `--only` are not all: they are printed, and written only
where `--out` says.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Effort, Row, effort, report, write_results

NAMES = (
    "archives_to_store",
    "first_pass",
    "later_passes",
    "small_batches",
    "training_step",
    "frozen_folds",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def main(words: Sequence[str] | None = None) -> str:
    """Run what was asked for; the report, as it was printed and written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=NAMES, help="this one alone")
    parser.add_argument("--out", type=Path, help="the file to write, instead of RESULTS.md")
    chosen, asked = effort(parser, words)
    names = (asked.only,) if asked.only else NAMES
    typed = " ".join(sys.argv[1:] if words is None else words)
    text = report(measured(names, chosen), f"python -m benchmarks {typed}".strip())
    print(text)
    whole = not (asked.only or asked.quick)
    if place := asked.out or (RESULTS if whole else None):
        write_results(place, text)
    return text


def measured(names: Sequence[str], chosen: Effort) -> list[Row]:
    """The rows of these benchmarks, one after another."""
    rows: list[Row] = []
    for name in names:
        print(f"{name} …", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{name}").measure(chosen)
    return rows


if __name__ == "__main__":
    main()
