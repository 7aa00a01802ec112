"""Wheels for Kaggle's machine, fetched by pip: what `--wheel SPEC` attaches to an offline kernel.

Which packages Kaggle lacks is not known here: the kernel compares its own machine with
`pyproject.toml` and names the `--wheel` that is missing (`kernels.runtime.inputs`).
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from common.errors import KitError
from common.progress import say
from common.storage import replacing

PYTHON = "3.12"  # of Kaggle's image, as published in 2026
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def wheel_of(spec: str, cache: Path) -> Path:
    """Download the wheel of a requirement such as 'timm==1.0.27', without its dependencies.

    A wheel that is in `cache` already is returned without asking the index.

    Raises:
        KitError: pip cannot fetch one.
    """
    folder = cache / hashlib.sha256(f"{PYTHON} {spec}".encode()).hexdigest()[:16]
    if not folder.is_dir():
        say(f"fetching a wheel of {spec} for Python {PYTHON}")
        with replacing(folder) as temporary:
            temporary.mkdir()
            _fetch(spec, temporary)
    found = sorted(folder.glob("*.whl"))
    assert found, f"{folder} holds no wheel"
    return found[0]


def _fetch(spec: str, folder: Path) -> None:
    options = (
        f"--quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version {PYTHON} "
        f"--implementation cp --abi cp{PYTHON.replace('.', '')}"
    ).split()
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    pip = [sys.executable, "-m", "pip", "download", *options, *platforms]
    command = [*pip, "--dest", str(folder), "--", spec]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not list(folder.glob("*.whl")):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].removeprefix("ERROR: ") if lines else "it says nothing"
        raise KitError(
            f"--wheel {spec}: pip cannot fetch a wheel of it for Python {PYTHON} ({reason}); check the "
            "spelling and the connection"
        )
