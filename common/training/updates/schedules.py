"""Learning rate and EMA decay schedules: pure functions from the step number to a value."""

import math

from common.recipe import Recipe

INITIAL_SHARE = 0.01  # weight of the initial network in the last EMA above which the decay warms up
SHORT_DECAY = 0.9  # an EMA over ten updates


def lr_factor(recipe: Recipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """The learning rate at `step` (0 … steps - 1) as a factor of the peak, as for torch's LambdaLR.

    Warm-up rises linearly from the first step's small value, never from zero, to the peak; the
    schedule runs over the remaining steps. `one-cycle` (L. Smith, 2018) is a linear rise over the
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
    """The EMA decay at `step` (0 … steps - 1) of the whole training.

    Where the initial network would still count in the last average, the decay rises from 0, as with
    timm's `use_warmup` (K. Crowson).
    """
    return min(decay, 1 - (1 + step) ** -(2 / 3)) if ema_warms_up(decay, steps) else decay


def ema_warms_up(decay: float, steps: int) -> bool:
    """Is the decay too long for so many steps? A decay of `SHORT_DECAY` or less is used as given."""
    return decay > SHORT_DECAY and decay**steps > INITIAL_SHARE
