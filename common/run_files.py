"""Files of a run, read: what is damaged is named in one sentence, or said to be and made anew."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.progress import say
from common.storage import check_is_content, read_json

T = TypeVar("T")
Arrays = dict[str, npt.NDArray[Any]]
ANEW = "it is made anew"
AGAIN = "bring it back, or call the command that made it again"
NEVER = "bring it back, or delete its folder"


@contextmanager
def reading(path: Path, remedy: str) -> Iterator[None]:
    """Around a library's reading of a file: whatever it raises of damaged bytes becomes one sentence.

    A lack of memory, and what the system itself refuses, is raised as it is.

    Raises:
        KitError: the file is damaged, or a pointer of Git LFS; it ends with the remedy.
    """
    try:
        yield
    except (KitError, MemoryError):
        raise
    except Exception as error:  # a library may raise any error at damaged bytes
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system could not read it: nothing is said of its bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise KitError(f"{path} is damaged ({reason}): {remedy}") from error


def read_arrays(path: Path, remedy: str = AGAIN) -> Arrays:
    """An npz file to its arrays by name.

    Raises:
        KitError: as `reading`.
    """
    check_is_content(path)
    with reading(path, remedy), path.open("rb") as file, np.load(file) as kept:
        return dict(kept)


def whole_arrays(path: Path) -> Arrays | None:
    """As `read_arrays`, None without a file; a damaged one is said to be, and removed."""
    return _whole(path, read_arrays)


def whole_json(path: Path) -> Any | None:
    """As `whole_arrays`, of a JSON file."""
    return _whole(path, read_json)


def _whole(path: Path, read: Callable[[Path, str], T]) -> T | None:
    if not path.is_file():
        return None
    check_is_content(path)
    try:
        return read(path, ANEW)
    except KitError as error:
        say(f"  {error}")
        path.unlink()
        return None


def read_rows(path: Path, remedy: str = NEVER, **options: Any) -> pd.DataFrame:
    """A CSV file that the kit wrote, every line of it ended; `options` are those of pandas.

    Raises:
        KitError: as `reading`.
    """
    with reading(path, remedy):
        check_is_content(path)
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            raise ValueError("it ends within a row" if content else "it is empty")
        return pd.read_csv(io.BytesIO(content), keep_default_na=False, **options)
