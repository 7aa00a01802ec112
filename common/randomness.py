"""Random generators from (seed, fold, epoch, step): no state is carried from draw to draw.

So a killed run resumes exactly, and results do not depend on the number of workers.
"""

import numpy as np

# What a stream is for. The purpose and the number of words lead, so that two uses at one place,
# or two places of which one continues the other, never share numbers.
ORDER, AUGMENT, DROPOUT, MIXING, WEIGHTS, MIRROR = range(6)


def stream(purpose: int, *place: int) -> np.random.Generator:
    """A purpose and a place, non-negative integers such as (seed, fold, epoch), to a generator."""
    return np.random.default_rng((purpose, len(place), *place))


def seed_of(purpose: int, *place: int) -> int:
    """As `stream`, a 63-bit seed for libraries that take one number."""
    sequence = np.random.SeedSequence((purpose, len(place), *place))
    low, high = sequence.generate_state(2, np.uint32)
    return (int(high) << 32 | int(low)) & (2**63 - 1)
