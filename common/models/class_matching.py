"""A competition's labels among those a network was trained on, by name, through timm's label files.

ImageNet's classes are WordNet synsets: each has several names ("Cardigan, Cardigan Welsh corgi") and
some share one with a thing of another kind (a cardigan is worn, too).
"""

import re
from collections.abc import Callable, Mapping, Sequence
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


def old_names(model: nn.Module, count: int) -> tuple[list[list[str]], bool]:
    """The names of each of the `count` classes of a network's old classifier, and whether they are its
    own; none when they are not known.

    Names come from the weights themselves (`label_names`, as the kit's own exports have them), else
    from timm's list for that number of ImageNet classes.
    """
    facts = model.pretrained_cfg
    assert isinstance(facts, Mapping)
    own = facts.get("label_names")
    if own and len(own) == count:
        return [[str(name)] for name in own], True
    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return [], False
    info = ImageNetInfo(subset)
    return [info.index_to_description(row).split(", ") for row in range(count)], False


def match(
    labels: Sequence[str], names: Sequence[Sequence[str]], *, exact: bool = False
) -> list[Match]:
    """Find each label among `names` (each class's own), ignoring case and marks.

    `exact`: letter for letter first, as among a competition's own labels ('-1' is not '1'). Among
    ImageNet's that would decide by a capital which Cardigan is meant.

    Two labels never share a row, and the certain ones choose first. A name that several classes have
    is decided by company: ImageNet's classes stand in the order of WordNet's tree, so the class
    nearest to the rows of the certain labels is of their kind. Without such company the label stays
    unmatched.
    """
    same = _rows(names, str) if exact else {}
    plain = _rows(names, _plain)
    found = {label: same.get(label) or plain.get(_plain(label), []) for label in labels}
    chosen: dict[str, int] = {}
    for label, rows in found.items():
        if len(rows) == 1 and rows[0] not in chosen.values():
            chosen[label] = rows[0]
    company = set(chosen.values())
    for label, rows in found.items():
        free = [row for row in rows if row not in chosen.values()]
        if len(rows) > 1 and free and (company or len(free) == 1):
            chosen[label] = min(
                free, key=lambda row: min((abs(row - o) for o in company), default=0)
            )
    return [
        Match(
            label,
            chosen.get(label),
            ", ".join(names[chosen[label]]) if label in chosen else "",
            tuple(f"{at}: {', '.join(names[at])}" for at in rows if at != chosen.get(label)),
        )
        for label, rows in found.items()
    ]


def _rows(names: Sequence[Sequence[str]], key: Callable[[str], str]) -> dict[str, list[int]]:
    """The classes that have a name, by that name's key; a name without a key is left out."""
    rows: dict[str, list[int]] = {}
    for at, own in enumerate(names):
        for name in dict.fromkeys(key(each) for each in own):
            if name:
                rows.setdefault(name, []).append(at)
    return rows


def _plain(name: str) -> str:
    """Letters and digits alone: 'black-and-tan_coonhound' is 'Black and tan coonhound'."""
    return re.sub(r"[\W_]", "", name.casefold())
