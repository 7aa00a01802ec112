"""A small GPU: what does not fit is told before the first epoch, and the remedy it names fits."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from common.storage import read_json
from common.training.checkpoint import read_log
from common.training.memory import OutOfMemory
from common.verbs import run, validate

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU"),
]
SMALL_MB = 2500  # cuDNN and cuBLAS want some hundreds for themselves
# At 512 pixels an image's activations in kit_resnet9_16 take about 240 MB: 16 images take 3,800.
FIELDS: dict[str, Any] = {
    "device": "cuda",
    "precision": "fp32",
    "augment": "photo-none",
    "image_size": 512,
    "batch_size": 16,
    "eval_batch_size": 2,
    "epochs": 1,
}


@pytest.fixture
def small_gpu() -> Iterator[None]:
    """This process may use 2,500 MB of the GPU beyond what other tests have left there."""
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    share = (SMALL_MB * 2**20 + torch.cuda.memory_reserved()) / total
    torch.cuda.set_per_process_memory_fraction(share)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.usefixtures("small_gpu")
def test_a_batch_that_does_not_fit_is_told_before_the_first_epoch_with_one_that_fits(
    toy: Any,
) -> None:
    with pytest.raises(OutOfMemory) as raised:
        validate.run(toy(**FIELDS))
    told = str(raised.value)
    print(told)
    assert told.startswith("training kit_resnet9_16 at 512 px with batch_size=16 in fp32 does not")
    assert torch.cuda.get_device_name() in told
    assert not [*toy().runs.glob("*/fold0/log.jsonl")]
    found = re.search(r"batch_size=(\d+) grad_accum_steps=(\d+) \(fits here; the same 16 ", told)
    assert found
    batch, steps = map(int, found.groups())
    assert batch * steps == 16
    assert validate.run(toy(**FIELDS | {"batch_size": batch, "grad_accum_steps": steps}))
    with pytest.raises(OutOfMemory):
        validate.run(toy(**FIELDS | {"batch_size": 2 * batch, "grad_accum_steps": steps // 2}))


@pytest.mark.usefixtures("small_gpu")
def test_inference_that_does_not_fit_goes_on_in_smaller_batches(toy: Any, capfd: Any) -> None:
    fields = FIELDS | {"image_size": 800, "batch_size": 2, "eval_batch_size": 24}
    result = run.run(toy(**fields))
    told = capfd.readouterr().err
    print(told)
    assert "inference in batches of 24 does not fit in the GPU's memory: it goes on with" in told
    assert result["cv"] is not None


def test_checkpointed_gradients_lower_the_peak_and_train_the_same(toy: Any) -> None:
    peaks, losses = [], []
    deep = FIELDS | {"backbone": "vit_tiny_patch16_224", "image_size": 224}
    for words in ((), ("grad_checkpointing=true",)):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated() / 2**20
        result = validate.run(toy(*words, fresh=True, **deep))
        log = read_log(Path(result["run"]) / "fold0")
        peaks.append(log[-1]["device_peak_mb"] - before)
        losses.append(log[-1]["train_loss"])
        facts = read_json(Path(result["run"]) / "run.json")
        assert facts["peak_memory"]["device"] >= log[-1]["device_peak_mb"]
    print(f"peak {peaks[0]:.0f} MB, with checkpointed gradients {peaks[1]:.0f} MB")
    assert peaks[1] < 0.8 * peaks[0]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_check_before_the_first_epoch_changes_no_number(
    toy: Any, precision: str, monkeypatch: Any
) -> None:
    from common.workflow.jobs import at_once

    small = {"device": "cuda", "precision": precision, "epochs": 2, "ema_decay": 0.9}
    torch.backends.cudnn.deterministic = True
    try:
        found = []
        for checked in (True, False):
            if not checked:
                monkeypatch.setattr(at_once, "check_memory", lambda *_: None)
            folder = Path(validate.run(toy(fresh=True, **small))["run"])
            found.append((folder / "fold0/weights.safetensors").read_bytes())
    finally:
        torch.backends.cudnn.deterministic = False
    assert found[0] == found[1]
