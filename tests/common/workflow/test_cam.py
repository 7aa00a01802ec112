"""Grad-CAM: the heat lies where the answer comes from, on networks of every layout."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from common.errors import KitError
from common.models.joined_features import JoinedFeatures
from common.models.side_by_side import SideBySide
from common.verbs import report, run
from common.workflow.report.cam import feature_map


class Red(nn.Module):
    """Two outputs: the mean of red, the mean of blue."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.num_features = nn.Conv2d(3, 3, 1, bias=False), 3
        self.body.weight.data = torch.eye(3)[:, :, None, None]
        self.head = nn.Linear(3, 2, bias=False)
        self.head.weight.data = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(nn.functional.relu(self.body(x), inplace=True).mean((2, 3)))


def heat(model: nn.Module, image: torch.Tensor, target: int) -> np.ndarray:
    explain = pytest.importorskip("captum.attr").LayerGradCam(model, feature_map(model, image))
    found = explain.attribute(image.clone().requires_grad_(), target=target)
    return np.asarray(found.detach()[0, 0])


def test_the_heat_of_an_output_lies_where_it_comes_from() -> None:
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, :2, :2], image[0, 2, 6:, 6:] = 1, 1
    red, blue = (heat(Red().requires_grad_(False), image, target) for target in (0, 1))
    assert red.argmax() in (0, 1, 8, 9) and red[6:, 6:].max() == 0
    assert blue[6:, 6:].min() > 0 and blue[:2, :2].max() == 0


@pytest.mark.parametrize(
    ("name", "more", "shape"),
    [
        ("resnet18", {}, (4, 4)),
        ("vit_tiny_patch16_224", {"img_size": 64, "depth": 2}, (4, 4)),
        ("swin_tiny_patch4_window7_224",
         {"img_size": 64, "window_size": 4, "embed_dim": 24, "depths": (1, 1), "num_heads": (1, 2)},
         (8, 8)),
    ],
)  # fmt: skip
def test_convolutions_tokens_and_channels_last_have_a_map(
    name: str, more: dict[str, Any], shape: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=5, **more).eval()
    image = torch.rand(1, 3, 128 if name == "resnet18" else 64, 128 if name == "resnet18" else 64)
    before = model(image)
    found = heat(model, image, 3)
    assert found.shape == shape and np.abs(found).max() > 0
    assert torch.equal(model(image), before)  # the look changes nothing


@pytest.mark.parametrize(
    ("inner", "shape"), [("vit_tiny_patch16_224", (4, 4)), ("swin_tiny_patch4_window7_224", (8, 8))]
)
def test_a_network_whose_features_are_joined_has_a_map_of_its_own_layout(
    inner: str, shape: tuple[int, int]
) -> None:
    """The patches of a ViT are told from its class token, and the channels of a Swin from its places."""
    small: dict[str, Any] = (
        {"depth": 1}
        if inner.startswith("vit")
        else {"window_size": 4, "embed_dim": 24, "depths": (1, 1), "num_heads": (1, 2)}
    )
    part = timm.create_model(inner, img_size=64, num_classes=5, **small).eval()
    model = SideBySide(
        [timm.create_model("test_resnet"), JoinedFeatures(part, 0, 0, 64, "mean+max")]
    )
    model.reset_classifier(5)
    found = heat(model.eval(), torch.rand(1, 3, 64, 64), 3)
    assert found.shape == shape and np.abs(found).max() > 0


def test_a_network_without_a_map_is_told() -> None:
    with pytest.raises(KitError, match="no feature map of 4 by 4"):
        feature_map(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), torch.zeros(1, 3, 2, 2))


@pytest.mark.slow
def test_the_report_explains_its_worst_images_and_without_captum_says_what_to_install(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = toy(epochs=1, image_size=32)
    made = Path(run.run(request)["run"])
    options = report.Options((made,), cam=True)
    page = Path(report.run(request, options)["report"]).read_text(encoding="utf-8")
    assert '"cams":{"' in page and "(predicted" in page and "with Grad-CAM" in page
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("captum"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(KitError, match=r"pip install 'kaggle-image-kit\[cam\]'"):
        report.run(request, options)
    with pytest.raises(KitError, match="explains one run"):
        report.run(request, report.Options((made, made / ".." / made.name), cam=True))
