"""The forecast: which level is preferred by its score, which fits, and what is said of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from common.storage import write_json
from common.workflow.predicting.levels import Level
from common.workflow.predicting.timing import Spent, Timing
from kernels.deploy.forecast import Forecast, say_choice, told
from kernels.deploy.predicted_run import timed_there
from kernels.deploy.push import PUSHES, output_of
from kernels.runtime.predict import REPORT

LEVELS = (Level(3, 4), Level(2, 4), Level(1, 4), Level(1, 2), Level(1, 1))


def forecast(*scores: float | None, rows: int = 1000, limit: float = 1000) -> Forecast:
    """Of three view groups and four models, each pass 0.1 s an image."""
    timing = Timing(
        machine="a toy",
        gpu=False,
        images=8,
        devices=1,
        part=100,
        starting=0.0,
        writing=0.0,
        levels=tuple(
            Spent(each.views, each.models, 0.0, 0.1 * each.views * each.models, 0.0)
            for each in LEVELS
        ),
    )
    known = dict(zip(LEVELS, (*scores, None, None), strict=True))
    return Forecast(timing, rows, limit, scores=known, metric="accuracy", higher=True, alike=True)


def test_the_best_score_comes_first_and_what_is_slower_and_no_better_is_left_out() -> None:
    assert forecast(0.9, 0.8, 0.7).preferred() == [*LEVELS]
    assert forecast(0.8, 0.9, 0.7).preferred() == [*LEVELS[1:]]
    assert forecast(0.9, 0.7, 0.8).preferred() == [LEVELS[0], *LEVELS[2:]]
    assert forecast(0.9, 0.9, 0.9).preferred() == [*LEVELS[2:]]


def test_of_a_loss_the_least_is_the_best() -> None:
    assert replace(forecast(0.3, 0.2, 0.4), higher=False).preferred() == [*LEVELS[1:]]


def test_a_budget_begins_with_the_best_that_leaves_a_tenth_of_the_time() -> None:
    good = (0.9, 0.8, 0.7)
    assert forecast(*good, limit=1334).chosen() == [*LEVELS]  # 1200 s of them
    assert forecast(*good, limit=1332).chosen() == [*LEVELS[1:]]
    assert forecast(*good, limit=300).chosen() == [*LEVELS[3:]]
    assert forecast(*good, limit=10).chosen() == [LEVELS[-1]]


def test_of_a_short_budget_what_comes_after_the_interrupt_is_not_there() -> None:
    found = forecast(0.9, 0.8, 0.7, rows=50, limit=70)  # 60 s, and it is stopped after 55
    assert [found.fits(each) for each in LEVELS[:2]] == [False, True]


def test_fewer_models_have_no_score_and_come_after_all_that_have_one() -> None:
    assert forecast(0.1, 0.2, 0.3).preferred() == [*LEVELS[2:]]
    assert forecast(None, None, None).preferred() == [*LEVELS]


def test_times_of_another_kind_of_machine_choose_nothing() -> None:
    assert replace(forecast(0.9, 0.8, 0.7, limit=10), alike=False).chosen() == [*LEVELS]


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (1500, "begins with 3 view groups, 4 models, the best out of fold (accuracy 0.9000)\n"),
        (
            900,
            "begins with 2 view groups, 4 models, the best out of fold of those that fit (accuracy 0.8000)\n",
        ),
        (230, "begins with 1 view group, 2 models, the first that fits\n"),
        (10, "not even 1 view group, 1 model fits"),
    ],
)
def test_what_a_budget_picks_is_said(
    limit: float, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = forecast(0.9, 0.8, 0.7, limit=limit)
    say_choice(found, found.chosen(), "8h")
    assert words in capsys.readouterr().err


def test_times_of_a_version_with_other_levels_do_not_count(tmp_path: Path) -> None:
    timing = forecast(0.9, 0.8, 0.7).timing
    fewer = replace(timing, levels=timing.levels[2:])
    pushes = {}
    for version, each in ((1, timing), (2, fewer)):
        pushes[str(version)] = {"kernel": {"version": version}}
        write_json(output_of(tmp_path, version) / REPORT, {"timing": each.facts()})
    write_json(tmp_path / PUSHES, pushes)
    assert timed_there(tmp_path, LEVELS) == timing
    assert timed_there(tmp_path, LEVELS[2:]) == fewer
    assert timed_there(tmp_path, LEVELS[1:]) is None


def test_the_table_has_a_line_a_level_with_score_seconds_and_time() -> None:
    table = forecast(0.9, 0.8, 0.7).table()
    assert len(table) == 6
    assert table[0].split()[-5:] == ["1,000", "rows", "fits", "17", "min"]
    assert table[1].split() == [
        *[
            "3",
            "view",
            "groups,",
            "4",
            "models",
            "0.9000",
            "1.2000",
            "0.0000",
            "1.2000",
            "20",
            "min",
            "no",
        ]
    ]
    assert table[4].split()[5] == "–"


def test_times_are_told_in_seconds_minutes_and_hours() -> None:
    assert [told(each) for each in (4.25, 59, 119, 600, 32400, 12000)] == [
        "4.2 s",
        "59 s",
        "119 s",
        "10 min",
        "9 h",
        "3 h 20 min",
    ]
