"""Every random number is a pure function of a seed and a place: (seed, fold, epoch, …).

Nothing is carried from draw to draw, so a killed run goes on as if undisturbed and the number of
workers changes nothing.
"""

import numpy as np

# What a stream is for: two uses at the same place never share numbers.
ORDER, AUGMENT, STEP, WEIGHTS, SAMPLING = range(5)


def stream(*place: int) -> np.random.Generator:
    """A generator for this place alone; its words are non-negative integers."""
    return np.random.default_rng(place)


def seed_of(*place: int) -> int:
    """A 63-bit seed for this place, for libraries that take one number."""
    low, high = np.random.SeedSequence(place).generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) & (2**63 - 1)
