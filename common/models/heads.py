"""Heads that replace the pretrained classifier, and their initialisation.

`linear` is a new linear layer, `mlp` has a hidden layer on the features, `logits-mlp` one on the
pretrained classifier's logits, `rows` is initialised from the classifier's rows of the same names. A head
that is solved is linear, or one of `TENSOR_HEADS`, which is whatever its tensors are.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from common.errors import KitError
from common.models.classifier_rows import RowMatch, match_rows, pretrained_class_names
from common.models.tensor_heads import TENSOR_HEADS
from common.recipe import Recipe
from common.recipe_rules import SOLVED


class HeadOnLogits(nn.Module):
    """The pretrained classifier (`old`, counts as backbone) and a new head on its logits (`new`)."""

    def __init__(self, old: nn.Module, new: nn.Module) -> None:
        super().__init__()
        self.old, self.new = old, new

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, F] to logits [B, C]."""
        return self.new(self.old(features))  # type: ignore[no-any-return]


def heads_of(model: nn.Module) -> tuple[nn.Module, ...]:
    """A model's head modules by `get_classifier()`: one, or two for a distilled network.

    Without a classifier: a module without parameters, or none. Of `HeadOnLogits` the new part.
    """
    found: Any = getattr(model, "get_classifier", tuple)()
    classifiers = tuple(found) if isinstance(found, tuple | list) else (found,)
    return tuple(each.new if isinstance(each, HeadOnLogits) else each for each in classifiers)


def head_names(model: nn.Module) -> set[str]:
    """The names of the head's parameters and buffers in the model's state dict."""
    owned = {id(t) for head in heads_of(model) for t in [*head.parameters(), *head.buffers()]}
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name for name, tensor in tensors if id(tensor) in owned}


def attach_head(
    model: nn.Module, recipe: Recipe, classes: Sequence[str], *, pretrained: bool = True
) -> list[RowMatch]:
    """Replace a model's classifier by the recipe's head, initialised from torch's generator.

    Returns the reused rows with head=rows. Without `pretrained` weights (weights are loaded later) no
    rows are reused. A network without a classifier (DINOv2, CLIP) gets one.

    Raises:
        KitError: a classifier that this head cannot replace, or no pretrained class with a label's name.
    """
    headless = not head_names(model)
    if headless and pretrained and recipe.head_kind.word in ("rows", "logits-mlp"):
        raise KitError(
            f"head={recipe.head} builds on the pretrained classifier, and backbone={recipe.backbone} has "
            "none; set head=linear or head=mlp"
        )
    if headless or recipe.head in ("linear", *SOLVED) or (recipe.head == "rows" and not pretrained):
        reset_head(model, len(classes))
        if recipe.weights != "scratch":
            for head in heads_of(model):
                head.apply(_xavier)
    elif recipe.head == "rows":
        return _from_rows(model, classes)
    if recipe.head_kind.word in ("mlp", "logits-mlp"):
        _attach_mlp(model, recipe, len(classes))
    return []


def attach_tensor_head(model: nn.Module, head: str, weights: Mapping[str, Tensor]) -> None:
    """Replace a model's one linear head by that of `TENSOR_HEADS` whose tensors a state dict has."""
    (old,) = heads_of(model)
    name = next(name for name, module in model.named_modules() if module is old)
    own = {key: tensor for key, tensor in weights.items() if key.startswith(f"{name}.")}
    tensors = {key.removeprefix(f"{name}."): tensor for key, tensor in own.items()}
    model.set_submodule(name, TENSOR_HEADS[head](tensors))


def reset_head(model: nn.Module, count: int) -> None:
    """Give a model a linear classifier of `count` classes by timm's `reset_classifier`.

    Raises:
        KitError: it is an encoder without support for a classifier.
    """
    with suppress(AttributeError, NotImplementedError):  # raised by encoders
        model.reset_classifier(count)  # type: ignore[operator]
    if not head_names(model):
        facts: Any = getattr(model, "pretrained_cfg", {})
        raise KitError(
            f"backbone={facts.get('architecture')} is a {type(model).__name__}, an encoder that "
            "takes no classifier: choose another backbone"
        )


def match_classes(model: nn.Module, classes: Sequence[str]) -> list[RowMatch]:
    """Class names to the pretrained classifier's row reused for each.

    Raises:
        KitError: the pretrained class names are unknown, or none matches.
    """
    count = int(_weight(heads_of(model)[0]).shape[0])
    names, own = pretrained_class_names(model, count)
    if not names:
        raise KitError(
            f"head=rows: the names of these weights' {count:,} classes are unknown; set head=linear"
        )
    found = match_rows(classes, names, exact=own)
    if all(each.row is None for each in found):
        raise KitError(
            f"head=rows: none of the {len(classes)} labels ({', '.join(classes[:3])}, …) is the name "
            f"of one of the network's {count:,} classes; set head=linear"
        )
    return found


def _from_rows(model: nn.Module, classes: Sequence[str]) -> list[RowMatch]:
    old = [
        {name: tensor.detach().clone() for name, tensor in head.named_parameters()}
        for head in heads_of(model)
    ]
    found = match_classes(model, classes)
    new_rows = [place for place, each in enumerate(found) if each.row is not None]
    old_rows = [each.row for each in found if each.row is not None]
    model.reset_classifier(len(classes))  # type: ignore[operator]
    for head, tensors in zip(heads_of(model), old, strict=True):
        head.apply(_xavier)
        with torch.no_grad():
            for name, tensor in head.named_parameters():
                tensor[new_rows] = tensors[name][old_rows]
    return found


def _attach_mlp(model: nn.Module, recipe: Recipe, count: int) -> None:
    """Attach an MLP to the features, or to the pretrained classifier's logits."""
    old = model.get_classifier()  # type: ignore[operator]
    if not isinstance(old, nn.Linear):
        raise KitError(
            f"head={recipe.head}: the classifier of backbone={recipe.backbone} is not a single linear "
            "layer; set head=linear"
        )
    kind, width = recipe.head_kind.word, recipe.head_kind.number
    inputs = old.in_features if kind == "mlp" else old.out_features
    new = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, count))
    new.apply(_xavier)
    name = next(name for name, module in model.named_modules() if module is old)
    model.set_submodule(name, new if kind == "mlp" else HeadOnLogits(old, new))


def _xavier(module: nn.Module) -> None:
    """Xavier-uniform weights (Glorot and Bengio, 2010), zero biases."""
    weight: Any = getattr(module, "weight", None)
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _weight(head: nn.Module) -> Tensor:
    """A head's last weight tensor [classes, …], of two or more dimensions."""
    return [tensor for tensor in head.parameters() if tensor.ndim > 1][-1]
