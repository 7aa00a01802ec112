"""Unpack archives, and the archives inside them, into one folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from common.data.archives.already_unpacked import is_unpacked
from common.data.archives.extract import BY_HAND, find_archives, listing_of, unpack
from common.data.archives.formats import is_named_archive, is_unsupported, stem_of
from common.data.archives.members import Listing, Member, normalised
from common.data.archives.pack import PackWriter, is_packed
from common.data.archives.parts import parts_of
from common.data.archives.safety import PACKS, check_members
from common.errors import KitError
from common.progress import say

MAX_DEPTH = 4  # of archives inside archives


def unpack_all(
    archives: Sequence[Path], root: Path, *, packed: bool, base: Path | None = None
) -> None:
    """Unpack archives, and the archives inside them, which are then removed, into a folder.

    Args:
        archives: files that `find_archives` has found.
        root: an empty folder, which the caller removes when this fails.
        base: the folder above them all; each is unpacked below `root` where it lies below that one.
            None: all are unpacked to `root`.
        packed: images go into packs (`common.data.archives.pack`), one an archive, not into files.

    Raises:
        KitError: an archive is damaged, unsafe, encrypted or too large, or two hold one file.
    """
    unpacker = _Unpacker(root, packed)
    folders = [root / archive.parent.relative_to(base) if base else root for archive in archives]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    jobs = [_Job(archive, into, archive) for archive, into in zip(archives, folders, strict=True)]
    for _ in range(MAX_DEPTH + 1):
        done, jobs = jobs, unpacker.unpack_level(jobs)
        for inner in (job for job in done if job.is_inner):
            for part in parts_of(inner.archive):
                part.unlink()
    if jobs:
        raise KitError(
            f"{jobs[0].origin} holds archives in archives, {MAX_DEPTH} deep: do not use it"
        )


@dataclass(frozen=True)
class _Job:
    """An archive to unpack into a folder, and the archive of the user's that it came in."""

    archive: Path
    into: Path
    origin: Path

    @property
    def is_inner(self) -> bool:
        return self.archive != self.origin


class _Unpacker:
    """Fills a folder from archives, and knows the size of every file that they put there."""

    def __init__(self, root: Path, packed: bool) -> None:
        self.root, self.packed = root, packed
        self._sizes: dict[str, int] = {}  # by path below the root
        self._total, self._packs = 0, 0

    def unpack_level(self, jobs: Sequence[_Job]) -> list[_Job]:
        """Unpack archives that lie equally deep; return those that were in them.

        All are checked before the first is unpacked.
        """
        listed = []
        for job in jobs:
            with _naming_origin(job):
                listing = listing_of(job.archive)
                if not (job.is_inner and self._has_all(job, listing)):
                    listed.append((job, listing))
        plans, pending = [], 0
        for job, listing in listed:
            with _naming_origin(job):
                job = self._with_image_folder(job, listing.members)
                check_members(
                    job.archive, listing.members, job.into, total=self._total, pending=pending
                )
                pending += self._claim(job, listing.members)
                plans.append((job, listing))
        inner = []
        for job, listing in plans:
            with _naming_origin(job):
                self._unpack(job, listing)
            names = [m.name for m in listing.members if not m.folder and is_named_archive(m.name)]
            found, _ = find_archives(job.into / name for name in names)
            inner += [_Job(archive, archive.parent, job.origin) for archive in found]
        return inner

    def _has_all(self, job: _Job, listing: Listing) -> bool:
        """Has an outer archive brought what this inner one holds?"""
        prefix = self._prefix(job)
        beside = {
            name.removeprefix(prefix): size
            for name, size in self._sizes.items()
            if name.startswith(prefix)
        }
        return is_unpacked(job.archive, listing.members, beside)

    def _with_image_folder(self, job: _Job, members: Sequence[Member]) -> _Job:
        """Put images that lie in no folder into one of the archive's name: folders may be classes."""
        images = [normalised(m.name) for m in members if not m.folder and is_packed(m.name, 0)]
        stem = stem_of(job.archive.name)
        if self.packed or not images or any("/" in name for name in images):
            return job
        if not stem.strip(". "):  # `...zip` would lead out
            return job
        into = job.into / stem
        say(f"the images of {job.archive.name} lie in no folder: they go to {into.name}/")
        into.mkdir(exist_ok=True)
        return replace(job, into=into)

    def _claim(self, job: _Job, members: Sequence[Member]) -> int:
        """Note the files that an archive will bring, whose bytes are returned.

        Raises:
            KitError: another archive has brought one, or one is an archive that cannot be read.
        """
        prefix = self._prefix(job)
        sizes = {prefix + normalised(m.name): m.size for m in members if not m.folder}
        for name in filter(is_unsupported, sizes):
            stem = str(PurePosixPath(name).with_name(stem_of(PurePosixPath(name).name)))
            if not any(f"{each}/".startswith(f"{stem}/") for each in sizes):
                raise KitError(f"{job.archive} holds {name}, which the kit cannot read: {BY_HAND}")
        if twice := sizes.keys() & self._sizes.keys():
            raise KitError(
                f"{job.archive} holds {min(twice)}, which another archive holds too: remove one of "
                "the two, or unpack both by hand, each into a folder of its own"
            )
        self._sizes |= sizes
        size = sum(sizes.values())
        self._total += size
        return size

    def _unpack(self, job: _Job, listing: Listing) -> None:
        pack = None
        if self.packed and any(is_packed(each.name, each.size) for each in listing.members):
            pack = PackWriter(self.root / PACKS / f"{self._packs:04}", self._prefix(job))
            self._packs += 1
        unpack(job.archive, listing, job.into, pack)

    def _prefix(self, job: _Job) -> str:
        below = job.into.relative_to(self.root).as_posix()
        return "" if below == "." else f"{below}/"


@contextmanager
def _naming_origin(job: _Job) -> Iterator[None]:
    """Name the user's archive in an error: an inner one vanishes with the temporary folder."""
    try:
        yield
    except KitError as error:
        if not job.is_inner:
            raise
        inside = str(error).replace(str(job.archive), job.archive.name)
        raise KitError(f"in {job.origin}: {inside}") from error
