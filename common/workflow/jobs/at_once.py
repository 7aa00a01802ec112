"""Jobs trained one after another in this process, or several at once on Ray; memory noted."""

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

from common.environment import memory_mb
from common.errors import KitError
from common.progress import say
from common.runs import fingerprint
from common.training.checkpoint import Record
from common.training.devices import device_peak
from common.training.jobs import Job
from common.training.memory import check_memory, train_job
from common.training.parallel.job_file import HELD_OUT
from common.training.parallel.ray_cluster import REMEDY, is_installed, open_cluster
from common.training.parallel.ray_jobs import processes_wanted, run_on_ray
from common.training.run_context import RunContext
from common.workflow.jobs.model_probs import HELD_OUT as HELD_OUT_ROWS
from common.workflow.jobs.model_probs import probs_path
from common.workflow.prepare import Prepared, code_of


def jobs_at_once(setting: RunContext, jobs: int) -> int:
    """How many jobs are trained at once, 0 for as many as a cluster takes; 1: here, without Ray.

    Where Ray is missing they are trained here one after another, which is said.

    Raises:
        KitError: a cluster is named, and Ray is missing.
    """
    count = processes_wanted(setting, jobs)
    if count == 1 or is_installed():
        return count
    if not count:
        raise KitError(f"ray={setting.recipe.ray}: Ray is not installed: {REMEDY}")
    say(
        f"  {count} models could be trained at once, by Ray, which is not installed ({REMEDY}): "
        "they are trained one after another"
    )
    return 1


def trained_jobs(
    ready: Prepared, jobs: Sequence[Job], count: int
) -> Generator[tuple[Job, Record | None]]:
    """Train jobs, so many at once: (job, log record) after every epoch, (job, None) after a job."""
    if count == 1:
        check_memory(jobs[0], ready.setting)
        for job in jobs:
            for record in train_job(job, ready.setting, ready.run / job.name):
                yield job, record
            yield job, None
        return
    run = ready.run
    key = fingerprint(str(run.folder.resolve()), run.read()["begun"])
    code = partial(code_of, ready.request)
    with open_cluster(ready.setting, count, key=key, code=code) as cluster:
        for job, found in run_on_ray(jobs, cluster, run.folder, partial(_probs, ready)):
            if found is None:
                _note_workers(ready, [*cluster.workers.values()], cluster.limit)
            yield job, found


def _probs(ready: Prepared, job: Job) -> dict[str, Any]:
    return {HELD_OUT: probs_path(ready, job, HELD_OUT_ROWS)}


def note_memory(ready: Prepared) -> None:
    """Record this process's memory, and the most that it has taken on a GPU."""
    peaks = {"host": memory_mb()}
    for peak in device_peak(ready.setting.device).values():
        peaks["device"] = peak
    ready.run.note_peak_memory(**peaks)


def _note_workers(ready: Prepared, workers: Sequence[dict[str, Any]], at_once: int) -> None:
    """Record the memory and start-up time of the training processes, so many of them at once."""
    run = ready.run
    run.note(processes=workers)
    host = sorted(each.get("host_mb", 0.0) for each in workers)[-at_once:]
    run.note_peak_memory(host=memory_mb() + sum(host))
    largest = [each["device_mb"] for each in workers if "device_mb" in each]
    if largest:  # beside it this process keeps the images there
        here = sum(device_peak(ready.setting.device).values())
        shared = -(-at_once // max(1, len({each["gpu"] for each in workers})))
        run.note_peak_memory(device=here + shared * max(largest))
