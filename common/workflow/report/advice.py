"""A competition's submissions to what they prove: intervals, the last gain, the board's worth, two to pick."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from common.inference.bootstrap import Interval
from common.ledger import Entry, alike, rank_correlation, scored_files
from common.metrics import metric_named
from common.progress import counted
from common.run_files import read_arrays
from common.runs import Run
from common.storage import read_json
from common.workflow.report.held import Held, held_of, submitted_folder

Z = 1.96  # standard errors of 95 %


@dataclass(frozen=True)
class Candidate:
    """A submitted file, by its latest entry, with the held-out rows of its own predictions.

    `known`: are those predictions there?
    """

    entry: Entry
    held: Held | None
    known: bool
    optimistic: str
    test_rows: int

    def board(self, share: float) -> float | None:
        """Half the width of the 95 % interval of a score on this share of the test rows."""
        if self.held is None or not self.test_rows or not share:
            return None
        found, rows = self.held.interval, max(1, round(share * self.test_rows))
        width = (found.high - found.low) / 2 * (len(self.held.ids) / rows) ** 0.5
        return None if np.isnan(width) else width


def candidates_of(entries: Sequence[Entry], runs: Path) -> list[Candidate]:
    """The files that were submitted, once each, in order of their latest submission."""
    latest = {(each.run, each.file): each for each in entries if each.status != "error"}
    found = []
    for entry in sorted(latest.values(), key=lambda each: each.time):
        run = Run(runs / entry.run)
        folder = submitted_folder(run, entry)
        held = held_of(run, folder) if folder else None
        known = folder is not None
        found.append(Candidate(entry, held, known, _optimistic(run, entry), _test_rows(run)))
    return found


def _optimistic(run: Run, entry: Entry) -> str:
    """Why a submission's CV flatters, as any scores of its run with that CV say; ''."""
    for path in (run / "scores.json", *sorted(run.folder.glob("predictions/*/scores.json"))):
        scores = read_json(path) if path.is_file() else {}
        same = (scores.get("cv"), scores.get("cv_sd")) == (entry.cv, entry.cv_sd)
        if same and scores.get("optimistic"):
            return str(scores["optimistic"])
    return ""


def _test_rows(run: Run) -> int:
    name = run.read().get("test", "") if run.folder.is_dir() else ""
    for path in run.folder.glob(f"predictions/*/{name}") if name else ():
        return len(read_arrays(path)["ids"])
    return 0


@dataclass(frozen=True)
class Advice:
    """What a ledger proves, in sentences, and the files to pick."""

    candidates: list[Candidate]
    picked: list[Candidate]
    lines: list[str]

    @property
    def picks(self) -> list[str]:
        """The runs of the files to pick."""
        return [each.entry.run for each in self.picked]

    def place(self, found: Candidate) -> int | None:
        """1 or 2 for a file to pick; None for another, of the same run too."""
        return next((at for at, each in enumerate(self.picked, 1) if each is found), None)


def advice(entries: Sequence[Entry], runs: Path, share: float) -> Advice:
    """Submissions of one competition to advice; `share` of the test rows are behind the public score."""
    found, comparable = candidates_of(entries, runs), alike(entries)
    judged = [each for each in found if each.entry in comparable and each.entry.cv is not None]
    lines = [*_last_gain(judged), *_board(found, comparable, share)]
    if len(comparable) < len(entries):
        lines.insert(
            0,
            f"compared by {comparable[0].metric.replace('_', ' ')}, the newest submission's metric; "
            f"not compared: {counted(len(entries) - len(comparable), 'submission')} scored by another",
        )
    picked, why = _picks(judged, share)
    return Advice(found, picked, lines + why)


def _signed(one: Candidate, other: Candidate) -> float:
    """How much better the CV of `one` is."""
    assert one.entry.cv is not None and other.entry.cv is not None
    return float(metric_named(one.entry.metric).gain(one.entry.cv, other.entry.cv))


def _best(found: Sequence[Candidate]) -> Candidate:
    first = found[0]
    return max(found, key=lambda each: _signed(each, first))


def _gain(one: Candidate, other: Candidate) -> Interval | None:
    if one.held is None or other.held is None or not one.held.shared(other.held):
        return None
    return one.held.gain(other.held)


def _last_gain(judged: list[Candidate]) -> list[str]:
    """Is the last submission better than the best before it?"""
    if len(judged) < 2:
        return []
    last, before = judged[-1], _best(judged[:-1])
    named = f"{_named(last, judged)} against {_named(before, judged)}, the best CV before it"
    gain = _gain(last, before)
    if gain is None:
        by_cv = f"the last gain: {named}: {_signed(last, before):+.4f} by CV; no interval, as "
        lacking = next((each for each in (last, before) if each.held is None), None)
        if lacking is None:
            return [f"{by_cv}they held out no row in common"]
        name = lacking.entry.run
        if not lacking.known:
            of = f"with the score of submission {lacking.entry.ref}"
            return [f"{by_cv}{name} holds no predictions, or several, {of}"]
        return [
            f"{by_cv}{name} has no out-of-fold rows with true answers here: "
            f"`kit {last.entry.competition} report {name}` keeps them"
        ]
    verdict = "real" if gain.low > 0 else "a loss" if gain.high < 0 else "may be chance"
    return [f"the last gain: {named}: {gain.text}: {verdict}"]


