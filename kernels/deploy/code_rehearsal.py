"""A code competition rehearsed: the predicting kernel is pushed to a local Kaggle and run again on hidden images.

Three predictions are compared: by the run on this machine, by its kernel on the visible test set, and by
the sealed re-run on the hidden one.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from common.kaggle.server.host import Host
from common.kaggle.session import RunKernel
from common.progress import counted, say
from common.runs import Run, locked_run
from common.storage import read_json
from common.workflow.blending import blend
from common.workflow.files import fetch, holds_files, open_files
from common.workflow.find_run import named_run
from common.workflow.pipeline import finished, predicted
from common.workflow.predicting.package import submission_recipe
from common.workflow.request import Request, field_words
from common.workflow.run_results import result_of, scores_of
from common.workflow.submitting.hidden_set import VISIBLE, as_code_competition
from common.workflow.submitting.local_kaggle import environment_set, of_rehearsal
from common.workflow.submitting.rehearsal import hidden_request, tell, worth
from common.workflow.submitting.rehearsal_site import SERVED, make_rehearsal
from common.workflow.submitting.send import send
from kernels.build.predicting import seconds_of
from kernels.deploy.dry_run import difference
from kernels.deploy.predicting import predicting
from kernels.deploy.steps import Steps
from kernels.runtime.predict import REPORT, SUBMISSION

CODE = "code"  # in the rehearsal's folder
LIMIT, MEMORY_MB = "9h", 30_000


@dataclass(frozen=True)
class Terms:
    """What the re-run may take: its time, as `--budget` reads it, and MB of memory; is it a notebook's?"""

    limit: str
    memory_mb: int
    notebook: bool = False

    @property
    def seconds(self) -> float:
        """The time.

        Raises:
            KitError: it is none.
        """
        return seconds_of(self.limit, "--rerun-limit")


def rehearse_code(
    request: Request,
    runs: Sequence[Path],
    terms: Terms,
    run_kernel: RunKernel,
    *,
    share: float,
    seed: int,
) -> dict[str, Any]:
    """Hide a share of the labelled rows, train, push the predicting kernel, have it re-run, compare.

    Args:
        runs: of this rehearsal, that predict in place of the request's recipe.

    Raises:
        SubmissionError: the re-run failed, in the site's words.
    """
    folder = make_rehearsal(request, open_files(request), share=share, seed=seed)
    own = replace(hidden_request(request, folder), data=folder / CODE / "data")
    with locked_run(folder):
        hosted = as_code_competition(
            of_rehearsal(own.competition, folder),
            own.competition,
            folder / SERVED.with_name(VISIBLE),
        )
        hosted = replace(hosted, rerun_s=terms.seconds, rerun_mb=terms.memory_mb)
        with Host([hosted], folder=folder / CODE / "host", run_kernel=run_kernel) as host:
            result = _competed(own, runs, terms, run_kernel, host, folder)
    result |= {"rehearsal": str(folder)} | worth(own, folder, result)
    _tell_compared(result)
    shape = ["--code", *["--notebook"] * terms.notebook]
    tell(request, result, [*shape, "--hidden", f"{share:g}", "--seed", str(seed + 1)])
    return result


def _competed(
    own: Request,
    runs: Sequence[Path],
    terms: Terms,
    run_kernel: RunKernel,
    host: Host,
    folder: Path,
) -> dict[str, Any]:
    """Download, predict here, push and submit; the result with what was compared."""
    if not holds_files(own.data_folder):
        with environment_set(host.environment):
            fetch(own)
    if not runs:
        runs = [Path(finished(own)["run"])]
        own = replace(own, fresh=False)
    judged = folder / CODE / "hidden.csv"  # of the judge: the competitor has no such images
    shutil.copyfile(_predict(replace(own, data=folder / SERVED), runs) / SUBMISSION, judged)
    run, bare = _predict(own, runs), replace(own, words=(), named_recipe=False)
    with environment_set(host.environment):
        steps = Steps(
            predict=(run.folder,),
            budget=terms.limit,
            notebook=terms.notebook,
            no_proof=True,
            no_forecast=True,
        )
        made = predicting(bare, steps, run_kernel)
        kernel = Run(Path(made["run"]))
        _submit(bare, kernel, terms)
    output = host.rerun_output(kernel.read()["kernel"]["slug"], made["version"])
    report = read_json(output / REPORT) if (output / REPORT).is_file() else {}
    return result_of(kernel, scores_of(kernel)) | {
        "of": str(run.folder),
        "visible": difference(run / SUBMISSION, kernel / SUBMISSION),
        "rerun": report | difference(judged, output / SUBMISSION),
        "terms": asdict(terms),
    }


def _predict(request: Request, runs: Sequence[Path]) -> Run:
    """The run, or the blend of several, with a submission.csv for the request's test set."""
    members = []
    for path in runs:
        run = named_run(request, path)
        words = (*request.words_of("runtime"), *field_words(run.recipe(), submission_recipe(run)))
        members.append(Path(predicted(replace(request, words=words), run)["run"]))
    return Run(members[0]) if len(members) == 1 else blend(request, members, kind="greedy")


def _submit(request: Request, kernel: Run, terms: Terms) -> None:
    """Submit the kernel's output, unless it has its score under these terms."""
    told = result_of(kernel, scores_of(kernel))
    if "ref" in told and kernel.read().get("rehearsed") == asdict(terms):
        say(f"{kernel.folder}: submitted before (ref {told['ref']})")
        return
    send(request, kernel=kernel.folder, again=True)  # under other terms, or where it failed
    kernel.note(rehearsed=asdict(terms))


def _tell_compared(result: Mapping[str, Any]) -> None:
    """Say how the kernel's predictions compare with those of this machine."""
    rerun, terms = result["rerun"], result["terms"]
    say("")
    say(f"  visible test set: the kernel's rows, {_alike(result['visible'])} {result['of']}")
    took = f"in {rerun['seconds']:,.0f} s" if "seconds" in rerun else "stopped before its end"
    say(
        f"  hidden test set: {counted(result['hidden'], 'row')} {took} (limits {terms['limit']}, "
        f"{terms['memory_mb']:,} MB), {_alike(rerun)} {result['of']} for these images"
    )
    for text, rows in rerun.get("levels", {}).items():
        say(f"    {counted(rows, 'row')} with {text}")
    if rerun.get("unreadable"):
        say(f"    {counted(len(rerun['unreadable']), 'row')} with the mean prediction")


def _alike(found: Mapping[str, Any]) -> str:
    if found["equal"]:
        return "byte for byte those of"
    much = f", by at most {found['largest']:.2g}" if found.get("largest") else ""
    return f"{found['differing']:,} of them{much} unlike those of"
