"""Recipes for cassava-leaf-disease-classification, and under `NOTES` what each was measured to do."""

from common.photo_recipes import FEATURES, FINE_TUNED, FROZEN_HEAD
from common.recipe_note import Note

RECIPES = {"quick": FROZEN_HEAD, "features": FEATURES, "strong": FINE_TUNED}

NOTES = {
    "quick": Note(
        command="kit cassava run",
        needs="the competition's files and MobileNetV2's weights",
    ),
    "features": Note(
        command="kit cassava run --recipe features",
        needs="the competition's files and MobileNetV2's weights",
        remark="With some hundred or thousand images, the best to be had in minutes on two cores.",
    ),
    "strong": Note(
        command="kit cassava run --recipe strong",
        needs="the competition's files, ConvNeXt's weights and a GPU",
    ),
}
