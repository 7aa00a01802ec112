"""The error for users, and what a person is told of any other error: one sentence."""

import errno
import re


class KitError(ValueError):
    """What a user did or met, in one sentence: what, where, what to do.

    Any other exception is a bug of the kit, and is shown with its traceback.
    """


def sentence_of(error: Exception) -> str | None:
    """An error as the sentence to print; None for a bug of the kit, which needs its traceback."""
    if isinstance(error, KitError):
        return str(error)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported for this
        return "the GPU's memory is used up: lower batch_size=, eval_batch_size= or image_size="
    if isinstance(error, BrokenPipeError):
        return "nobody read the output to its end"
    number, where = _refused(error)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full ({where}): free some space, call again"
    if number == errno.EFBIG:
        return (
            f"a file would be larger than this shell allows ({where}): raise ulimit -f, call again"
        )
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be read or written here: give this account the right to"
    return None


def _refused(error: BaseException) -> tuple[int | None, str]:
    """The system's error number behind an error, which torch and safetensors wrap, and its file."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError):
            return inner.errno, inner.filename or "while writing"
        if said := re.search(r"\(os error (\d+)\)", str(inner)):
            return int(said[1]), "while writing"
        inner = inner.__cause__ or inner.__context__
    return None, ""
