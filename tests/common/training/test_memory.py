"""Memory that runs out is told in a sentence with what fits; checkpointed gradients change no number."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from common.inference.smaller_batches import in_parts_that_fit, is_out_of_memory
from common.training import memory
from common.training.components import build_components
from common.training.jobs import jobs_of
from common.verbs import run, validate
from common.workflow.prepare import prepared


@contextmanager
def device_for(count: int, *, checkpointed: int = 0) -> Iterator[list[tuple[int, int]]]:
    """A device whose memory ends at `count` images in a batch; yields (batch, side) of its calls.

    Args:
        checkpointed: the same where gradients are checkpointed; 0: `count`.
    """
    seen: list[tuple[int, int]] = []

    def first_layer(module: nn.Module, given: Any) -> None:
        if isinstance(module, nn.Conv2d) and given[0].shape[1] == 3:
            seen.append((len(given[0]), given[0].shape[-1]))
            if len(given[0]) > (checkpointed if flags[-1:] == [True] and checkpointed else count):
                raise torch.OutOfMemoryError("CUDA out of memory")

    flags: list[bool] = []

    def model(module: nn.Module, _: Any) -> None:
        if hasattr(module, "grad_checkpointing"):
            flags.append(module.grad_checkpointing)

    hooks = [
        nn.modules.module.register_module_forward_pre_hook(each) for each in (model, first_layer)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def test_memory_that_runs_out_is_told_with_the_batch_that_fits(toy: Any) -> None:
    told = (
        r"^training kit_resnet9_16 at 8 px with batch_size=16 in fp32 does not fit in the memory of "
        r"the cpu: set batch_size=4 grad_accum_steps=4 \(fits here; the same 16 images an update\)$"
    )
    with device_for(5), pytest.raises(memory.OutOfMemory, match=told):
        validate.run(toy(batch_size=16))


def test_what_is_named_fits(toy: Any) -> None:
    with prepared(toy(batch_size=9)) as ready:
        job = jobs_of(ready.recipe, ready.split.folds)[0]
        with device_for(1):
            told = memory.explanation(job, ready.setting)
            assert told.endswith("nor does batch_size=2: set a smaller image_size= or backbone=")
        with device_for(4):
            told = memory.explanation(job, ready.setting)
            assert told.endswith(
                ": set batch_size=4 grad_accum_steps=2 (fits here; 8 instead of 9 images an update)"
            )
        with device_for(4, checkpointed=10):
            told = memory.explanation(job, ready.setting)
            assert "grad_checkpointing=true (fits here; the same numbers, slower), or batch" in told
        with device_for(1, checkpointed=5):
            told = memory.explanation(job, ready.setting)
            assert "set grad_checkpointing=true batch_size=4 grad_accum_steps=2 (fits" in told


def test_a_trial_repeats_the_answers_of_weighed_rows_too(toy: Any) -> None:
    with prepared(toy(batch_size=8)) as ready:
        job = jobs_of(ready.recipe, ready.split.folds)[0]
        few, hot = job.rows[:9], np.eye(len(ready.setting.target.names), dtype=np.float32)
        answers = 0.5 * hot[ready.setting.loss_targets[few]]
        assert memory.fits(replace(job, rows=few, answers=answers), ready.setting)


def test_a_trial_leaves_what_trains_as_it_was(toy: Any, tmp_path: Path) -> None:
    fields = {"mixup": 0.2, "ema_decay": 0.9, "drop_rate": 0.2, "grad_accum_steps": 2}
    request = toy(batch_size=4, **fields)
    with prepared(request) as ready:
        job = jobs_of(ready.recipe, ready.split.folds)[0]
        weights = []
        for tried in (False, True):
            torch.manual_seed(5)
            if tried:
                assert memory.fits(job, ready.setting)
            drawn = torch.rand(3)
            list(memory.train_job(job, ready.setting, tmp_path / str(tried)))
            weights.append(((tmp_path / str(tried) / "weights.safetensors").read_bytes(), drawn))
    assert weights[0][0] == weights[1][0]
    assert torch.equal(weights[0][1], weights[1][1])


def test_a_trial_is_two_updates_of_whole_batches_at_full_size(toy: Any) -> None:
    for fields, updates in (
        ({"image_size": 16, "initial_image_size": 8, "epochs": 3}, [(8, 16)] * 2),
        ({"grad_accum_steps": 3}, [(8, 8)] * 4),
    ):
        with prepared(toy(fresh=True, **fields)) as ready, device_for(8) as seen:
            job = jobs_of(ready.recipe, ready.split.folds)[0]
            assert memory.fits(job, ready.setting)
            assert seen == updates
            seen.clear()
            assert memory.fits(replace(job, rows=job.rows[:5]), ready.setting)
            assert seen == [(5, updates[0][1])]


@pytest.mark.slow
def test_inference_goes_on_in_smaller_batches_and_says_so(toy: Any, capfd: Any) -> None:
    validate.run(toy(batch_size=4))
    whole = probs_of(toy)
    for path in toy().runs.glob("*/predictions/*/*.npz"):
        path.unlink()
    with device_for(5) as seen:
        run.run(toy(batch_size=4))
    assert {(16, 8), (4, 8)} <= set(seen)
    told = capfd.readouterr().err
    assert "in batches of 16 does not fit" in told
    assert "goes on with 4 (eval_batch_size=4 begins with that)" in told
    assert np.abs(probs_of(toy) - whole).max() < 1e-5


def probs_of(toy: Any) -> Any:
    (path,) = toy().runs.glob("digits-toy-*/oof.npz")
    with np.load(path) as found:
        return found["probs"]


@pytest.mark.parametrize(
    "told",
    [
        "CUDA out of memory. Tried to allocate 20 MiB",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "GET was unable to find an engine to execute this computation",
    ],
)
def test_memory_that_runs_out_below_torch_is_known_by_its_words(told: str) -> None:
    assert is_out_of_memory(RuntimeError(told)) and not is_out_of_memory(ValueError(told))
    assert not is_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_a_later_batch_begins_with_what_fitted_and_a_single_image_that_does_not_is_told() -> None:
    tried: list[int] = []

    def compute(part: torch.Tensor) -> torch.Tensor:
        tried.append(len(part))
        if len(part) > 3:
            raise RuntimeError("cuBLAS: CUBLAS_STATUS_ALLOC_FAILED")
        return part * 2

    images = torch.arange(10.0)
    parts, limit = in_parts_that_fit(compute, images, 100)
    assert torch.equal(torch.cat(parts), images * 2)
    tried.clear()
    parts, limit = in_parts_that_fit(compute, images, limit)
    assert tried == [2] * 5 and limit == 2

    def never(_: torch.Tensor) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(ValueError, match="single image does not fit"):
        in_parts_that_fit(never, images, 100)


@pytest.mark.parametrize(
    "fields",
    [
        {"drop_rate": 0.2, "ema_decay": 0.9},
        {"backbone": "test_resnet", "image_size": 32, "freeze": "stages:2"},
        {"backbone": "test_vit", "image_size": 32, "drop_path_rate": 0.2},
        pytest.param({"backbone": "test_efficientnet", "image_size": 32}, marks=pytest.mark.slow),
        pytest.param({"backbone": "convnext_atto", "image_size": 32}, marks=pytest.mark.slow),
        pytest.param({"compile": True}, marks=pytest.mark.slow),
    ],
)
def test_checkpointed_gradients_train_to_the_same_bits(
    toy: Any, tmp_path: Path, fields: Any
) -> None:
    with prepared(toy(epochs=1, **fields)) as ready:
        job = jobs_of(ready.recipe, ready.split.folds)[0]
        weights = []
        for chosen in (False, True):
            recipe = replace(ready.recipe, grad_checkpointing=chosen)
            folder = tmp_path / str(chosen)
            list(memory.train_job(job, replace(ready.setting, recipe=recipe), folder))
            weights.append((folder / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_activations_are_not_kept_where_gradients_are_checkpointed(toy: Any) -> None:
    kept = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[-1] += tensor.numel()
        return tensor

    with prepared(toy()) as ready:
        job = jobs_of(ready.recipe, ready.split.folds)[0]
        for chosen in (False, True):
            recipe = replace(ready.recipe, grad_checkpointing=chosen)
            components = build_components(job, replace(ready.setting, recipe=recipe))
            kept.append(0)
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                components.network.model(torch.zeros(8, 3, 8, 8))
    assert kept[1] < kept[0] / 2


def test_a_backbone_without_checkpointing_is_refused(toy: Any) -> None:
    with pytest.raises(ValueError, match="timm has none for backbone=kit_fastnet_16; set"):
        validate.run(toy("grad_checkpointing=true", backbone="kit_fastnet_16", image_size=16))
