"""The rate of every update: right at the first, at the last and in between."""

import pytest
import torch
from timm.scheduler import CosineLRScheduler, StepLRScheduler

from common.recipe import Recipe
from common.training.updates.schedules import ema_decay_at, lr_factor

STEPS, PER_EPOCH = 100, 10


def shares(**fields: object) -> list[float]:
    recipe = Recipe(epochs=10, **fields)  # type: ignore[arg-type]
    return [lr_factor(recipe, step, STEPS, PER_EPOCH) for step in range(STEPS)]


def timm_rates(build: object) -> list[float]:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = build(optimiser)  # type: ignore[operator]
    rates = []
    for step in range(STEPS):
        schedule.step_update(step)
        rates.append(optimiser.param_groups[0]["lr"])
    return rates


def test_cosine_is_timms() -> None:
    timm = timm_rates(lambda o: CosineLRScheduler(o, t_initial=STEPS, t_in_epochs=False))
    assert shares(schedule="cosine") == pytest.approx(timm)


def test_step_is_timms_with_period_and_decay() -> None:
    timm = timm_rates(lambda o: StepLRScheduler(o, decay_t=30, decay_rate=0.5, t_in_epochs=False))
    assert shares(schedule="step:3:0.5") == pytest.approx(timm)


def test_constant_never_moves() -> None:
    assert set(shares(schedule="constant")) == {1.0}


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant", "one-cycle"])
def test_warm_up_rises_from_a_small_first_step_to_the_peak(schedule: str) -> None:
    rates = shares(schedule=schedule, warmup_ratio=0.2)
    assert rates[0] == pytest.approx(1 / 21)
    assert rates[:20] == sorted(rates[:20])
    assert max(rates) == rates[20] == 1.0


def test_one_cycle_rises_for_a_third_and_falls_to_the_floor() -> None:
    rates = shares(schedule="one-cycle", min_lr_ratio=0.1)
    assert rates.index(max(rates)) == 30
    assert 0.1 < rates[-1] < 0.12


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_the_last_update_is_near_the_floor_but_still_moves(schedule: str) -> None:
    assert 0 < shares(schedule=schedule)[-1] < 0.02


def test_an_average_longer_than_the_training_warms_up_and_one_that_fits_does_not() -> None:
    long = [ema_decay_at(0.9998, step, 42) for step in range(42)]
    assert long[0] == 0
    assert long == sorted(long)
    assert long[-1] < 0.95
    assert {ema_decay_at(0.99, step, 1000) for step in range(1000)} == {0.99}
    assert {ema_decay_at(0.9, step, 9) for step in range(9)} == {0.9}
