"""Frozen means frozen, on every family of backbones: parameters, statistics and drop-path."""

import pytest
import torch
from torch import nn

from common.models.backbone import build
from common.models.freezing import freeze, stages, train_mode
from common.models.heads import head_names
from common.recipe import Recipe

CLASSES = ("first", "second", "third")
SMALL = [
    "kit_resnet9_16",
    "kit_fastnet_16",
    "test_resnet",
    "test_vit",
    "test_efficientnet",
    "test_convnext",
    "test_byobnet",
]
# The families of the course's tutorials, as far as timm has them: the smallest of each.
FAMILIES = [
    "resnet10t",
    "resnext26ts",
    "wide_resnet50_2",
    "seresnext26t_32x4d",
    "resnest14d",
    "vgg11",
    "vgg11_bn",
    "densenet121",
    "inception_v3",
    "inception_v4",
    "xception41",
    "mobilenetv2_035",
    "mobilenetv3_small_050",
    "ghostnet_050",
    "efficientnet_lite0",
    "efficientnet_b0",
    "mnasnet_small",
    "regnetx_002",
    "convnext_atto",
    "vit_tiny_patch16_224",
    "swin_tiny_patch4_window7_224",
    "deit_tiny_distilled_patch16_224",
    "levit_128s",
]
ALL = [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES)]


def network(name: str, **fields: object) -> tuple[nn.Module, torch.Tensor]:
    """A network with drop-path where it has any, and a batch of the size it wants."""
    torch.manual_seed(0)
    recipe = Recipe(backbone=name, **fields)  # type: ignore[arg-type]
    model = build(recipe, CLASSES)
    side = int(model.pretrained_cfg["input_size"][-1])  # type: ignore[index, arg-type, call-overload]
    fixed = name.startswith(("vit", "swin", "deit", "levit", "test_vit", "inception"))
    return model, torch.randn(3, 3, *(2 * [side if fixed else min(side, 96)]))


def moved_by_a_step(model: nn.Module, images: torch.Tensor) -> set[str]:
    """The names of the tensors, buffers included, that one step of training changes."""
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train_mode(model)
    movable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(movable, lr=0.1, momentum=0.9, weight_decay=0.1)
    out = model(images)
    logits = sum(out) if isinstance(out, tuple) else out
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    optimiser.step()
    after = model.state_dict().items()
    return {name for name, tensor in after if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize("name", ALL)
def test_a_step_with_a_frozen_backbone_moves_the_head_and_nothing_else(name: str) -> None:
    model, images = network(name)
    freeze(model, len(stages(model)))
    moved = moved_by_a_step(model, images)
    assert moved
    assert moved <= head_names(model)
    assert {n for n, _ in model.named_parameters()} & head_names(model) <= moved


@pytest.mark.parametrize("name", ALL)
def test_a_step_with_a_frozen_first_stage_leaves_it_and_moves_the_last(name: str) -> None:
    model, images = network(name)
    first, *_, last = stages(model)
    freeze(model, 1)
    moved = moved_by_a_step(model, images)
    assert not moved & set(first)
    assert moved & set(last)
    assert moved & head_names(model)


@pytest.mark.parametrize("name", ALL)
def test_the_stages_and_the_head_are_all_parameters_each_once(name: str) -> None:
    model, _ = network(name)
    named = [parameter for stage in stages(model) for parameter in stage]
    assert len(named) == len(set(named))
    assert not set(named) & head_names(model)
    every = {parameter for parameter, _ in model.named_parameters()}
    assert set(named) | (head_names(model) & every) == every
    assert len(stages(model)) > 1


@pytest.mark.parametrize("name", ALL)
def test_an_unfrozen_step_moves_every_stage(name: str) -> None:
    model, images = network(name)
    freeze(model, len(stages(model)))
    moved_by_a_step(model, images)
    freeze(model, 0)
    moved = moved_by_a_step(model, images)
    assert all(moved & set(stage) for stage in stages(model))


def test_a_frozen_stage_draws_no_path_and_no_dropout() -> None:
    model, images = network("test_vit", drop_path_rate=0.9)
    freeze(model, len(stages(model)))
    train_mode(model)
    assert torch.equal(model(images), model(images))
    freeze(model, 1)
    train_mode(model)
    assert not torch.equal(model(images), model(images))


def test_frozen_stages_record_nothing_for_a_backward_pass() -> None:
    model, images = network("test_resnet")
    freeze(model, len(stages(model)))
    train_mode(model)
    seen: list[bool] = []
    head = model.get_classifier()  # type: ignore[operator]
    head.register_forward_pre_hook(lambda _, given: seen.append(given[0].requires_grad))
    model(images)
    assert seen == [False]
