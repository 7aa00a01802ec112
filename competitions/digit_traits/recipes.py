"""Recipes for the traits of digits, and under `NOTES` what each was measured to do."""

from common.recipe import Recipe
from common.recipe_note import Note

RECIPES = {
    "quick": Recipe(
        augment="small-shift",
        epochs=10,
        batch_size=64,
        lr=0.2,
        warmup_ratio=0.1,
        views="shifts",
    ),
}

NOTES = {"quick": Note(command="kit digit_traits run", needs="TODO")}
