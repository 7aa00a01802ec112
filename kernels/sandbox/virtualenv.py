"""An interpreter with the kit's declared packages and no others: what its environment consists of.

A virtual environment is a folder with `pyvenv.cfg`, `bin/python`, and its packages in
`site-packages`; here these are the top-level files and folders of each distribution that the kit
declares and of what those declare, from where they are installed.
"""

import re
import shutil
import sys
from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from common.errors import KitError
from kernels.runtime.inputs import BY_PROGRAM

KIT = "kaggle-image-kit"
RAY = "ray"  # the extra that Kaggle's own machine has
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE_PACKAGES = f"lib/{VERSION}/site-packages"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ONLY_EXTRA = re.compile(r"""; *extra *== *["'][^"']+["'] *$""")


def base_python() -> Path:
    """The interpreter that this one's environment was made from."""
    return Path(sys.base_prefix).resolve() / "bin" / VERSION


def settings() -> str:
    """`pyvenv.cfg`: the standard library of the base interpreter, and none of its packages."""
    return f"home = {base_python().parent}\ninclude-system-site-packages = false\n"


@cache
def packages() -> Mapping[str, Path]:
    """What lies in `site-packages`, by name: where it is installed.

    A package that is declared and not installed is left out: who imports it is told there. Of a
    folder that distributions share (`nvidia`, `google`) the whole is there.

    Raises:
        KitError: the kit itself is not installed, or nothing says which files a package has.
    """
    spared = {name for name, program in BY_PROGRAM.items() if shutil.which(program, path=PATH)}
    return {
        top: Path(str(found.locate_file(top))).resolve()
        for found in closure(without=spared)
        for top in _tops(found)
    }


def closure(without: Collection[str] = ()) -> list[Distribution]:
    """The installed distributions that the kit requires, that those require, and so on; each once.

    Args:
        without: names of requirements of the kit that are left out with theirs.

    Raises:
        KitError: the kit itself is not installed.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(KIT, ""), (KIT, RAY)]  # with an extra, or with ""
    while waiting:
        name, extra = each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        try:
            found[name] = found.get(name) or distribution(name)
        except PackageNotFoundError:
            continue
        for text in found[name].requires or []:
            if not extra and ONLY_EXTRA.search(text):  # most of them; to parse them takes a while
                continue
            wanted = Requirement(text)
            theirs = canonicalize_name(wanted.name)
            if (name == KIT and theirs in without) or (
                wanted.marker and not wanted.marker.evaluate({"extra": extra})
            ):
                continue
            waiting += [(theirs, more) for more in ("", *wanted.extras)]
    if found.pop(KIT, None) is None:
        raise KitError(
            f"what a kernel may import is what {KIT} declares, and it is not installed for "
            f"{sys.executable}: pip install -e . in its folder"
        )
    return list(found.values())


def _tops(found: Distribution) -> set[str]:
    """The first components of a distribution's files; `found.files` says it too, six times slower."""
    record = found.read_text("RECORD")
    if record is None:
        raise KitError(
            f"nothing says which files {found.name} {found.version} has (it was not installed by "
            "pip): install the kit into an environment of its own"
        )
    names = {re.split("[/,]", line, maxsplit=1)[0] for line in record.splitlines()}
    return names - {"", "..", "__pycache__"}
