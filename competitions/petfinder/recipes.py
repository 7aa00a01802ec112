"""Recipes for petfinder-pawpularity-score, and under `NOTES` what each was measured to do."""

from dataclasses import replace

from common.photo_recipes import FINE_TUNED, FROZEN_HEAD
from common.recipe_note import Note

RECIPES = {
    "quick": replace(FROZEN_HEAD, loss="bce_range"),
    "strong": replace(FINE_TUNED, loss="bce_range"),
}

NOTES = {
    "quick": Note(
        command="kit petfinder run",
        needs="the competition's files and MobileNetV2's weights",
    ),
    "strong": Note(
        command="kit petfinder run --recipe strong",
        needs="the competition's files, ConvNeXt's weights and a GPU",
    ),
}
