"""What Kaggle's machine has installed, and the wheels of what it has not or has too old.

As published in 2026: Colab's GPU image (googlecolab/backend-info, commit 03a8903) and Kaggle's own
list (Kaggle/docker-python, commit 01d659b). Versions move: a kernel looks for itself, too.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from common.errors import KitError
from common.progress import say
from common.storage import replacing

PYTHON = "3.12"
VERSIONS: Mapping[str, str] = {
    "accelerate": "1.13.0",
    "albucore": "0.0.24",
    "albumentations": "2.0.8",
    "huggingface-hub": "1.17.0",
    "jinja2": "3.1.6",
    "kaggle": "2.0.2",
    "kagglesdk": "0.1.23",
    "matplotlib": "3.10.0",
    "numpy": "2.0.2",
    "opencv-python": "4.13.0.92",
    "opencv-python-headless": "4.13.0.92",
    "pandas": "2.2.2",
    "pillow": "11.3.0",
    "protobuf": "5.29.6",
    "rich": "13.9.4",
    "safetensors": "0.7.0",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "six": "1.17.0",
    "timm": "1.0.27",
    "torch": "2.11.0+cu128",
    "torchvision": "0.26.0",
    "tqdm": "4.67.3",
}
# Of these no version is published: torch, huggingface-hub, scikit-learn and kaggle bring them.
BROUGHT = ("filelock", "packaging", "requests", "threadpoolctl")
# There is no py7zr, and no need of it: p7zip-full is installed, and the kit opens 7z archives with
# the program 7z where the package is missing.
SPARED = ("py7zr",)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def lacking(requirements: Iterable[str]) -> list[str]:
    """Those of the requirements that Kaggle's machine does not meet."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found = []
    for text in requirements:
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        there = VERSIONS.get(name)
        met = there is not None and wanted.specifier.contains(there, prereleases=True)
        if not met and name not in (*BROUGHT, *SPARED):
            found.append(text)
    return found


def wheel_of(spec: str, cache: Path) -> Path:
    """The wheel of 'timm==1.0.27' for Kaggle's machine, fetched once into `cache`; it alone.

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
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--implementation",
        "cp",
        "--python-version",
        PYTHON,
        "--abi",
        f"cp{PYTHON.replace('.', '')}",
        "--dest",
        str(folder),
        *(word for platform in PLATFORMS for word in ("--platform", platform)),
        "--",
        spec,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not list(folder.glob("*.whl")):
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].removeprefix("ERROR: ") if lines else "it says nothing"
        raise KitError(
            f"--wheel {spec}: pip cannot fetch a wheel of it for Python {PYTHON} ({reason}); check the "
            "spelling and the connection"
        )
