"""A model over several processes: the losses of one, but for rounding; one that dies is told."""

from pathlib import Path
from typing import Any

import pytest

from common.training.checkpoint import read_log
from common.verbs import validate

PLAIN = {"backbone": "test_convnext.r160_in1k", "image_size": 32, "folds": 2, "epochs": 2}


def losses(request: Any) -> list[float]:
    log = read_log(Path(validate.run(request)["run"]) / "fold0")
    return [line[name] for line in log for name in ("train_loss", "valid_loss")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"folds": 2},
        {"mixup": 0.4, "cutmix": 1.0, "grad_accum_steps": 2, "class_balance": "weights"},
        {"augment": "photo", "class_balance": "sampling", "ema_decay": 0.9, "clip_grad": 1.0},
    ],
)
def test_two_processes_have_the_losses_of_one_without_batch_norm(
    toy: Any, more: dict[str, Any]
) -> None:
    fields = PLAIN | more
    one, two = losses(toy(**fields)), losses(toy(gpus=2, **fields))
    assert two == pytest.approx(one, abs=1e-5)
    assert len(one) == 4
