"""The files a request's kernel lacks offline."""

from collections.abc import Sequence
from pathlib import Path

from common.workflow.request import Request
from kernels.build.attachments import attachment, dataset_name, describe_attachments, needs
from kernels.build.spec import KERNELS
from kernels.build.wheels import wheel_of

LONGEST_NOTES = 300  # characters


def inputs_of(request: Request, wheels: Sequence[str]) -> tuple[dict[str, Path], str]:
    """Collect what the request's kernel needs offline: files by name, and a sentence on them.

    Raises:
        KitError: one is not on this machine, or cannot be fetched.
    """
    recipe = request.recipe
    if not needs(recipe) and not wheels:
        return {}, ""
    found = sorted({wheel_of(spec, request.cache / "wheels") for spec in wheels})
    folder = request.runs / KERNELS / dataset_name(request.slug)[0]
    notes = f"{request.recipe_name}: {describe_attachments(recipe, found)}"[:LONGEST_NOTES]
    return attachment(recipe, found, folder), notes


def of_hub(request: Request, wheels: Sequence[str]) -> bool:
    """Is all that the request's kernel lacks to be had from the hub?"""
    return not wheels and not any(each.is_path for each in needs(request.recipe))
