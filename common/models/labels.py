"""A competition's labels among those a network was trained on, by name, through timm's label files.

ImageNet's classes are WordNet synsets: each has several names ("Cardigan, Cardigan Welsh corgi") and
some share one with a thing of another kind (a cardigan is worn, too).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from timm.data import ImageNetInfo, infer_imagenet_subset
from torch import nn


@dataclass(frozen=True)
class Match:
    """One label and the old classifier's row for it.

    Attributes:
        label: the competition's.
        row: the old classifier's row, None where no class has this name.
        meaning: what the old class is called.
        others: classes that share the name and were not taken, as 'row: meaning'.
    """

    label: str
    row: int | None
    meaning: str = ""
    others: tuple[str, ...] = ()


def old_names(model: nn.Module, count: int) -> list[str]:
    """What the `count` classes of a network's old classifier are called; empty when not known.

    Names come from the weights themselves (`label_names`, as the kit's own exports have them), else
    from timm's list for that number of ImageNet classes.
    """
    facts = model.pretrained_cfg
    assert isinstance(facts, Mapping)
    own = facts.get("label_names")
    if own and len(own) == count:
        return list(own)
    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return []
    info = ImageNetInfo(subset)
    return [info.index_to_description(row) for row in range(count)]


def match(labels: Sequence[str], names: Sequence[str]) -> list[Match]:
    """Find each label among `names` (each a list of synonyms with commas), ignoring case and marks.

    Two labels never share a row. A name that several classes have is decided by company: ImageNet's
    classes stand in the order of WordNet's tree, so the class nearest to the rows of the labels
    that are certain is of their kind. Without such company the label stays unmatched.
    """
    rows: dict[str, list[int]] = {}
    for at, synonyms in enumerate(names):
        for name in dict.fromkeys(_plain(part) for part in synonyms.split(",")):
            rows.setdefault(name, []).append(at)
    found = {label: rows.get(_plain(label), []) for label in labels}
    company = {candidates[0] for candidates in found.values() if len(candidates) == 1}
    taken: dict[int, str] = {}
    matches = []
    for label in labels:
        chosen = _nearest(found[label], company)
        row = chosen if chosen is not None and taken.setdefault(chosen, label) == label else None
        others = tuple(f"{at}: {names[at]}" for at in found[label] if at != row)
        matches.append(Match(label, row, names[row] if row is not None else "", others))
    return matches


def _plain(name: str) -> str:
    """Letters and digits alone: 'black-and-tan_coonhound' is 'Black and tan coonhound'."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _nearest(candidates: Sequence[int], company: set[int]) -> int | None:
    if len(candidates) < 2 or not company:
        return candidates[0] if len(candidates) == 1 else None
    return min(candidates, key=lambda row: min(abs(row - other) for other in company))
