"""Dry run of a kernel before a push: the script runs in the sandbox, and its submission is compared.

The same words run here as they are, by the same code and the same versions: what comes out has to
be equal byte by byte.
"""

import json
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from common.data.table import read_csv
from common.errors import KitError
from common.kaggle.machines import LONGEST_S
from common.kaggle.session import RunKernel, Session
from common.progress import say
from common.runs import Run
from common.storage import read_json, write_json
from common.training.parallel.ray_cluster import REMEDY, is_installed
from common.workflow.files import fetch_if_absent
from common.workflow.pipeline import finished
from common.workflow.prepare import code_of
from common.workflow.request import Request
from kernels.build.spec import BuiltKernel, kernel_words
from kernels.deploy.sampled import sampled, saying, trains_several_at_once
from kernels.runtime.main import MORE_WORDS

PROOF = "proof.json"
LAYOUTS = {"new": "competitions/{slug}", "old": "{slug}"}  # below /kaggle/input


def prove(
    request: Request,
    built: BuiltKernel,
    run_kernel: RunKernel,
    *,
    inputs: Mapping[str, Path],
    sample: int,
    layout: str,
    memory_mb: int,
) -> dict[str, Any]:
    """Run the kernel's script in a sandbox without network and the same command here; compare submissions.

    Args:
        inputs: attached files beside the competition's data, by their path below /kaggle/input.
        sample: number of labelled images to use, with a few epochs of one model, or of two at once, on
            the CPU; 0: all data and the kernel's own command line.
        layout: of /kaggle/input, a key of `LAYOUTS`.
        memory_mb: limit of the sandboxed run.

    Returns:
        `script layout sample rows seconds submission local equal`.

    Raises:
        KitError: the sealed run failed, or its submission is another.
    """
    fetch_if_absent(request)
    here, there = _here_and_there(request, built, sample)
    local = _run_here(here)
    place = LAYOUTS[layout].format(slug=request.competition.slug)
    folder = built.folder / "dry-run"
    if folder.exists():
        shutil.rmtree(folder)
    working, log = folder / "working", folder / "log.jsonl"
    working.mkdir(parents=True)
    say(f"dry run of {built.script} with /kaggle/input/{place}")
    begun = time.perf_counter()
    session = Session(
        script=built.script, working=working, log=log,
        inputs={**mounted(place, here.data_folder), **inputs},
        seconds=built.shape.time_limit or LONGEST_S,
        memory_mb=memory_mb,
        variables={MORE_WORDS: json.dumps(list(kernel_words(there)))} if there != request else {},
    )  # fmt: skip
    with log_told(log):
        ending = run_kernel(session)
    found = working / "submission.csv"
    if ending.status != "COMPLETE" or not found.is_file():
        raise KitError(
            f"the dry run of {built.script} failed: {ending.failure or 'it left no submission.csv'} "
            f"(its whole log: {log})"
        )
    facts = {
        "key": built.key, "script": str(built.script), "layout": place, "sample": sample,
        "rows": len(read_csv(found)), "seconds": round(time.perf_counter() - begun, 1),
        "submission": str(found), "local": str(local), **difference(local, found),
    }  # fmt: skip
    check_equal(facts)
    write_json(built.folder / PROOF, facts)
    say(f"dry run: {facts['rows']:,} rows, byte for byte those of {local} ({facts['seconds']} s)")
    return facts


def _run_here(request: Request) -> Path:
    """The submission of the same words on this machine, by the code and the versions of now.

    Raises:
        KitError: it was made before by others.
    """
    run = Run(Path(finished(request)["run"]))
    facts = run.read()
    if facts["code"] != code_of(request) or facts.get("environments_before"):
        raise KitError(
            f"{run.folder} was made by other code or other versions than are here now, and proves "
            f"nothing of them: `{request.command('run', '--fresh')}` makes it again"
        )
    return run / "submission.csv"


def _here_and_there(request: Request, built: BuiltKernel, sample: int) -> tuple[Request, Request]:
    """What is run here, and what in the sandbox: two models at once, where Kaggle's GPUs do it."""
    recipe, machine = request.recipe, built.kernel.machine
    several = trains_several_at_once(recipe, machine)
    if several and not is_installed():
        say(
            f"  on {machine or 'Kaggle'} Ray, which its image has, trains several models at once; here "
            f"it is not installed ({REMEDY}): the dry run trains them one after another"
        )
    if sample:
        there = sampled(request, sample, built.folder / "sample", several=several)
        return replace(there, words=saying(there.words, processes="1")), there
    if several and not (recipe.processes or torch.cuda.is_available()):
        return request, replace(request, words=saying(request.words, processes="2"))
    return request, request


def mounted(place: str, data: Path) -> dict[str, Path]:
    """The data at a place: as they are, or entry by entry where some lie elsewhere or in one file."""
    if data.is_file():
        return {f"{place}/{data.name}": data.resolve()}
    entries = sorted(data.iterdir())
    if any(each.is_symlink() for each in entries):  # a link out of what is shown leads nowhere
        return {f"{place}/{each.name}": each.resolve() for each in entries}
    return {place: data.resolve()}


def proven(built: BuiltKernel) -> bool:
    """Has this very script been run sealed before, and was its submission the local one?"""
    path = built.folder / PROOF
    return path.is_file() and read_json(path).get("key") == built.key


@contextmanager
def log_told(log: Path) -> Iterator[None]:
    """Say what a session's log holds as it comes."""
    over = threading.Event()

    def tell() -> None:
        told = 0
        while True:
            last = over.wait(0.3)
            lines = log.read_text(encoding="utf-8").split("\n")[:-1] if log.is_file() else []
            for line in lines[told:]:
                for text in json.loads(line)["data"].splitlines():
                    say(f"  | {text}")
            told = len(lines)
            if last:
                return

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def difference(local: Path, sealed: Path) -> dict[str, Any]:
    """`equal`, and where two submissions differ: how many rows, by how much at most."""
    if local.read_bytes() == sealed.read_bytes():
        return {"equal": True}
    one, other = (rows.set_index(rows.columns[0]) for rows in map(read_csv, (local, sealed)))
    if one.shape != other.shape or set(one.index) != set(other.index):
        return {"equal": False, "differing": len(one), "largest": None}
    other = other.loc[one.index, one.columns]
    apart = (one != other).to_numpy()
    found: dict[str, Any] = {"equal": False, "differing": int(apart.any(axis=1).sum())}
    try:
        values = [each.to_numpy()[apart].astype(float) for each in (one, other)]
        return found | {"largest": float(abs(values[0] - values[1]).max(initial=0.0))}
    except ValueError:  # labels, not probabilities
        return found | {"largest": None}


def check_equal(facts: dict[str, Any]) -> None:
    """Raise a KitError if a dry run's submission is not the local one, byte by byte."""
    if facts["equal"]:
        return
    much = f", by at most {facts['largest']:.2g}" if facts["largest"] else ""
    raise KitError(
        f"the dry run's submission differs from the local run's in {facts['differing']:,} of "
        f"{facts['rows']:,} rows{much}: the same code and versions have to give the same bytes, so "
        f"nothing was pushed; compare {facts['submission']} with {facts['local']}"
    )
