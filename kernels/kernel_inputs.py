"""Upload what a recipe's kernel lacks without the internet: its weights, wheels of packages.

They become one private dataset of yours, which `kernel` attaches. Its files are checked once it is
ready; nothing is uploaded when it holds them already. A recipe from scratch needs none.

Example: kit cifar10 kernel-inputs backbone=local-dir:models/cifar weights=pretrained
"""

from argparse import ArgumentParser
from typing import Any

from common.kaggle import datasets
from common.progress import counted, say
from common.workflow import flags as shared
from common.workflow.hosting import kaggle_of
from common.workflow.request import Request
from kernels.attached import attachment, dataset_name, in_words, needs
from kernels.image import lacking, wheel_of
from kernels.inputs import declared
from kernels.made import HOST, KERNELS

LONGEST_NOTES = 300  # characters


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    parser.add_argument(
        "--wheel", action="append", default=[], metavar="SPEC",
        help="a wheel to attach beside, such as timm==1.0.27; may be given several times",
    )  # fmt: skip


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    recipe = request.recipe
    specs = [*lacking(declared()), *request.options["wheel"]]
    if not needs(recipe) and not specs:
        say(
            f"recipe {request.recipe_name} needs no inputs: it begins from scratch, and Kaggle's machine "
            "has every package"
        )
        return {"dataset": None, "files": 0, "bytes": 0, "uploaded": False, "notes": ""}
    slug, title = dataset_name(request.slug)
    wheels = sorted({wheel_of(spec, request.cache / "wheels") for spec in specs})
    files = attachment(recipe, wheels, request.runs / KERNELS / slug)
    sizes = {name: path.stat().st_size for name, path in files.items()}
    notes = f"{request.recipe_name}: {in_words(recipe, wheels)}"[:LONGEST_NOTES]
    total = f"{counted(len(files), 'file')} of {sum(sizes.values()):,} bytes"
    place = request.runs / KERNELS / HOST
    with kaggle_of(request, request.data_folder, place=place) as environment:
        there = datasets.settled(slug, environment=environment)
        name, uploaded = f"{there.owner}/{slug}", there.files != sizes
        if uploaded:
            name = datasets.publish(slug, title, files, notes, environment=environment)
    say(f"{name}: {total}, {'ready' if uploaded else 'there already: nothing was uploaded'}")
    return {
        "dataset": name, "files": len(files), "bytes": sum(sizes.values()), "uploaded": uploaded,
        "notes": notes,
    }  # fmt: skip
