"""What a person is told of an error that is no bug of the kit."""

import errno
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import sentence_of

ROOT = Path(__file__).parents[2]


def wrapped(number: int) -> RuntimeError:
    """As torch raises where its file could not be written."""
    try:
        try:
            raise OSError(number, "refused")
        finally:
            raise RuntimeError("unexpected pos 704 vs 598")
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (wrapped(errno.EDQUOT), "the disk is full"),
        (wrapped(errno.EFBIG), "raise ulimit -f"),
        (
            Exception("Error while serializing: I/O error: No space left (os error 28)"),
            "disk is full",
        ),
        (OSError(errno.ENOSPC, "no space", "a.npz"), "the disk is full (a.npz)"),
    ],
)
def test_a_refused_write_is_told_though_a_library_wraps_it(error: Exception, words: str) -> None:
    assert words in str(sentence_of(error))


def test_another_error_is_a_bug_of_the_kit() -> None:
    assert sentence_of(wrapped(errno.ENOENT)) is None and sentence_of(ValueError("x")) is None


def test_who_reads_a_list_in_part_hears_nothing_of_it() -> None:
    call = f"set -o pipefail; {shlex.quote(sys.executable)} kit.py list | true"
    done = subprocess.run(["bash", "-c", call], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
