"""A model over several processes: the losses of one, but for rounding; one that dies is told."""

import copy
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from toy_ray import alive, children, named, until

from common.data.batches.batching import Share
from common.errors import KitError
from common.models.backbone import build
from common.recipe import Recipe
from common.training.checkpoint import read_log
from common.training.parallel import rank
from common.training.parallel.ranks import norms_shared
from common.verbs import validate
from common.workflow import train_models
from common.workflow.prepare import prepared

PLAIN: dict[str, Any] = {"backbone": "test_convnext.r160_in1k", "image_size": 32}


MIXED: dict[str, Any] = {"mixup": 0.4, "cutmix": 1.0, "grad_accum_steps": 2}
BATCH_NORM = torch.nn.functional.batch_norm


def trained(request: Any) -> Path:
    return Path(validate.run(request)["run"]) / "fold0"


def losses_in(folder: Path) -> list[float]:
    return [line[name] for line in read_log(folder) for name in ("train_loss", "valid_loss")]


def losses(request: Any) -> list[float]:
    return losses_in(trained(request))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gpus", "more"),
    [
        (2, {"folds": 2}),
        (2, MIXED | {"class_balance": "weights"}),
        (2, {"augment": "photo", "class_balance": "sampling", "ema_decay": 0.9, "clip_grad": 1.0}),
        (4, {}),
        (4, {"grad_accum_steps": 2}),
        (4, MIXED),
    ],
)
def test_several_processes_have_the_losses_of_one_without_batch_norm(
    toy: Any, gpus: int, more: dict[str, Any]
) -> None:
    fields = PLAIN | {"folds": 1, "epochs": 2} | more
    one, several = losses(toy(**fields)), losses(toy(gpus=gpus, **fields))
    assert several == pytest.approx(one, abs=1e-5)
    assert len(one) == 4


