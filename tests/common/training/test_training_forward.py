"""A prepared forward pass: the weights it was shown and the numbers it gives are the plain one's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from common.errors import KitError
from common.models.backbone import build
from common.models.freezing import freeze, train_mode
from common.recipe import Recipe
from common.training.training_forward import TrainingForward

CPU = torch.device("cpu")
FORWARD = "common.training.training_forward."


class OnCPU:
    """What a network tells of itself: float32 on a CPU."""

    device, precision, layout = CPU, torch.float32, torch.contiguous_format

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", enabled=False)


class Captured(TrainingForward):
    """As on a GPU, with a function in place of the graphs, which no CPU has."""

    captures = True  # type: ignore[assignment]


def graphed(function: Callable[..., Tensor], args: tuple[Any, ...], **_: Any) -> Any:
    """The warm-up runs of torch's, and the function itself."""
    for _ in range(3):
        outputs = function(*args)
        torch.autograd.grad(outputs.sum(), [a for a in args if a.requires_grad])
    return function


def network(frozen: int) -> OnCPU:
    torch.manual_seed(0)
    model = build(Recipe(backbone="kit_fastnet_16"), ("a", "b", "c"))
    freeze(model, frozen)
    train_mode(model)
    return OnCPU(model)


def step(forward: TrainingForward, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    logits = forward(x)
    logits.square().sum().backward()
    model: nn.Module = forward.network.model
    return logits, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("frozen", [0, 2])
def test_a_captured_pass_gives_the_plain_ones_logits_gradients_and_statistics(
    frozen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", graphed)
    monkeypatch.setattr(FORWARD + "_wait_in", lambda _: "")
    x, recipe = torch.randn(4, 3, 16, 16), Recipe(backbone="kit_fastnet_16")
    plain = TrainingForward(network(frozen), recipe)  # type: ignore[arg-type]
    captured = Captured(network(frozen), recipe)  # type: ignore[arg-type]
    assert captured.prepare(x) > 0 and captured.prepare(x) == 0
    logits, gradients = step(plain, x)
    found, others = step(captured, x)
    assert torch.equal(found, logits) and gradients.keys() == others.keys()
    assert all(torch.equal(others[name], gradients[name]) for name in gradients)
    own = captured.network.model.state_dict()
    assert all(torch.equal(own[n], t) for n, t in plain.network.model.state_dict().items())


def test_a_batch_of_another_size_takes_the_plain_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", lambda *_, **__: None)
    monkeypatch.setattr(FORWARD + "_wait_in", lambda _: "")
    captured = Captured(network(0), Recipe(backbone="kit_fastnet_16"))  # type: ignore[arg-type]
    captured.prepare(torch.randn(4, 3, 16, 16))
    assert captured(torch.randn(3, 3, 16, 16)).shape == (3, 3)


def test_a_network_that_waits_for_the_gpu_runs_as_it_is_and_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FORWARD + "_wait_in", lambda _: "called a synchronizing CUDA operation")
    captured = Captured(network(0), Recipe(backbone="kit_fastnet_16"))  # type: ignore[arg-type]
    x = torch.randn(4, 3, 16, 16)
    captured.prepare(x)
    assert captured(x).shape == (4, 3)
    told = capsys.readouterr().err
    assert "backbone=kit_fastnet_16 trains without CUDA graphs, as its forward pass waits" in told


@pytest.mark.parametrize(
    ("told", "error", "sentence"),
    [
        (
            "operation not permitted when stream is capturing\nand so on",
            KitError,
            r"kit_fastnet_16 cannot be captured as a CUDA graph \(operation not permitted when stream "
            r"is capturing\): set cuda_graphs=false$",
        ),
        ("CUDA out of memory. Tried to allocate 1 GB", RuntimeError, "^CUDA out of memory"),
    ],
)
def test_a_capture_that_fails_ends_the_training_in_a_sentence_and_lacking_memory_as_ever(
    told: str, error: type[Exception], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError(told)

    monkeypatch.setattr(FORWARD + "_wait_in", lambda _: "")
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", refuse)
    captured = Captured(network(0), Recipe(backbone="kit_fastnet_16"))  # type: ignore[arg-type]
    with pytest.raises(error, match=sentence):
        captured.prepare(torch.randn(4, 3, 16, 16))


def test_nothing_is_captured_where_gradients_accumulate_or_on_a_cpu() -> None:
    for fields in ({}, {"grad_accum_steps": 2}, {"grad_checkpointing": True}):
        forward = TrainingForward(network(0), Recipe(backbone="kit_fastnet_16", **fields))  # type: ignore[arg-type]
        assert not forward.captures and forward.prepare(torch.randn(2, 3, 16, 16)) == 0
