"""A test set whose labels are known: what the run scores on it, as a course does."""

from collections.abc import Sequence

from common.atomic import read_json, write_json
from common.competition import Competition
from common.data.classes import targets_of
from common.metrics import Probs
from common.progress import say
from common.recipe import Recipe
from common.runs import Run
from common.workflow.files import Files
from common.workflow.result import predictions_folder


def judge_test(
    run: Run, recipe: Recipe, competition: Competition, files: Files, *, ids: Sequence[str],
    probs: Probs,
) -> None:  # fmt: skip
    """Score `probs` [N, C] of the test rows `ids`, where their labels are known.

    `scores.json` gets `test` and `test_n`, in the run and beside the predictions that the predict
    fields of `recipe` name.
    """
    labels = competition.read_answers and competition.read_answers(files.folder)
    if labels is None:
        return
    score = competition.scored_by.score(probs, targets_of(labels.loc[list(ids)], files.classes))
    path = predictions_folder(run, recipe) / "scores.json"
    found = read_json(path) | {"test": score, "test_n": len(ids)}
    for each in (path, run / path.name):
        write_json(each, found)
    say(f"test {competition.metric.replace('_', ' ')} {score:.4f} (n = {len(ids):,})")
