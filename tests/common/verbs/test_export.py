"""`kit … export`: the same network comes back from the folder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from common.models.backbone import build, input_config_of
from common.models.export import write_model_folder
from common.recipe import Recipe
from common.verbs import export, run, validate

NAMES = ["ant", "bee", "cat"]


def exported(toy: Any, **options: Any) -> dict[str, Any]:
    return export.run(toy(), export.Options(**options))


def logits(model: torch.nn.Module, side: int = 32) -> torch.Tensor:
    torch.manual_seed(3)
    with torch.inference_mode():
        return model.eval()(torch.randn(2, 3, side, side))


def trained(recipe: Recipe, path: Path) -> torch.nn.Module:
    torch.manual_seed(7)
    model = build(recipe, NAMES)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    save_file(model.state_dict(), path)
    return model


@pytest.mark.parametrize(
    ("backbone", "size"), [("kit_resnet9_16", 0), ("test_vit.r160_in1k", 96), ("test_resnet", 64)]
)
def test_the_folder_holds_the_same_network(tmp_path: Path, backbone: str, size: int) -> None:
    recipe = Recipe(backbone=backbone, image_size=size, drop_rate=0.2)
    model = trained(recipe, tmp_path / "w.safetensors")
    folder = tmp_path / "model"
    write_model_folder(folder, recipe, tmp_path / "w.safetensors", NAMES)
    again = Recipe(
        backbone=f"local-dir:{folder}", weights="pretrained", image_size=size, head="rows"
    )
    assert torch.equal(logits(build(again, NAMES), size or 32), logits(model, size or 32))
    assert input_config_of(build(again, NAMES)) == input_config_of(model)
    config = json.loads((folder / "config.json").read_text())
    assert config["label_names"] == NAMES
    assert config["num_classes"] == 3
    assert config["pretrained_cfg"]["input_size"][1] == (size or 32)
    body = build(replace(again, head="linear"), list("abcde")).state_dict()
    own = model.state_dict()
    same = [name for name in own if torch.equal(own[name], body[name])]
    assert len(own) - len(same) == 2  # but for the head's weight and bias


def test_a_network_with_another_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="head=mlp:256 is not one of timm's heads"):
        write_model_folder(tmp_path / "model", Recipe(head="mlp"), tmp_path / "none", NAMES)


def test_a_run_is_exported_and_another_starts_from_it(toy: Any, tmp_path: Path) -> None:
    done = Path(validate.run(toy(epochs=1))["run"])
    result = exported(toy)
    folder = Path(result["folder"])
    assert (result["model"], folder) == ("fold0", done / "exported")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"config.json", "model.safetensors"}
    exported(toy)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert exported(toy, fold=1, to=tmp_path / "one")["model"] == "fold1"
    with pytest.raises(ValueError, match="no finished fold7: there are fold0, fold1"):
        exported(toy, fold=7)
    with pytest.raises(ValueError, match="holds other files"):
        exported(toy, to=done)
    start = toy(backbone=f"local-dir:{folder}", weights="pretrained", epochs=1, lr=1e-9, folds=1)
    second = Path(validate.run(start)["run"])
    assert second != done
    one, other = (load_file(run / "fold0/weights.safetensors") for run in (done, second))
    torch.testing.assert_close(one["stem.0.weight"], other["stem.0.weight"])


def test_the_network_of_all_rows_comes_first(toy: Any) -> None:
    run.run(toy(epochs=1, final="refit", folds=1))
    assert exported(toy)["model"] == "refit"
    assert exported(toy, fold=0)["model"] == "fold0"
