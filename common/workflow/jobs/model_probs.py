"""Each trained model's probs of some rows: brought with its job file, or predicted here."""

from collections.abc import Sequence
from pathlib import Path

from common.data.folds import Rows
from common.metrics import Probs
from common.run_files import whole_arrays
from common.training.jobs import Job
from common.training.run_context import RunContext
from common.training.trained_models import predictions
from common.workflow.prepare import Prepared
from common.workflow.run_results import predictions_folder

HELD_OUT = "held-out"


def probs_path(ready: Prepared, job: Job, what: str) -> Path:
    """Where the run keeps a model's probs of the rows called `what`, by its present predict fields."""
    return predictions_folder(ready.run, ready.recipe) / f"{job.name}.{what}.npz"


def model_probs(
    ready: Prepared, jobs: Sequence[Job], what: str, *, context: RunContext, rows: Rows, label: str
) -> list[dict[str, Probs]]:
    """Every job's probs of the context's rows by view group, in the jobs' order."""
    kept = {job.name: whole_arrays(probs_path(ready, job, what)) for job in jobs}
    there = {name: groups for name, groups in kept.items() if groups is not None}
    folders = [ready.run / job.name for job in jobs if job.name not in there]
    found = iter(predictions(context, folders, rows, label=label) if folders else ())
    return [there[job.name] if job.name in there else next(found) for job in jobs]
