"""Files of cached features: a block of rows each, [V, rows, F], float16 or float32."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from common.errors import KitError
from common.progress import say
from common.storage import replacing


def write_block(path: Path, block: npt.NDArray[Any], *, half: bool) -> None:
    """Write a block; with `half` as float16, unless one is too large for it.

    Raises:
        KitError: a feature is not a finite number.
    """
    if not np.isfinite(block).all():
        raise KitError(
            "the backbone's features are not finite in this precision: set precision=fp32"
        )
    if half and np.abs(block).max(initial=0) <= np.finfo(np.float16).max:
        block = block.astype(np.float16)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, block)


def is_whole(path: Path, rows: int) -> bool:
    """Is there a block of so many rows? One that is damaged is said to be, and counts as none."""
    if not path.exists():
        return False
    try:
        block = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        fault = f"cannot be read ({error})"
    else:
        if isinstance(block, np.ndarray) and block.ndim == 3 and block.shape[1] == rows:
            return True
        fault = f"does not hold features of {rows:,} images"
    say(f"  {path} {fault}: these features are computed anew")
    return False
