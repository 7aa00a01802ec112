"""Build a kernel that only predicts: a script, the same as a notebook, and the dataset that it needs."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.competition import Competition
from common.errors import KitError
from common.kaggle.client.kernels import Kernel, slug_of
from common.kaggle.credential import client_environment, known_secrets
from common.kaggle.machines import LONGEST_S, NO_GPU, T4S
from common.runs import Run, fingerprint
from common.storage import write_json, write_text
from common.workflow.predicting.contents import Package
from common.workflow.predicting.levels import Level
from common.workflow.predicting.members import Node, levels_of_node, models_of, open_package
from common.workflow.predicting.package import laid_out
from common.workflow.request import Request
from kernels.build.attachments import dataset_name, predictor_attachment
from kernels.build.bundle import PREDICTS, bundle, check_secrets, code_of
from kernels.build.notebook import notebook_of
from kernels.build.spec import (
    KERNELS,
    METADATA,
    NOTEBOOK,
    OWNER,
    SCRIPT,
    BuiltKernel,
    Shape,
    metadata,
    title_of,
)
from kernels.build.wheels import wheel_of
from kernels.build.words import USUAL_S

ENDING = "-kit-predict"
NOTEBOOKS = " notebook"  # ends their titles: Kaggle makes no notebook of what was a script
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
        package: the folder of the run's package, laid out as in the kernel.
        levels: what it does, and falls back on for time; empty: all of the ensemble first.
        exact: is its submission for the visible test set the run's own, byte by byte?
        files: of its dataset, by their flat names there.
        dataset: the slug and the title of that dataset.
    """

    built: BuiltKernel
    run: Run
    package: Path
    levels: Sequence[Level]
    exact: bool
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


def folder_of(request: Request, run: Run, *, notebook: bool = False) -> Path:
    """Where a run's predicting kernel is built."""
    return request.runs / KERNELS / slug_of(_title(request, run, notebook=notebook))


def _title(request: Request, run: Run, *, notebook: bool) -> str:
    digits = run.folder.name.rpartition("-")[2]
    name = f"kit {request.competition.name.replace('_', '-')} predict {digits}"
    return title_of(name, NOTEBOOKS * notebook)


def lay_out_package(request: Request, package: Package, *, notebook: bool = False) -> Path:
    """The package's folder, as the kernel finds it."""
    folder = folder_of(request, package.run, notebook=notebook) / "package"
    if folder.exists():
        shutil.rmtree(folder)
    return laid_out(package, folder)


def build_predictor(
    request: Request,
    shape: Shape,
    package: Package,
    *,
    seconds: float,
    levels: Sequence[Level] = (),
    timed: bool = True,
) -> BuiltPredictor:
    """Write the script, the notebook, `kernel-metadata.json` and the manifest of a run's predicting kernel.

    Args:
        seconds: that it has.
        timed: does it measure how long the hidden test set will take?

    Raises:
        KitError: the script would carry what it must not.
    """
    competition, run = request.competition, package.run
    digits = run.folder.name.rpartition("-")[2]
    title = _title(request, run, notebook=shape.notebook)
    folder = folder_of(request, run, notebook=shape.notebook)
    wheels = sorted({wheel_of(spec, request.cache / "wheels") for spec in shape.wheel})
    files = predictor_attachment(package, wheels, folder)
    text, cells = _texts(
        competition,
        run=run.folder.name,
        seconds=seconds,
        levels=[(each.views, each.models) for each in levels],
        timed=timed,
    )
    gpu = shape.machine or T4S
    dataset = dataset_name(competition.slug, f"-{digits}{ENDING}")
    kernel = Kernel(
        slug=folder.name,
        title=title,
        text=cells if shape.notebook else text,
        notebook=shape.notebook,
        machine="" if gpu == NO_GPU else gpu,
        internet=False,  # the re-run of a code competition has none
        competitions=(competition.slug,),
        datasets=(f"{OWNER}/{dataset[0]}",),
        docker_pin=shape.docker_pin or "original",
        docker_image=shape.docker_image or "",
        seconds=shape.time_limit or 0,
    )
    write_text(folder / SCRIPT, text)
    write_text(folder / NOTEBOOK, cells)
    write_json(folder / METADATA, metadata(kernel))
    key = fingerprint(kernel.text, metadata(kernel), kernel.seconds, sorted(files))
    named = replace(request, words=(), run=None, named_recipe=False)
    built, place = BuiltKernel(folder, kernel, key, None, shape, named), folder / "package"
    exact = _is_exact(open_package(competition, place)[0], package, levels)
    return BuiltPredictor(built, run, place, levels, exact, files, dataset)


def _texts(competition: Competition, **facts: Any) -> tuple[str, str]:
    """The script and the notebook that predict by these facts."""
    code = code_of(competition.name)
    check_secrets(code, known_secrets(client_environment()))
    facts |= {
        "competition": competition.name,
        "slug": competition.slug,
        "sample": competition.sample,
    }
    told = f"{competition.title}: predicts as {facts['run']} does"
    text = bundle(told, facts, code, call=PREDICTS)
    return text, notebook_of(text, told, DOES)


def _is_exact(node: Node, package: Package, levels: Sequence[Level]) -> bool:
    """Are the kernel's rows of the visible test set the run's own, byte by byte?"""
    whole = not levels or levels[0] == levels_of_node(node)[0]
    return whole and not package.half and all(each.certain is None for each in models_of(node))


def limit_of(shape: Shape, budget: str | None) -> float:
    """The seconds that a kernel plans with."""
    limit = float(shape.time_limit or USUAL_S)
    return min(limit, seconds_of(budget)) if budget else limit
