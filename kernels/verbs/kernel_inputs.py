"""Upload what a recipe's kernel lacks without the internet: its weights, wheels of packages.

They become one private dataset of yours, which `kernel` attaches. Its files are checked once it is
ready; nothing is uploaded when it holds them already. A recipe from scratch needs none.

Example: kit cifar10 kernel-inputs backbone=local-dir:models/cifar weights=pretrained
"""

from dataclasses import dataclass
from typing import Any

from common.progress import say
from common.workflow import options as shared
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.submitting.local_kaggle import kaggle_of
from kernels.build.attachments import dataset_name
from kernels.build.spec import WHEEL_HELP, Shape
from kernels.build.wanted_inputs import inputs_of
from kernels.deploy.upload import uploaded

SHARED = (shared.field_flags,)


@dataclass(frozen=True)
class Options:
    """What `kernel-inputs` takes beside them."""

    wheel: tuple[str, ...] = flag(WHEEL_HELP, (), metavar="SPEC")


def run(request: Request, options: Options) -> dict[str, Any]:
    """Upload the files that are not there yet; the JSON names the dataset and its files."""
    files, notes = inputs_of(request, options.wheel)
    if not files:
        say(
            f"recipe {request.recipe_name} needs no inputs: it begins from scratch, and Kaggle's machine "
            "has every package"
        )
        return {"dataset": None, "files": 0, "bytes": 0, "uploaded": False, "notes": ""}
    named, size = dataset_name(request.slug), sum(path.stat().st_size for path in files.values())
    with kaggle_of(request, request.data_folder, kept=True) as environment:
        name, sent = uploaded(request, named, files, notes, environment)
    say(f"next: {request.command('kernel', *Shape(wheel=options.wheel).typed())}")
    return {
        "dataset": name,
        "files": len(files),
        "bytes": size,
        "uploaded": sent,
        "notes": notes,
    }
