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

NOTES = {
    "quick": Note(
        command="kit digit_traits run",
        metric="f1_macro",
        score=0.9903,
        spread="± 0.0046 (sd over folds)",
        scored_on="5 folds",
        n=1438,
        minutes=1.7,
        hardware="two CPU cores",
        date="2026-11-27",
        remark="The machine was busy (load 8 to 9): it took 46 seconds of processor time.",
    ),
}
