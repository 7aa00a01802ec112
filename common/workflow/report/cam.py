"""Grad-CAM of a run's fold models: which parts of an image speak for a class (Selvaraju et al., 2017).

Of a convolutional network the last feature map is weighed; of a transformer, the patch tokens before
its last attention. Each image is explained by the model that held it out.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from common.data.pixels.decode import Pixels
from common.errors import KitError
from common.models.network import Network
from common.progress import bar, say
from common.reporting.html.analysis import Answers
from common.reporting.html.thumbnails import SIDE, encoded
from common.training.jobs import jobs_of
from common.training.trained_models import load_trained
from common.workflow.prepare import Prepared
from common.workflow.report.judged import Material

IMAGES = 24  # of the worst, and of the most doubtful
LEAST = 4  # cells of a feature map's side: smaller ones show nothing
HEAT = 0.45  # share of the heat map in the picture


class FeatureMap(nn.Module):
    """A layer whose output passes through `map` as [B, C, H, W], whatever its own layout."""

    def __init__(self, layer: nn.Module, prefix: int = 0, *, last: bool = False) -> None:
        super().__init__()
        self.layer, self.prefix, self.last, self.map = layer, prefix, last, nn.Identity()

    def forward(self, *inputs: Any) -> Tensor:
        """The layer's own output."""
        found: Tensor = self.layer(*inputs)
        if found.ndim == 3:  # [B, tokens, C]
            own, patches = found[:, : self.prefix], found[:, self.prefix :]
            side = round(patches.shape[1] ** 0.5)
            shown = self.map(patches.transpose(1, 2).unflatten(2, (side, -1)))
            return torch.cat([own, shown.flatten(2).transpose(1, 2)], dim=1)
        if self.last:  # [B, H, W, C]
            shown = self.map(found.permute(0, 3, 1, 2))
            return torch.clone(shown.permute(0, 2, 3, 1))
        return torch.clone(self.map(found))  # what comes next may write in place


def grad_cams(
    material: Material, ready: Prepared, doubts: Sequence[int]
) -> dict[str, list[tuple[str, str]]]:
    """Row to its pictures, each what it shows and a JPEG in base64: the worst and the most doubtful rows.

    Raises:
        KitError: captum is missing, or the network has no map to look at.
    """
    try:
        import captum.attr
    except ModuleNotFoundError as error:
        raise KitError("Grad-CAM needs captum: pip install 'kaggle-image-kit[cam]'") from error
    if ready.recipe.head == "boosting":
        raise KitError(
            "Grad-CAM follows gradients, of which the trees of head=boosting have none: leave out --cam, "
            "or report a run with another head"
        )
    if len(ready.recipe.backbones) > 1:
        say("Grad-CAM shows the feature map of one of the joined backbones alone")
    answers = material.answers[0]
    sure = answers.confidence
    unsure = [] if sure is None else np.argsort(sure, kind="stable").tolist()
    worst = np.argsort(-answers.losses, kind="stable")[:IMAGES].tolist()
    rows = list(dict.fromkeys([*worst, *[*doubts, *unsure][:IMAGES]]))
    folds = material.split.folds[0]
    found: dict[str, list[tuple[str, str]]] = {}
    with bar(len(rows), "Grad-CAM") as progress:
        for job in {
            job.fold: job for job in jobs_of(ready.recipe, ready.split.folds)[::-1]
        }.values():
            mine = [row for row in rows if folds[row] == job.fold]
            if not mine:
                continue
            network = load_trained(ready.setting, ready.run / job.name)
            network.model.eval()
            at = material.at[mine]
            batches = [network.input(each) for each in ready.setting.source.plain(at, network.size)]
            images = torch.cat(batches).float()
            explain = captum.attr.LayerGradCam(
                network.model, feature_map(network.model, images[:1])
            )
            for row, image in zip(mine, images, strict=True):
                found[str(row)] = _pictures(explain, image[None], network, answers, row)
            progress.update(len(mine))
    return found


