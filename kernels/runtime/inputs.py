"""What is attached to a kernel, found and put to use on Kaggle's machine.

The standard library alone is imported here: nothing has been looked at yet.
"""

import hashlib
import importlib
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from common.errors import KitError

FORMAT = "kit inputs 1"
FILE, FOLDER, HUB, WHEEL, RUN = "file", "folder", "hub", "wheel", "run"  # items
PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"  # a kernel carries it
# Kaggle's machine has no py7zr, and opens 7z archives with the program.
BY_PROGRAM: Mapping[str, str] = {"py7zr": "7z"}
DATA = "competitions"  # where the newer layout has the competition's data
DEEPEST = 5  # folders below /kaggle/input: notebooks/<owner>/<slug>/runs/<run>
AGAIN = "`kit <competition> kernel-inputs`"


def known(root: Path, slug: str, sample: str) -> Path:
    """The folder of a competition's files: by its name, in either layout, else by what it holds.

    Args:
        root: `/kaggle/input`.
        sample: the sample submission's file name; "" where there is none.

    Raises:
        KitError: it is not attached, or several folders could be meant.
    """
    for place in (root / DATA / slug, root / slug):
        if place.is_dir():
            return place
    found = sorted(
        {path.parent for path in _files(root, data=True) if sample and path.name == sample}
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise KitError(
            f"{sample} is in several of the attached folders, {', '.join(map(str, found))}: detach "
            f"what does not belong to {slug}"
        )
    there = ", ".join(_attached(root)) or "nothing"
    raise KitError(
        f"the data of {slug} are not attached to this kernel (below {root} there is {there}): add "
        "the competition to its inputs"
    )


def find_attached(root: Path) -> Path | None:
    """The folder of the dataset that the kit made, by its manifest; None when none is attached.

    Raises:
        KitError: several are.
    """
    found = sorted(path.parent for path in _files(root) if _is_manifest(path))
    if len(found) > 1:
        raise KitError(
            f"several datasets of inputs are attached, {', '.join(map(str, found))}: leave one"
        )
    return found[0] if found else None


def words_of(folder: Path, scratch: Path) -> list[str]:
    """The recipe's words for the attached files, which are laid out below `scratch` as they were.

    Repositories of the hub need no word: HF_HUB_CACHE and HF_HUB_OFFLINE are set, which are read
    when the hub's package is imported.

    Raises:
        KitError: a file is missing or damaged.
    """
    words, backbones = [], []
    for number, item in enumerate(items(folder)):
        place = scratch / str(number)
        if item["kind"] == HUB:
            _lay_out_hub(folder, item, scratch / "hub")
            backbones.append(item["text"])
        elif item["kind"] == FOLDER:
            lay_out(folder, item, place)
            backbones.append(f"local-dir:{place}")
        elif item["kind"] == FILE:
            lay_out(folder, item, place)
            words.append(f"{item['field']}={place / item['files'][0]['path']}")
    if any(name.startswith("local-dir:") for name in backbones):
        words.insert(0, f"backbone={'+'.join(backbones)}")
    return words


def install_wheels(folder: Path, target: Path) -> None:
    """Install the attached wheels into a folder and import from there first; no index is asked.

    A wheel is unpacked, which is all that installing it into a folder of its own does, and works
    where there is no pip.

    Raises:
        KitError: one is missing or damaged, or made for another Python.
    """
    wheels = [item["files"][0] for item in items(folder) if item["kind"] == WHEEL]
    for wheel in wheels:
        path = _checked(folder, wheel)
        _check_fits(wheel["path"])
        with ZipFile(path) as archive:
            archive.extractall(target)
        for part in (*target.glob("*.data/purelib"), *target.glob("*.data/platlib")):
            shutil.copytree(part, target, dirs_exist_ok=True)
        print(f"installed {wheel['path']}", flush=True)
    if wheels:
        sys.path.insert(0, str(target))
        others = filter(None, [os.environ.get("PYTHONPATH")])
        os.environ["PYTHONPATH"] = os.pathsep.join([str(target), *others])
        importlib.invalidate_caches()


def check_versions() -> None:
    """Print which versions are here of the packages that the kit declares.

    Raises:
        KitError: one is missing, or not of a version that the kit runs on.
    """
    from packaging.requirements import Requirement

    seen, wrong = [], []
    for text in declared():
        wanted = Requirement(text)
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            found = ""
        seen.append(f"{wanted.name} {found or 'missing'}")
        # A program does it as well; who opens such an archive says what is missing.
        spared = not found and wanted.name in BY_PROGRAM
        if not spared and not (found and wanted.specifier.contains(found, prereleases=True)):
            wrong.append(f"{text} ({found or 'missing'})")
    print(f"packages: {', '.join(seen)}", flush=True)
    if wrong:
        wheels = " ".join(f"--wheel '{each.partition(' (')[0]}'" for each in wrong)
        raise KitError(
            f"this machine lacks what the kit needs: {', '.join(wrong)}; attach it with {AGAIN[:-1]} "
            f"{wheels}`"
        )


def declared() -> list[str]:
    """The packages that the kit declares, as in 'timm>=1.0.27'."""
    facts = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    return list(facts["project"]["dependencies"])


def items(folder: Path) -> list[dict[str, Any]]:
    """What the manifest of a folder lists."""
    path = next(path for path in sorted(folder.iterdir()) if _is_manifest(path))
    items: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["items"]
    return items


def _is_manifest(path: Path) -> bool:
    if not (path.name.startswith("kit-inputs-") and path.suffix == ".json"):
        return False
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


def _lay_out_hub(folder: Path, item: Mapping[str, Any], cache: Path) -> None:
    """A repository as the hub's cache holds it, so that nothing is asked for."""
    place = cache / f"models--{item['repository'].replace('/', '--')}"
    lay_out(folder, item, place / "snapshots" / item["revision"])
    ref = place / "refs" / item["ref"]
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(item["revision"], encoding="utf-8")
    os.environ |= {"HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}


def lay_out(folder: Path, item: Mapping[str, Any], place: Path) -> None:
    """An item's files under their own names, as links to the attached ones."""
    place.mkdir(parents=True)
    for row in item["files"]:
        link = place / row["path"]
        link.parent.mkdir(parents=True, exist_ok=True)
        if row["bytes"]:
            link.symlink_to(_checked(folder, row))
        else:
            link.touch()
    print(f"{item['kind']} {item['text']}: {len(item['files'])} files", flush=True)


def _checked(folder: Path, row: Mapping[str, Any]) -> Path:
    """An attached file whose content is the one that was sent."""
    path = folder / row["name"]
    if not path.is_file():
        raise KitError(f"{path} is not attached: {AGAIN} sends it again")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != row["sha256"]:
            raise KitError(f"{path} is damaged: {AGAIN} sends it again")
    return path


def _check_fits(wheel: str) -> None:
    from packaging.tags import sys_tags
    from packaging.utils import parse_wheel_filename

    if not parse_wheel_filename(wheel)[3] & set(sys_tags()):
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise KitError(f"{wheel} is not for Python {here} on this machine: attach one that is")


def runs_of(root: Path) -> list[Path]:
    """The `run.json` of every run that an attached kernel left."""
    return [each for each in _files(root) if each.name == "run.json" and each.parts[-3] == "runs"]


def _files(root: Path, *, data: bool = False) -> Iterator[Path]:
    """The files below a folder, not too deep, and without the competition's data unless asked for.

    Links are followed: where there are no namespaces, what is attached is linked.
    """
    for place, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        deep = len(Path(place).relative_to(root).parts)
        if deep >= DEEPEST:
            folders.clear()
        if deep == 0 and not data and DATA in folders:
            folders.remove(DATA)
        yield from (Path(place) / name for name in sorted(names))


def _attached(root: Path) -> list[str]:
    """What is attached, by its place below the root."""
    layers = ("competitions", "datasets", "notebooks")
    tops = [
        *root.glob("competitions/*"),
        *root.glob("datasets/*/*"),
        *root.glob("notebooks/*/*"),
        *(each for each in root.glob("*") if each.name not in layers),
    ]
    return sorted(each.relative_to(root).as_posix() for each in tops)
