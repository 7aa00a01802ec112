"""Which few numbers have the least cost: values worth trying, the best of them, several in turn."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
CANDIDATES = 100  # quantiles of what models say that a threshold is tried at
ROUNDS = 3  # of moving one value at a time


def candidates(
    values: npt.NDArray[np.floating],
    count: int = CANDIDATES,
    *,
    yes: npt.NDArray[np.bool_] | None = None,
) -> Values:
    """Values halfway between neighbouring quantiles of these, each once.

    Where yes is rare, all of `yes` lie between two quantiles: halfway between quantiles of them, too, and
    the next value below.
    """
    values = values.astype(np.float64)
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)))
    middles = (cuts[1:] + cuts[:-1]) / 2
    if yes is None or not yes.any():
        return np.asarray(middles)
    own = np.quantile(values[yes], np.linspace(0, 1, count // 2 + 1), method="lower")
    distinct = np.unique(values)
    place = np.searchsorted(distinct, np.unique(own))
    place = place[place > 0]
    return np.union1d(middles, (distinct[place] + distinct[place - 1]) / 2)


def best(cost: Callable[[float], float], values: Iterable[float], plain: float) -> float:
    """The value of the least cost; of equal ones the middle of a run, and `plain` where it is as good."""
    values = sorted(set(map(float, values)))
    costs = np.array([cost(value) for value in values])
    if not np.isfinite(costs).any():
        return plain
    least = np.flatnonzero(costs <= costs.min() + 1e-12)
    if plain in values and values.index(plain) in least:
        return plain
    return values[int(least[len(least) // 2])]


def one_at_a_time(cost: Callable[[Values], float], start: Values, each: list[Values]) -> Values:
    """Coordinate descent: each value in turn to the best of its own candidates, until no value moves."""
    values, least = start.copy(), cost(start)
    for _ in range(ROUNDS):
        before = values.copy()
        for place, tried in enumerate(each):
            for value in tried:
                other = values.copy()
                other[place] = value
                if (found := cost(other)) < least - 1e-12:
                    values, least = other, found
        if (values == before).all():
            break
    return values
