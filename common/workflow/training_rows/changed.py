"""Jobs with the rows that the recipe has them train on: fewer by `noise=`, more by `pseudo=`."""

from common.training.jobs import Job
from common.workflow.prepare import Prepared
from common.workflow.training_rows.noise import heeding_noise
from common.workflow.training_rows.pseudo import with_pseudo_labels


def with_changed_rows(ready: Prepared, jobs: list[Job]) -> tuple[Prepared, list[Job]]:
    """A run and all of its fold jobs, or of its refits, as they train; held-out rows are never touched."""
    if ready.recipe.noise != "none":
        jobs = heeding_noise(ready, jobs)
    if ready.recipe.pseudo != "none":
        return with_pseudo_labels(ready, jobs)
    return ready, jobs
