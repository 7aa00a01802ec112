"""Build a recipe's network: a timm backbone by name, its weights and head, its input size checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
from torch import Tensor, nn

from common.errors import KitError
from common.models.backbone_names import check_backbones, has_fixed_input_size
from common.models.classifier_rows import RowMatch
from common.models.heads import attach_head, attach_tensor_head
from common.models.input_coverage import (
    MIN_COVERAGE,
    SHAPE_ERRORS,
    accepted_channels,
    coverage,
    nearest_full_coverage_sizes,
    unseen_margins,
)
from common.models.joined_features import with_joined_features
from common.models.side_by_side import SideBySide, backbones_of, left_out
from common.models.tensor_heads import TENSOR_HEADS
from common.models.weights import check_finite, check_pretrained, first_line, load_into
from common.progress import counted, say
from common.recipe import Recipe
from common.recipe_values import alone


@dataclass(frozen=True)
class InputConfig:
    """A backbone's input: channel mean and std of pixels in [0, 1], and timm's `crop_pct`."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: float


def build(recipe: Recipe, classes: Sequence[str], *, bare: bool = False) -> nn.Module:
    """A recipe's network with its weights and a head for these classes; `bare`: without weights.

    Seed torch before: new parameters are drawn from its global generator.

    Raises:
        KitError: an unknown backbone, weights that are unavailable or do not fit, or a head that
            does not go with them.
    """
    return build_matched(recipe, classes, bare=bare)[0]


def build_matched(
    recipe: Recipe, classes: Sequence[str], *, bare: bool = False
) -> tuple[nn.Module, list[RowMatch]]:
    """As `build`; also the pretrained classifier's row reused for each class (head=rows)."""
    if not bare and recipe.weights == "scratch" and recipe.head == "rows":
        raise KitError("head=rows reuses the old classifier's rows: weights=scratch has none")
    model = _without_head(recipe, bare=bare)
    return model, attach_head(model, recipe, classes, pretrained=not bare)


def rebuild(recipe: Recipe, classes: Sequence[str], weights: Mapping[str, Tensor]) -> nn.Module:
    """A recipe's network with a finished job's state dict loaded."""
    model = _without_head(recipe, bare=True)
    old = next((name for name in weights if name.endswith(".old.weight")), None)
    if old is not None:
        model.reset_classifier(len(weights[old]))  # type: ignore[operator]
    attach_head(model, recipe, classes, pretrained=False)
    if recipe.head in TENSOR_HEADS:
        attach_tensor_head(model, recipe.head, weights)
    model.load_state_dict(dict(weights))
    return model


def _without_head(recipe: Recipe, *, bare: bool) -> nn.Module:
    """A recipe's backbone, or several side by side, before its head is attached."""
    check_backbones(recipe.backbones)
    parts = []
    for each in alone(recipe):
        with left_out(recipe):
            model = _create(each, pretrained=False) if bare else _with_weights(each)
            parts.append(with_joined_features(model, each))
    return SideBySide(parts) if len(parts) > 1 else parts[0]


def _with_weights(recipe: Recipe) -> nn.Module:
    """A recipe's one backbone with its weights and their classifier."""
    if recipe.weights == "pretrained":
        check_pretrained(recipe.backbone)
    model = _create(recipe, pretrained=recipe.weights == "pretrained")
    if recipe.weights == "pretrained":
        check_finite(f"the pretrained weights of {recipe.backbone}", model.state_dict())
    elif recipe.weights != "scratch":
        load_into(
            model, Path(recipe.weights), classifier=recipe.head_kind.word in ("rows", "logits-mlp")
        )
    return model


def _create(recipe: Recipe, *, pretrained: bool, size: int | None = None) -> nn.Module:
    """timm's network with its pretrained number of classes; the recipe's head replaces the classifier.

    Some families initialise a classifier of few classes far too widely (MobileNet: by fan-out).

    Args:
        size: instead of the recipe's `image_size`; 0: the network's default.
    """
    settings: dict[str, object] = {"drop_rate": recipe.drop_rate}
    if recipe.drop_path_rate:
        settings["drop_path_rate"] = recipe.drop_path_rate
    side = recipe.image_size if size is None else size
    if side and has_fixed_input_size(recipe.backbone):
        settings["img_size"] = side
    try:
        model: nn.Module = timm.create_model(recipe.backbone, pretrained=pretrained, **settings)
    except TypeError as error:
        raise KitError(f"backbone={recipe.backbone} does not take {error}") from error
    except (OSError, *SHAPE_ERRORS) as error:
        if size is None and "img_size" in settings and _only_at_other_sizes(recipe):
            problem = f"does not take images of {side}x{side}{_reason(error)}"
            raise _refused(recipe, problem, side) from error
        if pretrained:
            raise KitError(
                f"the pretrained weights of {recipe.backbone} could not be downloaded "
                f"({first_line(error)}): connect once, or set weights=FILE"
            ) from error
        raise KitError(
            f"backbone={recipe.backbone} cannot be created ({first_line(error)}): leave out the tag "
            "after the dot, or correct the folder"
        ) from error
    return model


