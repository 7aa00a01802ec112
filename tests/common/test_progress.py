"""Bars on a terminal, lines where there is none."""

from typing import Any

import pytest

from common.progress import Lines, bar, tracked
from common.verbs import validate
from common.workflow import run_report


def test_without_a_terminal_a_bar_is_lines_with_the_time_left(capsys: Any) -> None:
    with Lines(100, "decoding", "images", done=50, every_s=0) as progress:
        progress.update(25)
        progress.update(25)
    said = capsys.readouterr().err.splitlines()
    assert said == ["decoding: 75 of 100 images, 00:00 left"]


def test_what_takes_less_than_a_minute_says_no_line(capsys: Any) -> None:
    assert list(tracked(range(3), "bootstrap", "resamples")) == [0, 1, 2]
    with bar(10, "decoding") as progress:
        progress.update(5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "epochs"), [(20.0, [2]), (0.0, [1, 2])])
def test_a_model_that_trains_for_seconds_is_one_line(
    seconds: float, epochs: list[int], toy: Any, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(run_report, "SECONDS_BETWEEN_LINES", seconds)
    validate.run(toy(epochs=2, folds=2))
    lines = [line.split() for line in capsys.readouterr().err.splitlines() if " epoch " in line]
    told = [(words[0], int(words[2].split("/")[0])) for words in lines]
    assert told == [(fold, epoch) for fold in ("fold0", "fold1") for epoch in epochs]


def test_a_model_that_stops_early_tells_its_last_epoch(toy: Any, capsys: Any) -> None:
    validate.run(toy(epochs=9, folds=1, early_stop=1, lr=1e-9))
    said = [line for line in capsys.readouterr().err.splitlines() if "fold0 epoch" in line]
    assert len(said) == 1
    assert "epoch   2/9" in said[0]
