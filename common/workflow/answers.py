"""A test set whose labels are known: what the run scores on it, as a course does."""

import numpy as np

from common.atomic import read_json, write_json
from common.metrics import Probs
from common.progress import say
from common.workflow.prepare import Prepared
from common.workflow.record import predictions_folder


def judge_test(ready: Prepared, ids: list[str], probs: Probs) -> None:
    """Score `probs` [N, C] of the test rows `ids`, where their labels are known.

    `scores.json` gets `test` and `test_n`, in the run and beside the predictions it was made of.
    """
    competition = ready.request.competition
    labels = competition.read_answers and competition.read_answers(ready.files.folder)
    if labels is None:
        return
    position = {name: index for index, name in enumerate(ready.files.classes)}
    targets = np.array([position[label] for label in labels.loc[ids]], dtype=np.int64)
    score = competition.scored_by.score(probs, targets)
    path = predictions_folder(ready.run, ready.recipe) / "scores.json"
    found = read_json(path) | {"test": score, "test_n": len(ids)}
    for each in (path, ready.run / path.name):
        write_json(each, found)
    say(f"test {competition.metric.replace('_', ' ')} {score:.4f} (n = {len(ids):,})")
