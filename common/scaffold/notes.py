"""What is said while a folder is looked at: evidence, what stays open, and the conclusions as JSON."""

from dataclasses import dataclass, field
from typing import Any

from common.errors import KitError


class OpenQuestionError(KitError):
    """What the files do not tell; `result` is what was concluded by then."""

    def __init__(self, sentence: str, result: dict[str, Any]) -> None:
        super().__init__(sentence)
        self.result = result


@dataclass
class Notes:
    """What is said on the way, and the JSON that it makes."""

    evidence: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def add(self, *evidence: str, doubt: str = "", **found: Any) -> None:
        """Note sentences of evidence, what stays open, and conclusions."""
        self.evidence += [each for each in evidence if each]
        self.unknown += [doubt] if doubt else []
        self.found |= found

    def result(self) -> dict[str, Any]:
        """The conclusions as JSON."""
        names = (
            "kind",
            "id_column",
            "target_columns",
            "group_columns",
            "writer",
            "metrics",
            "classes",
        )
        told = {name: self.found.get(name) for name in names}
        return {**told, "evidence": self.evidence, "unknown": self.unknown}
