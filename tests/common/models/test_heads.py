"""Heads: what stands where the old classifier stood, and the old rows found by name."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from common.models.backbone import build, build_matched, rebuild
from common.models.classifier_rows import match_rows
from common.models.heads import head_names, heads_of
from common.recipe import Recipe

CLASSES = ("goldfish", "tench", "unicorn")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A network of ImageNet's thousand classes."""
    torch.manual_seed(1)
    path = tmp_path / "old.safetensors"
    save_file(
        build(Recipe(backbone="test_resnet"), [str(n) for n in range(1000)]).state_dict(), path
    )
    return path


def made(weights: Path, head: str) -> torch.nn.Module:
    torch.manual_seed(2)
    recipe = Recipe(backbone="test_resnet", weights=str(weights), head=head)
    return build(recipe, CLASSES).eval()


@pytest.mark.parametrize("head", ["linear", "mlp:16", "logits-mlp:16", "rows"])
def test_every_head_gives_the_competitions_logits_and_keeps_the_body(
    weights: Path, head: str
) -> None:
    model, images = made(weights, head), torch.rand(2, 3, 64, 64)
    assert model(images).shape == (2, 3)
    old = build(Recipe(backbone="test_resnet", weights=str(weights), head="linear"), CLASSES)
    body = {name: t for name, t in old.state_dict().items() if name not in head_names(old)}
    found = model.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in body.items())


@pytest.mark.parametrize("head", ["linear", "mlp:16", "logits-mlp:16", "rows"])
def test_a_network_is_rebuilt_from_what_was_saved_of_it(weights: Path, head: str) -> None:
    model, images = made(weights, head), torch.rand(2, 3, 64, 64)
    weights.unlink()
    recipe = Recipe(backbone="test_resnet", weights=str(weights), head=head)
    again = rebuild(recipe, CLASSES, model.state_dict()).eval()
    assert torch.equal(again(images), model(images))


def test_the_head_on_logits_leaves_the_old_classifier_to_the_body(weights: Path) -> None:
    model = made(weights, "logits-mlp:16")
    (head,) = heads_of(model)
    assert [tuple(p.shape) for p in head.parameters()] == [(16, 1000), (16,), (3, 16), (3,)]
    assert not any("old" in name for name in head_names(model))


def test_the_new_rows_are_the_old_rows_of_the_same_names(weights: Path) -> None:
    from safetensors.torch import load_file

    recipe = Recipe(backbone="test_resnet", weights=str(weights), head="rows")
    model, matches = build_matched(recipe, CLASSES)
    old, new = load_file(weights)["fc.weight"], model.state_dict()["fc.weight"]
    assert [each.row for each in matches] == [1, 0, None]
    assert torch.equal(new[0], old[1])
    assert torch.equal(new[1], old[0])
    assert model.state_dict()["fc.bias"][2] == 0


def test_a_name_that_two_classes_have_goes_to_the_kind_of_the_others() -> None:
    names = [
        ["cardigan", "knitted jacket"],
        ["hat"],
        ["shoe"],
        ["pug"],
        ["cardigan", "welsh corgi"],
        ["beagle"],
    ]
    dogs = match_rows(["pug", "Cardigan", "beagle"], names)
    assert [each.row for each in dogs] == [3, 4, 5]
    assert dogs[1].others == ("0: cardigan, knitted jacket",)
    assert [each.row for each in match_rows(["hat", "cardigan"], names)] == [1, 0]
    assert match_rows(["cardigan"], names)[0].row is None


def test_a_capital_does_not_decide_which_class_is_meant() -> None:
    names = [["cardigan"], ["shoe"], ["pug"], ["Cardigan", "Welsh corgi"], ["beagle"]]
    assert [each.row for each in match_rows(["pug", "cardigan", "beagle"], names)] == [2, 3, 4]


def test_two_labels_never_share_a_row() -> None:
    found = match_rows(["hot-dog", "Hot Dog"], [["hotdog", "hot dog"], ["pizza"]])
    assert [each.row for each in found] == [0, None]


def test_a_certain_label_has_its_row_before_an_ambiguous_one_chooses() -> None:
    names = [["pug"], ["cardigan", "welsh corgi"], ["shoe"], ["cardigan"]]
    found = match_rows(["cardigan", "Welsh_corgi", "pug"], names)
    assert [each.row for each in found] == [3, 1, 0]


def test_names_that_differ_in_marks_alone_are_told_apart() -> None:
    own = ["-1", "1", "2", "狗", "猫", "a, b", "?"]
    assert [each.row for each in match_rows(own, [[name] for name in own], exact=True)] == list(
        range(len(own))
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"head": "rows"}, "weights=scratch has none"),
        ({"head": "rows", "weights": "FILE"}, "none of the 2 labels"),
        (
            {"head": "mlp", "backbone": "deit_tiny_distilled_patch16_224"},
            "not a single linear layer",
        ),
    ],
)
def test_a_head_that_cannot_be_had_is_refused_in_words(
    weights: Path, fields: dict[str, str], words: str
) -> None:
    named = {"backbone": "test_resnet"} | {
        k: v.replace("FILE", str(weights)) for k, v in fields.items()
    }
    with pytest.raises(ValueError, match=words):
        build(Recipe(**named), ("nothing", "none such"))  # type: ignore[arg-type]


HEADLESS = "eva02_tiny_patch14_224"


@pytest.mark.parametrize("head", ["linear", "mlp:16"])
def test_a_network_without_a_classifier_gets_one(tmp_path: Path, head: str) -> None:
    path = tmp_path / "old.safetensors"
    save_file(timm.create_model(HEADLESS).state_dict(), path)
    recipe = Recipe(backbone=HEADLESS, weights=str(path), head=head)
    model = build(recipe, CLASSES).eval()
    images = torch.rand(1, 3, 224, 224)
    assert model(images).shape == (1, 3)
    assert torch.equal(rebuild(recipe, CLASSES, model.state_dict()).eval()(images), model(images))


@pytest.mark.parametrize("head", ["rows", "logits-mlp"])
def test_an_old_classifier_that_is_not_there_is_said(tmp_path: Path, head: str) -> None:
    path = tmp_path / "old.safetensors"
    save_file(timm.create_model(HEADLESS).state_dict(), path)
    with pytest.raises(ValueError, match="has no classifier, which head=rows"):
        build(Recipe(backbone=HEADLESS, weights=str(path), head=head), CLASSES)


@pytest.mark.shared
def test_all_dog_breeds_are_found_and_cardigan_is_the_corgi() -> None:
    from timm.data import ImageNetInfo

    from common.data.table import read_csv

    folder = Path(__file__).parents[3].parent / "shared" / "data" / "full-csv"
    path = folder / "dog-breed-identification" / "sample_submission.csv.gz"
    if not path.is_file():
        pytest.skip("the shared data are not here")
    info = ImageNetInfo()
    names = [info.index_to_description(row).split(", ") for row in range(1000)]
    found = match_rows(list(read_csv(path).columns[1:]), names)
    assert all(each.row is not None and 151 <= each.row <= 275 for each in found)
    assert [each.row for each in found if each.others] == [264]
