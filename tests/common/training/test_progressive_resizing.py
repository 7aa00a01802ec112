"""Progressive size: what the network is shown in each epoch, and what cannot grow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from common.recipe import Recipe
from common.training import checkpoint
from common.training.phases import phases_of
from common.training.progressive_resizing import sizes_per_epoch
from common.verbs import validate


@pytest.mark.parametrize(
    ("fields", "side", "expected"),
    [
        ({"image_size": 224, "epochs": 3}, 224, [224] * 3),
        ({"epochs": 3}, 32, [0] * 3),
        ({"initial_image_size": 128, "image_size": 224, "epochs": 2}, 224, [128, 224]),
        (
            {"initial_image_size": 96, "image_size": 224, "epochs": 6},
            224,
            [96, 128, 160, 192, 224, 224],
        ),
        ({"initial_image_size": 100, "image_size": 224, "epochs": 4}, 224, [100, 160, 224, 224]),
        ({"initial_image_size": 16, "epochs": 6}, 32, [16, 20, 24, 28, 0, 0]),
        ({"initial_image_size": 8, "image_size": 16, "epochs": 4}, 16, [8, 12, 16, 16]),
        (
            {"initial_image_size": 8, "image_size": 16, "epochs": 6, "freeze": "lp-ft:2"},
            16,
            [16, 16, 8, 12, 16, 16],
        ),
        ({"initial_image_size": 8, "image_size": 16, "epochs": 0}, 16, []),
    ],
)
def test_the_side_grows_evenly_and_is_full_in_the_last_third(
    fields: dict[str, Any], side: int, expected: list[int]
) -> None:
    fields |= {} if fields["epochs"] else {"head": "rows", "freeze": "backbone"}
    assert sizes_per_epoch(Recipe(**fields), side) == expected


@pytest.mark.parametrize("epochs", range(2, 40))
def test_a_side_never_shrinks_nor_leaves_its_bounds(epochs: int) -> None:
    found = sizes_per_epoch(Recipe(initial_image_size=70, image_size=300, epochs=epochs), 300)
    assert found == sorted(found)
    assert (found[0], found[-1]) == (70, 300)
    assert found.count(300) >= epochs / 3
    assert all(side in (70, 300) or side % 32 == 0 for side in found)


def test_phases_share_the_sizes_out_among_them() -> None:
    recipe = Recipe(initial_image_size=8, image_size=16, epochs=6, freeze="gradual:2")
    phases = phases_of(recipe, 2, 16)
    assert [phase.sizes for phase in phases] == [(16, 16), (8, 12), (16, 16)]


@contextmanager
def shown() -> Iterator[dict[bool, list[int]]]:
    """The sides that networks are shown, when they train (True) and when they do not."""
    seen: dict[bool, list[int]] = {True: [], False: []}

    def look(module: nn.Module, given: Any) -> None:
        if hasattr(module, "get_classifier") and len(given[0]) > 1:
            assert given[0].shape[2] == given[0].shape[3]
            seen[module.training].append(given[0].shape[2])

    hook = nn.modules.module.register_module_forward_pre_hook(look)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.mark.parametrize("augment", ["small", "photo"])
def test_training_sees_growing_images_and_judging_the_full_ones(toy: Any, augment: str) -> None:
    request = toy(
        folds=1,
        epochs=3,
        augment=augment,
        image_size=24,
        initial_image_size=8,
        workers=0,
        freeze="stages:1",
    )
    with shown() as seen:
        whole = validate.run(request)
    batches = len(seen[True]) // 3
    assert seen[True] == [8] * batches + [16] * batches + [24] * batches
    assert set(seen[False]) == {24}
    assert whole["n"] > 0


def test_small_images_grow_to_their_stored_size(toy: Any) -> None:
    with shown() as seen:
        validate.run(toy(folds=1, epochs=2, initial_image_size=6, backbone="test_resnet"))
    assert (min(seen[True]), max(seen[True]), set(seen[False])) == (6, 8, {8})


def test_growth_leaves_the_rates_as_they_are(toy: Any) -> None:
    fields = {"folds": 1, "epochs": 4, "image_size": 16, "schedule": "one-cycle"}
    logs = [
        checkpoint.read_log(
            Path(validate.run(toy(initial_image_size=side, **fields))["run"]) / "fold0"
        )
        for side in (0, 8)
    ]
    assert [row["rates"] for row in logs[0]] == [row["rates"] for row in logs[1]]
    assert logs[0][0]["train_loss"] != logs[1][0]["train_loss"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"initial_image_size": 32, "image_size": 24},
            "initial_image_size=32 has to be below the full size of 24 pixels",
        ),
        (
            {"initial_image_size": 8},
            "initial_image_size=8 has to be below the full size of 8 pixels",
        ),
        (
            {"initial_image_size": 8, "image_size": 16, "epochs": 1},
            "needs two or more epochs that train the backbone",
        ),
        (
            {"initial_image_size": 8, "image_size": 16, "freeze": "lp-ft:1"},
            "needs two or more epochs that train the backb",
        ),
        (
            {"initial_image_size": 8, "image_size": 16, "freeze": "backbone"},
            "set initial_image_size=0 with freeze",
        ),
        (
            {"initial_image_size": 4, "image_size": 16},
            "not take images of 4x4.*initial_image_size=4.*a larger one",
        ),
        (
            {"initial_image_size": 96, "image_size": 224, "backbone": "vit_tiny_patch16_224"},
            "does not take images of 96x96.*choose a larger one, or 0",
        ),
    ],
)
def test_a_first_size_that_cannot_grow_is_refused(
    toy: Any, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        validate.run(toy(**fields))
