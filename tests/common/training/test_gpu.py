"""The same training on a GPU, in each precision; where there is none, these are left out."""

from typing import Any

import pytest
import torch

from common.verbs import validate

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU"),
]


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_a_toy_competition_is_learnt_on_a_gpu(toy: Any, precision: str, layout: str) -> None:
    fields = {"ema_decay": 0.5, "mixup": 0.1, "clip_grad": 5.0, "views": "mirror+shifts+scales"}
    result = validate.run(
        toy(epochs=6, device="cuda", precision=precision, memory_format=layout, **fields)
    )
    assert result["cv"] > 0.9


def test_photographs_reach_a_gpu_through_workers(toy: Any) -> None:
    fields = {"augment": "photo-light", "image_size": 16, "workers": 2}
    assert validate.run(toy(epochs=6, device="cuda", **fields))["cv"] > 0.9


def test_a_compiled_network_learns_the_same(toy: Any) -> None:
    assert validate.run(toy(epochs=6, device="cuda", compile=True))["cv"] > 0.9


def test_the_same_weights_predict_the_same_on_both_devices(toy: Any) -> None:
    import numpy as np

    from common.verbs import predict, run

    found = []
    result = run.run(toy(epochs=4, device="cpu"))
    for device in ("cpu", "cuda"):
        for path in (toy().runs).glob("digits-*/predictions/*"):
            for file in path.glob("test-*.npz"):
                file.unlink()
        predict.run(toy(f"device={device}", "precision=fp32"))
        (file,) = toy().runs.glob("digits-*/predictions/*/test-*.npz")
        with np.load(file) as kept:
            found.append(kept["probs"])
    assert result["cv"] > 0.5
    assert np.abs(found[0] - found[1]).max() < 1e-4
