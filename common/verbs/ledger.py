"""List every submission with its CV and leaderboard scores, by competition.

Rehearsals have their own ledgers, listed after the real submissions. --html tells what the scores
prove: is the last gain real, how far can the board be trusted, which two files to pick.

Example: kit ledger --competition cifar10
"""

import shlex
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from common import ledger
from common.errors import KitError
from common.ledger import Entry
from common.progress import counted, say
from common.workflow.options import flag
from common.workflow.request import Catalogue, path_words
from common.workflow.submitting.rehearsal_site import REHEARSALS


@dataclass(frozen=True)
class Options:
    """The options of `ledger`."""

    runs: Path = flag("where runs are kept", Path("runs"))
    competition: str | None = flag("only this competition", metavar="NAME")
    html: bool = flag("write ledger.html, and say which two files to pick and why", False)
    public_share: float = flag("share of the test rows behind the public score", 0.3)


def run(options: Options, catalogue: Catalogue) -> dict[str, Any]:
    """Print the ledgers below `--runs`; the JSON holds a block for each competition."""
    if not 0 < options.public_share <= 1:
        raise KitError(f"--public-share {options.public_share:g}: name a share above 0, at most 1")
    runs = options.runs
    wanted = catalogue.load(options.competition).name if options.competition else None
    sources = {"": runs / ledger.NAME}
    for path in sorted(runs.glob(f"{REHEARSALS}/*/runs/{ledger.NAME}")):
        sources[path.parents[1].name] = path
    blocks = [
        _block(name, list(entries), rehearsal)
        for rehearsal, path in sources.items()
        for name, entries in groupby(
            sorted(ledger.read(path), key=lambda entry: entry.competition),
            key=lambda entry: entry.competition,
        )
        if wanted in (None, name)
    ]
    if not blocks:
        of = f" of {wanted}" if wanted else ""
        name = wanted or "<competition>"
        say(f"{runs} holds no submission{of} yet: `{_command(name, 'submit', runs)}` enters one")
        say(f"without a key: `{_command(name, 'rehearse', runs)}`")
    for block in blocks:
        _tell(block, runs)
    if blocks:
        say("\ngain: how much better the leaderboard (private, else public) was than the CV")
    if not (options.html and blocks):
        return {"competitions": blocks}
    return {"competitions": blocks, "html": str(_decide(blocks, sources, options))}


def _decide(blocks: list[dict[str, Any]], sources: dict[str, Path], options: Options) -> Path:
    """Print what the scores prove and which files to pick, add it to the blocks, write the page."""
    # What reads the runs takes seconds to import, and a list of submissions does not need it.
    from common.workflow.report.advice import advice
    from common.workflow.report.ledger_page import NAME, write_ledger

    decided = []
    for block in blocks:
        path, name = sources[block["rehearsal"] or ""], block["competition"]
        entries = [entry for entry in ledger.read(path) if entry.competition == name]
        found = advice(entries, path.parent, options.public_share)
        say(f"\n{name}{', rehearsal ' + block['rehearsal'] if block['rehearsal'] else ''}")
        for line in found.lines:
            say(f"  {line}")
        block |= {"advice": found.lines, "picks": found.picks}
        decided.append((block, entries, found))
    write_ledger(options.runs / NAME, decided, options.public_share)
    say(f"{options.runs / NAME}: open it in a browser")
    return options.runs / NAME


def _block(name: str, entries: list[Entry], rehearsal: str) -> dict[str, Any]:
    cv, board = ledger.best(entries, "cv"), ledger.best(entries, "leaderboard")
    alike = ledger.alike(entries)
    return {
        "competition": name,
        "rehearsal": rehearsal or None,
        "metric": alike[0].metric,
        "submissions": [asdict(entry) | {"difference": entry.gain} for entry in entries],
        "best_cv": cv.run if cv else None,
        "best_leaderboard": board.run if board else None,
        "rank_correlation": ledger.rank_correlation(alike),
        "ranked_files": len(ledger.scored_files(alike)),
    }


def _command(name: str, verb: str, runs: Path) -> str:
    return " ".join(["kit", name, verb, *map(shlex.quote, path_words(None, runs))])


def _tell(block: dict[str, Any], runs: Path) -> None:
    rows = block["submissions"]
    title = f"{block['competition']}, {block['metric'].replace('_', ' ')}"
    of = f", rehearsal {block['rehearsal']}" if block["rehearsal"] else ""
    say(f"\n{title}{of}")
    wide = max(len(row["run"]) for row in rows)
    say(
        f"  {'time (UTC)':<16} {'run':<{wide}} {'CV':>16} {'public':>8} {'private':>8}"
        f" {'gain':>8}  ref"
    )
    for row in rows:
        other = (
            "" if row["metric"] == block["metric"] else f"  by {row['metric'].replace('_', ' ')}"
        )
        say(
            f"  {row['time'][:16].replace('T', ' '):<16} {row['run']:<{wide}} {_cv(row):>16}"
            f" {_public(row):>8} {_shown(row['private']):>8}"
            f" {_shown(row['difference'], '+.4f'):>8}  {row['ref']}{other}"
        )
    by_cv, by_board = (block[name] or "none yet" for name in ("best_cv", "best_leaderboard"))
    say(f"  best by CV {by_cv}, by leaderboard {by_board}")
    if block["rank_correlation"] is not None:
        say(
            f"  rank correlation of CV and leaderboard {block['rank_correlation']:+.2f}"
            f" over {block['ranked_files']} files"
        )
    pending = sum(row["status"] == "pending" for row in rows)
    if pending:
        verb = "rehearse" if block["rehearsal"] else "leaderboard"
        again = _command(block["competition"], verb, runs)
        say(f"  {counted(pending, 'submission')} had no score yet: `{again}` asks again")


def _cv(row: dict[str, Any]) -> str:
    spread = f" ± {row['cv_sd']:.4f}" if row["cv_sd"] is not None else ""
    return _shown(row["cv"]) + spread


def _public(row: dict[str, Any]) -> str:
    return _shown(row["public"]) if row["status"] == "complete" else str(row["status"])


def _shown(score: float | None, form: str = ".4f") -> str:
    return "" if score is None else format(score, form)
