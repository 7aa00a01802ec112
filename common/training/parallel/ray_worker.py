"""What a Ray task does: open the run's context once a process, train a job, yield its file."""

import io
import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from common.data.pixels.bit_depth import Depth
from common.data.pixels.store import Store
from common.environment import environment
from common.inference.evaluator import Evaluator, Weights
from common.recipe import Recipe
from common.recipe_values import model_folders, with_model_folders
from common.runs import digest_file, digest_of
from common.storage import locked, replacing
from common.targets import Targets
from common.training import checkpoint
from common.training.checkpoint import Record
from common.training.jobs import Job
from common.training.memory import check_memory, train_job
from common.training.parallel.job_file import HELD_OUT, save_groups, write_job_file
from common.training.parallel.node_files import fetched, node_cache
from common.training.parallel.ray_machines import Alike
from common.training.run_context import RunContext, open_run_context
from common.training.trained_models import predictions

STATE = "resume.pt"
STATE_RATE = 2 << 20  # bytes a second and job: 64 jobs take an eighth of a line of 10 Gbit/s


@dataclass(frozen=True)
class Work:
    """A run's context as plain values, for machines where its files may be elsewhere.

    Attributes:
        node: Ray's id of the driver's machine, where all paths are as they stand here.
        keys: of the files that other machines need: content key by `store`, or by what the recipe names.
    """

    key: str
    node: str
    cache: Path
    recipe: Recipe
    store: tuple[Path, list[str], Any, Depth]
    targets: Targets
    weights: Weights | None
    evaluator: Evaluator
    threads: int
    keys: dict[str, str]
    alike: Alike | None


def work_of(
    context: RunContext, *, key: str, node: str, alike: Alike | None
) -> tuple[Work, dict[str, Path]]:
    """A run's context as `Work`, and its files by content key."""
    store, recipe = context.store, context.recipe
    if context.device.type == "cuda":  # another GPU's model could otherwise choose a different one
        recipe = replace(recipe, precision=context.precision)
    files = {"store": (f"stores/{store.folder.name}", store.folder)}
    named = [path for path in model_folders(recipe) if path.is_dir()]
    named += [path for path in (Path(recipe.weights),) if path.is_file()]
    for path in named:
        files[str(path)] = (f"weights/{_content_key(path)}", path.resolve())
    work = Work(
        key,
        node,
        context.cache.resolve(),
        recipe,
        (store.folder, store.digests, store.channels, store.depth),
        context.targets,
        context.weights,
        context.evaluator,
        threads=torch.get_num_threads(),
        keys={name: each for name, (each, _) in files.items()},
        alike=alike,
    )
    return work, dict(files.values())


def train_task(
    job: Job, begun: dict[str, bytes], shared: list[Any], check: bool
) -> Iterator[tuple[str, str, Any]]:
    """Train a job in this machine's cache.

    Args:
        begun: files of the job that the run has: of a linear probe, or of a machine that was lost.
        shared: Ray's reference of `Work`, in a list so that Ray does not read it anew for each job.
        check: try first whether it fits in the GPU's memory.

    Yields:
        ("worker", its name, facts), ("resumed", name, epoch), ("epoch", name, log record), to another
        machine now and then ("state", name, bytes of the last epoch's checkpoint), in the end
        ("file", name, bytes).
    """
    me = f"{platform.node()}-{os.getpid()}"
    context, key, facts = _open(shared[0])
    yield "worker", me, facts
    folder = context.cache / "jobs" / key / job.name
    with locked(folder):
        _lay(folder, begun)
        done = _epoch(folder)
        yield "resumed", me, done
        for record in checkpoint.trim_log(folder, done):
            yield "epoch", me, record
        if not checkpoint.is_finished(folder):
            if check:
                check_memory(job, context)
            sent = time.monotonic()
            for record in train_job(job, context, folder):
                yield "epoch", me, record
                if facts["elsewhere"] and (state := _state_of(folder, record, sent)):
                    yield "state", me, state
                    sent = time.monotonic()
        if job.held_out is not None:
            label = f"judging {job.name}"
            found = predictions(context, [folder], job.held_out, label=label)
            save_groups(folder / HELD_OUT, next(iter(found)))
        path = folder / "job.zip"
        write_job_file(path, folder, {"job": job.name, "environment": environment()})
        yield "file", me, path.read_bytes()
        shutil.rmtree(folder)


def _state_of(folder: Path, record: Record, sent: float) -> bytes:
    """The checkpoint of a record's epoch, if it may travel, at `STATE_RATE` in the mean; else nothing.

    The processes of several GPUs go on meanwhile: theirs may not be there yet, or be a later one.
    """
    try:
        if (folder / STATE).stat().st_size > STATE_RATE * (time.monotonic() - sent):
            return b""
        state = (folder / STATE).read_bytes()
    except FileNotFoundError:
        return b""
    return state if _epoch_of(state) == record["epoch"] else b""


@lru_cache(maxsize=1)
def _open(shared: Any) -> tuple[RunContext, str, dict[str, Any]]:
    """The run's context in this process, its key, and what opening it took."""
    import ray

    begun = time.perf_counter()
    work, reader = ray.get(shared)
    torch.set_num_threads(work.threads)  # another number of threads sums in another order
    recipe, (place, *more), cache = work.recipe, work.store, work.cache
    here = ray.get_runtime_context().get_node_id()
    if work.alike:
        work.alike.check(here)
    if here != work.node:
        cache = node_cache()
        there = {name: fetched(reader, key, cache / key) for name, key in work.keys.items()}
        place = there["store"]
        if (weights := str(Path(recipe.weights))) in there:
            recipe = replace(recipe, weights=str(next(there[weights].iterdir())))
        folders = (there.get(str(each), each) for each in model_folders(recipe))
        recipe = with_model_folders(recipe, folders)
    context = open_run_context(
        recipe,
        Store(place, *more),
        work.targets,
        weights=work.weights,
        evaluator=work.evaluator,
        cache=cache,
        trained=False,
    )
    facts = {"opening_seconds": round(time.perf_counter() - begun, 2), "node": platform.node()}
    facts["elsewhere"] = here != work.node
    if context.device.type == "cuda":
        facts["gpu"] = ray.get_gpu_ids()[0]
    return context, work.key, facts


def _lay(folder: Path, begun: dict[str, bytes]) -> None:
    """Write the files that the run has where this machine has none of the job's, or earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_finished(folder) or not begun:
        return
    if checkpoint.is_begun(folder) and _epoch(folder) >= _epoch_of(begun[STATE]):
        return
    for name in sorted(begun):  # the checkpoint last
        with replacing(folder / name) as temporary:
            temporary.write_bytes(begun[name])


def _epoch(folder: Path) -> int:
    """The epochs that are done, by the job's files on this machine."""
    if checkpoint.is_finished(folder):
        return len(checkpoint.read_log(folder))
    state = checkpoint.load_state(folder)
    return int(state["epoch"]) if state else 0


def _epoch_of(state: bytes) -> int:
    return int(torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)["epoch"])


def _content_key(path: Path) -> str:
    if path.is_file():
        return digest_file(path)
    return digest_of("".join(map(digest_file, sorted(path.glob("*.*")))).encode())
