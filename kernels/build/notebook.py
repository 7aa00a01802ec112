"""A kernel's script as a notebook of a few cells, for competitions that ask for one."""

import json
from typing import Any

CALL = """\
# It runs the kit in a process of its own, and leaves submission.csv, valid at any time.
code = main()
if code:
    raise SystemExit(code)"""
SHOW = """\
with open("submission.csv", encoding="utf-8") as file:
    for line in file.readlines()[:5]:
        print(line.rstrip()[:200])"""


def notebook_of(script: str, title: str, does: str) -> str:
    """The same code, cell by cell: facts, the packed kit, what unpacks and calls it, a look at the result.

    Args:
        script: as `kernels.build.bundle.bundle` makes it.
        does: a sentence for the reader.
    """
    head, _, rest = script.partition("\n\ndef main():")
    main, _, packed = rest.partition('\n\nCODE = """\n')
    packed = packed.partition('\nif __name__ == "__main__":')[0]
    _, _, head = head.split('"""', 2)
    cells = [
        _cell(f"# {title}\n\n{does}", "markdown"),
        _cell(head.strip()),
        _cell("# The kit's own code, packed.\n" + 'CODE = """\n' + packed.strip()),
        _cell(f"def main():{main.rstrip()}"),
        _cell(CALL),
        _cell(SHOW),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    facts = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": facts, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(whole, indent=1) + "\n"


def _cell(source: str, kind: str = "code") -> dict[str, Any]:
    found: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    return found | ({"execution_count": None, "outputs": []} if kind == "code" else {})
