"""fp16's loss scaling, on a CPU in fp32: it changes no bit, skips what overflows, and is resumed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from common.training import checkpoint
from common.training.jobs import jobs_of
from common.training.loop import train
from common.workflow.prepare import Prepared, prepared

FIELDS: dict[str, Any] = {"epochs": 3, "ema_decay": 0.5, "clip_grad": 1.0}
FIRST, FITS = (
    2.0**16,
    2.0**12,
)  # the scale to begin with, and the largest at which nothing overflows


class Scaler(torch.amp.GradScaler):
    """torch's, with a loss that overflows at a scale above `limit`."""

    limit = FIRST

    def scale(self, outputs: Any) -> Any:
        scaled = super().scale(outputs)
        return scaled if self.get_scale() <= self.limit else scaled * torch.inf


@pytest.fixture
def training(toy: Any, tmp_path: Path) -> Iterator[Any]:
    """A function: the weights of a toy training, with loss scaling or without it.

    `stop`: killed after that many epochs, and resumed.
    """

    def weights(name: str, *, scaled: bool, stop: int = 0, **fields: Any) -> dict[str, Tensor]:
        with prepared(toy(**FIELDS | fields)) as ready:
            if stop:
                epochs = epochs_of(ready, tmp_path / name, scaled=scaled)
                for _ in range(stop):
                    next(epochs)
                epochs.close()
        with prepared(toy(**FIELDS | fields)) as ready:
            list(epochs_of(ready, tmp_path / name, scaled=scaled))
        return load_file(tmp_path / name / "weights.safetensors")

    yield weights


def epochs_of(ready: Prepared, folder: Path, *, scaled: bool) -> Any:
    if scaled:
        accelerator = ready.setting.accelerator
        accelerator.scaler, accelerator.native_amp = Scaler("cpu"), True
        accelerator.state._mixed_precision = "fp16"  # asked for before gradients are clipped
    return train(jobs_of(ready.recipe, ready.split.folds)[0], ready.setting, folder)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize(
    "fields",
    [
        {"freeze": "lp-ft:1", "grad_accum_steps": 2},
        pytest.param({"freeze": "gradual:1", "epochs": 6}, marks=pytest.mark.slow),
        pytest.param({"optimizer": "kit_muon", "freeze": "stages:1"}, marks=pytest.mark.slow),
        pytest.param({"optimizer": "adamw", "clip_grad": 0.0}, marks=pytest.mark.slow),
    ],
)
def test_a_scaled_loss_trains_to_the_same_bits(training: Any, fields: Any) -> None:
    assert equal(
        training("scaled", scaled=True, **fields), training("plain", scaled=False, **fields)
    )


@pytest.mark.parametrize("optimizer", ["kit_muon", pytest.param("adamw", marks=pytest.mark.slow)])
def test_updates_that_overflow_are_skipped_and_the_scale_is_resumed(
    training: Any, optimizer: str, tmp_path: Path, monkeypatch: Any
) -> None:
    scales = []
    honest = checkpoint.save_state

    def kept(folder: Path, state: dict[str, Any]) -> None:
        scales.append(state["scaler"]["scale"])
        honest(folder, state)

    monkeypatch.setattr(checkpoint, "save_state", kept)
    monkeypatch.setattr(Scaler, "limit", FITS)
    whole = training("whole", scaled=True, optimizer=optimizer)
    assert FIRST > scales[0] > scales[-1] == FITS  # it falls on in the epoch that is resumed
    assert all(tensor.isfinite().all() for tensor in whole.values())
    assert equal(training("resumed", scaled=True, stop=1, optimizer=optimizer), whole)
    assert (tmp_path / "resumed" / "log.jsonl").read_text().count("\n") == FIELDS["epochs"]
