"""Archives, and the archives inside them, into one folder."""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from common.data.archives.beside import is_unpacked
from common.data.archives.extract import BY_HAND, archives_in, listing_of, unpacking
from common.data.archives.kinds import is_named_archive, is_unread, stem_of
from common.data.archives.pack import Packing, is_packed
from common.data.archives.pieces import pieces_of
from common.data.archives.safety import PACKS, Member, judge, place_of
from common.data.archives.writer import Listing, Steps
from common.errors import KitError
from common.progress import say

DEEPEST = 4
AT_ONCE = 2  # archives: each decompresses on a thread of its own, with a dictionary of up to 1 GB


@dataclass(frozen=True)
class _Job:
    """An archive to unpack: where it lies, where its members go, and the one that it came in."""

    archive: Path
    into: Path
    origin: Path

    @property
    def is_inner(self) -> bool:
        return self.archive != self.origin


class _Folder:
    """The folder that is being filled: what it holds so far."""

    def __init__(self, root: Path, packed: bool) -> None:
        self.root, self.packed = root, packed
        self._used, self._waiting, self._packs = 0, 0, 0
        self._taken: dict[str, int] = {}
        self._folders: set[str] = set()
        self._found = _sizes_below(root)
        self._there = sum(self._found.values())  # bytes that need no more room; each counts once

    def level(self, jobs: Sequence[_Job]) -> list[_Job]:
        """Unpack archives that lie equally deep; return those that were in them."""
        jobs = [job for job in jobs if not (job.is_inner and self._stands_beside(job))]
        self._waiting, plans = 0, []
        for job in jobs:
            with _told(job):
                plans.append(self._judged(job))
        _in_turns([self._steps(job, listing) for job, listing in plans])
        inner = []
        for job, listing in plans:
            found, _ = archives_in(job.into / name for name in _called_archives(listing.members))
            inner += [_Job(path, path.parent, job.origin) for path in found]
        return inner

    def _judged(self, job: _Job) -> tuple[_Job, Listing]:
        listing = listing_of(job.archive)
        members = listing.members
        job = self._placed(job, members)
        size = sum(member.size for member in members)
        there = min(self._there, size)
        self._there -= there
        judge(job.archive, members, job.into, used=self._used, waiting=self._waiting - there)
        self._used += size
        self._waiting += size - there
        within = self._within(job)
        names = {within + place_of(m.name): m.size for m in members if not m.folder}
        self._told_unread(job, names)
        if twice := names.keys() & self._taken.keys():
            raise KitError(
                f"{job.archive} holds {min(twice)}, which another archive has already put there: "
                "remove one of the two, or unpack both by hand, each into a folder of its own"
            )
        self._taken |= names
        self._folders |= {within + place_of(member.name) for member in members if member.folder}
        return job, listing

    def _placed(self, job: _Job, members: Sequence[Member]) -> _Job:
        """Images in no folder go into one of the archive's name, where folders tell what images are."""
        images = [place_of(m.name) for m in members if not m.folder and is_packed(m.name, 0)]
        stem = stem_of(job.archive.name)
        if self.packed or not images or any("/" in name for name in images):
            return job
        if not stem.strip(". "):  # `...zip` would lead out
            return job
        into = job.into / stem
        say(f"the images of {job.archive.name} lie in no folder: they go to {into.name}/")
        into.mkdir(exist_ok=True)
        return replace(job, into=into)

    def _told_unread(self, job: _Job, names: Mapping[str, int]) -> None:
        """Raise a KitError for an archive in the archive that nothing reads and nothing stands for."""
        for name in names:
            stem = str(PurePosixPath(name).with_name(stem_of(PurePosixPath(name).name)))
            if is_unread(name) and not any(f"{each}/".startswith(f"{stem}/") for each in names):
                raise KitError(f"{job.archive} holds {name}, which nothing here reads: {BY_HAND}")

    def _stands_beside(self, job: _Job) -> bool:
        """Has an outer archive brought what this inner one holds?

        The disk cannot tell: what lies there may be what a killed call had unpacked of this one.
        """
        within = self._within(job)
        near = [name.removeprefix(within) for name in self._taken if name.startswith(within)]
        stem = stem_of(job.archive.name)
        if not any(
            "/" in name or (name.startswith(stem) and not is_named_archive(name)) for name in near
        ):
            return False  # its list may take long to read
        folders = self._folders | {
            str(place) for name in self._taken for place in PurePosixPath(name).parents
        }

        def size_of(name: str) -> int | None:
            return self._taken.get(within + name, -1 if within + name in folders else None)

        def below(folder: str) -> list[tuple[str, int]]:
            return [
                (name, size)
                for name, size in self._taken.items()
                if name.startswith(f"{within}{folder}/")
            ]

        with _told(job):
            return is_unpacked(job.archive, listing_of(job.archive).members, size_of, below)

    def _steps(self, job: _Job, listing: Listing) -> Steps:
        with _told(job), ExitStack() as stack:
            packing = None
            if self.packed and any(is_packed(each.name, each.size) for each in listing.members):
                place = self.root / PACKS / f"{self._packs:04}"
                packing = stack.enter_context(Packing(place, self._within(job)))
                self._packs += 1
            yield from unpacking(job.archive, listing, job.into, packing, self._found)

    def _within(self, job: _Job) -> str:
        within = job.into.relative_to(self.root).as_posix()
        return "" if within == "." else f"{within}/"


def _sizes_below(root: Path) -> dict[Path, int]:
    """Every file below a folder by its path, as the disk spells it; bytes."""
    paths = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    return {path: path.stat().st_size for path in paths}


def _called_archives(members: Sequence[Member]) -> list[str]:
    return [m.name for m in members if not m.folder and is_named_archive(m.name)]


def unpack_all(
    archives: Sequence[Path], root: Path, *, packed: bool, base: Path | None = None
) -> None:
    """Unpack archives, and the archives inside them, which are then removed, into a folder.

    Args:
        archives: files that `archives_in` has found.
        root: an empty folder, or what a killed call has left of the same; the caller throws it away
            when this fails.
        base: the folder above them all; each is unpacked below `root` where it lies below that one.
            None: all are unpacked to `root`.
        packed: images go into packs (`common.data.packs`), one an archive, and not into files.

    Raises:
        KitError: an archive is damaged, unsafe, encrypted or too large, or two hold one file.
    """
    folder = _Folder(root, packed)
    places = [root / archive.parent.relative_to(base) if base else root for archive in archives]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    jobs = [_Job(archive, into, archive) for archive, into in zip(archives, places, strict=True)]
    for _ in range(DEEPEST + 1):
        done, jobs = jobs, folder.level(jobs)
        for job in done:
            if job.is_inner:
                for piece in pieces_of(job.archive):
                    piece.unlink()
    if jobs:
        raise KitError(
            f"{jobs[0].origin} holds archives in archives, {DEEPEST} deep: do not use it"
        )


def _in_turns(works: Sequence[Steps]) -> None:
    """A step of each of two works in turn: while one is written here, both decompress."""
    waiting, running = deque(works), deque[Steps]()
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(stack.enter_context(closing(waiting.popleft())))
            work = running.popleft()
            with suppress(StopIteration):
                next(work)
                running.append(work)


@contextmanager
def _told(job: _Job) -> Iterator[None]:
    """Name the archive that stays: an inner one is about to vanish with the temporary folder."""
    try:
        yield
    except KitError as error:
        if not job.is_inner:
            raise
        inside = str(error).replace(str(job.archive), job.archive.name)
        raise KitError(f"in {job.origin}: {inside}") from error
