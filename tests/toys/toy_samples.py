"""Toy samples of both kinds, and answers to them."""

import numpy as np
import pandas as pd

from common import submission

CLASSES = ["frog", "cat", "dog"]
LABELS = submission.Format(kind="label", names=tuple(CLASSES))
PROBABILITIES = submission.Format(
    kind="probabilities", names=tuple(CLASSES), lowest=0.0, highest=1.0
)
IDS = ["007", "12e4567", "7", "images/18353.jpg", "0"]


def label_sample() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "label": "cat"}, dtype=str)


def probability_sample() -> pd.DataFrame:
    frame = pd.DataFrame({"id": IDS}, dtype=str)
    return frame.assign(cat="0.33333", dog="0.33333", frog="0.33333")


def shuffled_probs(seed: int = 0) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = [IDS[place] for place in rng.permutation(len(IDS))]
    return ids, rng.dirichlet(np.ones(3), len(IDS)).astype(np.float32)


def labels() -> pd.DataFrame:
    return submission.label_rows(label_sample(), *shuffled_probs(), CLASSES)


def probabilities() -> pd.DataFrame:
    return submission.probability_rows(probability_sample(), *shuffled_probs(), CLASSES)


def only_problem(answer: pd.DataFrame, sample: pd.DataFrame) -> str:
    form = LABELS if len(sample.columns) == 2 else PROBABILITIES
    problems = submission.validate(answer, sample, form)
    assert len(problems) == 1, problems
    return problems[0]
