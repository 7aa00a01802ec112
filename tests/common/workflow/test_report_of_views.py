"""The report of a run that was scored by several predict fields."""

import re
from dataclasses import replace
from pathlib import Path

from toy_competitions import laid_out, request_of, toy_competition

from common.runs import Run, digest_file
from common.storage import read_json
from common.targets import OneClass
from common.verbs import predict, report, run, validate
from common.workflow.request import Request


def page_of(request: Request, made: Path) -> str:
    path = Path(report.run(request, report.Options((made,)))["report"])
    return re.sub(r"<script.*?</script>|<[^>]+>", "", path.read_text(encoding="utf-8"), flags=re.S)


def test_the_report_shows_the_score_of_its_submission_and_what_makes_it_again(
    tmp_path: Path,
) -> None:
    competition = toy_competition(OneClass(), "accuracy", ["label"])
    laid_out(competition, tmp_path / "data")
    request = request_of(competition, tmp_path)
    made = Path(run.run(request)["run"])
    first = read_json(made / "scores.json")
    Run(made).note(submitted=[{"file": digest_file(made / "submission.csv"), "public": 0.123}])
    validate.run(replace(request, words=(*request.words, "views=mirror")))
    page = page_of(request, made)
    assert f"{first['pooled']:.4f}" in page and "0.1230" in page
    told = "Predicted with views=identity, as submission.csv was; scores.json and oof.npz are of "
    assert f"{told}views=identity+mirror, scored since." in page
    assert "views=" not in page.split("makes it again:")[1]
    predict.run(replace(request, words=("views=mirror",), run=made))
    page = page_of(request, made)
    assert "Predicted with views=identity+mirror, as submission.csv was." in page
    assert "views=identity+mirror" in page.split("makes it again:")[1] and "0.1230" not in page
