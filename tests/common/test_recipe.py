"""A recipe is typed, checked, and speaks in words."""

from dataclasses import FrozenInstanceError, fields

import pytest

from common.recipe import Recipe
from common.recipe_values import differences, stage_of, with_values
from common.typed_fields import STAGES


@pytest.mark.parametrize(
    ("word", "words_of_the_error"),
    [
        ("epoch=3", "did you mean 'epochs'"),
        ("lr=abc", "lr is a number from"),
        ("lr=nan", "lr is a number from"),
        ("lr=-1", "lr is a number from"),
        ("epochs=2.5", "epochs is a whole number"),
        ("epochs=-1", "of at least 0"),
        ("schedule=cosin", "did you mean 'cosine'"),
        ("compile=maybe", "compile is true or false"),
        ("views=identity+miror", "did you mean 'mirror'"),
        ("freeze=stage", "did you mean 'stages'"),
        ("freeze=stages", "freeze=stages:2"),
        ("freeze=stages:0", "freeze=stages:2"),
        ("freeze=backbone:2", "say it as in freeze=backbone"),
        ("freeze=stages:1.5", "freeze=stages:2"),
        ("freeze=lp-ft:no", "freeze=lp-ft:1"),
        ("schedule=step:2:0.9:1", "schedule=step:10:0.1"),
        ("schedule=step:-2", "schedule=step:10:0.1"),
        ("head=mpl", "did you mean 'mlp'"),
        ("epochs", "is not field=value"),
        ("weights=", "weights is text"),
    ],
)
def test_a_bad_word_is_answered_with_what_is_allowed(word: str, words_of_the_error: str) -> None:
    with pytest.raises(ValueError, match=words_of_the_error):
        with_values(Recipe(), [word])


def test_a_field_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="lr is given twice"):
        with_values(Recipe(), ["lr=1", "lr=2"])


def test_words_are_typed_by_their_field() -> None:
    recipe = with_values(Recipe(), ["lr=3e-4", "epochs=2", "compile=true", "backbone=resnet18"])
    assert (recipe.lr, recipe.epochs, recipe.compile, recipe.backbone) == (
        3e-4,
        2,
        True,
        "resnet18",
    )


def test_a_recipe_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        Recipe().lr = 1  # type: ignore[misc]


def test_every_field_has_a_stage_and_a_meaning() -> None:
    assert len(fields(Recipe)) <= 70
    for each in fields(Recipe):
        assert stage_of(each.name) in STAGES
        assert each.metadata["meaning"]


def test_differences_hold_only_what_is_not_default() -> None:
    recipe = Recipe(lr=0.5, views="mirror", workers=7)
    assert differences(recipe, ("split", "train")) == {"lr": 0.5}
    assert differences(recipe, ("predict",)) == {"views": "identity+mirror"}


@pytest.mark.parametrize(
    "impossible",
    [
        {"freeze": "lp-ft:5", "epochs": 5},
        {"final": "refit", "early_stop": 2},
        {"freeze": "backbone", "drop_rate": 0.5},
        {"mixup": 0.2, "batch_size": 5},
        {"store_short_side": 128, "image_size": 224},
        {"weight_decay": float("inf")},
    ],
)
def test_fields_that_contradict_each_other_are_refused(impossible: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Recipe(**impossible)  # type: ignore[arg-type]


def test_one_recipe_has_one_spelling() -> None:
    assert Recipe(lr=1) == Recipe(lr=1.0)
    assert type(Recipe(lr=1).lr) is float
    assert Recipe(schedule="step") == Recipe(schedule="step:10.0") == Recipe(schedule="step:10:.1")
    assert Recipe(head="mlp") == Recipe(head="mlp:256") != Recipe(head="mlp:128")
    assert Recipe(freeze="lp-ft") == Recipe(freeze="lp-ft:1") != Recipe(freeze="lp-ft:2")
    assert (
        Recipe(views="mirror") == Recipe(views="identity+mirror") == Recipe(views="mirror+identity")
    )


def test_the_field_augment_names_every_preset() -> None:
    from common.data.batches.photographs import PHOTO
    from common.data.batches.small_images import SMALL

    meaning = next(each for each in fields(Recipe) if each.name == "augment").metadata["meaning"]
    named = {word.strip(" ,;") for part in meaning.split(":") for word in part.split()}
    assert {*SMALL, *PHOTO} <= named
