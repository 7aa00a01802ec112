"""Phases: which stages train when; and at which rate and decay each parameter does."""

import itertools

import pytest
import torch
from torch.nn import BatchNorm2d

from common.models.backbone import build
from common.models.freezing import freeze
from common.models.heads import head_names
from common.recipe import Recipe
from common.training.phases import phases_of
from common.training.updates.optimisers import build_optimiser, parameter_groups, set_lr

CLASSES = ("ant", "bee", "cat")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"freeze": "none", "epochs": 3}, [(3, 0)]),
        ({"freeze": "backbone", "epochs": 3}, [(3, 4)]),
        ({"freeze": "backbone", "epochs": 0, "head": "rows"}, []),
        ({"freeze": "stages:3", "epochs": 2}, [(2, 3)]),
        ({"freeze": "lp-ft:2", "epochs": 5}, [(2, 4), (3, 0)]),
        ({"freeze": "gradual", "epochs": 5}, [(1, 4), (1, 3), (1, 2), (1, 1), (1, 0)]),
        ({"freeze": "gradual", "epochs": 3}, [(1, 4), (1, 2), (1, 0)]),
        ({"freeze": "gradual", "epochs": 8}, [(1, 4), (1, 3), (2, 2), (2, 1), (2, 0)]),
    ],
)
def test_a_recipes_phases_freeze_so_many_of_four_stages(
    fields: dict[str, object], expected: list[tuple[int, int]]
) -> None:
    recipe = Recipe(**fields)  # type: ignore[arg-type]
    found = [(phase.epochs, phase.frozen) for phase in phases_of(recipe, 4, 32)]
    assert found == expected


def test_more_stages_than_there_are_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match=r"freeze=stages:9: kit_resnet9_16 has 4 stages"):
        phases_of(Recipe(freeze="stages:9"), 4, 32)


def groups_of(recipe: Recipe) -> dict[str, tuple[float, float]]:
    """The scale of the rate and the decay of every parameter that moves, by name."""
    model = build(recipe, CLASSES)
    freeze(model, 0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group["lr_scale"], group["weight_decay"])
        for group in parameter_groups(model, recipe)
        for parameter in group["params"]
    }


def test_every_parameter_is_in_one_group_and_norms_and_biases_do_not_decay() -> None:
    recipe = Recipe(backbone="test_vit", weight_decay=0.1)
    found, model = groups_of(recipe), build(recipe, CLASSES)
    assert set(found) == {name for name, _ in model.named_parameters()}
    for name, parameter in model.named_parameters():
        spared = parameter.ndim < 2 or name in ("pos_embed", "cls_token")
        assert found[name][1] == (0.0 if spared else 0.1), name


def test_the_head_has_its_own_multiple_of_the_rate() -> None:
    recipe = Recipe(backbone="test_resnet", head_lr_scale=10, layer_decay=0.5)
    found, head = groups_of(recipe), head_names(build(recipe, CLASSES))
    assert {found[name][0] for name in head} == {10.0}


def test_only_the_biases_of_norms_have_the_biases_rate() -> None:
    recipe = Recipe(backbone="test_resnet", norm_bias_lr_scale=64, head_lr_scale=2)
    found, model = groups_of(recipe), build(recipe, CLASSES)
    norms = {
        f"{name}.bias" for name, each in model.named_modules() if isinstance(each, BatchNorm2d)
    }
    assert norms
    assert {name for name, (scale, _) in found.items() if scale == 64} == norms
    assert {name for name, (scale, _) in found.items() if scale == 2} == set(head_names(model))


def test_each_layer_has_a_share_of_the_rate_of_the_next() -> None:
    found = groups_of(Recipe(backbone="kit_resnet9_16", layer_decay=0.5))
    order = ["stem.0.weight", "stages.0.0.0.weight", "stages.1.0.0.weight", "stages.2.0.0.weight"]
    scales = [found[name][0] for name in order]
    assert [later / earlier for earlier, later in itertools.pairwise(scales)] == [2.0] * 3
    assert found["head.weight"][0] == 1.0


def test_a_set_rate_honours_each_groups_own_scale() -> None:
    recipe = Recipe(backbone="test_resnet", head_lr_scale=10, layer_decay=0.5)
    optimiser = build_optimiser(build(recipe, CLASSES), recipe, 0.1)
    assert isinstance(optimiser, torch.optim.Optimizer)
    set_lr(optimiser, 0.02)
    for group in optimiser.param_groups:
        assert group["lr"] == pytest.approx(0.02 * group["lr_scale"])
    assert max(group["lr"] for group in optimiser.param_groups) == pytest.approx(0.2)
