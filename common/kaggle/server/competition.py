"""A competition as the loopback host offers it: its files, whole or one by one, and its scoring."""

import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote
from zipfile import ZIP_STORED, ZipFile

from common.kaggle.protocol import md5_of
from common.kaggle.server.wire import RefusedError
from common.storage import replacing

FAR_OFF = 4_102_444_740.0  # the last minute of 2099
Score = Callable[[Path], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """One competition on the host.

    Attributes:
        slug: its name in every request.
        title: what people call it.
        files: the folder of its files; they are served as one archive and singly.
        score: submission file to (public, private) score; ValueError(reason) refuses the file.
        metric: a name in `common.metrics.METRICS`, for the order of the leaderboard.
        daily_limit: submissions accepted in one UTC day.
        entered: has the account accepted the rules?
        deadline: in seconds since the epoch; later submissions are scored, but do not rank.
        code_only: are submissions taken from notebooks alone?
        closed: are no submissions taken at all?
        hide_private: are private scores, as on the site, told after the deadline only?
        tidy: is a description stripped, made one line, escaped for HTML and cut at 255 characters?
        late_s: seconds until a submission is in the list (it counts at once), and until a version
            of a kernel that uses this competition is told of.
        unnumbered: is no version named in the answers about such a kernel?
        board: other teams on the leaderboard: name, public and private score.
    """

    slug: str
    title: str
    files: Path
    score: Score
    metric: str
    daily_limit: int = 20
    entered: bool = True
    deadline: float = FAR_OFF
    code_only: bool = False
    closed: bool = False
    hide_private: bool = False
    tidy: bool = False
    late_s: float = 0.0
    unnumbered: bool = False
    board: Sequence[tuple[str, float, float]] = ()


def entered(competitions: Mapping[str, Hosted], slug: str) -> Hosted:
    """The competition of that slug, its rules accepted; else the site's refusal."""
    hosted = known(competitions, slug)
    if not hosted.entered:
        raise RefusedError(403, "You must accept this competition's rules before you can continue")
    return hosted


def known(competitions: Mapping[str, Hosted], slug: str) -> Hosted:
    """The competition of that slug; else the site's refusal."""
    hosted = competitions.get(slug)
    if hosted is None:  # the site's answer to a misspelt name, too
        raise RefusedError(403, "Permission 'competitions.participate' was denied")
    return hosted


class Shelf:
    """The files of one competition, behind addresses that cannot be guessed."""

    def __init__(self, hosted: Hosted, folder: Path, secret: bytes) -> None:
        self._hosted = hosted
        self._archive = folder / f"{hosted.slug}.zip"
        self._secret = secret
        self._lock = threading.Lock()
        self._bundled = False
        self._md5: dict[str, str] = {}
        self._names = [
            path.relative_to(hosted.files).as_posix()
            for path in sorted(hosted.files.rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]

    def names(self) -> list[str]:
        """Paths below the competition's folder, with forward slashes, sorted."""
        return self._names

    def path(self, name: str) -> Path:
        """One of `names()` on disk."""
        if name not in self._names:
            raise RefusedError(404, f"Data file not found: {name}")
        return self._hosted.files / name

    def address(self, name: str | None) -> str:
        """The signed place of one file, or of the whole archive, below the host's root.

        The client names what it saves after the last segment.
        """
        if name is None:
            return f"/storage/{self._hosted.slug}/{self._signature('')}/bundle/archive.zip"
        self.path(name)
        return f"/storage/{self._hosted.slug}/{self._signature(name)}/file/{quote(name)}"

    def found(self, signature: str, kind: str, rest: str) -> Path:
        """The file behind an address; 403 for a signature that is not its own."""
        name = unquote(rest) if kind == "file" else ""
        if not hmac.compare_digest(signature.encode(), self._signature(name).encode()):
            raise RefusedError(403, "Signature does not match")
        return self.path(name) if name else self._whole()

    def md5(self, file: Path) -> str:
        """Of one of the shelf's files, taken once."""
        key = f"{file} {tag(file)}"
        if key not in self._md5:
            self._md5[key] = md5_of(file)
        return self._md5[key]

    def _signature(self, name: str) -> str:
        text = f"{self._hosted.slug}/{name}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]

    def _whole(self) -> Path:
        with self._lock:
            if not self._bundled:  # anew for each host: the files may have changed since
                with (
                    replacing(self._archive) as temporary,
                    # Stored: the bulk is images, which do not shrink.
                    ZipFile(temporary, "w", ZIP_STORED, strict_timestamps=False) as archive,
                ):
                    for name in self._names:
                        archive.write(self._hosted.files / name, name)
                self._bundled = True
        return self._archive


def tag(path: Path) -> str:
    """An ETag: changes whenever the file does."""
    found = path.stat()
    return f'"{found.st_size:x}-{found.st_mtime_ns:x}"'
