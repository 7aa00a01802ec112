"""A backbone by its timm name, with a new head and the weights a recipe asks for."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

import common.models.kit_resnet as kit_resnet
from common.models.freezing import heads_of
from common.progress import first_of
from common.recipe import Recipe


@dataclass(frozen=True)
class InputFacts:
    """What the network expects of its input: channel mean and std of pixels in [0, 1]; crop share."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: float


def build(recipe: Recipe, class_count: int) -> nn.Module:
    """The recipe's network with a fresh head of `class_count` outputs.

    Seed torch before: the new parameters are drawn from its global generator.

    Raises:
        ValueError: an unknown backbone, weights that cannot be had, or a file that does not fit.
    """
    check_backbone(recipe.backbone)
    if recipe.weights == "pretrained" and not _has_weights(recipe.backbone):
        raise ValueError(
            f"there are no pretrained weights of {recipe.backbone}: say weights=scratch"
        )
    settings = {"num_classes": class_count, "drop_rate": recipe.drop_rate}
    if recipe.drop_path:
        settings["drop_path_rate"] = recipe.drop_path
    if recipe.image_size and _has_one_size(recipe.backbone):
        settings["img_size"] = recipe.image_size
    try:
        model: nn.Module = timm.create_model(
            recipe.backbone, pretrained=recipe.weights == "pretrained", **settings
        )
    except TypeError as error:
        raise ValueError(f"backbone={recipe.backbone} does not take {error}") from error
    except (OSError, RuntimeError) as error:
        if recipe.weights != "pretrained":
            raise ValueError(
                f"backbone={recipe.backbone} cannot be built ({_first_line(error)}): leave out what "
                "follows the dot, or correct the folder"
            ) from error
        raise ValueError(
            f"the pretrained weights of {recipe.backbone} could not be had "
            f"({str(error).splitlines()[0]}): connect once, or say weights=FILE"
        ) from error
    if recipe.weights not in ("scratch", "pretrained"):
        _load_body(model, Path(recipe.weights))
    return model


def check_input(model: nn.Module, height: int, width: int, *, name: str) -> None:
    """Raise a ValueError when the network does not take images of this size."""
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, 3, height, width))
    except (AssertionError, RuntimeError, ValueError) as error:
        facts = model.pretrained_cfg
        assert isinstance(facts, dict)
        raise ValueError(
            f"backbone={name} does not take images of {width}x{height} ({_first_line(error)}): "
            f"say image_size={facts['input_size'][-1]}"
        ) from error


def _has_weights(name: str) -> bool:
    facts = None if ":" in name else timm.get_pretrained_cfg(name, allow_unregistered=True)
    return ":" in name or bool(facts and facts.has_weights)


def _has_one_size(name: str) -> bool:
    """Is this a network whose parameters depend on the input's size (a ViT, say)?"""
    facts = None if ":" in name else timm.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(facts and facts.fixed_input_size)


def check_backbone(name: str) -> None:
    """Raise a ValueError that names the nearest backbones when timm has none of this name."""
    assert kit_resnet.default_cfgs  # importing it registered the kit's own
    if name.startswith(("local-dir:", "hf-hub:")) or timm.is_model(name.partition(".")[0]):
        return
    close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.4)
    hint = f"the nearest are {', '.join(close)}" if close else "timm.list_models() lists them"
    raise ValueError(f"backbone={name}: timm has no model of that name; {hint}")


def input_facts(model: nn.Module) -> InputFacts:
    """Mean, std and crop from the model's own `pretrained_cfg`, never assumed to be ImageNet's."""
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    return InputFacts(tuple(facts["mean"]), tuple(facts["std"]), float(facts["crop_pct"]))


def _load_body(model: nn.Module, path: Path) -> None:
    """Load every tensor of a local file but an old head of another size, and name what differs."""
    found = read_weights(path)
    own = model.state_dict()
    head = {name for name, _ in _head_tensors(model)}
    unfit = [
        name
        for name, tensor in found.items()
        if name in own and own[name].shape != tensor.shape and name not in head
    ]
    missing = sorted(set(own) - set(found) - head)
    unexpected = sorted(set(found) - set(own))
    problems = [
        f"{text} {first_of(names)}"
        for text, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", unfit),
        )
        if names
    ]
    if problems:
        raise ValueError(
            f"weights={path} do not fit {type(model).__name__}: {'; '.join(problems)}. "
            "Name the backbone they were trained with"
        )
    fitting = {name: t for name, t in found.items() if own[name].shape == t.shape}
    model.load_state_dict(fitting, strict=False)


def _head_tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    owned = {id(p) for head in heads_of(model) for p in head.parameters()}
    return [(name, p) for name, p in model.named_parameters() if id(p) in owned]


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` or `.pth` file; no code in it is ever run.

    Raises:
        ValueError: no such file, not whole, or not a mapping from names to tensors.
    """
    if not path.is_file():
        raise ValueError(f"weights={path}: no such file; say scratch, pretrained, or a file's path")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"weights={path} cannot be read as weights ({type(error).__name__}: "
            f"{_first_line(error)}): copy or download the file again"
        ) from error
    except Exception as error:  # torch raises pickle's own error for code in the file
        if type(error).__name__ != "UnpicklingError":
            raise
        raise ValueError(
            f"weights={path} is not a file of plain tensors, and code in it is never run: "
            "save model.state_dict() and name that"
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise ValueError(f"weights={path} holds no mapping from names to tensors")
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
