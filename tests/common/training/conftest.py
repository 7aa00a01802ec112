"""A toy whose backbone is frozen, for heads on features."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from common.models.backbone import build
from common.recipe import Recipe
from common.verbs import validate


@pytest.fixture
def repeatable() -> Iterator[None]:
    """GPU kernels that sum in one order, where torch has them."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def frozen(toy: Any, tmp_path: Path) -> Any:
    """A request whose backbone has weights, is frozen, and sees fixed images."""
    torch.manual_seed(0)
    path = tmp_path / "w.safetensors"
    save_file(build(Recipe(), [str(n) for n in range(5)]).state_dict(), path)
    fixed = {
        "weights": str(path),
        "freeze": "backbone",
        "augment": "small-none",
        "views": "mirror",
        "folds": 3,
        "epochs": 3,
    }
    return lambda *words, **fields: toy(*words, **(fixed | fields))


@pytest.fixture
def teacher(frozen: Any) -> str:
    """The folder of a run of the frozen toy."""
    return str(validate.run(frozen(views="identity"))["run"])
