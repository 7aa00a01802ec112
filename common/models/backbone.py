"""A backbone by its timm name, with the weights and the head that a recipe asks for."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
from torch import Tensor, nn

import common.models.kit_fastnet as kit_fastnet
import common.models.kit_resnet as kit_resnet
from common.errors import KitError
from common.models.class_matching import Match
from common.models.heads import begin_head
from common.models.sight import LEAST, REFUSALS, channels_of, share_seen, unseen, whole_near
from common.models.weights import LOCAL, check_finite, check_pretrained, first_line, load_into
from common.progress import counted, say
from common.recipe import Recipe
from common.storage import read_json


@dataclass(frozen=True)
class InputFacts:
    """What the network expects of its input: channel mean and std of pixels in [0, 1]; crop share."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: float


def build(recipe: Recipe, classes: Sequence[str], *, bare: bool = False) -> nn.Module:
    """The recipe's network with its weights and a head for these classes; `bare`: its shape alone.

    Seed torch before: the new parameters are drawn from its global generator.

    Raises:
        KitError: an unknown backbone, weights that cannot be had or do not fit, or a head that
            does not go with them.
    """
    return build_matched(recipe, classes, bare=bare)[0]


def build_matched(
    recipe: Recipe, classes: Sequence[str], *, bare: bool = False
) -> tuple[nn.Module, list[Match]]:
    """As `build`, and with head=rows the old classifier's row for each class."""
    check_backbone(recipe.backbone)
    if bare:
        model = _create(recipe, pretrained=False)
        return model, begin_head(model, recipe, classes, known=False)
    if recipe.weights == "scratch" and recipe.head == "rows":
        raise KitError("head=rows takes the old classifier's rows: weights=scratch has none")
    if recipe.weights == "pretrained":
        check_pretrained(recipe.backbone)
    model = _create(recipe, pretrained=recipe.weights == "pretrained")
    if recipe.weights == "pretrained":
        check_finite(f"the pretrained weights of {recipe.backbone}", model.state_dict())
    elif recipe.weights != "scratch":
        load_into(
            model, Path(recipe.weights), classifier=recipe.head_kind.word in ("rows", "logits-mlp")
        )
    return model, begin_head(model, recipe, classes)


def rebuild(recipe: Recipe, classes: Sequence[str], weights: Mapping[str, Tensor]) -> nn.Module:
    """The recipe's network as it was saved: `weights` is a finished job's whole state dict."""
    check_backbone(recipe.backbone)
    model = _create(recipe, pretrained=False)
    old = next((name for name in weights if name.endswith(".old.weight")), None)
    if old is not None:
        model.reset_classifier(len(weights[old]))  # type: ignore[operator]
    begin_head(model, recipe, classes, known=False)
    model.load_state_dict(dict(weights))
    return model


def _create(recipe: Recipe, *, pretrained: bool, size: int | None = None) -> nn.Module:
    """timm's network with the classifier of its weights: the recipe's head takes its place.

    Some families would draw a classifier of few classes far too wide (MobileNet: by its outputs).

    Args:
        size: another than the recipe's `image_size`; 0: the network's own.
    """
    settings: dict[str, object] = {"drop_rate": recipe.drop_rate}
    if recipe.drop_path_rate:
        settings["drop_path_rate"] = recipe.drop_path_rate
    side = recipe.image_size if size is None else size
    if side and has_one_size(recipe.backbone):
        settings["img_size"] = side
    try:
        model: nn.Module = timm.create_model(recipe.backbone, pretrained=pretrained, **settings)
    except TypeError as error:
        raise KitError(f"backbone={recipe.backbone} does not take {error}") from error
    except (OSError, *REFUSALS) as error:
        if size is None and "img_size" in settings and _only_at_other_sizes(recipe):
            problem = f"does not take images of {side}x{side}{_reason(error)}"
            raise _refused(recipe, problem, side) from error
        if pretrained:
            raise KitError(
                f"the pretrained weights of {recipe.backbone} could not be had "
                f"({first_line(error)}): connect once, or say weights=FILE"
            ) from error
        raise KitError(
            f"backbone={recipe.backbone} cannot be built ({first_line(error)}): leave out what "
            "follows the dot, or correct the folder"
        ) from error
    return model


def _only_at_other_sizes(recipe: Recipe) -> bool:
    """Can the network be built, but not for the recipe's image size?"""

    def builds(size: int) -> bool:
        try:
            return bool(_create(recipe, pretrained=False, size=size))
        except ValueError:
            return False

    return builds(0) and not builds(recipe.image_size)


