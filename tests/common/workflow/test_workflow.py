"""The verbs, end to end on a toy competition: what is written, and what is refused in words."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common import submission
from common.recipe import Recipe
from common.storage import read_json
from common.verbs import check, check_submission, predict, run, submit, validate

PICTURES = ["augmented_batch.png", "confusion.png", "learning_curves.png", "worst_mistakes.png"]


def data(toy: Any) -> Path:
    folder: Path = toy().data
    return folder


def test_a_run_leaves_everything_a_person_looks_for(toy: Any) -> None:
    result = run.run(toy(epochs=4))
    folder = Path(result["run"])
    sample = submission.read_csv(data(toy) / "sample_submission.csv")
    rows = submission.read_csv(folder / "submission.csv")
    assert rows["id"].tolist() == sample["id"].tolist()
    # The toy's hidden labels are known: rows 48 to 59 are 0 1 2 0 1 2 …
    assert (rows["label"] == [str(n % 3) for n in range(48, 60)]).mean() > 0.9
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == PICTURES
    facts = read_json(folder / "run.json")
    for key in (
        "recipe",
        "environment",
        "git_commit",
        "device",
        "images_per_second",
        "seconds",
        "code",
    ):
        assert facts[key] or key == "git_commit", key
    assert {"prepare", "train", "judge", "predict"} <= set(facts["seconds"])
    assert facts["peak_memory"]["host"] > 10
    with np.load(folder / "oof.npz") as oof:
        assert oof["probs"].dtype == np.float32
        assert sorted(oof["ids"]) == sorted(submission.read_csv(data(toy) / "labels.csv")["id"])
    assert read_json(folder / "classes.json") == ["0", "1", "2"]
    assert len(pd.read_csv(folder / "folds.csv")) == 48


def test_refit_predicts_with_one_model_of_all_rows(toy: Any) -> None:
    folder = Path(run.run(toy("final=refit"))["run"])
    assert (folder / "refit/weights.safetensors").is_file()
    folds = run.run(toy("final=folds"))
    assert folds["run"] == str(folder)  # judged by the same folds


def test_predict_with_other_views_trains_nothing(toy: Any) -> None:
    first = Path(run.run(toy())["run"])
    stamp = (first / "fold0/weights.safetensors").stat().st_mtime_ns
    second = predict.run(toy("views=mirror+shifts"))
    assert second["run"] == str(first)
    assert (first / "fold0/weights.safetensors").stat().st_mtime_ns == stamp


def test_predict_refuses_a_run_of_other_data(toy: Any) -> None:
    run.run(toy())
    labels = data(toy) / "labels.csv"
    labels.write_text("\n".join(labels.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(ValueError, match="was made from other data"):
        predict.run(toy())


def test_predict_without_a_run_says_what_makes_one(toy: Any) -> None:
    with pytest.raises(ValueError, match=r"holds no run of digits.*kit digits run"):
        predict.run(toy())


def test_fresh_starts_over(toy: Any) -> None:
    folder = Path(validate.run(toy())["run"])
    (folder / "left.txt").write_text("old")
    assert validate.run(toy(fresh=True))["run"] == str(folder)
    assert not (folder / "left.txt").exists()


def test_a_finished_run_is_scored_by_the_loopback_kaggle(toy: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    request = toy(epochs=4)
    hidden = [f"{n}e7" for n in range(48, 60)]
    known = pd.DataFrame(
        {"id": [f"{n:02}e7" for n in range(60)], "label": [str(n % 3) for n in range(60)]}
    )
    table = known.assign(hidden=known["id"].isin(hidden))
    from common.competition import Embedded

    competition = replace(
        request.competition, embedded=lambda: Embedded(table=table, images=[b""] * 60)
    )
    request = replace(request, competition=competition)
    run.run(request)
    result = submit.run(request, submit.Options())
    assert result["private"] >= 0.8
    assert result["ref"] > 0
    sent = read_json(Path(result["run"]) / "run.json")["submitted"]
    assert len(sent) == 1
    again = submit.run(request, submit.Options())  # no --again is needed there
    assert again["private"] == result["private"]
    with pytest.raises(ValueError, match="was not made with views=scales"):
        submit.run(replace(request, words=("views=scales",)), submit.Options())


def test_submit_never_trains(toy: Any) -> None:
    folder = Path(validate.run(toy())["run"])
    with pytest.raises(ValueError, match=r"has no submission\.csv yet"):
        submit.run(toy(), submit.Options())
    assert not (folder / "submission.csv").exists()


def test_check_finds_identical_files_across_the_splits(toy: Any) -> None:
    images = data(toy)
    shutil.copy(images / "train/00e7.png", images / "train/01e7.png")
    shutil.copy(images / "train/02e7.png", images / "test/50e7.png")
    result = check.run(toy())
    pairs = pd.read_csv(result["pairs"], dtype=str)
    assert pairs.values.tolist() == [
        ["train", "00e7", "train", "01e7", "same", "0"],
        ["train", "02e7", "test", "50e7", "same", "0"],
    ]
    assert any("has two labels: 00e7 and 01e7" in problem for problem in result["problems"])
    assert any("across train and test (1 test image)" in problem for problem in result["problems"])


def test_check_submission_names_what_is_wrong(toy: Any, tmp_path: Path) -> None:
    sample = submission.read_csv(data(toy) / "sample_submission.csv")
    path = tmp_path / "mine.csv"
    sample.assign(label="9").iloc[1:].to_csv(path, index=False)
    options = check_submission.Options(str(path))
    with pytest.raises(ValueError, match=r"would be refused(.|\n)*48e7(.|\n)*9"):
        check_submission.run(toy(), options)
    sample.to_csv(path, index=False)
    assert check_submission.run(toy(), options)["problems"] == []


def test_log_loss_competitions_get_probability_rows(toy: Any) -> None:
    ids = [f"{n}e7" for n in range(48, 60)]
    sample = pd.DataFrame({"id": ids, "2": 0.3, "0": 0.3, "1": 0.4})  # not in sorted order
    sample.to_csv(data(toy) / "sample_submission.csv", index=False)
    request = toy(epochs=4)
    competition = replace(request.competition, metric="log_loss")
    result = run.run(replace(request, competition=competition))
    rows = pd.read_csv(result["submission"], dtype={"id": str})
    assert list(rows.columns) == ["id", "2", "0", "1"]
    said = rows[["0", "1", "2"]].to_numpy().argmax(axis=1)
    assert (said == [n % 3 for n in range(48, 60)]).mean() > 0.9


def test_recipe_of_a_run_is_read_back_whole(toy: Any) -> None:
    from common.runs import Run

    folder = Path(validate.run(toy(lr=0.03))["run"])
    assert Run(folder).recipe() == Recipe(**asdict(toy(lr=0.03).recipe))


def test_a_start_that_is_refused_leaves_no_run(toy: Any) -> None:
    first = run.run(toy())["run"]
    for fields in ({"augment": "photo"}, {"folds": 100}, {"backbone": "resnet18.nonesuch"}):
        with pytest.raises(ValueError):
            run.run(toy(**fields))
    assert predict.run(toy())["run"] == first
    assert len(list(toy().runs.glob("digits-*/run.json"))) == 1


def test_an_interrupted_fresh_start_is_still_the_old_run(toy: Any, monkeypatch: Any) -> None:
    folder = Path(validate.run(toy())["run"])
    honest = shutil.rmtree

    def interrupted(path: Path) -> None:
        if path.name == "fold1":
            raise KeyboardInterrupt
        honest(path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            validate.run(toy(fresh=True))
    import common.workflow.prepare as prepare

    assert (folder / "run.json").is_file()
    monkeypatch.setattr(prepare, "code_digest", lambda _: "0" * 16)
    with pytest.raises(ValueError, match="the code has changed since"):
        validate.run(toy())


def test_scores_and_submission_in_the_json_belong_together(toy: Any) -> None:
    assert "submission" in run.run(toy())
    assert "submission" not in validate.run(toy("views=mirror"))
    assert "submission" in run.run(toy("views=mirror"))


@pytest.mark.slow
def test_a_finished_run_needs_no_weights_file(toy: Any, tmp_path: Path, capsys: Any) -> None:
    first = Path(run.run(toy())["run"])
    weights = tmp_path / "w.safetensors"
    shutil.copy(first / "fold0/weights.safetensors", weights)
    second = run.run(toy(weights=str(weights)))["run"]
    assert capsys.readouterr().err.count("normalised as for kit_resnet9_16 (mean 0.485,") == 1
    weights.unlink()
    assert predict.run(replace(toy("views=mirror"), run=Path(second)))["run"] == second


def test_a_run_that_is_named_must_be_the_one_that_is_described(toy: Any) -> None:
    first = Path(run.run(toy())["run"])
    with pytest.raises(ValueError, match="was not trained with these fields"):
        predict.run(replace(toy("lr=0.5"), run=first))


def test_predictions_of_accepted_code_are_made_anew(toy: Any, monkeypatch: Any) -> None:
    import common.workflow.prepare as prepare

    folder = Path(run.run(toy())["run"])
    monkeypatch.setattr(prepare, "code_digest", lambda _: "0" * 16)
    request = replace(toy("views=mirror"), accept_code=True)
    run.run(request)
    before = set((folder / "predictions").iterdir())
    run.run(toy())
    assert set((folder / "predictions").iterdir()) - before  # the plain views again, by this code


def test_the_next_command_names_the_same_places_as_a_shell_wants_them(toy: Any) -> None:
    request = replace(toy(), data=Path("my data"), runs=Path("runs"))
    assert request.command("submit") == "kit digits submit --data 'my data'"
    assert replace(request, data=None).command("run") == "kit digits run"


def test_without_folds_all_rows_train_and_nothing_is_judged(
    toy: Any, capsys: Any, monkeypatch: Any
) -> None:
    # Where nothing is held out, nobody looks for near-duplicates (the default of `groups`).
    monkeypatch.delattr("common.data.folds.near_groups")
    result = run.run(toy(folds=0, final="refit", epochs=1))
    folder = Path(result["run"])
    assert [path.parent.name for path in folder.glob("*/weights.safetensors")] == ["refit"]
    assert "cv" not in result
    assert len(submission.read_csv(Path(result["submission"]))) > 0
    assert "none is held out" in capsys.readouterr().err
    with pytest.raises(ValueError, match="folds=0 trains on all rows"):
        validate.run(toy(folds=0, final="refit", epochs=1))
