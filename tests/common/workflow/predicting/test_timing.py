"""How long an ensemble takes: by level and stage, and what of it is shared by devices."""

from dataclasses import replace

import numpy as np
import pytest
from toy_package import Made

from common.workflow.predicting import timing
from common.workflow.predicting.levels import Level
from common.workflow.predicting.timing import Spent, Timing, timed

MADE = Timing(
    machine="a toy",
    gpu=False,
    images=8,
    devices=1,
    part=100,
    starting=2.0,
    writing=0.0,
    levels=(Spent(2, 4, 0.1, 0.8, 5.0), Spent(1, 4, 0.1, 0.4, 5.0)),
)


def test_rows_take_their_decoding_and_passes_and_every_part_loads_the_weights() -> None:
    assert MADE.seconds(Level(2, 4), 1000) == pytest.approx(2 + 1000 * 0.9 + 11 * 5)
    assert MADE.seconds(Level(1, 4), 1000) == pytest.approx(2 + 1000 * 0.5 + 11 * 5)


def test_two_devices_halve_it_unless_the_decoding_they_share_takes_longer() -> None:
    both = replace(MADE, devices=2)
    assert both.seconds(Level(2, 4), 1000) == pytest.approx(2 + 1000 * 0.45 + 11 * 2.5)
    slow = replace(both, levels=(Spent(2, 4, 0.9, 0.8, 0.0),))
    assert slow.seconds(Level(2, 4), 1000) == pytest.approx(902)


def test_it_is_the_same_after_it_was_written_and_read() -> None:
    assert Timing.of(MADE.facts()) == MADE


def test_every_level_of_a_package_is_timed_and_fewer_take_less(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "MEASURED_S", 0.01)
    found = timed(dogs.request.competition, dogs.package, dogs.data, cache=dogs.folder / "timing")
    assert found is not None
    assert [each.level for each in found.levels] == [Level(2, 2), Level(1, 2), Level(1, 1)]
    assert found.images == 16  # of eight, each twice
    spent = [each.networks for each in found.levels]
    assert spent[0] >= spent[1] == pytest.approx(2 * spent[2])
    assert 0 < found.writing < 0.01
    assert not any((dogs.folder / "timing").glob("timed*"))
    assert np.ptp([each.decoding for each in found.levels]) == 0


def test_no_more_images_are_timed_than_a_part_may_decode(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "MEASURED_S", 1e6)
    monkeypatch.setattr(timing, "MOST", 64)
    monkeypatch.setattr(timing, "MOST_BYTES", 1)
    found = timed(dogs.request.competition, dogs.package, dogs.data, cache=dogs.folder / "bytes")
    assert found is not None
    assert found.images == 16


def test_a_test_set_without_rows_cannot_be_timed(dogs: Made) -> None:
    data = dogs.other("none", lambda sample: sample.head(0))
    assert timed(dogs.request.competition, dogs.package, data, cache=dogs.folder / "none-c") is None
