"""Build a kernel that only predicts: a script, the same as a notebook, and the dataset that it needs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.client.kernels import Kernel, slug_of
from common.kaggle.credential import client_environment, known_secrets
from common.kaggle.machines import LONGEST_S, NO_GPU, T4S
from common.runs import Run, fingerprint
from common.storage import write_json, write_text
from common.workflow.predicting.package import package_of
from common.workflow.request import Request
from kernels.build.attachments import dataset_name, predictor_attachment
from kernels.build.bundle import PREDICTS, bundle, check_secrets, code_of
from kernels.build.notebook import notebook_of
from kernels.build.spec import (
    KERNELS,
    METADATA,
    OWNER,
    SCRIPT,
    BuiltKernel,
    Shape,
    metadata,
    title_of,
)
from kernels.build.wheels import wheel_of
from kernels.build.words import USUAL_S

NOTEBOOK = "kernel.ipynb"
ENDING = "-kit-predict"
BUDGET = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|)")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}
DOES = (
    "Predicts the test set that is attached with models that were trained elsewhere, and nothing else: it "
    "needs no training data and no internet. A valid `submission.csv` exists from the first minute."
)


@dataclass(frozen=True)
class BuiltPredictor:
    """A predicting kernel on disk.

    Attributes:
        files: of its dataset, by their flat names there.
        dataset: the slug and the title of that dataset.
    """

    built: BuiltKernel
    run: Run
    files: Mapping[str, Path]
    dataset: tuple[str, str]


def seconds_of(budget: str, name: str = "--budget") -> float:
    """'8h', '90m' or '600' to seconds.

    Raises:
        KitError: it is none of these, or more than Kaggle lets a kernel run.
    """
    match = BUDGET.fullmatch(budget.strip().lower())
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= LONGEST_S:
        raise KitError(
            f"{name} {budget}: it is a time above 0 and up to {LONGEST_S // 3600}h, as 8h, 90m or 600"
        )
    return seconds


def build_predictor(
    request: Request, shape: Shape, run: Run, *, budget: str | None
) -> BuiltPredictor:
    """Write the script, the notebook, `kernel-metadata.json` and the manifest of a run's predicting kernel.

    Raises:
        KitError: the run cannot predict another test set, or the script would carry what it must not.
    """
    competition, digits = request.competition, run.folder.name.rpartition("-")[2]
    package = package_of(request, run)
    title = title_of(f"kit {competition.name.replace('_', '-')} predict {digits}")
    slug = slug_of(title)
    folder = request.runs / KERNELS / slug
    wheels = sorted({wheel_of(spec, request.cache / "wheels") for spec in shape.wheel})
    files = predictor_attachment(package, wheels, folder)
    limit = float(shape.time_limit or USUAL_S)
    seconds = min(limit, seconds_of(budget)) if budget else limit
    facts = {
        "competition": competition.name,
        "slug": competition.slug,
        "sample": competition.sample,
        "run": run.folder.name,
        "seconds": seconds,
    }
    code = code_of(competition.name)
    check_secrets(code, known_secrets(client_environment()))
    told = f"{competition.title}: predicts as {run.folder.name} does"
    text = bundle(told, facts, code, call=PREDICTS)
    gpu = shape.machine or T4S
    dataset = dataset_name(competition.slug, f"-{digits}{ENDING}")
    kernel = Kernel(
        slug=slug,
        title=title,
        text=text,
        machine="" if gpu == NO_GPU else gpu,
        internet=False,  # the re-run of a code competition has none
        competitions=(competition.slug,),
        datasets=(f"{OWNER}/{dataset[0]}",),
        docker_pin=shape.docker_pin or "original",
        docker_image=shape.docker_image or "",
        seconds=shape.time_limit or 0,
    )
    write_text(folder / SCRIPT, text)
    write_text(folder / NOTEBOOK, notebook_of(text, told, DOES))
    write_json(folder / METADATA, metadata(kernel))
    key = fingerprint(text, metadata(kernel), kernel.seconds, sorted(files))
    named = replace(request, words=(), run=None, named_recipe=False)
    return BuiltPredictor(BuiltKernel(folder, kernel, key, None, shape, named), run, files, dataset)


def typed(predictor: BuiltPredictor, budget: str | None, *more: str) -> str:
    """The command that makes this kernel."""
    words: Sequence[Any] = ["--budget", budget] if budget else []
    return predictor.built.typed("kernel", "--predict", str(predictor.run.folder), *words, *more)
