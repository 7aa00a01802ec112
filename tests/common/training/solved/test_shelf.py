"""Arrays that found no place in memory: the same, whatever their number, and with no file left."""

import resource
import tempfile
from pathlib import Path

import numpy as np
import pytest

from common.training.solved import shelf
from common.training.solved.shelf import Shelf


def test_arrays_in_files_are_the_same_and_more_of_them_than_files_may_be_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shelf, "FILE_BYTES", 2**16)
    rng, (soft, hard) = np.random.default_rng(0), resource.getrlimit(resource.RLIMIT_NOFILE)
    given = [rng.normal(size=(n % 7, 90)).astype(np.float32) for n in range(300)]
    given += [np.asfortranarray(rng.normal(size=(30, 40))), rng.normal(size=2**14)]
    place = Shelf(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        kept = [place.keep(each) for each in given]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    del place
    for one, other in zip(given, kept, strict=True):
        assert np.array_equal(one, other) and one.strides == other.strides
        assert not other.size or not np.shares_memory(one, other)
    assert not [*tmp_path.iterdir()]


def test_arrays_stay_in_memory_as_long_as_there_is_room() -> None:
    place, array = Shelf(100), np.zeros(10)
    assert place.keep(array) is array and place.keep(array) is not array