def batch_norm_of_parts(count: int) -> Any:
    """Batch norm as so many processes of a CPU have it: of their part; the first one's is kept."""

    def of_parts(
        x: Tensor, mean: Any, var: Any, weight: Any, bias: Any, training: bool, *more: Any
    ) -> Tensor:
        if not training:
            return BATCH_NORM(x, mean, var, weight, bias, training, *more)
        parts = [x[Share(number, count).of(len(x))] for number in range(count)]
        kept = [(mean, var), *[(None, None)] * (count - 1)]
        found = [
            BATCH_NORM(part, *each, weight, bias, training, *more)
            for part, each in zip(parts, kept, strict=True)
        ]
        return torch.cat(found)

    return of_parts


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, MIXED | {"ema_decay": 0.9}])
def test_on_a_cpu_batch_norm_is_each_processs_own_and_the_first_ones_is_kept(
    toy: Any, monkeypatch: Any, more: dict[str, Any]
) -> None:
    # With parts of 4 images a rate that is 1e-6 larger changes losses by 6e-4; of 8, by 4e-7.
    fields = {"folds": 1, "epochs": 2, "batch_size": 16} | more
    of_whole_batches = losses(toy(**fields))
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.functional, "batch_norm", batch_norm_of_parts(2))
        one = trained(toy(fresh=True, **fields))
    two = trained(toy(gpus=2, **fields))
    assert losses_in(two) == pytest.approx(losses_in(one), abs=1e-5)
    assert losses_in(two) != pytest.approx(of_whole_batches, abs=1e-3), "it is another rule"
    for name, statistic in load_file(two / "weights.safetensors").items():
        expected = load_file(one / "weights.safetensors")[name]
        torch.testing.assert_close(statistic, expected, atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_job_in_a_sentence_and_it_goes_on(
    toy: Any, monkeypatch: Any, capfd: Any
) -> None:
    request = toy(gpus=2, folds=1, epochs=3)

    def kill(*_: Any) -> None:
        (one, *_) = named(children(os.getpid()), "spawn_main")
        os.kill(one, signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(train_models.EpochLines, "finished_epoch", kill)
        with pytest.raises(
            KitError, match=r"process \d of the 2 that were training fold0 has died"
        ):
            validate.run(request)
    until(lambda: not alive(named(children(os.getpid()), "spawn_main")), 20)
    found = Path(validate.run(request)["run"])
    assert [line["epoch"] for line in read_log(found / "fold0")] == [1, 2, 3]
    told = capfd.readouterr().err
    assert "gpus=2 without a GPU: 2 processes of the CPU share the model, and batch norm" in told


@pytest.mark.parametrize("augment", ["small", "photo"])
def test_the_shares_of_all_processes_are_the_batches_of_one(toy: Any, augment: str) -> None:
    request = toy(augment=augment, image_size=16, class_balance="sampling", workers=0)
    with prepared(request) as ready:
        source, rows = (
            ready.setting.source,
            np.array([3, 7, 7, 1, 9, 7, 2, 4, 8, 8, 5, 6, 0, 3, 3, 1]),
        )
        place = (0, 0, 0)
        whole = list(source.training(rows, place, 16))
        parts = [
            list(replace(source, share=Share(each, 2)).training(rows, place, 16))  # type: ignore[type-var]
            for each in range(2)
        ]
    assert [len(batch) for batch in whole] == [8, 8]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert torch.equal(batch, torch.cat(shares))


def test_an_exchange_that_hangs_or_gives_a_wrong_sum_names_the_cure(monkeypatch: Any) -> None:
    class Never:
        def is_completed(self) -> bool:
            return False

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        rank.check_exchange(torch.device("cpu"))
        with monkeypatch.context() as patch:
            patch.setattr(dist, "all_reduce", lambda *_, **__: Never())
            with pytest.raises(KitError, match=r"not ended after 0.05 s.*NCCL_P2P_DISABLE=1"):
                rank.check_exchange(torch.device("cpu"), seconds=0.05)
        monkeypatch.setattr(dist, "get_rank", lambda: 5)
        with pytest.raises(KitError, match=r"gives a wrong sum: peer access .* is broken"):
            rank.check_exchange(torch.device("cpu"))
    finally:
        dist.destroy_process_group()


def test_fields_that_several_gpus_would_change_are_refused() -> None:
    assert Recipe(gpus=2).gpus == 2
    with pytest.raises(KitError, match=r"gpus=3: batch_size=64 is shared in equal parts"):
        Recipe(gpus=3)
    with pytest.raises(KitError, match=r"gpus=2: drop_path_rate=0.1 is drawn for a whole batch"):
        Recipe(gpus=2, drop_path_rate=0.1)
    with pytest.raises(KitError, match=r"gpus=2: compile=true is of one GPU"):
        Recipe(gpus=2, compile=True)


@pytest.mark.parametrize("name", ["kit_fastnet_16", "kit_resnet9_16", "test_efficientnet"])
def test_norms_of_several_gpus_have_the_weights_and_the_outputs_of_ones_own(name: str) -> None:
    torch.manual_seed(0)
    own = build(Recipe(backbone=name), ("a", "b")).train()
    own(torch.randn(8, 3, 32, 32))
    shared = norms_shared(copy.deepcopy(own))
    norms = [each for each in shared.modules() if isinstance(each, _BatchNorm)]
    assert norms and all(isinstance(each, torch.nn.SyncBatchNorm) for each in norms)
    before = own.state_dict()
    assert {n: t.tolist() for n, t in shared.state_dict().items()} == {
        n: t.tolist() for n, t in before.items()
    }
    assert [(n, p.requires_grad) for n, p in shared.named_parameters()] == [
        (n, p.requires_grad) for n, p in own.named_parameters()
    ]
    x = torch.randn(4, 3, 32, 32)
    assert torch.allclose(shared.eval()(x), own.eval()(x), atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="this machine has no two GPUs")
def test_two_gpus_have_the_losses_of_one_with_batch_norm(toy: Any) -> None:
    fields = {"folds": 1, "epochs": 2, "device": "cuda", "precision": "fp32", "cuda_graphs": False}
    assert losses(toy(gpus=2, **fields)) == pytest.approx(losses(toy(**fields)), abs=1e-3)
