"""The script that carries the kit: reproducible, small, whole, and nothing else of this machine."""

import ast
import base64
import io
import lzma
import re
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from kernels.build.bundle import LARGEST, ROOT, bundle, check_secrets, code_of

FACTS = {"competition": "digits", "words": ["epochs=2"], "seconds": 600}


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small kit in git."""
    folder = tmp_path / "kit"
    for name in (
        "common/a.py",
        "competitions/__init__.py",
        "competitions/digits/__init__.py",
        "competitions/other/__init__.py",
        "kit.py",
        "kernels/b.py",
        "pyproject.toml",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", encoding="utf-8")
    (folder / ".gitignore").write_text("runs/\n*.key\n", encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "begun")
    return folder


def carried(script: str) -> dict[str, bytes]:
    code = re.search(r'CODE = """\n(.*?)\n"""', script, re.DOTALL)
    assert code
    whole = ZipFile(io.BytesIO(lzma.decompress(base64.b64decode(code[1]))))
    return {name: whole.read(name) for name in whole.namelist()}


def test_the_script_is_python_and_carries_the_code_byte_for_byte() -> None:
    files = {"common/x.py": b"x = 1\n", "kit.py": b"\xff\x00"}
    script = bundle("a title", FACTS, files)
    assert ast.get_docstring(ast.parse(script))
    assert carried(script) == files


def test_a_title_cannot_end_the_docstring() -> None:
    script = bundle('""" + print(1) + """ \\', FACTS, {"kit.py": b""})
    assert isinstance(ast.parse(script).body[1], ast.Import)


def test_two_places_make_equal_bytes(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "kit"
    subprocess.run(["git", "clone", "-q", str(checkout), str(other)], check=True)
    (checkout / "kit.py").touch()
    first, second = (bundle("t", FACTS, code_of("digits", each)) for each in (checkout, other))
    assert first == second


def test_files_that_git_ignores_and_other_competitions_stay_outside(checkout: Path) -> None:
    (checkout / "common" / "my.key").write_text("secret", encoding="utf-8")
    (checkout / "runs").mkdir()
    (checkout / "runs" / "weights.py").write_text("w", encoding="utf-8")
    names = set(code_of("digits", checkout))
    assert names == {
        "common/a.py",
        "competitions/__init__.py",
        "competitions/digits/__init__.py",
        "kit.py",
        "kernels/b.py",
        "pyproject.toml",
    }


def test_a_file_that_git_does_not_know_is_named(checkout: Path) -> None:
    (checkout / "common" / "new.py").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"common/new\.py is not: `git add` it"):
        code_of("digits", checkout)


def test_a_file_that_is_gone_is_named(checkout: Path) -> None:
    (checkout / "kit.py").unlink()
    with pytest.raises(ValueError, match=r"git knows kit\.py, which is not there"):
        code_of("digits", checkout)


def test_code_outside_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="clone the kit with git"):
        code_of("digits", tmp_path)


def test_a_checkout_of_another_account_is_read_all_the_same(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = code_of("digits", checkout)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(subprocess.CalledProcessError):
        git(checkout, "ls-files")
    assert code_of("digits", checkout) == before


def test_a_script_that_kaggle_would_refuse_is_refused_here() -> None:
    import random

    noise = random.Random(0).randbytes(LARGEST)
    with pytest.raises(ValueError, match=r"Kaggle takes 900,000: .*the largest files are big\.py"):
        bundle("t", FACTS, {"big.py": noise, "kit.py": b""})


def test_a_secret_in_the_code_is_told_without_being_repeated() -> None:
    with pytest.raises(ValueError, match=r"a\.py would carry a Kaggle credential") as told:
        check_secrets({"a.py": b"key = '0123456789abcdef'"}, ["0123456789abcdef"])
    assert "0123456789abcdef" not in str(told.value)


def test_a_word_that_is_somebodys_key_is_no_secret() -> None:
    check_secrets({"a.py": b"key = 1"}, ["key"])


def test_the_kit_itself_fits_and_holds_nothing_of_this_machine(tmp_path: Path) -> None:
    copy = tmp_path / "kit"  # of what is here, all of it known to a git of its own
    copy.mkdir()
    for name in ("common", "competitions", "kernels"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("kit.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    git(copy, "init", "-q")
    git(copy, "add", "-A")
    files = code_of("digits", copy)
    assert len(bundle("t", FACTS, files).encode()) < LARGEST * 2 // 3
    assert {name.split("/")[1] for name in files if name.startswith("competitions/")} == {
        "__init__.py",
        "digits",
    }
    for name, content in files.items():
        assert str(Path.home()).encode() not in content, name
        assert str(ROOT).encode() not in content, name
