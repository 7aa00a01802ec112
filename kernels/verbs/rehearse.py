"""Rehearse the competition: hide labelled images as a test set, submit locally, compare CV and score.

Download, train, submit and score against a local Kaggle: no account is needed and no submission is
used. An interrupted rehearsal is resumed by the same command.

--code rehearses it as a code competition: a tenth of the hidden images is the visible test set; the
kernel that predicts is pushed, and run again, sealed and within --rerun-limit and --memory, on all.

Example: kit cifar10 rehearse rows=4000 epochs=3 --hidden 0.2 --seed 0
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.workflow import options as shared
from common.workflow.files import fetch_if_absent
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.submitting.rehearsal import rehearse
from kernels.deploy.code_rehearsal import LIMIT, MEMORY_MB, Terms, rehearse_code
from kernels.sandbox.sealed_run import run_sealed

SHARED = (shared.field_flags, shared.fresh_flags)


@dataclass(frozen=True)
class Options:
    """The options of `rehearse`."""

    hidden: float = flag("share of the labelled rows to hide (default: 0.2)", 0.2)
    seed: int = flag("random seed of the hidden split (default: 0)", 0)
    code: bool = flag("as a code competition: a kernel is re-run on the hidden images", False)
    predict: tuple[Path, ...] = flag(
        "of --code: with runs of this rehearsal (several are blended) in place of a recipe",
        (),
        metavar="RUN",
        several=True,
    )
    notebook: bool = flag("of --code: push a notebook, and not a script", False)
    rerun_limit: str | None = flag(
        f"of --code: time of the re-run (default: {LIMIT})", None, metavar="TIME"
    )
    memory: int | None = flag(f"of --code: its memory (default: {MEMORY_MB})", None, metavar="MB")


def run(request: Request, options: Options) -> dict[str, Any]:
    """Rehearse; the JSON holds CV, public and private score, their standard errors and row counts."""
    memory = MEMORY_MB if options.memory is None else options.memory
    terms = Terms(options.rerun_limit or LIMIT, memory, options.notebook)
    _check(request, options, terms)
    fetch_if_absent(request)
    if not options.code:
        return rehearse(request, share=options.hidden, seed=options.seed)
    share, seed = options.hidden, options.seed
    return rehearse_code(request, options.predict, terms, run_sealed, share=share, seed=seed)


def _check(request: Request, options: Options, terms: Terms) -> None:
    if not options.predict:
        request.check_has_validation()
    given = {
        "--predict": options.predict,
        "--notebook": options.notebook,
        "--rerun-limit": options.rerun_limit,
        "--memory": options.memory,
    }
    for name, value in given.items():
        if value and not options.code:
            raise KitError(
                f"{name} is for the rehearsal of a code competition: add --code, or leave it out"
            )
    if terms.memory_mb <= 0 or not terms.seconds:
        raise KitError(f"--memory {options.memory}: it is a number above 0")
    if options.predict and (request.words or request.named_recipe or request.fresh):
        raise KitError(
            "--predict takes runs as they are: leave --recipe, --fresh and the fields out"
        )
