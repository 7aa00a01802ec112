"""Schedules are pure functions: update number to a share of the peak rate, right at update 0."""

import math

from common.recipe import Recipe


def rate_share(recipe: Recipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """The rate at update `step` (0 … steps - 1) as a share of the peak.

    Warm-up rises linearly from the first update's small step, never from zero, to the peak; then
    the schedule runs over what is left. `one-cycle` (L. Smith, 2018) is a linear rise over the
    warm-up (30 % when none is given) and a linear fall to the floor.
    """
    warmup = round(recipe.warmup * steps)
    if recipe.schedule == "one-cycle" and not warmup:
        warmup = round(0.3 * steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, steps - warmup)
    floor = recipe.lr_floor
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
