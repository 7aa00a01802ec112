"""Heads: what stands where the old classifier stood, and how it begins.

`linear` is the plain new classifier, `mlp` has a hidden layer on the features, `logits-mlp` one on
the old classifier's outputs, `rows` begins with the old classifier's rows of the same names.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from common.errors import KitError
from common.models.class_matching import Match, match, old_names
from common.recipe import Recipe


class OnLogits(nn.Module):
    """The old classifier, which counts as backbone, and a new head on its outputs."""

    def __init__(self, old: nn.Module, new: nn.Module) -> None:
        super().__init__()
        self.old, self.new = old, new

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, F] to logits [B, C]."""
        return self.new(self.old(features))  # type: ignore[no-any-return]


def heads_of(model: nn.Module) -> tuple[nn.Module, ...]:
    """What is new in what `get_classifier()` names: one module, or two for a distilled network.

    Of a network without a classifier that is a module without parameters, or nothing.
    """
    found: Any = getattr(model, "get_classifier", tuple)()
    classifiers = tuple(found) if isinstance(found, tuple | list) else (found,)
    return tuple(each.new if isinstance(each, OnLogits) else each for each in classifiers)


def head_names(model: nn.Module) -> set[str]:
    """The names of the head's tensors, buffers included."""
    owned = {id(t) for head in heads_of(model) for t in [*head.parameters(), *head.buffers()]}
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name for name, tensor in tensors if id(tensor) in owned}


def begin_head(
    model: nn.Module, recipe: Recipe, classes: Sequence[str], *, known: bool = True
) -> list[Match]:
    """Put the recipe's head in the place of the old classifier; new parameters are drawn from torch.

    With head=rows the rows that were taken come back; where the old classifier is not `known` (only
    the shape is wanted) none are. A network without a classifier (DINOv2, CLIP) gets its first one.

    Raises:
        KitError: a classifier that this head cannot replace, or no old class of any label's name.
    """
    headless = not head_names(model)
    if headless and known and recipe.head_kind.word in ("rows", "logits-mlp"):
        raise KitError(
            f"head={recipe.head} begins with the old classifier, and backbone={recipe.backbone} has "
            "none: its weights give features alone; say head=linear or head=mlp"
        )
    if headless or recipe.head == "linear" or (recipe.head == "rows" and not known):
        reset_head(model, len(classes))
        if recipe.weights != "scratch":
            for head in heads_of(model):
                head.apply(_xavier)
    elif recipe.head == "rows":
        return _from_rows(model, classes)
    if recipe.head_kind.word in ("mlp", "logits-mlp"):
        _put(model, recipe, len(classes))
    return []


def reset_head(model: nn.Module, count: int) -> None:
    """Give a network a plain classifier of so many classes by timm's `reset_classifier`.

    Raises:
        KitError: it is an encoder for other networks, which takes none.
    """
    with suppress(AttributeError, NotImplementedError):  # as encoders say it
        model.reset_classifier(count)  # type: ignore[operator]
    if not head_names(model):
        facts: Any = getattr(model, "pretrained_cfg", {})
        raise KitError(
            f"backbone={facts.get('architecture')} is a {type(model).__name__}, which feeds other "
            "networks and takes no classifier: name another backbone"
        )


def matches_of(model: nn.Module, classes: Sequence[str]) -> list[Match]:
    """The old classifier's row for each class.

    Raises:
        KitError: it is not known what the old classes are called, or none has a class's name.
    """
    count = int(_weight(heads_of(model)[0]).shape[0])
    names, own = old_names(model, count)
    if not names:
        raise KitError(
            f"head=rows: it is not known what the {count:,} classes of these weights are called; "
            "say head=linear"
        )
    found = match(classes, names, exact=own)
    if all(each.row is None for each in found):
        raise KitError(
            f"head=rows: none of the {len(classes)} labels ({', '.join(classes[:3])}, …) is the name "
            f"of one of the network's {count:,} classes; say head=linear"
        )
    return found


def _from_rows(model: nn.Module, classes: Sequence[str]) -> list[Match]:
    old = [
        {name: tensor.detach().clone() for name, tensor in head.named_parameters()}
        for head in heads_of(model)
    ]
    found = matches_of(model, classes)
    new_rows = [place for place, each in enumerate(found) if each.row is not None]
    old_rows = [each.row for each in found if each.row is not None]
    model.reset_classifier(len(classes))  # type: ignore[operator]
    for head, tensors in zip(heads_of(model), old, strict=True):
        head.apply(_xavier)
        with torch.no_grad():
            for name, tensor in head.named_parameters():
                tensor[new_rows] = tensors[name][old_rows]
    return found


def _put(model: nn.Module, recipe: Recipe, count: int) -> None:
    """An MLP on the features, or on the old classifier's outputs."""
    old = model.get_classifier()  # type: ignore[operator]
    if not isinstance(old, nn.Linear):
        raise KitError(
            f"head={recipe.head}: the classifier of backbone={recipe.backbone} is no single linear "
            "layer; say head=linear"
        )
    kind, width = recipe.head_kind.word, recipe.head_kind.number
    inputs = old.in_features if kind == "mlp" else old.out_features
    new = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, count))
    new.apply(_xavier)
    name = next(name for name, module in model.named_modules() if module is old)
    model.set_submodule(name, new if kind == "mlp" else OnLogits(old, new))


def _xavier(module: nn.Module) -> None:
    """Glorot and Bengio (2010), as in the course; biases begin at zero."""
    weight: Any = getattr(module, "weight", None)
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _weight(head: nn.Module) -> Tensor:
    """The tensor [classes, …] whose rows are the classes: the last of two or more dimensions."""
    return [tensor for tensor in head.parameters() if tensor.ndim > 1][-1]
