"""Archives, and the archives inside them, into one folder."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from common.data.archives.extract import SUFFIXES, is_archive, listing_of, unpacking
from common.data.archives.pack import Packing, is_packed
from common.data.archives.safety import PACKS, Member, judge, place_of
from common.data.archives.writer import Listing, Steps
from common.errors import KitError

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
        self._taken: set[str] = set()
        self._folders: set[str] = set()
        self._found = _sizes_below(root)
        self._there = sum(self._found.values())  # bytes that need no more room; each counts once

    def level(self, jobs: Sequence[_Job]) -> list[_Job]:
        """Unpack archives that lie equally deep; return those that were in them."""
        jobs = [job for job in jobs if not (job.is_inner and self._stands_beside(job))]
        self._waiting, plans = 0, []
        for job in jobs:
            with _told(job):
                plans.append((job, self._judged(job)))
        _in_turns([self._steps(job, listing) for job, listing in plans])
        return [
            _Job(path, path.parent, job.origin)
            for job, listing in plans
            for path in (job.into / name for name in _ending_like_archives(listing.members))
            if is_archive(path)
        ]

    def _judged(self, job: _Job) -> Listing:
        listing = listing_of(job.archive)
        members = listing.members
        size = sum(member.size for member in members)
        there = min(self._there, size)
        self._there -= there
        judge(job.archive, members, job.into, used=self._used, waiting=self._waiting - there)
        self._used += size
        self._waiting += size - there
        within = self._within(job)
        names = {within + place_of(member.name) for member in members if not member.folder}
        if twice := names & self._taken:
            raise KitError(
                f"{job.archive} holds {self.root / min(twice)}, which another archive has already put "
                "there: remove one of the two"
            )
        self._taken |= names
        self._folders |= {within + place_of(member.name) for member in members if member.folder}
        return listing

    def _stands_beside(self, job: _Job) -> bool:
        """Has an outer archive brought what this inner one holds?

        The disk cannot tell: what lies there may be what a killed call had unpacked of this one.
        """
        place = job.archive.relative_to(self.root).with_suffix("").as_posix()
        return any(f"{name}/".startswith(f"{place}/") for name in chain(self._taken, self._folders))

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


def _ending_like_archives(members: Sequence[Member]) -> list[str]:
    return [m.name for m in members if m.name.lower().endswith(SUFFIXES) and not m.folder]


def unpack_all(archives: Sequence[Path], root: Path, *, packed: bool) -> None:
    """Unpack archives, and the archives inside them, which are then removed, into a folder.

    Args:
        archives: zip and 7z files.
        root: an empty folder, or what a killed call has left of the same; the caller throws it away
            when this fails.
        packed: images go into packs (`common.data.packs`), one an archive, and not into files.

    Raises:
        KitError: an archive is damaged, unsafe, encrypted or too large, or two hold one file.
    """
    folder = _Folder(root, packed)
    jobs = [_Job(archive, root, archive) for archive in archives]
    for _ in range(DEEPEST + 1):
        done, jobs = jobs, folder.level(jobs)
        for job in done:
            if job.is_inner:
                job.archive.unlink()
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
