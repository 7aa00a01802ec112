"""Random generators from (seed, fold, epoch, step): no state is carried from draw to draw.

Nothing is carried from draw to draw, so a killed run goes on as if undisturbed and the number of
workers changes nothing.
"""

import numpy as np

# What a stream is for. The purpose and the number of words lead, so that two uses at one place,
# or two places of which one continues the other, never share numbers.
ORDER, AUGMENT, DROPOUT, MIXING, WEIGHTS, MIRROR = range(6)


def stream(purpose: int, *place: int) -> np.random.Generator:
    """A generator for this purpose at this place alone; the place is non-negative integers."""
    return np.random.default_rng((purpose, len(place), *place))


def seed_of(purpose: int, *place: int) -> int:
    """A 63-bit seed for this purpose at this place, for libraries that take one number."""
    sequence = np.random.SeedSequence((purpose, len(place), *place))
    low, high = sequence.generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) & (2**63 - 1)
