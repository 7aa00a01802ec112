"""Training jobs as Ray's tasks, on this machine's GPUs or on a cluster without a shared disk.

The driver alone writes the run folder: a task trains in its own machine's cache, yields a log record
after each epoch, and in the end the job file. A job's numbers do not depend on where it is trained.
"""

import io
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from common.errors import KitError
from common.progress import say
from common.storage import replacing
from common.training import checkpoint
from common.training.checkpoint import Record
from common.training.jobs import Job
from common.training.parallel.job_file import unpack
from common.training.parallel.ray_cluster import Cluster
from common.training.parallel.ray_worker import STATE, train_task
from common.training.run_context import RunContext

RETRIES = 2  # of a job whose process or machine dies, within an epoch
LOOK_S, LOOKS = 5.0, 6  # so often without a machine that could train, it is waited for no longer


def processes_wanted(context: RunContext, jobs: int) -> int:
    """How many jobs of so many are trained at once; 1: in this process; 0: as a cluster has room."""
    recipe = context.recipe
    if recipe.ray not in ("auto", "none"):
        return recipe.processes if recipe.processes > 1 else 0
    gpus = torch.cuda.device_count() if context.device.type == "cuda" else 1
    own = recipe.processes or max(1, gpus // recipe.gpus)
    return 1 if recipe.ray == "none" else min(own, jobs)


def run_on_ray(
    jobs: Sequence[Job],
    cluster: Cluster,
    folder: Path,
    probs_of: Callable[[Job], Mapping[str, Path]],
) -> Iterator[tuple[Job, Record | None]]:
    """Train jobs on the cluster into their folders below `folder`.

    Args:
        probs_of: where a job's probs go, as for `unpack`.

    Yields:
        (job, log record) after every epoch, and (job, None) when a job is finished.

    Raises:
        KitError: a job's process died again and again.
        Exception: what a job raised, such as `Diverged`; the others are stopped.
    """
    for job, found in _told(jobs, cluster, folder):
        match found:
            case ("worker", str(name), facts):
                cluster.workers[name] = facts | cluster.workers.get(name, {})
            case ("resumed", _, int(epoch)) if epoch:
                say(f"  {job.name}: resuming after epoch {epoch}")
            case ("epoch", str(name), record):
                _note(cluster.workers.get(name, {}), record)
                if _append(folder / job.name, record):
                    yield job, record
            case ("state", _, content):
                with replacing(folder / job.name / STATE) as temporary:
                    temporary.write_bytes(content)
            case ("file", _, content):
                unpack(io.BytesIO(content), folder / job.name, probs=probs_of(job), named=job.name)
                yield job, None


def _told(jobs: Sequence[Job], cluster: Cluster, folder: Path) -> Iterator[tuple[Job, Any]]:
    """What the jobs' tasks yield, as it comes; a task whose process has died is started again."""
    import ray

    waiting, busy, deaths = deque(jobs), dict[Any, Job](), Counter[tuple[str, int]]()
    watch = _Watch(cluster)
    while waiting or busy:
        while waiting and len(busy) < cluster.limit:
            first = len(jobs) - len(waiting) < cluster.limit
            job = waiting.popleft()
            busy[_started(cluster, job, folder / job.name, check=first)] = job
        job = busy[ready := watch.next_ready([*busy])]
        try:
            yield job, ray.get(next(ready))
        except StopIteration:
            del busy[ready]
        except ray.exceptions.RayError as error:
            del busy[ready]
            if checkpoint.is_finished(folder / job.name):  # its file had come before
                continue
            # Machines may come and go for days: a job that came to a new epoch meanwhile has its tries anew.
            reached = job.name, len(checkpoint.read_log(folder / job.name))
            deaths[reached] += 1
            if not _has_died(error) and cluster.place:
                say(f"  {job.name} has failed on {_address(error)}:")
            if not _has_died(error) or deaths[reached] > RETRIES:
                raise _raised(error, job) from None
            say(f"  {job.name}: its process has died ({type(error).__name__}) and is started again")
            waiting.appendleft(job)


def _started(cluster: Cluster, job: Job, folder: Path, *, check: bool) -> Any:
    """A job's task, from what the run has of it; a dead one is started anew here, and not by Ray."""
    import ray

    # Told here and not by `options`, a task's GPUs make Ray give it a process of its own: one that goes
    # on would keep its first job's GPU, whichever comes next.
    task = ray.remote(num_returns="streaming", max_retries=0, **cluster.needs)(train_task)
    return task.remote(job, _begun(folder), [cluster.shared], check)


class _Watch:
    """Waits for tasks, and looks now and then which machines are there."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.looked, self.lacking = cluster, time.monotonic(), 0

    def next_ready(self, tasks: list[Any]) -> Any:
        """The first of the tasks that has something to tell.

        Raises:
            KitError: no machine that could train has been there for a while.
        """
        import ray

        while True:
            if time.monotonic() - self.looked > LOOK_S:
                self._look()
            (*ready,), _ = ray.wait(tasks, num_returns=1, timeout=LOOK_S)
            if ready:
                return ready[0]

    def _look(self) -> None:
        self.looked = time.monotonic()
        self.lacking = 0 if self.cluster.count_room() else self.lacking + 1
        if self.lacking > LOOKS:
            raise KitError(f"{self.cluster.lacks()}; then run the same command again to resume")


def _begun(folder: Path) -> dict[str, bytes]:
    """The files of a job that was begun in the run folder, by an earlier call or on features."""
    found = {name: folder / name for name in (STATE, "log.jsonl")}
    if not checkpoint.is_begun(folder):
        return {}
    return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


def _append(folder: Path, record: Record) -> bool:
    """Add a record to the job's log; False where an earlier call has."""
    folder.mkdir(exist_ok=True)
    if any(each["epoch"] == record["epoch"] for each in checkpoint.read_log(folder)):
        return False
    checkpoint.append_log(folder, record)
    return True


def _note(worker: dict[str, Any], record: Record) -> None:
    for name, key in (("host_mb", "peak_memory_mb"), ("device_mb", "device_peak_mb")):
        if key in record:
            worker[name] = round(max(record[key], worker.get(name, 0.0)), 1)


def _has_died(error: Any) -> bool:
    """Has a task's process or machine died? Else the task itself has raised something."""
    return not isinstance(getattr(error, "cause", None), Exception)


def _address(error: Any) -> str:
    """The address of the machine on which a task has raised something: only the text always has it."""
    found = re.search(r"\bip=([^\s,)]+)", str(error))
    return found[1] if found else "another machine"


def _raised(error: Any, job: Job) -> Exception:
    """What a task raised, or its death in a sentence."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        if not isinstance(cause, KitError):
            cause.add_note(str(error))
        return cause
    return KitError(
        f"the process that was training {job.name} has died, {RETRIES + 1} times in an epoch "
        f"({type(error).__name__}): if memory ran out, lower processes= or batch_size=; run the same "
        "command again to resume"
    )