def _board(found: list[Candidate], entries: Sequence[Entry], share: float) -> list[str]:
    """How well a public score is known at its size, and whether it follows CV."""
    lines = []
    known = [each for each in found if each.board(share) is not None]
    if known:
        last = known[-1]
        assert last.held is not None
        own = (last.held.interval.high - last.held.interval.low) / 2
        rows = max(1, round(share * last.test_rows))
        lines.append(
            f"the public board: about {rows:,} of {last.test_rows:,} test rows ({100 * share:g} %, "
            f"--public-share): a score there is known to ±{last.board(share):.4f}, the CV on "
            f"{len(last.held.ids):,} rows to ±{own:.4f}"
        )
        apart = [
            (gain.high - gain.low) / 2 * (a.held.shared(b.held) / rows) ** 0.5
            for a, b in combinations(known[-3:], 2)
            if a.held and b.held and (gain := _gain(a, b)) is not None and not np.isnan(gain.low)
        ]
        if apart:
            lines.append(
                f"two of these files can be told apart on it when they differ by {max(apart):.4f} or more"
            )
    ranks = rank_correlation(entries)
    if ranks is not None:
        files = len(scored_files(entries))
        follows = "follows" if ranks > 0.5 else "hardly follows" if ranks > 0 else "does not follow"
        lines.append(f"the board {follows} CV: rank correlation {ranks:+.2f} over {files} files")
    return lines


def _named(found: Candidate, judged: list[Candidate]) -> str:
    """Its run; of one with several files, also which of them."""
    files = sum(each.entry.run == found.entry.run for each in judged)
    sent = found.entry.time[:19].replace("T", " ")  # local Kaggles all begin with the same number
    return found.entry.run + (f", submission {found.entry.ref} of {sent}" if files > 1 else "")


def _picks(judged: list[Candidate], share: float) -> tuple[list[Candidate], list[str]]:
    """Two runs' files for the final submission, and why: the best honest CV, and the best that disagrees."""
    honest = [each for each in judged if not each.optimistic] or judged
    if not honest:
        return [], ["no submission has a CV score: nothing honest to pick by"]
    first = _best(honest)
    lines = [f"pick 1: {_named(first, judged)}: the best honest CV, {first.entry.cv:.4f}"]
    lines += [
        f"  not counted: {each.entry.run}: {each.optimistic}"
        for each in judged
        if each.optimistic and each not in honest
    ]
    others = [each for each in honest if each.entry.run != first.entry.run]
    if not others:
        return [first], [*lines, "pick 2: none: every submission is of this run"]
    second, why = _second(first, others)
    lines.append(f"pick 2: {_named(second, judged)}: {why}")
    lines += _leader(judged, [first, second], share)
    return [first, second], lines


def _second(first: Candidate, others: list[Candidate]) -> tuple[Candidate, str]:
    """The run that errs most unlike the first, among those that are not surely worse."""
    close = []
    for each in others:
        gain = _gain(first, each)
        if gain is not None and gain.low <= 0 and first.held and each.held:
            close.append((first.held.likeness(each.held), each, gain))
    if close:
        alike, second, gain = min(close, key=lambda each: each[0])
        why = (
            f"not surely worse (pick 1 gains {gain.text}), and of {len(close)} such its errors are least "
            f"like those of pick 1 (correlation {alike:.2f})"
        )
        return second, why
    second = _best(others)
    gain = _gain(first, second)
    worse = gain is not None and gain.low > 0
    why = (
        "surely worse than pick 1, as all others are" if worse else "how it errs is not known here"
    )
    return second, f"the next best CV, {second.entry.cv:.4f}; {why}"


def _leader(judged: list[Candidate], picks: list[Candidate], share: float) -> list[str]:
    """A sentence where the board's leader is no pick."""
    scored = [each for each in judged if each.entry.public is not None]
    if not scored or any(each.entry.private is not None for each in judged):
        return []
    gain = metric_named(scored[0].entry.metric).gain
    lead = max(scored, key=lambda each: gain(each.entry.public or 0.0, 0.0))
    if lead in picks:
        return []
    ours = [each.entry.public for each in picks if each.entry.public is not None]
    ahead = min((gain(lead.entry.public or 0.0, each) for each in ours), default=None)
    known = lead.board(share)
    if ahead is None or known is None:
        return []
    than = "less" if ahead < known else "more"
    return [
        f"{lead.entry.run} leads the public board by {ahead:.4f}, {than} than the ±{known:.4f} that a score "
        f"there is known to" + ("" if than == "less" else ": look into why CV does not see it")
    ]
