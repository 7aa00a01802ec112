"""An interpreter with the kit's declared packages and no others, made of links in a folder.

It is a virtual environment in all but the making: `pyvenv.cfg`, `bin/python`, and a link for every
top-level file and folder of each distribution that the kit declares, and of what those declare.
"""

import shutil
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from kernels.bundle import ROOT

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
# Kaggle's machine has no py7zr, and opens 7z archives with the program: here too where there is one.
BY_PROGRAM = {"py7zr": "7z"}


def interpreter(folder: Path) -> Path:
    """Make the environment in an empty folder; returns its `bin/python`, relative to the folder."""
    packages = folder / "lib" / VERSION / "site-packages"
    packages.mkdir(parents=True)
    for found in closure(declared()):
        for entry in _entries(found):
            link = packages / entry.name
            if not link.is_symlink():
                link.symlink_to(entry)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(base_python())
    (folder / "pyvenv.cfg").write_text(
        f"home = {base_python().parent}\ninclude-system-site-packages = false\n", encoding="utf-8"
    )
    return Path("bin") / "python"


def base_python() -> Path:
    """The interpreter that this one's environment was made from."""
    return Path(sys.base_prefix).resolve() / "bin" / VERSION


def package_folders() -> set[Path]:
    """The folders that the links lead into."""
    return {entry.parent for found in closure(declared()) for entry in _entries(found)}


def declared() -> list[str]:
    """The requirements of `pyproject.toml`, but those that a program of this machine does as well."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed: list[str] = tomllib.loads(text)["project"]["dependencies"]
    spared = {name for name, program in BY_PROGRAM.items() if shutil.which(program)}
    return [each for each in listed if _name(each) not in spared]


def closure(requirements: Iterable[str]) -> list[Distribution]:
    """The installed distributions of these requirements, of theirs, and so on; each once.

    One that is not installed is left out: who imports it is told there.
    """
    from packaging.requirements import Requirement

    found: dict[tuple[str, frozenset[str]], Distribution | None] = {}
    waiting = [Requirement(each) for each in requirements]
    while waiting:
        wanted = waiting.pop()
        key = (_name(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        try:
            found[key] = here = distribution(wanted.name)
        except PackageNotFoundError:
            found[key] = None
            continue
        extras = wanted.extras or {""}
        for text in here.requires or []:
            theirs = Requirement(text)
            marker = theirs.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(theirs)
    return list({id(each): each for each in found.values() if each is not None}.values())


def _entries(found: Distribution) -> list[Path]:
    """The top-level files and folders of a distribution, where they are installed."""
    tops = {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}
    return [Path(str(found.locate_file(top))).resolve() for top in sorted(tops)]


def _name(requirement: str) -> str:
    """The normalised name that a requirement begins with."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return canonicalize_name(Requirement(requirement).name)
