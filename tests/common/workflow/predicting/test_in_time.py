"""Predicting within a limit: what is given up for it, and the file that is there whatever happens."""

import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_package import Made

from common.workflow.predicting import answer as answering
from common.workflow.predicting import levels, parts
from common.workflow.predicting.known_rows import Answer
from common.workflow.predicting.members import Models


def test_without_any_time_every_row_has_the_mean_prediction(
    dogs: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, told = dogs.predicted(dogs.data, seconds=1e-6)
    assert (len(rows), len(rows.drop_duplicates()), told["predicted"]) == (8, 1, 0)
    assert "8 rows with the mean prediction: there was no time for them" in capsys.readouterr().err


def test_what_stops_it_leaves_the_rows_that_were_predicted(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FIRST", 4)
    plain, calls = Models.predict, []

    def stopped(self: Models, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(self, *given)

    monkeypatch.setattr(Models, "predict", stopped)
    with pytest.raises(KeyboardInterrupt):
        dogs.predicted(dogs.data)
    rows = pd.read_csv(dogs.folder / "out" / "submission.csv", dtype=str).set_index("id")
    whole = pd.read_csv(dogs.run / "submission.csv", dtype=str).set_index("id")
    assert rows.head(4).equals(whole.head(4))
    numbers = rows.astype(float)
    assert np.allclose(numbers.tail(4), numbers.head(4).mean(), atol=1e-6)


def test_an_interrupt_during_the_last_writing_waits_for_its_end(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Answer.write

    def interrupted(self: Answer) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        plain(self)

    monkeypatch.setattr(Answer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dogs.predicted(dogs.data)
    written = (dogs.folder / "out" / "submission.csv").read_bytes()
    assert written == (dogs.run / "submission.csv").read_bytes()


def one_part(
    monkeypatch: pytest.MonkeyPatch, *, seconds: float, rows: int, costs: dict[str, list[float]]
) -> parts.Parts:
    """Parts of many rows on two devices of which "used" has done 64 in 0.1 s a pass; passes by node."""
    monkeypatch.setattr(
        parts,
        "models_of",
        lambda node: [SimpleNamespace(units=lambda level: costs[node][3 - level.views])],
    )
    found: Any = SimpleNamespace(node="other", table=range(rows), used={}, row_bytes=1.0)
    clock = levels.Clock(seconds / levels.AIMED, measured=parts.WARM, devices=2)
    made = parts.Parts(found, [levels.Level(3, 1), levels.Level(2, 1)], clock, step=1)
    node: Any = "used"
    made.done(64, made.levels[0], node, 0.0, 6.4 * costs["used"][0])
    return made


def test_the_last_part_on_one_of_two_devices_is_no_longer_than_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = {"used": [1.0, 1.0], "other": [1.0, 1.0]}
    made = one_part(monkeypatch, seconds=20, rows=10_000, costs=both)
    assert 150 <= made.count <= 200  # of 0.1 s each


def test_what_networks_share_on_the_device_that_was_used_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = {"used": [1.0, 1.0], "other": [4.0, 1.0]}
    made = one_part(monkeypatch, seconds=600, rows=10_000, costs=costs)
    assert made.clock.costs == pytest.approx((0.0, 0.1))


class Watch:
    """A clock that only the reading of images and the networks move: 1 ms an image, 10 ms a pass."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        images, plain = Models.images, Models.predict

        def read(models: Models, part: pd.DataFrame, cache: Path) -> Any:
            self.now += 0.001 * len(part)
            return images(models, part, cache)

        def passed(models: Models, store: Any, cache: Path, level: Any) -> Any:
            self.now += 0.01 * len(store) * models.units(level)
            return plain(models, store, cache, level)

        patch.setattr(Models, "images", read)
        patch.setattr(Models, "predict", passed)
        ticking = SimpleNamespace(monotonic=lambda: self.now)
        patch.setattr(answering, "time", ticking)
        patch.setattr(parts, "time", ticking)
        patch.setattr(levels, "time", ticking)


@pytest.fixture(scope="module")
def many(dogs: Made) -> Path:
    """A test set of 200 rows, of the images of the visible one."""
    count = 200
    ids = [f"row{number:03}" for number in range(count)]
    data = dogs.other(
        "many", lambda sample: sample.loc[np.arange(count) % len(sample)].assign(id=ids)
    )
    images = sorted((data / "test").iterdir())
    for number, each in enumerate(ids):
        shutil.copyfile(images[number % len(images)], data / "test" / f"{each}.jpg")
    return data


@pytest.mark.parametrize(
    ("seconds", "used"),
    [
        (10.0, {"2 view groups, 2 models": 200}),  # all of it takes 8.2
        (
            7.0,
            {"2 view groups, 2 models": 72, "1 view group, 2 models": 128},
        ),  # the last 8 again with all
        (5.0, {"2 view groups, 2 models": 72, "1 view group, 1 model": 128}),
    ],
)
def test_a_limit_that_is_too_short_costs_views_then_models_and_no_row(
    dogs: Made, many: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, used: dict[str, int]
) -> None:
    watch = Watch(monkeypatch)
    rows, told = dogs.predicted(many, seconds=seconds)
    assert told["levels"] == used
    assert told["predicted"] == len(rows) == 200
    assert watch.now <= seconds


def test_a_limit_for_a_part_of_the_rows_leaves_the_mean_to_the_rest_and_says_so(
    dogs: Made, many: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = Watch(monkeypatch)
    rows, told = dogs.predicted(many, seconds=4.0)
    assert list(told["levels"]) == ["2 view groups, 2 models", "1 view group, 1 model"]
    assert 64 < told["predicted"] < 200 == len(rows)
    assert len(rows.tail(200 - told["predicted"]).drop_duplicates()) == 1
    assert watch.now <= 4.0
    said = capsys.readouterr().err
    assert f"{200 - told['predicted']} rows with the mean prediction: there was no time" in said
