"""Batch norms folded into the convolutions before them: the same outputs, to rounding, in less time."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CLOSE = 1e-3  # of a part's largest output: what folding may change one by


@torch.no_grad()
def folded(
    model: nn.Module, height: int, width: int, *, widths: Sequence[int] | None = None
) -> nn.Module:
    """A copy of a network, for inference alone, without those batch norms that follow a convolution.

    Which convolution feeds which norm is seen on an image of noise, whose outputs must stay what they were:
    a network of which they do not (one that makes its kernels anew at every call) comes back as it is.

    Args:
        widths: of the outputs' parts, whose values may differ in size; by default they are one.
    """
    model.eval()
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    image = image.to(next(model.parameters()))
    pairs, found, was = _pairs(model, image), copy.deepcopy(model), model(image)
    for before, after in pairs:
        conv, norm = found.get_submodule(before), found.get_submodule(after)
        assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        found.set_submodule(before, fuse_conv_bn_eval(conv, norm))
        found.set_submodule(after, getattr(norm, "act", nn.Identity()))  # timm's norms activate too
    try:
        now = found(image)
    except AttributeError:  # a network that reads its norms' own facts
        return model
    parts = [each.split(list(widths or [was.shape[1]]), dim=1) for each in (was, now)]
    same = all((b - a).abs().max() <= CLOSE * a.abs().max() for a, b in zip(*parts, strict=True))
    return found if same else model


def _pairs(model: nn.Module, image: Tensor) -> list[tuple[str, str]]:
    """The names of each convolution and the batch norm that its output goes into, each used once a pass."""
    calls: dict[str, int] = {}
    outputs: dict[int, tuple[str, Tensor]] = {}  # with the tensor, so that no other gets its id
    pairs: list[tuple[str, str]] = []

    def note(name: str, given: Tensor, output: Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        if isinstance(model.get_submodule(name), nn.Conv2d):
            outputs[id(output)] = name, output
        elif id(given) in outputs:
            pairs.append((outputs[id(given)][0], name))

    hooks = [
        module.register_forward_hook(
            lambda _, given, output, name=name: note(name, given[0], output)
        )
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
        or (isinstance(module, nn.BatchNorm2d) and module.running_mean is not None)
    ]
    try:
        model(image)
    finally:
        for hook in hooks:
            hook.remove()
    passes = min(calls.values(), default=0)
    return [pair for pair in dict.fromkeys(pairs) if all(calls[name] == passes for name in pair)]
