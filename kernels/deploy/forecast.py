"""A table before anything is pushed: what each level scores out of fold, and how long hidden rows take."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.machines import NO_GPU
from common.progress import counted, say
from common.runs import fingerprint
from common.storage import read_json, write_json
from common.workflow.files import open_files, read_test
from common.workflow.predicting.contents import Package
from common.workflow.predicting.level_scores import scores_by_views
from common.workflow.predicting.levels import Level
from common.workflow.predicting.timing import Timing, timed
from common.workflow.request import Request
from kernels.runtime.predict import planned

KEPT = "forecast.json"  # in the kernel's folder: the same command twice builds the same kernel


@dataclass(frozen=True)
class Forecast:
    """What is known of a package before a hidden test set is seen.

    Attributes:
        timing: of this machine, or of Kaggle's where this kernel has been before.
        rows: of the hidden test set; `limit`: the seconds for it.
        scores: of each level out of fold; None: it has fewer models, or no rows were held out.
        higher: is a higher score better?
        alike: was it measured on a machine of the kind that the kernel runs on?
    """

    timing: Timing
    rows: int
    limit: float
    scores: dict[Level, float | None]
    metric: str
    higher: bool
    alike: bool

    def seconds(self, level: Level) -> float:
        """What the hidden rows take at a level."""
        return self.timing.seconds(level, self.rows)

    def fits(self, level: Level) -> bool:
        """Does it leave a tenth of the limit, and more of a very short one, to surprises?"""
        return self.seconds(level) <= planned(self.limit)

    def preferred(self) -> list[Level]:
        """The levels by their score, the best first, without those that a better one is faster than.

        Fewer models have no score of their own, for each row is held out of one fold's models alone: they
        come last, the most models first.
        """
        levels = [each.level for each in self.timing.levels]
        whole = [each for each in levels if each.models == levels[0].models]
        if None not in [self.scores[each] for each in whole]:
            whole.sort(key=lambda each: (self._cost(each), each.views))
            whole = [
                each
                for at, each in enumerate(whole)
                if all(each.views < other.views for other in whole[:at])
            ]
        return whole + [each for each in levels if each.models < levels[0].models]

    def chosen(self) -> list[Level]:
        """The best level that fits and those to fall back on; all of them where another machine was timed."""
        levels = self.preferred()
        if not self.alike:
            return levels
        first = next((at for at, each in enumerate(levels) if self.fits(each)), len(levels) - 1)
        return levels[first:]

    def table(self) -> list[str]:
        """A line a level."""
        wide, score = max(len(each.level.text) for each in self.timing.levels), self.metric
        rows = f"{self.rows:,} rows"
        found = [
            f"  {'level':<{wide}}  {score:>{max(11, len(score))}}  s an image    decode  networks  "
            f"{rows:>13}  fits {told(self.limit)}"
        ]
        for each in self.timing.levels:
            known = self.scores[each.level]
            text = "–" if known is None else f"{known:.4f}"
            found.append(
                f"  {each.level.text:<{wide}}  {text:>{max(11, len(score))}}  "
                f"{self.timing.an_image(each):>10.4f}  {each.decoding:>8.4f}  {each.networks:>8.4f}  "
                f"{told(self.seconds(each.level)):>13}  {'yes' if self.fits(each.level) else 'no'}"
            )
        return found

    def facts(self) -> dict[str, Any]:
        """The table as plain values."""
        return {
            "machine": self.timing.machine,
            "rows": self.rows,
            "limit": self.limit,
            "levels": [
                {
                    "views": each.views,
                    "models": each.models,
                    "score": self.scores[each.level],
                    "seconds_an_image": self.timing.an_image(each),
                    "decoding": each.decoding,
                    "networks": each.networks,
                    "seconds": round(self.seconds(each.level), 1),
                    "fits": self.fits(each.level),
                }
                for each in self.timing.levels
            ],
        }

    def _cost(self, level: Level) -> float:
        score = self.scores[level]
        assert score is not None
        return -score if self.higher else score


def told(seconds: float) -> str:
    """Seconds for people: 45 s, 12 min, 3 h 20 min."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def forecast_of(
    request: Request,
    package: Package,
    place: Path,
    *,
    there: Timing | None,
    rows: int | None,
    limit: float,
    machine: str,
) -> Forecast | None:
    """Measure, and say the table; None: the visible test set has no image to measure on.

    Args:
        place: the folder of the package, laid out, within the kernel's.
        there: what the kernel itself measured on Kaggle's machine.
        rows: of the hidden test set; None: as many as the visible one has.
        machine: that the kernel asks for.
    """
    if rows is not None and rows <= 0:
        raise KitError(f"--hidden-rows {rows}: it is a number of rows above 0")
    files = open_files(request)
    visible = read_test(request, files.folder)
    timing = there or _timing(request, package, place, visible["id"].tolist())
    if timing is None:
        say("no forecast: the visible test set has no image to measure on")
        return None
    views = max(each.views for each in timing.levels)
    scores = scores_by_views(request, package.run, files, views)
    most = timing.levels[0].models
    metric = files.evaluator.metric
    found = Forecast(
        timing=timing,
        rows=rows or len(visible),
        limit=limit,
        scores={
            each.level: scores[each.views - 1] if each.models == most else None
            for each in timing.levels
        },
        metric=files.evaluator.name.replace("_", " "),
        higher=metric.higher_is_better,
        alike=not request.on_site or timing.gpu == (machine != NO_GPU),
    )
    _tell(found, there is not None, rows is not None)
    return found


def _timing(request: Request, package: Package, place: Path, ids: Sequence[str]) -> Timing | None:
    """Measured once for package, test set and machine: the same command again builds the same kernel."""
    kept, key = place.parent / KEPT, fingerprint(package.facts, ids, platform.node())
    if kept.is_file() and (before := read_json(kept))["key"] == key:
        return Timing.of(before["timing"])
    say("timing the models on images of the visible test set")
    found = timed(request.competition, place, request.data_folder, cache=request.cache)
    if found is not None:
        write_json(kept, {"key": key, "timing": found.facts()})
    return found


def _tell(found: Forecast, there: bool, known: bool) -> None:
    where = "on Kaggle's machine, by the kernel itself" if there else "on this machine"
    say(
        f"forecast, measured {where} ({found.timing.machine}, {counted(found.timing.images, 'image')}):"
    )
    for line in found.table():
        say(line)
    if any(score is None for score in found.scores.values()):
        say(
            "  (–: each row is held out of one fold's models alone, so that fewer models have no score)"
        )
    if not known:
        say(
            f"  (the visible test set has {counted(found.rows, 'row')}; if the hidden one has more, say "
            "--hidden-rows N)"
        )
    if not found.alike:
        say(
            "  (the kernel runs on another kind of machine: it measures there too, and what it tells counts "
            "once it has come back)"
        )


def say_choice(found: Forecast, levels: Sequence[Level], budget: str) -> None:
    """Say what `--budget` has picked, and why."""
    first, score = levels[0], found.scores[levels[0]]
    among = "" if found.preferred()[0] == first else " of those that fit"
    best = f"the best out of fold{among} ({found.metric} {score or 0:.4f})"
    why = "the first that fits" if score is None else best
    if not found.alike:
        say(
            f"--budget {budget}: it begins with {first.text}, {why}; what fits it decides by its own clock, as "
            "this machine's times are not Kaggle's"
        )
    elif found.fits(first):
        say(f"--budget {budget}: it begins with {first.text}, {why}")
    else:
        say(
            f"--budget {budget}: not even {first.text} fits, so that the last rows will have the mean "
            "prediction"
        )
