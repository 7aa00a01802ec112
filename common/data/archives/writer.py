"""Write an archive's members below a folder: never more than declared, never over a file."""

from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from common.data.archives.members import (
    Bytes,
    DamagedError,
    Listing,
    RefusedError,
    files_with_content,
    normalised,
)
from common.data.archives.pack import PackWriter, is_packed
from common.progress import first_of


def write_members(
    listing: Listing, folder: Path, count: Callable[[int], object], pack: PackWriter | None = None
) -> None:
    """Write the members of an archive that was checked into an existing folder.

    Args:
        listing: the archive's members and contents.
        folder: files that exist in it are not overwritten, and links are not followed.
        count: is called with the number of bytes read, chunk by chunk.
        pack: takes the images in place of `folder`; their own folders are made and stay empty.

    Raises:
        RefusedError: a member is larger than it declares.
        DamagedError: a member has fewer bytes than it declares, or none.
        FileExistsError: a file is there already.
    """
    made: set[str] = set()

    def make_folder(name: str) -> None:
        if name not in made:
            (folder / name).mkdir(parents=True, exist_ok=True)
            made.add(name)

    def write(name: str, size: int, chunks: Iterable[Bytes]) -> None:
        make_folder(name.rpartition("/")[0])
        exact = _exactly(name, size, chunks, count)
        if pack and is_packed(name, size):
            pack.add(normalised(name), b"".join(exact))
            return
        with (folder / name).open("xb") as file:
            file.writelines(exact)

    for member in listing.members:
        if member.folder:
            make_folder(member.name)
        elif member.size == 0:
            write(member.name, 0, ())
    unread = {member.name: member.size for member in files_with_content(listing.members)}
    with closing(listing.contents()) as contents:
        for name, chunks in groupby(contents, itemgetter(0)):
            write(name, unread.pop(name, 0), (chunk for _, chunk in chunks))
    if unread:
        raise DamagedError(f"cut short: {first_of([*unread])}")


def _exactly(
    name: str, size: int, chunks: Iterable[Bytes], count: Callable[[int], object]
) -> Iterable[Bytes]:
    """Pass on the chunks of a member; raise an error unless they are of `size` bytes together."""
    left = size
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise RefusedError(f"its member {name!r} is larger than it declares")
        count(len(chunk))
        yield chunk
    if left:
        raise DamagedError(f"cut short: {name}")
