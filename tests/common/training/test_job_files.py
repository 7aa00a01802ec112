"""A model trained alone is a file; files gathered are the run that one machine would have trained."""

import io
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_jobs import trained

import kit
from common.errors import KitError
from common.storage import read_json
from common.training import loop
from common.training.checkpoint import read_log
from common.training.parallel.job_file import read_facts
from common.verbs import gather, job, predict, run
from common.workflow.prepare import prepared

FIELDS: dict[str, Any] = {"models_per_fold": 2, "views": "mirror", "drop_rate": 0.2, "mixup": 0.2}
JOBS = ("fold0", "fold0-seed1", "fold1", "fold1-seed1")


def bytes_of(folder: str | Path) -> dict[str, bytes]:
    names = ("oof.npz", "submission.csv", "fold*/weights.safetensors")
    found = [path for name in names for path in Path(folder).glob(name)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def files(toy: Any, tmp_path: Path) -> list[Path]:
    request = toy(folds=2, epochs=1)
    return [trained(request, name, tmp_path / f"{name}.zip") for name in ("fold0", "fold1")]


def gathered(request: Any, *files: Path) -> dict[str, Any]:
    return gather.run(request, gather.Options(files=files))


@pytest.mark.parametrize("jobs", [JOBS[:1], pytest.param(JOBS, marks=pytest.mark.slow)])
def test_models_trained_one_by_one_and_gathered_give_the_bytes_of_a_run(
    toy: Any, tmp_path: Path, monkeypatch: Any, jobs: tuple[str, ...]
) -> None:
    request = toy("epochs=1", **({"folds": 1} if len(jobs) == 1 else FIELDS))
    whole = bytes_of(run.run(replace(request, runs=tmp_path / "whole"))["run"])
    files = [trained(request, name, tmp_path / f"{name}.zip", test=True) for name in jobs]
    assert not list((tmp_path / "runs" / "jobs").glob("*/*"))
    found = gathered(replace(request, words=()), *files)
    assert found["jobs"] == [*jobs]
    facts = read_json(Path(found["run"]) / "run.json")
    assert {*facts["jobs"]} == {*jobs}
    assert "torch" in facts["jobs"]["fold0"]["environment"]["versions"]
    assert facts["seconds"]["train"] > 0
    assert len(read_log(Path(found["run"]) / "fold0")) == 1

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the files hold all predictions")

    with monkeypatch.context() as patch:
        patch.setattr("common.workflow.jobs.model_probs.predictions", never)
        patch.setattr(loop, "train", never)
        assert run.run(request)["run"] == found["run"]
    assert bytes_of(found["run"]) == whole
    plain = predict.run(replace(request, words=("views=identity",), run=Path(found["run"])))
    assert plain["submission"]  # other views are predicted with the gathered weights


@pytest.mark.slow
def test_a_killed_job_is_resumed_after_its_last_epoch(
    toy: Any, tmp_path: Path, monkeypatch: Any, capfd: Any
) -> None:
    request, out = toy(folds=2, epochs=3), tmp_path / "fold1.zip"
    whole = trained(request, "fold1", tmp_path / "whole.zip")
    saved = loop.checkpoint.save_state

    def killed(folder: Path, state: dict[str, Any]) -> None:
        saved(folder, state)
        if state["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop.checkpoint, "save_state", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(request, "fold1", out)
    assert not out.exists()
    capfd.readouterr()
    trained(request, "fold1", out)
    assert "fold1: resuming after epoch 2 of 3" in capfd.readouterr().err
    with zipfile.ZipFile(whole) as one, zipfile.ZipFile(out) as two:
        for name in ("weights.safetensors", "held_out.npz"):
            assert one.read(name) == two.read(name)


@pytest.mark.slow
def test_what_is_missing_is_named_with_the_commands_that_make_it(
    toy: Any, files: list[Path]
) -> None:
    request = toy(folds=2, epochs=1)
    with pytest.raises(KitError, match=r"lacks 1 model: fold1; what was given is there") as told:
        gathered(request, files[0])
    assert "kit digits job --recipe toy fold1 --out fold1.zip --data" in str(told.value)
    assert gathered(request, *files)["jobs"] == ["fold0", "fold1"]  # the first is there already


def test_a_truncated_a_damaged_a_foreign_and_a_double_file_are_refused(
    toy: Any, files: list[Path], tmp_path: Path
) -> None:
    request, content = toy(folds=2, epochs=1), files[0].read_bytes()
    bad = tmp_path / "bad.zip"
    for truncated in (b"", content[:1000], content[:-1]):
        bad.write_bytes(truncated)
        with pytest.raises(KitError, match=r"bad.zip is truncated or damaged .* bring it over"):
            gathered(request, bad, files[1])
    with zipfile.ZipFile(files[0]) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            changed = name == "weights.safetensors"
            new.writestr(name, old.read(name)[:: -1 if changed else 1])
    with pytest.raises(KitError, match=r"is damaged \(weights.safetensors is not what was written"):
        gathered(request, bad)
    with zipfile.ZipFile(bad, "w") as new:
        new.writestr("image.png", b"")
    with pytest.raises(KitError, match=r"is no file that `job` wrote"):
        gathered(request, bad)
    with pytest.raises(KitError, match=r"gone.zip is not there"):
        gathered(request, tmp_path / "gone.zip")
    shutil.copy(files[0], bad)
    with pytest.raises(KitError, match=r"fold0.zip and .*bad.zip both hold fold0: name one"):
        gathered(request, files[0], bad)


def test_a_file_cut_behind_an_npz_file_within_it_is_truncated_and_no_file_of_another_kind(
    tmp_path: Path,
) -> None:
    inner, cut = io.BytesIO(), tmp_path / "cut.zip"
    np.savez(inner, identity=np.ones(3))
    with zipfile.ZipFile(cut, "w") as archive:
        archive.writestr("job.json", "{}")
        archive.writestr("test.npz", inner.getvalue())
    cut.write_bytes(cut.read_bytes()[:-50])
    assert zipfile.ZipFile(cut).namelist() == ["identity.npy"]
    with pytest.raises(KitError, match=r"cut.zip is truncated or damaged \(its end is missing\)"):
        read_facts(cut)


@pytest.mark.slow
def test_a_file_of_another_recipe_other_data_or_other_code_is_refused(
    toy: Any, files: list[Path], tmp_path: Path, monkeypatch: Any
) -> None:
    request = toy(folds=2, epochs=1)
    other = trained(toy(folds=2, epochs=1, lr=0.5), "fold1", tmp_path / "other.zip")
    with pytest.raises(KitError, match=r"another recipe toy than is here: lr=0.02, here 0.5"):
        gathered(toy(folds=2, epochs=1, lr=0.5), files[0], other)
    with pytest.raises(KitError, match=r"other.zip was trained by another recipe than is here"):
        gathered(request, files[0], other)
    with monkeypatch.context() as patch:
        patch.setattr("common.workflow.prepare.code_of", lambda _: "0" * 16)
        with pytest.raises(KitError, match=r"by other code than is here \(digest .*, here 0000"):
            gathered(request, *files)
    one, other, *_ = (tmp_path / "data" / "train").rglob("*.png")
    one.write_bytes(other.read_bytes())
    with pytest.raises(KitError, match=r"fold0.zip was trained by other data"):
        gathered(request, *files)
    assert not list((tmp_path / "runs").glob("digits-*/run.json"))  # nothing was begun


def test_a_file_that_is_refused_leaves_a_run_that_was_begun_here(
    toy: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    request = toy(folds=1, epochs=1)
    file = trained(request, "fold0", tmp_path / "fold0.zip")
    with prepared(request) as ready:
        begun = ready.run / "fold0"
    begun.mkdir()
    for name in ("log.jsonl", "resume.pt"):  # of an epoch, as a killed run leaves them
        (begun / name).touch()
    monkeypatch.setattr("common.workflow.prepare.code_of", lambda _: "0" * 16)
    with pytest.raises(KitError, match="by other code than is here"):
        gathered(request, file)
    assert (begun / "resume.pt").is_file()


@pytest.mark.slow
def test_a_trained_model_is_not_replaced_by_another_ones_weights(
    toy: Any, files: list[Path]
) -> None:
    request = toy(folds=2, epochs=1)
    found = gathered(request, *files)
    weights = Path(found["run"]) / "fold0" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[::-1])
    with pytest.raises(KitError, match=r"fold0 is trained already, with other weights than"):
        gathered(request, *files)


def test_a_name_that_the_recipe_lacks_is_told_with_those_it_has(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"no model 'fold7': there are fold0, fold1; with final="):
        trained(toy(), "fold7", tmp_path / "x.zip")
    with pytest.raises(KitError, match=r"which model is to be trained\? Name its folder"):
        job.run(toy(), job.Options())


@pytest.mark.slow
def test_a_head_that_chooses_by_all_folds_is_not_trained_alone(frozen: Any, tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"head_grid=small chooses for each fold by all the others"):
        trained(frozen(head_grid="small"), "fold0", tmp_path / "x.zip")


@pytest.mark.slow
def test_three_machines_leave_what_one_does(toy: Any, tmp_path: Path) -> None:
    toy()  # lays the data out
    words = ["epochs=2", "folds=3", "device=cpu", "final=refit"]
    processes = []
    for name in ("fold0", "fold1", "fold2", "refit"):
        here = tmp_path / name
        shutil.copytree(tmp_path / "data", here / "data")
        command = ["digits", "job", name, "--out", str(tmp_path / f"{name}.zip"), "--test", *words]
        places = ["--data", str(here / "data"), "--runs", str(here / "runs")]
        python = [sys.executable, "-m", "kit", *command, *places]
        processes.append(subprocess.Popen(python, cwd=Path(kit.__file__).parent))
    assert [each.wait() for each in processes] == [0, 0, 0, 0]
    files = [str(path) for path in tmp_path.glob("*.zip")]
    places = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    assert kit.main(["digits", "gather", *files, *places]) == 0
    assert kit.main(["digits", "run", *words, *places]) == 0
    assert kit.main(["digits", "run", *words, *places[:3], str(tmp_path / "whole")]) == 0
    (one,), (whole,) = (tmp_path.glob(f"{name}/digits-*") for name in ("runs", "whole"))
    for name in ("oof.npz", "submission.csv", "refit/weights.safetensors"):
        assert (one / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.slow
def test_a_linear_probe_alone_is_that_of_the_run(frozen: Any, tmp_path: Path) -> None:
    request = frozen(freeze="lp-ft:1", epochs=2, folds=2)
    alone = trained(request, "fold1", tmp_path / "fold1.zip")
    whole = Path(run.run(request)["run"]) / "fold1" / "weights.safetensors"
    with zipfile.ZipFile(alone) as archive:
        assert archive.read("weights.safetensors") == whole.read_bytes()
    with prepared(request) as ready:
        assert ready.recipe.epochs == 2
