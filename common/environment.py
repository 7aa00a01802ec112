"""Software versions, machine, GPU, memory and git commit, recorded with every run."""

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "accelerate",
    "albumentations",
    "opencv-python-headless",
    "numpy",
    "pandas",
    "scikit-learn",
    "kaggle",
)


def versions() -> dict[str, str]:
    """Installed versions by package; 'missing' if not installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def git_commit(folder: Path) -> str:
    """A folder to its git commit, with '+changes' if files differ; '' outside a repository."""
    try:
        head = git(folder, "rev-parse", "HEAD").strip()
        return head + ("+changes" if git(folder, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def memory_mb() -> float:
    """This process's anonymous resident memory in MB, without memory-mapped image stores."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def environment() -> dict[str, Any]:
    """Versions, machine, threads and GPUs, on which results depend beside recipe, data and code."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "versions": versions(),
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "gpus": gpus,
    }


def machine() -> dict[str, Any]:
    """Operating system, processor count and memory in GB."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {"system": platform.platform(), "cores": os.cpu_count(), "memory_gb": round(pages, 1)}


def git(folder: Path, *words: str) -> str:
    """A folder and git's arguments to its output, also in a repository of another user.

    Git refuses other users' repositories because their settings may start programs; here the
    repository's own program is running already.

    Raises:
        OSError: git is not installed.
        CalledProcessError: git refuses.
    """
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
