"""Rehearsals end to end on toy data: blind, never mixed up with real runs, going on where they stopped."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

import competitions
from common import ledger, submission
from common.data.table import read_csv
from common.storage import read_json
from common.verbs import ledger as ledger_verb
from common.verbs import predict, validate
from common.workflow.files import open_files
from common.workflow.request import Request
from common.workflow.submitting.rehearsal import hidden_request
from common.workflow.submitting.rehearsal_site import SERVED, SOLUTION, make_rehearsal, rehearsals
from kernels.verbs import rehearse


def folder_of(request: Request, **options: Any) -> Path:
    return make_rehearsal(request, open_files(request), **{"share": 0.25, "seed": 0} | options)


def test_cv_stands_beside_the_scores_of_a_hidden_test_set(toy: Any) -> None:
    request = toy(epochs=4)
    result = rehearse.run(request, rehearse.Options(hidden=0.25, seed=3))
    folder = Path(result["rehearsal"])
    assert result["hidden"] == 12
    assert result["labelled"] == 36
    assert result["public_rows"] + result["private_rows"] == 12
    solution = read_csv(folder / SOLUTION).set_index("id")["label"]
    rows = submission.read_csv(Path(result["submission"])).set_index("id")["label"]
    right = (rows.loc[solution.index] == solution).sum()
    told = result["public"] * result["public_rows"] + result["private"] * result["private_rows"]
    assert told == pytest.approx(right, abs=1e-3)
    for key in ("run", "metric", "cv", "cv_sd", "fold_scores", "ref", "seconds",
                "images_per_second", "peak_memory_mb"):  # fmt: skip
        assert result[key] is not None, key
    assert result["difference"] == pytest.approx(result["private"] - result["cv"])


@pytest.mark.slow
def test_the_last_lines_say_what_the_number_is_worth(toy: Any, capsys: Any) -> None:
    result = rehearse.run(toy(), rehearse.Options())
    said = " ".join(capsys.readouterr().err.split())
    n, p = result["private_rows"], result["private"]
    assert f"n = {n} hidden rows" in said
    kept = min(max(p, 0.5 / n), 1 - 0.5 / n)
    assert f"(sqrt(p(1-p)/n)) is {math.sqrt(kept * (1 - kept) / n):.4f}" in said
    assert "nothing of it counts as a run of digits" in said
    assert said.count("next:") == 1  # the verbs on the way name no step that is taken anyway


def test_the_run_can_read_no_hidden_label(toy: Any) -> None:
    request = toy()
    result = rehearse.run(request, rehearse.Options())
    folder = Path(result["rehearsal"])
    solution = read_csv(folder / SOLUTION)
    hidden = set(solution["id"])
    competitor = hidden_request(request, folder)
    files = open_files(competitor)
    assert not hidden & set(files.train["id"])
    assert competitor.competition.embedded is None
    with ZipFile(folder / "data" / "digits.zip") as archive:
        names = archive.namelist()
        told = archive.read("labels.csv").decode()
    assert not [name for name in names if "solution" in name or "rehearsal" in name]
    assert not [name for name in hidden if name in told]
    assert set(files.sample["label"]) == {"0"}
    assert not (folder / SOLUTION).is_relative_to(competitor.data_folder)
    assert not (folder / SOLUTION).is_relative_to(folder / SERVED)


def test_images_keep_their_bytes(toy: Any) -> None:
    request = toy()
    folder = folder_of(request)
    train = open_files(request).train
    served = {path.name: path for path in (folder / SERVED).rglob("*.png")}
    assert len(served) == len(train)
    for path in map(Path, train["path"]):
        assert served[path.name].read_bytes() == path.read_bytes()


def test_identical_files_are_never_on_both_sides(toy: Any) -> None:
    request = toy()
    images = request.data / "train"
    for number in range(2, 24):  # under all three labels: two images, twelve times each
        shutil.copy(images / f"{number % 2:02}e7.png", images / f"{number:02}e7.png")
    for seed in range(5):
        folder = folder_of(request, share=0.5, seed=seed)
        sides = [
            {path.read_bytes() for path in (folder / SERVED / side).iterdir()}
            for side in ("train", "test")
        ]
        assert not sides[0] & sides[1]


def test_duplicates_named_in_groups_are_never_on_both_sides(toy: Any, tmp_path: Path) -> None:
    train = open_files(toy()).train
    listed = pd.DataFrame({"id": train["id"], "group": [str(n // 4) for n in range(len(train))]})
    listed.to_csv(tmp_path / "groups.csv", index=False)
    folder = folder_of(toy(f"groups={tmp_path / 'groups.csv'}"))
    hidden = set(read_csv(folder / SOLUTION)["id"])
    for _, group in listed.groupby("group")["id"]:
        assert set(group) <= hidden or not set(group) & hidden


@pytest.mark.slow
def test_a_second_call_goes_on_where_the_first_stopped(toy: Any) -> None:
    first = rehearse.run(toy(), rehearse.Options())
    folder = Path(first["rehearsal"])
    stamps = {
        path: path.stat().st_mtime_ns
        for path in [*folder.glob("data/*.zip"), *folder.glob("runs/digits-*/fold*/*.safetensors")]
    }
    assert len(stamps) == 3
    second = rehearse.run(toy(), rehearse.Options())
    assert {key: second[key] for key in ("run", "ref", "public", "private")} == {
        key: first[key] for key in ("run", "ref", "public", "private")
    }
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert len(read_json(folder / "host" / "submissions.json")) == 1
    other = rehearse.run(toy("lr=0.05"), rehearse.Options())  # another run, the same hidden rows
    assert other["rehearsal"] == str(folder)
    assert other["ref"] > first["ref"]


def test_a_killed_carving_leaves_nothing_that_counts(toy: Any) -> None:
    request = toy()
    whole = request.competition.lay_out

    def cut(table: pd.DataFrame, images: Any, folder: Path) -> None:
        whole(table.iloc[:5], images[:5], folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder_of(replace(request, competition=replace(request.competition, lay_out=cut)))
    assert rehearsals(request.runs) == []
    assert len(list((folder_of(request) / SERVED).rglob("*.png"))) == 48


def test_seed_share_and_content_each_make_a_rehearsal_of_their_own(toy: Any) -> None:
    request = toy()
    made = {folder_of(request), folder_of(request, seed=1), folder_of(request, share=0.5)}
    assert folder_of(request) in made
    shutil.copy(request.data / "train/03e7.png", request.data / "train/00e7.png")
    made.add(folder_of(request))
    assert len(made) == 4


@pytest.mark.slow
def test_a_rehearsal_is_no_run_of_the_competition(toy: Any) -> None:
    real = validate.run(toy())["run"]
    rehearsed = rehearse.run(toy(), rehearse.Options())
    assert predict.run(toy())["run"] == real
    assert Path(rehearsed["run"]).is_relative_to(Path(rehearsed["rehearsal"]))
    assert ledger.read(toy().runs / ledger.NAME) == []
    block = ledger_verb.run(ledger_verb.Options(toy().runs), None)["competitions"][0]
    assert block["rehearsal"] == Path(rehearsed["rehearsal"]).name
    assert block["submissions"][0]["private"] == rehearsed["private"]


@pytest.mark.slow
def test_log_loss_competitions_are_rehearsed_with_an_error_from_their_rows(toy: Any) -> None:
    request = toy(epochs=4)
    plain = request.competition.lay_out

    def lay_out(table: pd.DataFrame, images: Any, folder: Path) -> None:
        plain(table, images, folder)
        ids = table["id"][table["hidden"]]
        sample = pd.DataFrame({"id": ids, "2": 0.3, "0": 0.3, "1": 0.4})
        sample.to_csv(folder / "sample_submission.csv", index=False)

    competition = replace(request.competition, metric="log_loss", lay_out=lay_out)
    result = rehearse.run(replace(request, competition=competition), rehearse.Options())
    assert result["metric"] == "log_loss"
    assert result["difference"] == pytest.approx(result["cv"] - result["private"])
    assert 0 < result["private_error"] < 2


def test_the_environment_is_as_before_even_after_a_failure(toy: Any, monkeypatch: Any) -> None:
    import os

    def refused(_: Request, **__: Any) -> Any:
        assert os.environ["KAGGLE_USERNAME"] == "you"
        raise ValueError("refused")

    before = dict(os.environ)
    monkeypatch.setattr("common.workflow.submitting.rehearsal.send", refused)
    with pytest.raises(ValueError, match="refused"):
        rehearse.run(toy(), rehearse.Options())
    assert dict(os.environ) == before


@pytest.mark.slow
def test_the_embedded_digits_are_rehearsed_out_of_what_they_label(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    digits = competitions.load("digits")
    assert digits.embedded is not None
    found = digits.embedded()
    keep = np.arange(0, 1797, 12)
    small = replace(
        found, table=found.table.iloc[keep].reset_index(drop=True),
        images=[found.images[row] for row in keep],
    )  # fmt: skip
    competition = replace(digits, embedded=lambda: small)
    words = ("epochs=1", "folds=2", "device=cpu", "views=identity")
    request = Request(competition=competition, recipe_name="quick", words=words)
    result = rehearse.run(request, rehearse.Options())
    secret = set(small.table["id"][small.table["hidden"]])
    assert not secret & set(read_csv(Path(result["rehearsal"]) / SOLUTION)["id"])
    assert result["hidden"] == round(0.2 * (len(small.table) - len(secret)))
    assert 0 <= result["private"] <= 1


DATA = Path(__file__).parents[3].parent / "shared" / "data" / "cifar-10"


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared images are not here")
def test_the_real_cifar_10_is_rehearsed(tmp_path: Path) -> None:
    words = ("rows=3000", "epochs=3", "batch_size=64", "lr=0.1")
    result = rehearse.run(Request(
        competition=competitions.load("cifar10"), recipe_name="quick", data=DATA,
        runs=tmp_path / "runs", words=words,
    ), rehearse.Options())  # fmt: skip
    assert (result["labelled"], result["hidden"]) == (40_000, 10_000)
    assert (result["public_rows"], result["private_rows"]) == (3_000, 7_000)
    solution = read_csv(Path(result["rehearsal"]) / SOLUTION)
    assert set(solution["label"].value_counts()) == {1_000}
    assert result["private"] > 0.2  # chance is 0.1
    assert abs(result["private"] - result["public"]) < 0.05