def check_input(
    model: nn.Module,
    recipe: Recipe,
    height: int,
    width: int,
    *,
    first: bool = False,
    trained: bool = False,
) -> None:
    """Raise a KitError when the network does not take images of this size, or see them nearly whole.

    Where it leaves out less than 3 % of the pixels, or is trained already, that is said.

    Args:
        first: this is a size that images grow through from `initial_image_size`.
    """
    images = f"images of {width}x{height}"
    try:
        rim = unseen(model, height, width)
    except REFUSALS as error:
        own = channels_of(model, _own_side(model))
        if own not in (0, 3):
            raise KitError(
                f"backbone={recipe.backbone} takes images of {counted(own, 'channel')}, and the kit "
                "shows every image in three (red, green, blue): name a backbone of three"
            ) from error
        problem = f"does not take {images}{_reason(error)}"
        raise _refused(recipe, problem, min(height, width), first=first) from error
    if not any(rim):
        return
    share, lost = share_seen(rim, height, width), (sum(rim[:2]), sum(rim[2:]))
    problem = (
        f"sees {share:.1%} of the pixels of {images}: {counted(lost[0], 'row')} and "
        f"{counted(lost[1], 'column')} at the edges do not reach its output"
    )
    if share < LEAST and not trained:
        seen = min(height - lost[0], width - lost[1])
        raise _refused(recipe, problem, min(height, width), seen=seen, first=first)
    say(f"backbone={recipe.backbone} {problem}")


def _refused(
    recipe: Recipe, problem: str, side: int, *, seen: int = 0, first: bool = False
) -> KitError:
    """The sentence on a size that is refused, with the nearest ones that the network sees whole.

    Args:
        seen: pixels of the side that it sees, where it takes such images.
    """
    fixed = has_one_size(recipe.backbone)
    model = _create(recipe, pretrained=False, size=0)
    near = []
    if not (first and fixed):
        say(
            f"backbone={recipe.backbone}: looking for the sizes nearest to {side} that it sees whole"
        )

        def build(size: int) -> nn.Module:
            return _create(recipe, pretrained=False, size=size) if fixed else model

        near = whole_near(build, side, seen=seen or side)
    sizes = " or ".join(map(str, near))
    if first:
        remedy = f"with initial_image_size={recipe.initial_image_size} it would be shown them; say a larger one, or 0"
        remedy += f" (it sees images of {sizes} pixels whole)" if near else ""
    else:
        own = _own_side(model)
        choices = (
            [sizes] if near and (seen or own in near) else filter(None, (f"{own} (its own)", sizes))
        )
        remedy = f"say image_size={', or '.join(choices)}"
        remedy += ", the nearest that it sees whole" if near else ""
    return KitError(f"backbone={recipe.backbone} {problem}: {remedy}")


def _reason(error: BaseException) -> str:
    """What an error says, in brackets; nothing where it says nothing."""
    return f" ({first_line(error)})" if str(error) else ""


def _own_side(model: nn.Module) -> int:
    """The side of the images that the network was made for, in pixels."""
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    return int(facts["input_size"][-1])


def has_one_size(name: str) -> bool:
    """Is this a network whose parameters depend on the input's size (a ViT, say)?"""
    if name.startswith(LOCAL):
        config = Path(name.removeprefix(LOCAL)) / "config.json"
        facts = read_json(config).get("pretrained_cfg", {}) if config.is_file() else {}
        return bool(facts.get("fixed_input_size"))
    known = None if ":" in name else timm.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(known and known.fixed_input_size)


def check_backbone(name: str) -> None:
    """Raise a KitError that names the nearest backbones when timm has none of this name."""
    # Importing them registered the kit's own.
    assert kit_fastnet.default_cfgs and kit_resnet.default_cfgs
    if name.startswith((LOCAL, "hf-hub:")) or timm.is_model(name.partition(".")[0]):
        return
    close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.4)
    hint = f"the nearest are {', '.join(close)}" if close else "timm.list_models() lists them"
    raise KitError(f"backbone={name}: timm has no model of that name; {hint}")


def input_facts(model: nn.Module) -> InputFacts:
    """Mean, std and crop from the model's own `pretrained_cfg`, never assumed to be ImageNet's."""
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    return InputFacts(tuple(facts["mean"]), tuple(facts["std"]), float(facts["crop_pct"]))
