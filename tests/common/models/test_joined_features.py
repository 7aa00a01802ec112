"""Features of several stages and sizes: what the head sees, and which networks and recipes have them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from common.errors import KitError
from common.inference.features import detach_head
from common.models.backbone import build, rebuild
from common.models.export import write_model_folder
from common.recipe import Recipe

CLASSES = ["ant", "bee", "cat"]


def recipe(backbone: str, **fields: Any) -> Recipe:
    plain: dict[str, Any] = {"freeze": "backbone", "image_size": 96}
    return Recipe(backbone=backbone, **(plain | fields))


def noise() -> torch.Tensor:
    return torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))


def network(given: Recipe) -> Any:
    torch.manual_seed(0)
    return build(given, CLASSES).eval()


@torch.inference_mode()
def test_the_head_sees_the_means_of_the_stages_at_both_sizes() -> None:
    model = network(recipe("test_efficientnet", feature_stages=3, feature_size=64))
    images, expected = noise(), []
    for x in (images, interpolate(images, (64, 64), mode="bilinear", antialias=True)):
        last, maps = model.trunk.forward_intermediates(x)
        own = model.trunk.forward_head(last, pre_logits=True)
        expected += [own, *(each.mean(dim=(2, 3)) for each in maps[-2:])]
    logits = model(images)
    _, head = detach_head(model)
    assert torch.equal(model(images), torch.cat(expected, dim=1))
    assert torch.equal(head(model(images)), logits)


@torch.inference_mode()
def test_the_last_map_of_a_network_that_pools_it_is_not_joined_twice() -> None:
    model = network(recipe("test_resnet", feature_stages=2))
    last, maps = model.trunk.forward_intermediates(noise())
    own = model.trunk.forward_head(last, pre_logits=True)
    detach_head(model)
    assert torch.equal(model(noise()), torch.cat([own, maps[-2].mean(dim=(2, 3))], dim=1))


@torch.inference_mode()
def test_every_pooling_is_taken_of_every_stage() -> None:
    model = network(recipe("test_efficientnet", feature_stages=2, feature_pools="gem+max+min+mean"))
    last, maps = model.trunk.forward_intermediates(noise())
    detach_head(model)
    found = model(noise()).split([block.width for block in model.blocks], dim=1)
    expected = [last.amax((2, 3)), last.amin((2, 3)), gem(last)]
    each = maps[-1]
    expected += [each.mean((2, 3)), each.amax((2, 3)), each.amin((2, 3)), gem(each)]
    assert torch.equal(found[0], model.trunk.forward_head(last, pre_logits=True))
    for one, other in zip(found[1:], expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    names = [(block.stage, block.pool) for block in model.blocks]
    assert names == [(stage, pool) for stage in (0, 1) for pool in ("mean", "max", "min", "gem")]


def gem(maps: torch.Tensor) -> torch.Tensor:
    return maps.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)


@torch.inference_mode()
def test_class_tokens_of_a_transformer_are_features() -> None:
    given = recipe("test_vit", feature_stages=2, feature_pools="mean+max+token", image_size=64)
    model = network(given)
    images = torch.rand(2, 3, 64, 64)
    last, [(patches, prefix)] = model.trunk.forward_intermediates(
        images, indices=1, return_prefix_tokens=True
    )
    detach_head(model)
    found = model(images).split([block.width for block in model.blocks], dim=1)
    count = model.trunk.num_prefix_tokens
    own = model.trunk.forward_head(last, pre_logits=True)
    expected = [own, last[:, count:].amax(1), last[:, 0]]
    expected += [patches.mean((2, 3)), patches.amax((2, 3)), prefix[:, 0]]
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@torch.inference_mode()
def test_maps_with_channels_last_are_pooled_over_their_places() -> None:
    model = network(recipe("test_mambaout", feature_pools="mean+max"))
    last = model.trunk.forward_features(noise())
    detach_head(model)
    assert torch.equal(model(noise())[:, -last.shape[3] :], last.amax((1, 2)))


@torch.inference_mode()
def test_a_network_comes_back_from_its_weights() -> None:
    given = recipe("test_resnet", feature_stages=2, feature_size=64)
    model = network(given)
    again = rebuild(given, CLASSES, model.state_dict()).eval()
    assert torch.equal(again(noise()), model(noise()))


def test_networks_of_other_stages_or_sizes_have_other_keys_in_the_cache() -> None:
    fields: list[dict[str, int]] = [
        {"feature_stages": 2},
        {"feature_stages": 3},
        {"feature_size": 64},
        {"feature_size": 32},
        {"feature_pools": "mean+max"},
    ]
    assert len({repr(network(recipe("test_resnet", **each))) for each in fields}) == len(fields)


@pytest.mark.parametrize(
    ("backbone", "fields", "words"),
    [
        ("kit_resnet9_16", {"feature_stages": 2}, "does not tell the feature maps"),
        ("test_resnet", {"feature_stages": 9}, r"resnet has 5 stages; set feature_stages=5$"),
        ("test_resnet", {"feature_stages": 6, "feature_size": 32}, "has 5 stages"),
        ("kit_resnet9_16", {"feature_size": 4}, "takes no images so small"),
        ("test_vit", {"feature_size": 64}, "images of one size alone"),
        ("test_resnet", {"feature_pools": "mean+token"}, "has no class token"),
    ],
)
def test_a_network_without_such_features_is_refused(
    backbone: str, fields: dict[str, int], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        network(recipe(backbone, **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"feature_stages": 2, "freeze": "none"}, "feature_stages=2 joins a frozen backbone's"),
        ({"feature_stages": 2, "head": "rows"}, "feature_stages=2 has a new linear head"),
        ({"feature_pools": "max", "freeze": "none"}, "feature_pools=max joins a frozen backbone's"),
        ({"feature_pools": "mean+mix"}, "join them with"),
        ({"feature_size": 96}, "feature_size=96 is the smaller of two sides"),
    ],
)
def test_fields_that_conflict_with_joined_features_are_refused(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        recipe("test_resnet", **fields)


def test_joined_features_cannot_be_exported(tmp_path: Path) -> None:
    given = recipe("test_resnet", feature_stages=2)
    save_file(network(given).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(KitError, match="which no timm network does"):
        write_model_folder(tmp_path / "model", given, tmp_path / "w.safetensors", CLASSES)
