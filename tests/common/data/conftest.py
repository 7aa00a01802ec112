"""A data folder, a cache, and both ways to unpack the one into the other."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from common.data.archives.open_data import open_folder


@pytest.fixture(params=[False, True], ids=["files", "packs"])
def opened(request: pytest.FixtureRequest) -> Any:
    """Both ways to unpack."""
    return partial(open_folder, packed=request.param)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
