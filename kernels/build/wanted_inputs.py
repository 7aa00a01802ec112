"""The files a request's kernel lacks offline."""

from collections.abc import Sequence
from pathlib import Path

from common.workflow.request import Request
from kernels.build.attachments import attachment, dataset_name, in_words, needs
from kernels.build.kaggle_image import lacking, wheel_of
from kernels.build.spec import KERNELS
from kernels.runtime.inputs import declared

LONGEST_NOTES = 300  # characters


def inputs_of(request: Request, wheels: Sequence[str]) -> tuple[dict[str, Path], str]:
    """The files, by their names there, that the request's kernel lacks offline, and what they are.

    Raises:
        KitError: one is not on this machine, or cannot be fetched.
    """
    recipe = request.recipe
    specs = [*lacking(declared()), *wheels]
    if not needs(recipe) and not specs:
        return {}, ""
    found = sorted({wheel_of(spec, request.cache / "wheels") for spec in specs})
    folder = request.runs / KERNELS / dataset_name(request.slug)[0]
    notes = f"{request.recipe_name}: {in_words(recipe, found)}"[:LONGEST_NOTES]
    return attachment(recipe, found, folder), notes


def of_hub(request: Request, wheels: Sequence[str]) -> bool:
    """Is all that the request's kernel lacks to be had from the hub?"""
    return not wheels and not any(each.is_path for each in needs(request.recipe))
