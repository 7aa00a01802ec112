"""Which packages a kernel's script may import."""

from importlib.metadata import distribution
from pathlib import Path

import pytest

from kernels.sandbox import virtualenv
from kernels.sandbox.virtualenv import closure, packages


def test_what_is_declared_comes_with_what_it_requires_and_nothing_else() -> None:
    names = {each.name.lower().replace("_", "-") for each in closure()}
    assert {"torch", "six", "py7zr", "filelock", "sympy"} <= names  # sympy is torch's
    assert not {"pytest", "ruff", "mypy", "pip", "kaggle-image-kit"} & names
    assert len(names) == len(closure())


def test_the_files_of_a_package_are_found_where_they_are_installed() -> None:
    found = packages()
    assert found["six.py"].read_bytes().startswith(b"# Copyright")
    assert (found["torch"] / "__init__.py").is_file()
    tops = {file.parts[0] for file in distribution("torch").files or []}
    assert tops - {"..", "__pycache__"} <= {*found}


def test_py7zr_is_absent_where_the_program_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtualenv, "PATH", str(tmp_path))
    assert "py7zr" in packages.__wrapped__()
    (tmp_path / "7z").touch(0o755)
    without = packages.__wrapped__()
    assert "py7zr" not in without and "texttable.py" not in without  # texttable is py7zr's
    assert "torch" in without
