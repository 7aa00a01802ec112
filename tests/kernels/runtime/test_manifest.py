"""What a kernel leaves: listed with digests, so that what arrives is what was written."""

from pathlib import Path

import pytest

from kernels.runtime.manifest import MANIFEST, read_manifest, write_manifest


@pytest.fixture
def working(tmp_path: Path) -> Path:
    (tmp_path / "runs" / "a-b-12345678").mkdir(parents=True)
    (tmp_path / "runs" / "a-b-12345678" / "run.json").write_text("{}", encoding="utf-8")
    (tmp_path / "submission.csv").write_text("id,label\n", encoding="utf-8")
    write_manifest(tmp_path, "a-b-12345678", finished=True)
    return tmp_path


def test_what_was_listed_is_read_back(working: Path) -> None:
    found = read_manifest(working)
    assert found is not None
    assert found["run"] == "a-b-12345678"
    assert found["finished"] is True
    assert sorted(found["files"]) == ["runs/a-b-12345678/run.json", "submission.csv"]


def test_a_killed_kernel_left_no_list(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("text", ["id,labeL\n", "id,label\n0"])
def test_a_file_that_differs_from_the_list_is_named(working: Path, text: str) -> None:
    (working / "submission.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"submission\.csv .* did not arrive as it was written"):
        read_manifest(working)


def test_a_file_that_is_missing_is_named(working: Path) -> None:
    (working / "runs" / "a-b-12345678" / "run.json").unlink()
    with pytest.raises(ValueError, match=r"runs/a-b-12345678/run\.json"):
        read_manifest(working)


def test_files_beside_the_list_do_no_harm(working: Path) -> None:
    (working / "more.txt").write_text("", encoding="utf-8")
    assert read_manifest(working)


def test_a_list_of_another_format_is_refused(working: Path) -> None:
    (working / MANIFEST).write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(ValueError, match="another version of the kit"):
        read_manifest(working)
