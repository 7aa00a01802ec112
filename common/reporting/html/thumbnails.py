"""Rows of a store to small JPEG pictures in base64, the worst and a sample, within a number of bytes."""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from common.data.pixels.decode import Pixels

SIDE = 128  # pixels of a picture's longer side
MOST_BYTES = (
    14_000_000  # of all pictures of a page, in base64: with its data a page stays below 20 MB
)
MOST_OF_PAGE, FEWEST_BYTES = (
    18_500_000,
    2_000_000,
)  # of pictures and data; of pictures beside any data
QUALITY = 82
DEFAULT_COUNT = 2_000

Rows = npt.NDArray[np.int64]


@dataclass
class Thumbnails:
    """Pictures by name, encoded once each, until `MOST_BYTES` are spent."""

    most_bytes: int = MOST_BYTES
    pictures: dict[str, str] = field(default_factory=dict)
    spent: int = 0

    def leave_room(self, data: int) -> None:
        """Fewer bytes of pictures, where the page's data have so many that both are too large."""
        self.most_bytes = min(self.most_bytes, max(FEWEST_BYTES, MOST_OF_PAGE - data))

    def add(self, name: str, image: Callable[[], Pixels]) -> bool:
        """Encode a picture under its name, unless it is there; False when the bytes are spent."""
        if name in self.pictures:
            return True
        if self.spent >= self.most_bytes:
            return False
        text = encoded(image())
        if self.spent + len(text) > self.most_bytes:
            self.spent = self.most_bytes
            return False
        self.pictures[name] = text
        self.spent += len(text)
        return True


def encoded(image: Pixels, side: int = SIDE) -> str:
    """uint8 [H, W, 3] as a JPEG in base64, its longer side at most `side` pixels."""
    scale = side / max(image.shape[:2])
    if scale < 1:
        size = [max(1, round(scale * length)) for length in image.shape[:2]]
        image = np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA))
    flags = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)
    assert done
    return base64.b64encode(data.tobytes()).decode()


def chosen_rows(
    losses: npt.NDArray[np.float64], strata: npt.NDArray[np.int64], first: Iterable[int], count: int
) -> list[int]:
    """`count` rows: those of `first`, then in turn the worst by loss and of a sample by stratum."""
    worst = np.argsort(-losses, kind="stable")[:count].tolist()
    sample = _by_turns(strata)[:count]
    turns = [row for pair in zip(worst, sample, strict=True) for row in pair]
    return list(dict.fromkeys([*first, *turns]))[:count]


def _by_turns(strata: npt.NDArray[np.int64]) -> Sequence[int]:
    """All rows in random order, the first of each stratum before the second of any."""
    order = np.random.default_rng(0).permutation(len(strata))
    of = strata[order]
    by_stratum = np.argsort(of, kind="stable")
    starts = np.flatnonzero(np.diff(of[by_stratum], prepend=of[by_stratum][:1] - 1))
    place = np.empty(len(of), np.int64)
    sizes = np.diff([*starts, len(of)])
    place[by_stratum] = np.arange(len(of)) - np.repeat(starts, sizes)
    rows: list[int] = order[np.argsort(place, kind="stable")].tolist()
    return rows
