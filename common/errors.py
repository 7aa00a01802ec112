"""The error for users, and what a person is told of any other error: one sentence."""

import errno


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
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = error.filename or "while writing"
        return f"the disk is full ({where}): free some space, call again"
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be read or written here: give this account the right to"
    return None
