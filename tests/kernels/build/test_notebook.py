"""A kernel's notebook: the script's own code in a few cells."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.kaggle.client.kernel_push_recovery import arrived
from common.kaggle.protocol import notebook_code
from kernels.build.bundle import PREDICTS, bundle
from kernels.build.notebook import notebook_of

FILES = {
    "kernels/__init__.py": b"",
    "kernels/runtime/__init__.py": b"",
    "kernels/runtime/predict.py": b"def run(facts, folder):\n    print(facts)\n    return 0\n",
}


def test_the_cells_do_what_the_script_does(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"competition": "petals", "seconds": 60.0}
    script = bundle('Petals: predicts as "a" does', facts, FILES, call=PREDICTS)
    notebook = notebook_of(script, "Petals", "Predicts.")
    (tmp_path / "submission.csv").write_text("id,label\n1,a\n", encoding="utf-8")
    said = []
    for name, text in (("script.py", script), ("cells.py", notebook_code(notebook))):
        assert text
        (tmp_path / name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, name], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        said.append(done.stdout)
    assert said[0] == f"{facts}\n"
    assert said[1] == f"{facts}\nid,label\n1,a\n"


def test_it_is_a_notebook_that_names_its_kernel_and_can_be_read() -> None:
    nbformat = pytest.importorskip("nbformat")
    script = bundle("Petals", {"competition": "petals"}, FILES, call=PREDICTS)
    found = json.loads(notebook_of(script, "Petals", "Predicts."))
    nbformat.validate(nbformat.from_dict(found))
    assert found["metadata"]["kernelspec"]["name"] == "python3"
    kinds = [cell["cell_type"] for cell in found["cells"]]
    assert kinds == ["markdown", *["code"] * 5]
    assert "KIT = {'competition': 'petals'}" in found["cells"][1]["source"]


def test_a_notebook_that_the_site_has_written_anew_is_known_by_its_code() -> None:
    script = bundle("Petals", {"competition": "petals"}, FILES, call=PREDICTS)
    sent = notebook_of(script, "Petals", "Predicts.")
    there = json.loads(sent)
    for number, cell in enumerate(there["cells"]):
        cell |= {"id": str(number), "source": cell["source"].splitlines(keepends=True)}
    now = {"version": 2, "owner": "you", "slug": "petals", "text": json.dumps(there), "sources": {}}
    found = arrived(sent, {}, {"version": 1}, now)
    assert found is not None
    assert found["version"] == 2
    there["cells"][-1]["source"] = ["print(1)"]
    assert arrived(sent, {}, {"version": 1}, now | {"text": json.dumps(there)}) is None
    assert notebook_code(script) is None