def feature_map(model: nn.Module, image: Tensor) -> nn.Module:
    """The module whose output is the map [B, C, H, W] to look at; one is put into the model for it.

    Raises:
        KitError: the network has none.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def record(name: str) -> Any:
        def hook(_: nn.Module, __: Any, out: Any) -> None:
            shapes.pop(name, None)
            if isinstance(out, Tensor):
                shapes[name] = tuple(out.shape)

        return hook

    hooks = [
        each.register_forward_hook(record(name)) for name, each in model.named_modules() if name
    ]
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    tokens = [name for name in shapes if name.endswith(".norm1") and len(shapes[name]) == 3]
    maps = [name for name, shape in shapes.items() if len(shape) == 4]
    large = [name for name in maps if sorted(shapes[name][1:])[1] >= LEAST]
    if not tokens and not large:
        raise KitError("Grad-CAM finds no feature map of 4 by 4 cells or more in this network")
    name = tokens[-1] if tokens else large[-1]
    shape, network = shapes[name], _network_of(model, name)
    last = len(shape) == 4 and shape[3] == getattr(network, "num_features", 0) != shape[1]
    prefix = getattr(network, "num_prefix_tokens", 0)
    shown = FeatureMap(model.get_submodule(name), prefix, last=last)
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, shown)
    return shown.map


def _network_of(model: nn.Module, name: str) -> nn.Module:
    """The timm network that has the layer of that name: where features are joined, one inside the model."""
    found, inner = model, model
    for part in name.split("."):
        inner = inner.get_submodule(part)
        if hasattr(inner, "pretrained_cfg"):
            found = inner
    return found


def _pictures(
    explain: Any, image: Tensor, network: Network, answers: Answers, row: int
) -> list[tuple[str, str]]:
    """One image [1, 3, S, S] with the heat of its predicted answer, and of its true one where they differ."""
    mean, std = network.mean_std
    pixels = ((image * std + mean).clamp(0, 1) * 255).round()[0].permute(1, 2, 0)
    shown = np.ascontiguousarray(pixels.byte().cpu().numpy())
    if max(shown.shape) < SIDE:
        shown = np.asarray(cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST))
    return [
        (told, encoded(_heated(shown, _heat(explain, image, output))))
        for told, output in _asked(answers, row, len(network.target.outputs))
    ]


def _asked(answers: Answers, row: int, outputs: int) -> list[tuple[str, int]]:
    """What is explained, in words, and the output of the network that stands for it."""
    if answers.form == "columns":
        return [(f"for {answers.target.names[0]}", 0)]
    if outputs == 1:
        return [(f"for {answers.names[-1]}", 0)]
    if answers.form == "sets":
        at = int(answers.chances[row].argmax())
        return [(f"for {answers.names[at]}", at)]
    said, true = int(answers.said[row]), int(answers.truth[row])
    asked = {said: "predicted", true: "true"} if said != true else {said: "predicted, true"}
    return [
        (f"for {answers.names[at]} ({word})", min(at, outputs - 1)) for at, word in asked.items()
    ]


def _heat(explain: Any, image: Tensor, output: int) -> npt.NDArray[np.float32]:
    """Grad-CAM of an output [H, W], 0 to 1."""
    cam = explain.attribute(image.clone().requires_grad_(), target=output, relu_attributions=True)
    heat = cam.detach()[0, 0].float().cpu().numpy()
    return np.asarray(heat / max(float(heat.max()), 1e-12), dtype=np.float32)


def _heated(image: Pixels, heat: npt.NDArray[np.float32]) -> Pixels:
    """An image under a heat map."""
    large = cv2.resize(heat, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    levels = (np.clip(large, 0, 1) * 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.addWeighted(image, 1 - HEAT, colours, HEAT, 0), dtype=np.uint8)
