"""A run with a file that was cut or emptied: one sentence, or made anew and said to be."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_competitions import laid_out, request_of, toy_competition

from common.errors import KitError
from common.run_files import read_arrays, read_rows, whole_arrays
from common.targets import OneClass
from common.training.checkpoint import load_state, read_log, save_state
from common.verbs import predict, report, run
from common.workflow.request import Request


def of(folder: Path, *words: str) -> Request:
    request = request_of(toy_competition(OneClass(), "accuracy", ["label"]), folder)
    return replace(request, words=request.words + words)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the finished run of a toy competition."""
    folder = tmp_path_factory.mktemp("finished")
    laid_out(toy_competition(OneClass(), "accuracy", ["label"]), folder / "data")
    run.run(of(folder))
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished / "runs", tmp_path / "runs")
    (tmp_path / "data").symlink_to(finished / "data")
    return tmp_path


def cut(folder: Path, pattern: str, share: float) -> Path:
    (path,) = folder.glob(f"runs/toy-*/{pattern}")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


@pytest.mark.parametrize("share", [0.5, pytest.param(0.0, marks=pytest.mark.slow)])
def test_predictions_that_were_cut_are_made_anew_and_said_to_be(
    copied: Path, share: float, capsys: Any
) -> None:
    before = {path: path.read_bytes() for path in copied.glob("runs/toy-*/predictions/*/*")}
    paths = [cut(copied, f"predictions/*/{name}", share) for name in ("oof.npz", "test-*.npz")]
    paths.append(cut(copied, "predictions/*/fold0.npz", share))
    paths.append(cut(copied, "predictions/*/scores.json", share))
    run.run(of(copied))
    told = capsys.readouterr().err
    for path in paths:
        assert re.search(rf"{re.escape(str(path))} is damaged \(.+\): it is made anew", told)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("share", [0.0, 0.6, 0.999])
@pytest.mark.parametrize("name", ["folds.csv", "fold0/weights.safetensors"])
def test_what_cannot_be_made_anew_is_named_with_what_to_do(
    copied: Path, name: str, share: float
) -> None:
    path = cut(copied, name, share)
    with pytest.raises(KitError, match=rf"{re.escape(str(path))} is damaged \(.+\): bring it back"):
        predict.run(of(copied, "views=mirror"))


def test_the_report_names_predictions_that_were_cut(copied: Path) -> None:
    path = cut(copied, "predictions/*/oof.npz", 0.5)
    with pytest.raises(KitError, match=rf"{re.escape(str(path))} is damaged \(.+\): bring it back"):
        report.run(of(copied), report.Options(()))


def test_folds_that_lack_whole_rows_are_damaged_and_not_those_of_other_data(copied: Path) -> None:
    (path,) = copied.glob("runs/toy-*/folds.csv")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
    for verb in (predict.run, lambda request: report.run(request, report.Options(()))):
        with pytest.raises(KitError, match=r"folds.csv is damaged \(it has "):
            verb(of(copied))


def test_a_checkpoint_and_a_log_that_were_cut_are_named(tmp_path: Path) -> None:
    save_state(tmp_path, {"epoch": 1})
    path = tmp_path / "resume.pt"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(KitError, match=r"resume.pt is damaged \(.+ is trained anew"):
        load_state(tmp_path)
    (tmp_path / "log.jsonl").write_bytes(b"\0" * 40 + b"\n")
    with pytest.raises(KitError, match=r"log.jsonl is damaged \(.+ lose its curves"):
        read_log(tmp_path)


def test_a_pointer_in_place_of_predictions_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "oof.npz"
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(KitError, match="git lfs pull"):
        whole_arrays(path)
    assert path.is_file() and whole_arrays(tmp_path / "none.npz") is None


def test_a_whole_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", ids=np.array(["x"]), probs=np.ones((1, 2)))
    kept = read_arrays(tmp_path / "a.npz")
    assert kept["ids"].tolist() == ["x"] and kept["probs"].shape == (1, 2)
    (tmp_path / "a.csv").write_text("id,fold\nNA,1\n")
    assert read_rows(tmp_path / "a.csv", dtype={"id": str})["id"].tolist() == ["NA"]


@pytest.mark.parametrize(
    "error", [MemoryError("229 MiB"), PermissionError(13, "Permission denied")]
)
def test_what_the_machine_cannot_read_is_not_removed_as_damaged(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "a.npz", probs=np.zeros(3))

    def refused(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(np, "load", refused)
    with pytest.raises(type(error)):
        whole_arrays(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").is_file()
