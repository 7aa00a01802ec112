"""What trains and what stays, stage by stage: parameters, norm statistics and drop-path alike."""

from timm.models import group_parameters
from torch import nn

from common.models.heads import head_names, heads_of


def stages(model: nn.Module) -> list[list[str]]:
    """The names of each stage's parameters, from the input on; the head is in none.

    timm's `group_matcher` names the stages. What it puts last with the head (a final norm, VGG's
    `pre_logits`, MobileNetV3's `conv_head`) belongs to the last stage. Where there is none, or it
    has no coarse groups (RDNet), the module tree names them.
    """
    head = head_names(model)
    body = [name for name, _ in model.named_parameters() if name not in head]
    try:
        matcher = model.group_matcher(coarse=True)  # type: ignore[operator]
        found = group_parameters(model, matcher, reverse=True)
    except (AttributeError, AssertionError, NotImplementedError):
        found = {}
    if len({found.get(name) for name in body}) < 2:
        return _from_tree(model, body)
    groups: dict[int, list[str]] = {}
    for name in body:
        groups.setdefault(found[name], []).append(name)
    ordered = [groups[key] for key in sorted(groups)]
    last = max(found[name] for name in body)
    if len(ordered) > 1 and any(found.get(name) == last for name in head):  # it stood with the head
        ordered[-2:] = [ordered[-2] + ordered[-1]]
    return ordered


def _from_tree(model: nn.Module, body: list[str]) -> list[list[str]]:
    """The model's children that hold parameters of the body, in order; of a row of children each.

    The model's own parameters (positions, tokens) go to the first, and what stands with or behind the
    last and is small (norms, what surrounds the head) to the last.
    """
    rows = (nn.Sequential, nn.ModuleList)
    own = dict(model.named_parameters())
    groups: dict[str, list[str]] = {}
    for name in body:
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
    """Keep the first `count` stages as they are and let the rest train; the head always trains."""
    frozen = {name for stage in stages(model)[:count] for name in stage}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)


def train_mode(model: nn.Module) -> None:
    """Training mode for what trains, evaluation mode for what is frozen.

    `requires_grad=False` alone would still move batch-norm statistics and drop paths at random. A
    module without parameters (dropout, drop-path, pooling) does as the one before it does.
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
            child.train()  # what stands beside it does as the body does
        elif len(moving) == 2 or any(id(inner) in heads for inner in child.modules()):
            _set_mode(child, heads)
            mode = child.training
        else:
            mode = moving.pop() if moving else mode
            child.train(mode)
    module.training = mode  # functional dropout reads its module's own flag
