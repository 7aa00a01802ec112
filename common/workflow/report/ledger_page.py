"""Ledgers to the page that decides: what each score is known to, and which two files to pick."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from common.ledger import Entry, alike
from common.metrics import metric_named
from common.reporting.html.charts import Chart, Line
from common.reporting.html.page import write_page
from common.workflow.report.advice import Advice, Candidate

NAME = "ledger.html"


def write_ledger(
    path: Path, blocks: Sequence[tuple[Mapping[str, Any], Sequence[Entry], Advice]], share: float
) -> None:
    """Write the page; a block is a competition's facts as `ledger` returns them, its entries and the advice."""
    content = {
        "made": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        "blocks": [
            {
                "name": facts["competition"],
                "rehearsal": facts["rehearsal"],
                "metric": facts["metric"].replace("_", " "),
                "higher": metric_named(facts["metric"]).higher_is_better,
                "rows": [_row(each, advice, share) for each in advice.candidates],
                "chart": _chart(alike(entries)),
                "lines": advice.lines,
            }
            for facts, entries, advice in blocks
        ],
    }
    write_page(path, "ledger.html.j2", content)


def _row(found: Candidate, advice: Advice, share: float) -> dict[str, Any]:
    entry = found.entry
    return {
        "entry": entry,
        "pick": advice.place(found),
        "interval": found.held.interval if found.held else None,
        "public": found.board(share),
        "private": found.board(1 - share),
        "optimistic": found.optimistic,
    }


def _chart(entries: Sequence[Entry]) -> Chart | None:
    """Leaderboard against CV, a dot a submission; None for fewer than two."""
    lines = []
    for hue, board in enumerate(("public", "private")):
        dots = [
            (each.cv, float(getattr(each, board)))
            for each in entries
            if each.cv is not None and getattr(each, board) is not None
        ]
        if dots:
            lines.append(Line(dots, board, hue, dots=True))
    if not lines or len(lines[0].points) < 2:
        return None
    return Chart("Leaderboard against CV", "CV", "leaderboard", lines)
