"""Freezing by stage: frozen stages get no gradient, no batch-norm updates, no dropout or drop path."""

from timm.models import group_parameters
from torch import nn

from common.models.heads import head_names, heads_of


def stages(model: nn.Module) -> list[list[str]]:
    """A model's parameter names per stage, from the input on, without the head.

    Stages come from timm's `group_matcher`. What it groups with the head (a final norm, VGG's
    `pre_logits`, MobileNetV3's `conv_head`) joins the last stage. Without a matcher, or without
    coarse groups (RDNet), they come from the module tree.
    """
    head = head_names(model)
    backbone = [name for name, _ in model.named_parameters() if name not in head]
    try:
        matcher = model.group_matcher(coarse=True)  # type: ignore[operator]
        found = group_parameters(model, matcher, reverse=True)
    except (AttributeError, AssertionError, NotImplementedError):
        found = {}
    if len({found.get(name) for name in backbone}) < 2:
        return _from_tree(model, backbone)
    groups: dict[int, list[str]] = {}
    for name in backbone:
        groups.setdefault(found[name], []).append(name)
    ordered = [groups[key] for key in sorted(groups)]
    last = max(found[name] for name in backbone)
    if len(ordered) > 1 and any(found.get(name) == last for name in head):  # grouped with the head
        ordered[-2:] = [ordered[-2] + ordered[-1]]
    return ordered


def _from_tree(model: nn.Module, backbone: list[str]) -> list[list[str]]:
    """The model's children that hold parameters of the backbone, in order; of a row of children each.

    The model's own parameters (positions, tokens) go to the first, and what stands with or behind the
    last and is small (norms, what surrounds the head) to the last.
    """
    rows = (nn.Sequential, nn.ModuleList)
    own = dict(model.named_parameters())
    groups: dict[str, list[str]] = {}
    for name in backbone:
        child, *inner = name.split(".")
        deep = inner and isinstance(getattr(model, child), rows)
        key = ".".join([child, inner[0]]) if deep else child if inner else ""
        groups.setdefault(key, []).append(name)
    loose, ordered = groups.pop("", []), list[list[str]]()
    for names in groups.values():
        if ordered and all(own[name].ndim < 2 for name in names):
            ordered[-1] += names
        else:
            ordered.append(names)
    return [loose + ordered[0], *ordered[1:]] if ordered else [loose]


def freeze(model: nn.Module, count: int) -> None:
    """Freeze a model's first `count` stages; the rest and the head train."""
    frozen = {name for stage in stages(model)[:count] for name in stage}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)


def train_mode(model: nn.Module) -> None:
    """Set trainable modules to train mode and frozen ones to eval mode.

    `requires_grad=False` alone would still update batch-norm statistics and drop paths. A module
    without parameters (dropout, drop path, pooling) gets the mode of the one before it.
    """
    if all(parameter.requires_grad for parameter in model.parameters()):
        model.train()
    else:
        _set_mode(model, {id(head) for head in heads_of(model)})


def _set_mode(module: nn.Module, heads: set[int]) -> None:
    mode = False
    for child in module.children():
        moving = {parameter.requires_grad for parameter in child.parameters()}
        if id(child) in heads:
            child.train()  # its siblings follow the backbone
        elif len(moving) == 2 or any(id(inner) in heads for inner in child.modules()):
            _set_mode(child, heads)
            mode = child.training
        else:
            mode = moving.pop() if moving else mode
            child.train(mode)
    module.training = mode  # functional dropout reads its module's own flag
