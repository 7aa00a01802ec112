"""Upload what a recipe's kernel lacks without the internet: its weights, wheels of packages.

They become one private dataset of yours, which `kernel` attaches. Its files are checked once it is
ready; nothing is uploaded when it holds them already. A recipe from scratch needs none.

Example: kit cifar10 kernel-inputs backbone=local-dir:models/cifar weights=pretrained
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from common.kaggle import datasets
from common.progress import counted, say
from common.workflow import flags as shared
from common.workflow.hosting import kaggle_of
from common.workflow.request import Request
from kernels.attached import attachment, dataset_name, in_words, needs
from kernels.image import lacking, wheel_of
from kernels.inputs import declared
from kernels.made import KERNELS, typed

LONGEST_NOTES = 300  # characters


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    wheels(parser)


def wheels(parser: ArgumentParser) -> None:
    """Wheels beside those that Kaggle's machine is known to lack: for the kernel too."""
    parser.add_argument(
        "--wheel", action="append", default=[], metavar="SPEC",
        help="a wheel to attach beside, such as timm==1.0.27; may be given several times",
    )  # fmt: skip


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    files, notes = inputs_of(request)
    if not files:
        say(
            f"recipe {request.recipe_name} needs no inputs: it begins from scratch, and Kaggle's machine "
            "has every package"
        )
        return {"dataset": None, "files": 0, "bytes": 0, "uploaded": False, "notes": ""}
    slug, title = dataset_name(request.slug)
    sizes = {name: path.stat().st_size for name, path in files.items()}
    total = f"{counted(len(files), 'file')} of {sum(sizes.values()):,} bytes"
    with kaggle_of(request, request.data_folder, kept=True) as environment:
        there = datasets.settled(slug, environment=environment)
        name, uploaded = f"{there.owner}/{slug}", there.files != sizes
        if uploaded:
            name = datasets.publish(slug, title, files, notes, environment=environment)
    say(f"{name}: {total}, {'ready' if uploaded else 'there already: nothing was uploaded'}")
    say(f"next: {request.command(typed(request, 'kernel'))}")
    return {
        "dataset": name, "files": len(files), "bytes": sum(sizes.values()), "uploaded": uploaded,
        "notes": notes,
    }  # fmt: skip


def inputs_of(request: Request) -> tuple[dict[str, Path], str]:
    """The files, by their names there, that the request's kernel lacks offline, and what they are.

    Raises:
        ValueError: one is not on this machine, or cannot be fetched.
    """
    recipe = request.recipe
    specs = [*lacking(declared()), *(request.options.get("wheel") or [])]
    if not needs(recipe) and not specs:
        return {}, ""
    wheels = sorted({wheel_of(spec, request.cache / "wheels") for spec in specs})
    folder = request.runs / KERNELS / dataset_name(request.slug)[0]
    notes = f"{request.recipe_name}: {in_words(recipe, wheels)}"[:LONGEST_NOTES]
    return attachment(recipe, wheels, folder), notes


def of_hub(request: Request) -> bool:
    """Is all that the request's kernel lacks to be had from the hub?"""
    return not request.options.get("wheel") and not any(
        each.is_path for each in needs(request.recipe)
    )
