"""What a row's answer is: one class, yes or no, a set of labels, a grade, numbers. One file a kind."""

from collections.abc import Mapping
from typing import Any

from common.targets.grades import Grades
from common.targets.label_set import LabelSet
from common.targets.numbers import Numbers
from common.targets.one_class import OneClass
from common.targets.target import RESERVED, Strata, Target, Targets
from common.targets.yes_no import YesNo

__all__ = [
    "KINDS",
    "RESERVED",
    "Grades",
    "LabelSet",
    "Numbers",
    "OneClass",
    "Strata",
    "Target",
    "Targets",
    "YesNo",
    "from_facts",
]

KINDS: dict[str, type[Target]] = {
    each.kind: each for each in (OneClass, YesNo, LabelSet, Grades, Numbers)
}


def from_facts(facts: Mapping[str, Any]) -> Target:
    """The target whose `facts()` these are, as read from a run's JSON."""
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items() if k != "kind"}
    return KINDS[str(facts["kind"])](**values)
