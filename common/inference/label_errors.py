"""Rows most likely mislabelled, by confident learning (Northcutt, Jiang and Chuang, JAIR 2021).

Out-of-fold probabilities estimate how many rows of each label belong to each other class. Named are
the rows that are both among so many with the largest margin ("noise rate") and among as many of their
label with the least probability ("class"): the paper's C+NR, the most careful of its methods.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows
from common.errors import KitError
from common.metrics import Probs
from common.targets import Target, Targets

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
CLOSE = 1e-6  # a probability so little below its class's threshold reaches it


@dataclass(frozen=True)
class LabelErrors:
    """The rows most likely mislabelled, the likeliest first.

    Attributes:
        rows: int64 [M], places in the arrays given.
        suggested: the answers that the model would give them, [M] or [M, K] as the target's `y`.
        scores: float64 [M], the probability of the given label (the least of a row's doubtful ones): 0
            (surely wrong) to 0.5. Of labels made wrong on purpose it puts more first than the margin.
        share: the estimated share of wrong labels among all labels, found or not.
    """

    rows: Rows
    suggested: Targets
    scores: Floats
    share: float


def label_errors(target: Target, probs: Probs, y: Targets) -> LabelErrors:
    """Out-of-fold probs [N, C] and given answers to the rows most likely mislabelled.

    Classes and grades are compared as one of C; yes or no, and each label of a set, by itself.

    Raises:
        KitError: answers that are numbers, for which confident learning has no meaning.
    """
    if "sets" not in target.forms:
        raise KitError(
            f"confident learning compares labels, and a target of kind {target.kind} has none: look at "
            "the rows with the largest errors instead"
        )
    if target.exclusive:
        found, scores, share = _mislabelled(probs.astype(np.float64), y)
        suggested: Targets = _best_other(probs, y)[0]
    else:
        cells, each, share = _of_columns(probs.astype(np.float64), y)
        suggested = np.where(cells, 1 - y, y)
        found, scores = cells.sum(axis=1) > 0, np.where(cells, each, 1.0).min(axis=1)
    rows = np.flatnonzero(found)
    rows = rows[np.argsort(scores[rows], kind="stable")]
    return LabelErrors(rows, suggested[rows], scores[rows], share)


def _of_columns(probs: Floats, y: Targets) -> tuple[npt.NDArray[np.bool_], Floats, float]:
    """As `_mislabelled` of each column of yes or no [N, K]; a missing answer (nan) is not judged."""
    found, scores, wrong = np.zeros(y.shape, bool), np.ones(y.shape), 0.0
    for column in range(y.shape[1]):
        known = np.flatnonzero(np.isfinite(y[:, column]))
        if not len(known):
            continue
        yes = probs[known, column]
        each = _mislabelled(np.stack([1 - yes, yes], axis=1), y[known, column].astype(np.int64))
        found[known, column], scores[known, column] = each[:2]
        wrong += each[2] * len(known)
    return found, scores, wrong / max(1, int(np.isfinite(y).sum()))


def _mislabelled(probs: Floats, y: Ints) -> tuple[npt.NDArray[np.bool_], Floats, float]:
    """Which rows are doubtful [N], the probability of every given label [N], the share of wrong labels."""
    joint, found = confident_joint(probs, y), np.zeros(len(y), bool)
    _, rival = _best_other(probs, y)
    scores = probs[np.arange(len(y)), y]
    for given in np.unique(y):
        members, counts = np.flatnonzero(y == given), _rounded(joint[given])
        for true in np.flatnonzero(counts):
            if true != given:
                margin = probs[members, true] - probs[members, given]
                found[members[np.argsort(-margin, kind="stable")[: counts[true]]]] = True
        weakest = np.argsort(probs[members, given], kind="stable")
        found[members[weakest[len(members) - max(1, counts[given]) :]]] = False
    return found & (scores < rival), scores, 1 - float(np.trace(joint) / joint.sum())


def confident_joint(probs: Floats, y: Ints) -> Floats:
    """How many rows of each given label belong to each class: float64 [C, C], a label's rows in its line.

    A row counts for the likeliest of the classes whose threshold its probability reaches: the mean
    probability of the rows labelled so. Lines are scaled to the number of their rows.
    """
    count = probs.shape[1]
    sizes = np.bincount(y, minlength=count)
    own = np.bincount(y, weights=probs[np.arange(len(y)), y], minlength=count)
    thresholds = np.where(sizes > 0, own / np.maximum(sizes, 1), np.inf)
    reached = np.where(probs >= thresholds - CLOSE, probs, -1)
    confident = reached.max(axis=1) >= 0
    joint = np.zeros((count, count))
    np.add.at(joint, (y[confident], reached[confident].argmax(axis=1)), 1)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    scaled: Floats = joint / joint.sum(axis=1, keepdims=True) * sizes[:, None]
    return scaled


def _rounded(line: Floats) -> Ints:
    """Counts to whole ones of the same sum: the largest remainders are rounded up."""
    whole = np.floor(line).astype(np.int64)
    short = round(float(line.sum())) - int(whole.sum())
    whole[np.argsort(whole - line, kind="stable")[:short]] += 1
    return whole


def _best_other(probs: npt.NDArray[np.floating], y: Ints) -> tuple[Ints, Floats]:
    """The likeliest class of each row besides the given one, and its probability: [N] each."""
    others = probs.astype(np.float64)
    others[np.arange(len(y)), y] = -1
    best = others.argmax(axis=1)
    return best, others[np.arange(len(y)), best]
