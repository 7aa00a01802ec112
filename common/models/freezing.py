"""What trains and what stays: parameters, norm statistics and stochastic depth alike."""

from typing import Literal

from torch import nn

Trainable = Literal["all", "head"]


def set_trainable(model: nn.Module, trainable: Trainable) -> None:
    """Let all parameters move, or the head's alone (the head is what `get_classifier()` names)."""
    for parameter in model.parameters():
        parameter.requires_grad_(trainable == "all")
    for head in heads_of(model):
        head.requires_grad_(True)


def train_mode(model: nn.Module, trainable: Trainable) -> None:
    """Training mode for what trains, evaluation mode for what is frozen.

    `requires_grad=False` alone would still move batch-norm statistics and drop paths at random.
    """
    model.train(trainable == "all")
    for head in heads_of(model):
        head.train()


def heads_of(model: nn.Module) -> tuple[nn.Module, ...]:
    """What `get_classifier()` names: one module, or two where a network has a distilled head."""
    head = model.get_classifier()  # type: ignore[operator]
    return tuple(head) if isinstance(head, tuple | list) else (head,)
