"""Every family of backbones that timm has, by one of its smallest: made, frozen, trained, predicted."""

from dataclasses import replace
from typing import Any

import pytest
import timm
import torch
from torch import nn

from common.errors import KitError
from common.inference.features import detach_head, has_detachable_head
from common.models.backbone import build, check_input, rebuild
from common.models.backbone_names import has_fixed_input_size
from common.models.freezing import freeze, stages, train_mode
from common.models.heads import head_names
from common.recipe import Recipe
from common.training.phases import phases_of
from common.training.updates.optimisers import build_optimiser

CLASSES = ("first", "second", "third")
# timm's module: the member and a small side that it takes.
FAMILIES: dict[str, tuple[str, int]] = {
    "beit": ("beit_base_patch16_224", 32),
    "byoanet": ("halonet_h1", 256),
    "byobnet": ("mobileone_s1", 64),
    "cait": ("cait_xxs24_224", 32),
    "coat": ("coat_tiny", 32),
    "convit": ("convit_tiny", 32),
    "convmixer": ("convmixer_768_32", 112),
    "convnext": ("convnext_zepto_rms", 32),
    "cpubone": ("cpubone_nano", 64),
    "crossvit": ("crossvit_tiny_240", 240),
    "csatv2": ("csatv2", 64),
    "cspnet": ("cs3darknet_focus_s", 32),
    "cspnext": ("cspnext_tiny", 32),
    "davit": ("davit_tiny", 32),
    "deepseek_vit": ("deepseek_vit_412m", 112),
    "deit": ("deit_tiny_patch16_224", 32),
    "densenet": ("densenet121", 32),
    "dla": ("dla46x_c", 32),
    "dpn": ("dpn48b", 32),
    "edgenext": ("edgenext_xx_small", 32),
    "efficientformer": ("efficientformer_l1", 196),
    "efficientformer_v2": ("efficientformerv2_s0", 32),
    "efficientnet": ("mobilenetv2_035", 32),
    "efficientvim": ("efficientvim_m1", 64),
    "efficientvit_mit": ("efficientvit_b0", 32),
    "efficientvit_msra": ("efficientvit_m0", 32),
    "eva": ("eva02_tiny_patch14_224", 112),
    "fasternet": ("fasternet_t0", 32),
    "fastvit": ("fastvit_t8", 32),
    "focalnet": ("focalnet_tiny_srf", 32),
    "gcvit": ("gcvit_xxtiny", 32),
    "gemma4_vit": ("gemma4_vit_167m", 32),
    "ghostnet": ("ghostnet_050", 32),
    "hardcorenas": ("hardcorenas_b", 32),
    "hgnet": ("hgnetv2_b0", 32),
    "hiera": ("hiera_tiny_224", 32),
    "hieradet_sam2": ("sam2_hiera_tiny", 32),
    "hrnet": ("hrnet_w18_small", 32),
    "iformer": ("iformer_t", 32),
    "inception_next": ("inception_next_atto", 32),
    "inception_resnet_v2": ("inception_resnet_v2", 299),
    "inception_v3": ("inception_v3", 299),
    "inception_v4": ("inception_v4", 299),
    "lcnetv2": ("lcnetv2_small", 32),
    "levit": ("levit_128s", 32),
    "lowformer": ("lowformer_b0", 32),
    "mambaout": ("mambaout_femto", 32),
    "maxxvit": ("maxvit_pico_rw_256", 32),
    "metaformer": ("poolformerv2_s12", 32),
    "mlp_mixer": ("gmlp_ti16_224", 32),
    "mobilenetv3": ("mobilenetv3_small_050", 32),
    "mobilenetv5": ("mobilenetv5_base", 32),
    "mobilevit": ("mobilevit_xxs", 32),
    "mvitv2": ("mvitv2_tiny", 32),
    "naflexvit": ("naflexvit_base_patch16_parfac_gap", 32),
    "nasnet": ("nasnetalarge", 331),
    "nest": ("nest_tiny", 32),
    "nextvit": ("nextvit_small", 32),
    "nfnet": ("nf_regnet_b0", 32),
    "pit": ("pit_ti_224", 32),
    "pnasnet": ("pnasnet5large", 331),
    "pvt_v2": ("pvt_v2_b0", 32),
    "qwen3_vit": ("qwen3_vit_88m", 32),
    "rdnet": ("rdnet_tiny", 32),
    "regnet": ("regnetx_002", 32),
    "repghost": ("repghostnet_050", 32),
    "repvit": ("repvit_m1", 32),
    "res2net": ("res2next50", 32),
    "resnest": ("resnest14d", 32),
    "resnet": ("resnet10t", 32),
    "resnetv2": ("resnetv2_18", 32),
    "rexnet": ("rexnet_100", 32),
    "selecsls": ("selecsls42", 32),
    "senet": ("legacy_seresnet18", 32),
    "sequencer": ("sequencer2d_s", 112),
    "shvit": ("shvit_s1", 32),
    "sknet": ("skresnet18", 32),
    "starnet": ("starnet_s050", 32),
    "swiftformer": ("swiftformer_xs", 32),
    "swin_transformer": ("swin_tiny_patch4_window7_224", 32),
    "swin_transformer_v2": ("swinv2_tiny_window16_256", 32),
    "swin_transformer_v2_cr": ("swinv2_cr_tiny_224", 32),
    "tiny_vit": ("tiny_vit_5m_224", 32),
    "tnt": ("tnt_s_legacy_patch16_224", 32),
    "tresnet": ("tresnet_m", 32),
    "twins": ("twins_svt_small", 32),
    "vgg": ("vgg11", 32),
    "visformer": ("visformer_tiny", 32),
    "vision_transformer": ("vit_tiny_patch16_224", 32),
    "vision_transformer_hybrid": ("vit_tiny_r_s16_p8_224", 32),
    "vision_transformer_relpos": ("vit_srelpos_small_patch16_224", 32),
    "vision_transformer_sam": ("samvit_base_patch16_224", 32),
    "vitamin": ("vitamin_small_224", 32),
    "volo": ("volo_d1_224", 32),
    "vovnet": ("ese_vovnet19b_slim_dw", 32),
    "xception": ("legacy_xception", 299),
    "xception_aligned": ("xception41p", 32),
    "xcit": ("xcit_nano_12_p8_224", 32),
}
# Whose head is more than a layer on one vector (two heads, a norm or a convolution in it): its features
# are not kept, and a frozen backbone's head is trained by the loop.
NO_VECTORS = {
    "cpubone",
    "crossvit",
    "dla",
    "dpn",
    "efficientformer",
    "efficientformer_v2",
    "efficientvim",
    "iformer",
    "levit",
    "repvit",
    "resnetv2",
    "sequencer",
    "swiftformer",
    "vision_transformer_sam",
    "volo",
}
# What cannot be, and what a user reads of it.
CANNOT = {
    "mobilenetv5_300m_enc": "MobileNetV5Encoder, an encoder that takes no classifier",
    "deepseek_vit_412m_enc": "DeepseekVitEncoder, an encoder that takes no classifier",
}


