"""Schedules are pure functions: update number to a share of the peak rate, right at update 0."""

import math

from common.recipe import Recipe

COUNTS = 0.01  # the share of an average from which on the network as it began counts in it
SHORT = 0.9  # the decay of an average over ten updates


def rate_share(recipe: Recipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """The rate at update `step` (0 … steps - 1) as a share of the peak.

    Warm-up rises linearly from the first update's small step, never from zero, to the peak; then
    the schedule runs over what is left. `one-cycle` (L. Smith, 2018) is a linear rise over the
    warm-up (30 % when none is given) and a linear fall to the floor.
    """
    warmup = round(recipe.warmup_ratio * steps)
    if recipe.schedule == "one-cycle" and not warmup:
        warmup = round(0.3 * steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, steps - warmup)
    floor = recipe.min_lr_ratio
    match recipe.rate_schedule.word:
        case "constant":
            return 1.0
        case "step":
            epochs, factor = recipe.rate_schedule.numbers
            drops = math.floor(step / (epochs * steps_per_epoch) + 1e-9)
            return max(floor, factor**drops)
        case "cosine":
            return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2
        case "one-cycle":
            return floor + (1 - floor) * (1 - done)
    raise AssertionError(recipe.schedule)


def ema_decay_at(decay: float, step: int, steps: int) -> float:
    """The decay of the averaged weights at update `step` (0 … steps - 1) of the whole training.

    Where the network as it began would count in the last average, the decay rises from 0 instead, as
    with timm's `use_warmup` (K. Crowson).
    """
    return min(decay, 1 - (1 + step) ** -(2 / 3)) if warms_up(decay, steps) else decay


def warms_up(decay: float, steps: int) -> bool:
    """Is the decay too long for so many updates? One of `SHORT` or less is as it was asked for."""
    return decay > SHORT and decay**steps > COUNTS
