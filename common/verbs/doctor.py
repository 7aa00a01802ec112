"""Print Python, torch, device, memory, disk and Kaggle credential, and what is missing.

Example: kit doctor
"""

import shutil
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from common import environment
from common.kaggle.credential_faults import credential_fault
from common.progress import say
from common.recipe import Recipe
from common.typed_fields import STAGES
from common.workflow.options import flag
from common.workflow.request import Catalogue

NEED_GB = 10.0


@dataclass(frozen=True)
class Options:
    """The options of `doctor`."""

    fields: bool = flag("list every recipe field", False)


def run(options: Options, _: Catalogue) -> dict[str, Any]:
    """Inspect this machine and print what is missing; nothing is changed or sent."""
    if options.fields:
        return tell_fields()
    found = {
        "python": sys.version.split()[0],
        **environment.machine(),
        "versions": environment.versions(),
        "device": _device(),
        "free_disk_gb": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
        "credential": _credential(),
    }
    missing = _missing(found)
    versions = found["versions"]
    say(f"Python      {found['python']} on {found['system']}")
    say(
        f"torch       {versions['torch']}, torchvision {versions['torchvision']}, timm {versions['timm']}"
    )
    say(f"device      {found['device']}")
    say(f"machine     {found['cores']} cores, {found['memory_gb']} GB of memory")
    say(f"free disk   {found['free_disk_gb']} GB here")
    say(f"Kaggle      client {versions['kaggle']}, {found['credential'] or 'no credential'}")
    say(
        f"7z          {'py7zr' if _has_py7zr() else shutil.which('7z') or 'nothing opens 7z archives'}"
    )
    for sentence in missing:
        say(f"missing: {sentence}")
    say(
        "next: kit digits run && kit digits submit"
        if missing
        else "nothing is missing; next: kit cifar10 run && kit cifar10 submit"
    )
    return found | {"missing": missing}


def tell_fields() -> dict[str, Any]:
    """Print every recipe field with its default and meaning, by stage."""
    table: dict[str, Any] = {}
    for stage in STAGES:
        say(f"\n{stage}")
        for each in fields(Recipe):
            if each.metadata["stage"] == stage:
                say(f"  {f'{each.name}={each.default}':<26} {each.metadata['meaning']}")
                table[each.name] = each.default
    return table


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return f"{len(names)} GPU: {', '.join(names)} ({memory:.0f} GB each)"
    if torch.backends.mps.is_available():
        return "Apple GPU (mps)"
    return f"no GPU: CPU with {torch.get_num_threads()} threads"


def _credential() -> str:
    from common.kaggle.client import credential

    found = credential()
    return (
        f"{found.kind} of {found.username or 'an unnamed user'} from {found.source}"
        if found
        else ""
    )


def _missing(found: dict[str, Any]) -> list[str]:
    sentences = []
    if fault := credential_fault():
        sentences.append(
            f"a Kaggle key: {fault}; digits and `kit <competition> rehearse` need none"
        )
    if found["free_disk_gb"] < NEED_GB:
        sentences.append(
            f"disk: {found['free_disk_gb']} GB are free, {NEED_GB:.0f} are comfortable"
        )
    sentences += [
        f"the package {name}: `make setup` installs it"
        for name, version in found["versions"].items()
        if version == "missing"
    ]
    if not _has_py7zr() and not shutil.which("7z"):
        sentences.append("a reader of 7z archives: pip install py7zr")
    return sentences


def _has_py7zr() -> bool:
    import importlib.util

    return importlib.util.find_spec("py7zr") is not None