def test_every_family_of_this_timm_is_in_the_table() -> None:
    assert set(FAMILIES) >= {
        module for module in timm.list_modules() if not module.startswith("kit_")
    }


def moved_by_a_step(model: nn.Module, images: torch.Tensor, recipe: Recipe) -> set[str]:
    """The names of the tensors, buffers included, that one step changes."""
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train_mode(model)
    optimiser = build_optimiser(model, recipe, 1e-4)
    nn.functional.cross_entropy(model(images), torch.tensor([0, 1])).backward()
    optimiser.step()
    return {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}


def lived(family: str) -> dict[str, Any]:
    """What became of a family's member; raises where it is not what it should be."""
    name, side = FAMILIES[family]
    size = side if has_fixed_input_size(name) else 0
    recipe = Recipe(backbone=name, image_size=size, layer_decay=0.8, epochs=6, optimizer="adamw")
    torch.manual_seed(0)
    model = build(recipe, CLASSES)
    check_input(model, recipe, side, side)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            module.momentum = None  # a step's own statistics, where the usual ones need hundreds
    images, own = torch.rand(2, 3, side, side), dict(model.named_parameters())
    head, rows = head_names(model) & set(own), stages(model)
    assert sorted(name for row in rows for name in row) == sorted(set(own) - head)
    found: dict[str, Any] = {"name": name, "side": side, "stages": len(rows)}
    for words in ("none", "stages:1", "gradual", "lp-ft", "backbone"):
        for phase in phases_of(replace(recipe, freeze=words), len(rows), side):
            freeze(model, phase.frozen)
            still = {name for row in rows[: phase.frozen] for name in row}
            assert {n for n, p in own.items() if p.requires_grad} == set(own) - still
            assert build_optimiser(model, recipe, 0.1)
    moved = moved_by_a_step(model, images, recipe)
    assert moved <= head_names(model)
    assert head <= moved
    freeze(model, 0)
    assert len(moved_by_a_step(model, images, recipe) & set(own)) > 0.5 * len(own)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    again = rebuild(recipe, CLASSES, weights).eval()
    with torch.inference_mode():
        logits = model.eval()(images)
        assert logits.shape == (2, 3)
        assert logits.isfinite().all()
        assert torch.equal(again(images), logits)
    found["features"] = has_detachable_head(again, side, side)
    if found["features"]:
        _, taken = detach_head(again)
        with torch.inference_mode():
            assert torch.allclose(taken(again(images)), logits, atol=1e-5)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_member_of_every_family_is_made_frozen_trained_and_predicted(family: str) -> None:
    found = lived(family)
    assert found["stages"] > 1
    assert found["features"] == (family not in NO_VECTORS)


@pytest.mark.slow
@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_tell_classes_apart_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(KitError, match=CANNOT[name]):
        build(Recipe(backbone=name), CLASSES)
