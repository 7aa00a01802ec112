"""A code competition rehearsed: local, visible and re-run predictions compared, and the re-run's limits kept."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_competitions import laid_out, request_of

import competitions
from common.data.table import read_csv
from common.errors import KitError
from common.kaggle.client import SubmissionError
from common.runs import Run
from common.storage import read_json
from common.submission import read_csv as read_submission
from common.workflow.submitting.rehearsal_site import SOLUTION
from kernels.verbs import rehearse

Options = rehearse.Options


@pytest.mark.slow
def test_the_rerun_is_byte_equal_to_what_the_run_predicts_here_and_is_what_has_the_score(
    toy: Any, capsys: Any
) -> None:
    result = rehearse.run(toy(epochs=4), Options(hidden=0.25, code=True))
    json.dumps(result, allow_nan=False)
    folder = Path(result["rehearsal"])
    assert result["visible"]["equal"]
    assert result["rerun"]["equal"]
    assert result["rerun"]["rows"] == result["hidden"] == 12
    solution = read_csv(folder / SOLUTION).set_index("id")["label"]
    judged = read_submission(folder / "code" / "hidden.csv").set_index("id")["label"]
    right = (judged.loc[solution.index] == solution).sum()
    told = result["public"] * result["public_rows"] + result["private"] * result["private_rows"]
    assert told == pytest.approx(right, abs=1e-3)
    assert len(read_submission(Path(result["submission"]))) == 2  # the visible test set's alone
    assert not set(solution.index) & {
        path.stem for path in (folder / "site" / "visible" / "train").iterdir()
    }
    again = rehearse.run(toy(epochs=4), Options(hidden=0.25, code=True))
    assert again["ref"] == result["ref"]
    assert capsys.readouterr().err.count("next:") == 2


@pytest.mark.slow
def test_several_runs_of_a_rehearsal_are_blended_into_a_notebook_and_a_rerun_out_of_memory_is_told_as_on_the_site(
    toy: Any,
) -> None:
    runs = [Path(rehearse.run(toy(seed=seed), Options(hidden=0.25))["run"]).name for seed in (0, 1)]
    blended = Options(hidden=0.25, code=True, notebook=True, predict=tuple(map(Path, runs)))
    result = rehearse.run(toy(), blended)
    assert Run(Path(result["of"])).read()["kind"] == "blended"
    assert result["visible"]["equal"]
    assert result["rerun"]["equal"]
    with pytest.raises(SubmissionError, match="Notebook Exceeded Allowed Compute"):
        rehearse.run(toy(), replace(blended, memory=50))
    submissions = read_json(Path(result["rehearsal"]) / "code" / "host" / "submissions.json")
    assert [each["status"] for each in submissions if each["rerun"]] == ["COMPLETE", "ERROR"]


@pytest.mark.slow
def test_a_run_that_has_seen_the_hidden_labels_is_refused(toy: Any) -> None:
    from common.verbs import run

    own = run.run(toy())["run"]
    with pytest.raises(KitError, match="was made from other"):
        rehearse.run(toy(), Options(code=True, predict=(Path(own).absolute(),)))


@pytest.mark.parametrize(
    ("options", "words", "told"),
    [
        (
            Options(memory=900),
            (),
            "--memory is for the rehearsal of a code competition: add --code",
        ),
        (Options(notebook=True), (), "--notebook is for the rehearsal of a code competition"),
        (Options(code=True, memory=-1), (), "--memory -1: it is a number above 0"),
        (Options(code=True, rerun_limit="13h"), (), "--rerun-limit 13h: it is a time above 0"),
        (
            Options(code=True, predict=(Path("a"),)),
            ("epochs=1",),
            "--predict takes runs as they are",
        ),
    ],
)
def test_flags_without_a_meaning_are_refused(
    toy: Any, options: Any, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(KitError, match=told):
        rehearse.run(toy(*words), options)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["aptos", "digit_traits", "ranzcr", "petfinder", "melanoma"])
def test_every_kind_of_answer_is_rerun_byte_for_byte(name: str, tmp_path: Path) -> None:
    competition = competitions.load(name)
    laid_out(competition, tmp_path / "data")
    result = rehearse.run(request_of(competition, tmp_path), Options(hidden=0.3, code=True))
    assert result["visible"]["equal"]
    assert result["rerun"]["equal"]
    assert result["private"] is not None
    assert result["rerun"]["rows"] >= result["hidden"]  # a long sample has several an image
