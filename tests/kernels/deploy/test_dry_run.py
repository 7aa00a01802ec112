"""Two submissions compared: equal bytes, or where and by how much they differ."""

import json
from pathlib import Path

import pytest

import kit
from kernels.deploy.dry_run import check_equal, difference


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_equal_bytes_are_equal(tmp_path: Path) -> None:
    one, other = (written(tmp_path, name, "id,a\n1,0.5\n") for name in ("one", "other"))
    assert difference(one, other) == {"equal": True}


def test_probabilities_that_differ_are_measured(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "image,a,b\n1,0.5,0.5\n2,0.1,0.9\n3,1,0\n")
    other = written(tmp_path, "other", "image,a,b\n1,0.5,0.5\n2,0.3,0.7\n3,0.75,0.25\n")
    found = difference(one, other)
    assert found["differing"] == 2
    assert found["largest"] == pytest.approx(0.25)


def test_labels_that_differ_are_counted(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "id,label\n1,cat\n2,dog\n")
    other = written(tmp_path, "other", "id,label\n2,cat\n1,cat\n")
    assert difference(one, other) == {"equal": False, "differing": 1, "largest": None}


def test_other_rows_differ_altogether(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "id,label\n1,cat\n")
    other = written(tmp_path, "other", "id,label\n2,cat\n")
    assert difference(one, other)["differing"] == 1


def test_a_difference_is_told_with_both_files() -> None:
    facts = {
        "equal": False,
        "differing": 2,
        "largest": 0.25,
        "rows": 3,
        "submission": "there.csv",
        "local": "here.csv",
    }
    with pytest.raises(
        ValueError, match=r"in 2 of 3 rows, by at most 0\.25: .* nothing was pushed"
    ):
        check_equal(facts)


@pytest.mark.slow
def test_a_recipe_of_several_processes_is_run_sealed_on_two_ray_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    places = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    small = ["rows=150", "epochs=1", "folds=2", "groups=identical", "processes=2"]
    assert kit.main(["digits", "download", *places]) == 0
    words = ["digits", "kernel", "--dry-run", *small, "--sample", "60", *places]
    assert kit.main(words) == 0
    (folder,) = (tmp_path / "runs" / "kernels").iterdir()
    assert json.loads((folder / "proof.json").read_text(encoding="utf-8"))["equal"] is True
    log = (folder / "dry-run" / "log.jsonl").read_text(encoding="utf-8")
    assert "training 2 of 2 models on cpu, 2 at a time" in log
