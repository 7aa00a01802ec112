"""On a GPU whole runs: what is learnt, heads on cached features, photographs, several processes."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save_file
from toy_gpu_cases import APART, DEVICE, NEEDS_GPU

from common.models.backbone import build
from common.recipe import Recipe
from common.storage import read_json
from common.verbs import validate

pytestmark = [*NEEDS_GPU, pytest.mark.usefixtures("repeatable")]
PRECISIONS = [name for name in APART if DEVICE != "cpu" or name != "fp16"]


def oof(run: str) -> npt.NDArray[np.float32]:
    with np.load(Path(run) / "oof.npz") as kept:
        found: npt.NDArray[np.float32] = kept["probs"]
    return found


@pytest.mark.parametrize("precision", ["auto", *PRECISIONS])
def test_a_toy_competition_is_learnt(toy: Any, precision: str) -> None:
    fields = {"ema_decay": 0.5, "mixup": 0.1, "clip_grad": 5.0, "views": "mirror+shifts+scales"}
    assert validate.run(toy(epochs=6, device=DEVICE, precision=precision, **fields))["cv"] > 0.9


@pytest.mark.parametrize("augment", ["photo", "photo-crop", "photo-light"])
def test_photographs_come_through_threads_to_the_numbers_of_none(toy: Any, augment: str) -> None:
    found = []
    for workers in (0, 2):
        fields = {"augment": augment, "image_size": 16, "workers": workers, "precision": "fp32"}
        result = validate.run(toy(epochs=6, device=DEVICE, fresh=True, **fields))
        assert result["cv"] > 0.8
        found.append(oof(result["run"]))
    assert np.abs(found[0] - found[1]).max() < APART["bf16"]


@pytest.fixture
def frozen(toy: Any, tmp_path: Path) -> Any:
    """A request whose backbone has weights, is frozen, and sees fixed images."""
    torch.manual_seed(0)
    path = tmp_path / "w.safetensors"
    save_file(build(Recipe(), [str(n) for n in range(5)]).state_dict(), path)
    fixed: dict[str, Any] = {"weights": str(path), "freeze": "backbone", "augment": "small-none"}
    return lambda *words, **fields: toy(*words, **(fixed | {"folds": 3, "epochs": 3} | fields))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("head", ["linear", "mlp:16", "logits-mlp:16"])
def test_heads_on_cached_features_come_to_a_cpus_numbers(
    frozen: Any, head: str, precision: str
) -> None:
    fields: dict[str, Any] = {"head": head, "ema_decay": 0.5, "views": "mirror"}
    there = validate.run(frozen(device=DEVICE, precision=precision, **fields))
    assert read_json(Path(there["run"]) / "run.json")["kind"] == "trained"
    here = validate.run(frozen(device="cpu", precision="fp32", fresh=True, **fields))
    assert np.abs(oof(there["run"]) - oof(here["run"])).max() < APART[precision]


def test_a_grid_of_heads_and_a_probe_before_fine_tuning_train(frozen: Any) -> None:
    grid = validate.run(frozen(device=DEVICE, head_grid="small"))
    assert np.isfinite(oof(grid["run"])).all()
    tuned = validate.run(frozen(device=DEVICE, freeze="lp-ft:1"))
    assert read_json(Path(tuned["run"]) / "run.json")["probe"] == "on features"


def test_two_processes_on_one_gpu_come_to_the_numbers_of_one(toy: Any) -> None:
    fields: dict[str, Any] = {"device": DEVICE, "precision": "fp32", "ema_decay": 0.5}
    found = [
        oof(validate.run(toy(processes=count, fresh=True, **fields))["run"]) for count in (1, 2)
    ]
    assert np.abs(found[0] - found[1]).max() < APART["fp32"]