def _only_at_other_sizes(recipe: Recipe) -> bool:
    """Can the network be created at its default size, but not at the recipe's?"""

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
    """Refuse an image size that a backbone rejects or of which it misses over 3 % of the pixels.

    A smaller loss, or any loss of a network already trained, is printed.

    Args:
        first: this is a size of progressive resizing (`initial_image_size`).
    """
    for part, each in zip(backbones_of(model), alone(recipe), strict=True):
        with left_out(recipe):
            _check_input(part, each, height, width, first=first, trained=trained)


def _check_input(
    model: nn.Module, recipe: Recipe, height: int, width: int, *, first: bool, trained: bool
) -> None:
    images = f"images of {width}x{height}"
    try:
        margins = unseen_margins(model, height, width)
    except SHAPE_ERRORS as error:
        own = accepted_channels(model, _own_side(model))
        if own not in (0, 3):
            raise KitError(
                f"backbone={recipe.backbone} takes images of {counted(own, 'channel')}, and the kit "
                "feeds RGB: choose a backbone with three input channels"
            ) from error
        problem = f"does not take {images}{_reason(error)}"
        raise _refused(recipe, problem, min(height, width), first=first) from error
    if not any(margins):
        return
    share, lost = coverage(margins, height, width), (sum(margins[:2]), sum(margins[2:]))
    problem = (
        f"sees {share:.1%} of the pixels of {images}: {counted(lost[0], 'row')} and "
        f"{counted(lost[1], 'column')} at the edges do not reach its output"
    )
    if share < MIN_COVERAGE and not trained:
        seen = min(height - lost[0], width - lost[1])
        raise _refused(recipe, problem, min(height, width), seen=seen, first=first)
    say(f"backbone={recipe.backbone} {problem}")


def _refused(
    recipe: Recipe, problem: str, side: int, *, seen: int = 0, first: bool = False
) -> KitError:
    """The error for a refused image size; it names the nearest sizes with full coverage.

    Args:
        seen: pixels of the side that reach the output, where the network accepts it.
    """
    fixed = has_fixed_input_size(recipe.backbone)
    model = _create(recipe, pretrained=False, size=0)
    near = []
    if not (first and fixed):
        say(
            f"backbone={recipe.backbone}: searching for the sizes nearest to {side} with full coverage"
        )

        def build(size: int) -> nn.Module:
            return _create(recipe, pretrained=False, size=size) if fixed else model

        near = nearest_full_coverage_sizes(build, side, seen=seen or side)
    sizes = " or ".join(map(str, near))
    if first:
        first_size = recipe.initial_image_size
        remedy = (
            f"initial_image_size={first_size} has training start there; choose a larger one, or 0"
        )
        remedy += f" (full coverage: {sizes} pixels)" if near else ""
    else:
        own = _own_side(model)
        choices = (
            [sizes]
            if near and (seen or own in near)
            else filter(None, (f"{own} (its default)", sizes))
        )
        remedy = f"set image_size={', or '.join(choices)}"
        remedy += ", the nearest with full coverage" if near else ""
    return KitError(f"backbone={recipe.backbone} {problem}: {remedy}")


def _reason(error: BaseException) -> str:
    """An error's first line in brackets; empty where it has no text."""
    return f" ({first_line(error)})" if str(error) else ""


def _own_side(model: nn.Module) -> int:
    """The network's default input side, in pixels."""
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    return int(facts["input_size"][-1])


def input_config_of(model: nn.Module) -> InputConfig:
    """A model's mean, std and crop from its `pretrained_cfg`, never assumed to be ImageNet's."""
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    return InputConfig(tuple(facts["mean"]), tuple(facts["std"]), float(facts["crop_pct"]))
