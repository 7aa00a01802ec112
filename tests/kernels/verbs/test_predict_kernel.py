"""The verb with --predict: a run proven on test sets of several sizes, pushed, fetched and submitted."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import competitions
import kit
from common.errors import KitError
from common.kaggle.server.host import Host
from common.runs import Run
from common.verbs import run
from common.workflow.predicting.package import package_of
from common.workflow.request import Request
from common.workflow.submitting.local_kaggle import environment_set, of_embedded
from kernels.build.predicting import build_predictor, lay_out_package, seconds_of
from kernels.build.spec import Shape
from kernels.deploy.predicting import predicting
from kernels.deploy.steps import Steps
from kernels.sandbox.sealed_run import run_sealed

SMALL = ("rows=150", "epochs=1", "folds=2", "groups=identical", "views=mirror")


@pytest.fixture(scope="module", autouse=True)
def to_the_kits_own() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAGGLE_API_ENVIRONMENT")
        yield


def done(folder: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `kit digits WORDS --json` answers."""
    capsys.readouterr()
    places = ["--data", str(folder / "data"), "--runs", str(folder / "runs")]
    assert kit.main(["digits", *words, *places, "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.slow
def test_a_run_is_proven_pushed_fetched_and_submitted_from_its_predicting_kernel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done(tmp_path, "download", capsys=capsys)
    here = done(tmp_path, "run", *SMALL, capsys=capsys)["run"]
    found = done(tmp_path, "kernel", "--predict", here, "--sample", "20", capsys=capsys)
    assert found["proof"]["equal"] is True
    assert found["proof"]["sizes"][:3] == [0, 1, 5]
    there = Run(Path(found["run"]))
    assert (there / "submission.csv").read_bytes() == Path(here, "submission.csv").read_bytes()
    assert found["forecast"]["levels"][0]["score"] == found["cv"]
    measured = there.read()["forecast"]  # by the kernel, where it ran
    assert (measured["rows"], measured["limit"]) == (359, 32400)
    assert found["cv"] == json.loads(Path(here, "scores.json").read_text(encoding="utf-8"))["cv"]
    folder = Path(found["script"]).parent / "dry-run" / f"hidden-{found['proof']['sizes'][-1]}"
    odd = json.loads((folder / "working" / "kit-predicted.json").read_text(encoding="utf-8"))
    assert len(odd["unreadable"]) == 4
    as_file = done(tmp_path, "submit", "--run", here, capsys=capsys)
    from_kernel = done(tmp_path, "submit", "--kernel", found["run"], "--again", capsys=capsys)
    assert from_kernel["private"] == as_file["private"]
    again = done(tmp_path, "kernel", "--predict", here, capsys=capsys)
    assert (again["version"], "proof" in again) == (1, False)


@pytest.mark.slow
def test_rounded_weights_fewer_views_and_a_threshold_are_proven_by_what_they_predict_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done(tmp_path, "download", capsys=capsys)
    words = [*SMALL[:-1], "views=mirror+shifts", "tta_fraction=0.5"]
    here = done(tmp_path, "run", *words, capsys=capsys)["run"]
    more = ["--half", "--budget", "1h", "--hidden-rows", "100", "--dry-run", "--sample", "20"]
    found = done(tmp_path, "kernel", "--predict", here, *more, capsys=capsys)
    assert found["proof"]["equal"] is True
    assert found["proof"]["local"] != str(Path(here, "submission.csv"))
    told = json.loads(Path(here, "scores.json").read_text(encoding="utf-8"))
    assert found["forecast"]["levels"][0]["score"] == pytest.approx(told["cv"], abs=1e-9)
    assert [each["views"] for each in found["forecast"]["levels"]] == [3, 2, 1, 1]
    assert found["forecast"]["rows"] == 100
    begun = Path(found["script"]).read_text(encoding="utf-8").split("'levels': ")[1]
    best = max(found["forecast"]["levels"][:3], key=lambda each: (each["score"], -each["views"]))
    assert begun.startswith(f"[({best['views']}, 2)")


@pytest.mark.slow
def test_a_submitted_kernel_is_run_again_on_a_hidden_set_and_scores_what_its_run_scores_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = of_embedded(competitions.load("digits"), tmp_path / "hidden")
    shutil.copytree(tmp_path / "hidden", tmp_path / "data")
    sample = (tmp_path / "data" / "sample_submission.csv").read_text(encoding="utf-8")
    shown = "".join(sample.splitlines(keepends=True)[:21])
    (tmp_path / "data" / "sample_submission.csv").write_text(shown, encoding="utf-8")
    terms = {"files": tmp_path / "data", "hidden": tmp_path / "hidden", "code_only": True}
    hosted = replace(whole, **terms)  # type: ignore[arg-type]
    with (
        Host([hosted], folder=tmp_path / "host", run_kernel=run_sealed) as host,
        environment_set(host.environment),
    ):
        here = done(tmp_path, "run", *SMALL, capsys=capsys)
        made = done(tmp_path, "kernel", "--predict", here["run"], "--no-proof", capsys=capsys)
        sent = done(tmp_path, "submit", "--kernel", made["run"], capsys=capsys)
    places = ["--data", str(tmp_path / "hidden"), "--runs", str(tmp_path / "runs")]
    assert kit.main(["digits", "predict", "--run", here["run"], *places]) == 0
    score = whole.score(Path(here["run"]) / "submission.csv")
    assert (sent["public"], sent["private"]) == pytest.approx(score, abs=1e-5)


def test_budgets_are_read_in_hours_minutes_and_seconds() -> None:
    assert [seconds_of(each) for each in ("8h", "90m", "600", "1.5H")] == [28800, 5400, 600, 5400]
    for wrong in ("soon", "0", "13h", "-1h"):
        with pytest.raises(KitError, match=f"--budget {wrong}: it is a time above 0 and up to 12h"):
            seconds_of(wrong)


@pytest.mark.parametrize(
    ("steps", "words", "told"),
    [
        (Steps(predict=(Path("a"),), goes_on=True), (), "--continue has no meaning with --predict"),
        (Steps(predict=(Path("a"),), internet=True), (), "--internet has no meaning"),
        (Steps(predict=(Path("a"),)), ("epochs=2",), "--predict takes a run as it is"),
        (Steps(predict=(Path("gone"),)), (), "gone is no run folder"),
    ],
)
def test_what_has_no_meaning_for_a_predicting_kernel_is_refused(
    toy: Any, steps: Steps, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(KitError, match=told):
        predicting(toy(*words), steps, run_sealed)


def test_a_run_that_has_not_predicted_is_refused_with_the_command_that_does(
    toy: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "digits-toy-1a2b3c4d"
    folder.mkdir(parents=True)
    Run(folder).note(competition="digits", kind="trained")
    with pytest.raises(KitError, match=r"has not predicted the test set: `kit digits predict"):
        predicting(toy(), Steps(predict=(folder,)), run_sealed)


@pytest.mark.slow
def test_its_files_name_what_it_is_and_hold_nothing_of_this_machine(
    toy: Any, tmp_path: Path
) -> None:
    request: Request = toy(folds=1, epochs=1)
    finished = Run(Path(run.run(request)["run"]))
    package = package_of(request, finished)
    lay_out_package(request, package)
    made = build_predictor(request, Shape(time_limit=3600), package, seconds=1800.0)
    digits = finished.folder.name.rpartition("-")[2]
    assert made.built.kernel.slug == f"kit-digits-predict-{digits}"
    assert made.dataset[0] == f"digits-{digits}-kit-predict"
    assert made.built.kernel.internet is False
    script = made.built.script.read_text(encoding="utf-8")
    assert "'seconds': 1800.0" in script
    for path in (made.built.script, *(made.files[name] for name in made.files if "json" in name)):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")
    same = build_predictor(request, Shape(time_limit=3600), package, seconds=1800.0)
    assert same.built.key == made.built.key
