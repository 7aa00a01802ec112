"""List image files and class folders on disk; hidden files and link loops are skipped."""

import os
from collections.abc import Iterator
from pathlib import Path

from common.data.archives.formats import is_named_archive

IMAGES = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# What lies beside images and is none. Anything else must decode: a strange file is told, not lost.
NOT_IMAGES = (
    ".csv",
    ".db",
    ".htm",
    ".html",
    ".ini",
    ".ipynb",
    ".json",
    ".log",
    ".md",
    ".pdf",
    ".py",
    ".tsv",
    ".txt",
    ".xml",
    ".yaml",
    ".yml",
)
NOT_OURS = ("__MACOSX",)
EXAMPLE = "train/<class>/1.jpg or <class>/1.jpg"


def visible_folders(place: Path) -> list[Path]:
    """The folders of a place, in order, without hidden ones."""
    return sorted(
        each
        for each in place.iterdir()
        if each.is_dir() and _is_ours(each.name) and not leads_up(each)
    )


def full_folders(place: Path) -> list[Path]:
    """The folders of a place that hold an image, however deep, in order."""
    return [each for each in visible_folders(place) if _holds_images(each)]


def loose_images(place: Path) -> list[str]:
    """The names of the images directly in a folder, not in its sub-folders."""
    return [each.name for each in place.iterdir() if each.suffix.lower() in IMAGES]


def leads_up(place: Path) -> bool:
    """Is it a link to a folder that it lies in?"""
    target, folder = os.path.realpath(place), os.path.realpath(place.parent)  # loops are no error
    return place.is_symlink() and Path(folder).is_relative_to(target)


def images_below(
    place: Path, root: Path, skipped: list[str] | None = None
) -> list[tuple[str, str]]:
    """The images below a place, however deep: (path from the root with slashes, path), in order.

    No folder is entered twice: links to one that was are put into `skipped`.
    """
    within = place.relative_to(root).as_posix()
    found = []
    for parent, names in _walk(place, [] if skipped is None else skipped):
        inner = within + parent[len(str(place)) :].replace(os.sep, "/")
        found += [
            (f"{inner}/{name}", f"{parent}{os.sep}{name}") for name in names if _is_image(name)
        ]
    return sorted(found)


def _holds_images(place: Path) -> bool:
    return any(any(map(_is_image, names)) for _, names in _walk(place, []))


def _walk(place: Path, skipped: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Every folder below a place, links followed once, and the names of its files."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(place, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen or leads_up(Path(parent)):
            skipped.append(parent)
            folders[:] = []
            continue
        seen.add(real)
        # Links come last: what they lead to keeps its own path.
        ours = filter(_is_ours, folders)
        folders[:] = sorted(ours, key=lambda name: (Path(parent, name).is_symlink(), name))
        yield parent, names


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name not in NOT_OURS


def _is_image(name: str) -> bool:
    return _is_ours(name) and not name.lower().endswith(NOT_IMAGES) and not is_named_archive(name)
