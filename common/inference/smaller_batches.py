"""Inference goes on in smaller batches where one does not fit in the GPU's memory."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from common.errors import KitError
from common.progress import say

T = TypeVar("T")
WHOLE = 2**31  # a limit that no batch exceeds
# How libraries below torch word it; torch itself has an exception of its own. The last one: none of
# cuDNN's ways of a convolution got the memory that it works in.
WORDS = (
    "out of memory",
    "ALLOC_FAILED",
    "ALLOCATION_FAILED",
    "unable to find an engine to execute this computation",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Does an error say that the device's memory is used up?"""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in WORDS)
    )


def in_parts_that_fit(
    compute: Callable[[Tensor], T], images: Tensor, limit: int
) -> tuple[list[T], int]:
    """`compute` of images [B, …] in parts of at most `limit`, halved until they fit.

    Returns:
        The results in order, and the limit for the next batch.

    Raises:
        KitError: a single image does not fit.
    """
    size = min(limit, len(images))
    while isinstance(found := _attempt(compute, images, size), str):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if size == 1:
            raise KitError(
                f"inference on a single image does not fit in the GPU's memory ({found}): set a smaller "
                "image_size=, another backbone=, or device=cpu"
            )
        size //= 2
    if size == min(limit, len(images)):
        return found, limit
    say(
        f"  inference in batches of {min(limit, len(images)):,} does not fit in the GPU's memory: it goes "
        f"on with {size:,} (eval_batch_size={size} begins with that)"
    )
    return found, size


def _attempt(compute: Callable[[Tensor], T], images: Tensor, size: int) -> list[T] | str:
    """All parts' results; where memory runs out what was told, with everything freed on return."""
    try:
        return [compute(part) for part in images.split(size)]
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return str(error).partition("\n")[0]
