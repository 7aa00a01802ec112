"""A kernel's notebook: the script's own code in a few cells."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from kernels.build.bundle import PREDICTS, bundle
from kernels.build.notebook import notebook_of, script_of

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
    for name, text in (("script.py", script), ("cells.py", script_of(notebook))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, name], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        said.append(done.stdout)
    assert said[0] == f"{facts}\n"
    assert said[1] == f"{facts}\nid,label\n1,a\n"


def test_it_is_a_notebook_that_names_its_kernel_and_can_be_read() -> None:
    script = bundle("Petals", {"competition": "petals"}, FILES, call=PREDICTS)
    found = json.loads(notebook_of(script, "Petals", "Predicts."))
    assert found["metadata"]["kernelspec"]["name"] == "python3"
    kinds = [cell["cell_type"] for cell in found["cells"]]
    assert kinds == ["markdown", *["code"] * 5]
    assert "KIT = {'competition': 'petals'}" in found["cells"][1]["source"]
