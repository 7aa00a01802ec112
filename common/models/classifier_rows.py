"""Which pretrained classifier row is reused for which label, matched by class name (head=rows).

ImageNet's classes are WordNet synsets: each has several names ("Cardigan, Cardigan Welsh corgi"), and
some names are ambiguous (a cardigan is also a garment). Names come from timm's label files.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from timm.data import ImageNetInfo, infer_imagenet_subset
from torch import nn


@dataclass(frozen=True)
class RowMatch:
    """One label and the pretrained classifier's row that is reused for it.

    Attributes:
        label: the competition's label.
        row: index of the pretrained classifier's row; None where no class has this name.
        meaning: the pretrained class's names.
        others: other classes with this name that were not chosen, as 'row: meaning'.
    """

    label: str
    row: int | None
    meaning: str = ""
    others: tuple[str, ...] = ()


def pretrained_class_names(model: nn.Module, count: int) -> tuple[list[list[str]], bool]:
    """The names of each of a pretrained classifier's `count` classes; empty when unknown.

    They come from the weights (`label_names`, as in the kit's exports; the second value is then
    True), else from timm's list for that number of ImageNet classes.
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


def match_rows(
    labels: Sequence[str], names: Sequence[Sequence[str]], *, exact: bool = False
) -> list[RowMatch]:
    """Match each label to a row by the classes' `names`, ignoring case and punctuation.

    `exact` tries an exact match first, for a competition's own labels ('-1' is not '1'). With
    ImageNet's names that would let a capital letter decide between the two cardigans.

    No two labels share a row; unambiguous labels are matched first. An ambiguous name goes to the row
    nearest to the unambiguous ones: ImageNet's classes are in WordNet order, so neighbours are of one
    kind. Without any unambiguous label it stays unmatched.
    """
    same = _rows(names, str) if exact else {}
    plain = _rows(names, _plain)
    found = {label: same.get(label) or plain.get(_plain(label), []) for label in labels}
    chosen: dict[str, int] = {}
    for label, rows in found.items():
        if len(rows) == 1 and rows[0] not in chosen.values():
            chosen[label] = rows[0]
    anchors = set(chosen.values())
    for label, rows in found.items():
        free = [row for row in rows if row not in chosen.values()]
        if len(rows) > 1 and free and (anchors or len(free) == 1):
            chosen[label] = min(
                free, key=lambda row: min((abs(row - o) for o in anchors), default=0)
            )
    return [
        RowMatch(
            label,
            chosen.get(label),
            ", ".join(names[chosen[label]]) if label in chosen else "",
            tuple(f"{at}: {', '.join(names[at])}" for at in rows if at != chosen.get(label)),
        )
        for label, rows in found.items()
    ]


def _rows(names: Sequence[Sequence[str]], key: Callable[[str], str]) -> dict[str, list[int]]:
    """Normalised name to the rows of the classes that have it; empty keys are left out."""
    rows: dict[str, list[int]] = {}
    for at, own in enumerate(names):
        for name in dict.fromkeys(key(each) for each in own):
            if name:
                rows.setdefault(name, []).append(at)
    return rows


def _plain(name: str) -> str:
    """A name's letters and digits, case-folded: 'black-and-tan_coonhound' is 'Black and tan coonhound'."""
    return re.sub(r"[\W_]", "", name.casefold())
