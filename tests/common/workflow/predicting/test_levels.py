"""What is given up when the time does not do: views first, then models, and no sooner than needed."""

from common.workflow.predicting.levels import Clock, Level, levels_of


def test_views_are_given_up_before_models() -> None:
    order = [(level.views, level.models) for level in levels_of(3, 5)]
    assert order == [(3, 5), (2, 5), (1, 5), (1, 3), (1, 2), (1, 1)]
    assert levels_of(1, 1) == [Level(1, 1)]


def timed(seconds: float, reading: float, network: float) -> Clock:
    """A clock that has just begun, and knows how long an image takes."""
    clock = Clock(seconds)
    clock.note(100, 10, 100 * reading, 1000 * network)
    return clock


def test_everything_is_kept_where_the_time_does() -> None:
    assert timed(1000, 0.1, 0.01).choose(2900, [20, 10, 5]) == 0


def test_no_more_is_given_up_than_is_needed() -> None:
    assert timed(1000, 0.1, 0.01).choose(4400, [20, 10, 5]) == 1
    assert timed(1000, 0.1, 0.01).choose(5900, [20, 10, 5]) == 2


def test_where_no_level_does_there_is_none() -> None:
    assert timed(1000, 0.1, 0.01).choose(7000, [20, 10, 5]) is None


def test_reading_an_image_takes_its_time_whatever_is_left_of_the_ensemble() -> None:
    clock = timed(1000, 0.1, 0.01)
    assert clock.per_row(20) - clock.per_row(10) < clock.per_row(10)
