"""Toy answers of every kind; targets whose names are numbers, and metrics on them."""

import numpy as np
import pandas as pd

from common.competition import Competition
from common.data.hidden_split import without_answers
from common.inference.evaluator import Evaluator
from common.metrics import metric_named
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo


def classes(count: int) -> OneClass:
    return OneClass(names=tuple(map(str, range(count))))


def evaluator(metric: str, count: int = 2) -> Evaluator:
    return Evaluator(classes(count), metric_named(metric))


def log_loss(probs: np.ndarray, targets: np.ndarray) -> float:
    return evaluator("log_loss", probs.shape[1]).score(probs, targets)


def rows_of(competition: Competition, count: int, hidden: int, seed: int = 0) -> pd.DataFrame:
    """Rows as `lay_out` takes them, the last `hidden` of the test set; ids look like numbers."""
    rng, target = np.random.default_rng(seed), competition.target
    ids = [f"{number:03}e{number}" for number in range(count)]
    table = pd.DataFrame({"id": ids, **answers_of(target, count, rng)})
    if competition.make_sample is not None:  # where no CSV names the images, their paths do
        places = [f"train/{label}" for label in table["label"]]
        places[count - hidden :] = ["test"] * hidden
        table["id"] = [f"{place}/{each}.png" for place, each in zip(places, ids, strict=True)]
    table["group"] = [f"group {number // 2}" for number in range(count)]
    return without_answers(table, target.answer_columns(table), np.arange(count) >= count - hidden)


def answers_of(target: Target, count: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """Answers of a target's kind, text, all of its names among them."""
    numbers = np.arange(count)
    if isinstance(target, Numbers):
        low, high = target.low or 0, target.high or 1
        return {
            name: [f"{each:.2f}" for each in rng.uniform(low, high, count)] for name in target.names
        }
    if isinstance(target, YesNo):
        words = ("another", target.yes) if target.yes else ("0", "1")
        return {"label": [words[each] for each in numbers % 2]}
    if isinstance(target, Grades):
        low, high = target.lowest or 0, 4 if target.highest is None else target.highest
        return {"label": [str(low + n % (high - low + 1)) for n in numbers]}
    names = target.names or ("first", "second", "third")
    if isinstance(target, LabelSet) and target.wide:
        flags = [(numbers % len(names) == at) | (at == numbers % 3) for at in range(len(names))]
        return {
            name: [*each.astype(int).astype(str)] for name, each in zip(names, flags, strict=True)
        }
    if isinstance(target, LabelSet):
        sets = [[names[n % len(names)], *([names[0]] if n % 3 == 0 else [])] for n in numbers]
        return {"label": [" ".join(sorted(set(each))) for each in sets]}
    return {"label": [names[n % len(names)] for n in numbers]}
