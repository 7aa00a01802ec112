"""A store that was interrupted, or whose process was killed, is gone on with; never taken for whole."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_files import encode, picture

from common.data.pixels import store_writer
from common.data.pixels.decode import decode
from common.data.pixels.store import Store, open_store
from common.data.pixels.store_files import PIXELS, SHAPES, read_shapes

COUNT, ROWS = 100, 10
# Notes every task of ten rows, and dies in place of the call after so many of one function.
KILLED = f"""
import os, pathlib, signal, sys
import pandas as pd
from common.data.pixels import store_files, store_writer
from common.data.pixels.store import open_store

table, cache, name, after = sys.argv[1:]
owner = {{"decode": store_writer, "fsync": os, "replace": pathlib.Path}}[name]
honest, left = getattr(owner, name), [None] * int(after)

def deadly(*words):
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left.pop()
    return honest(*words)

setattr(owner, name, deadly)
store_writer.ROWS_PER_TASK, store_files.BYTES_PER_NOTE = {ROWS}, 1
open_store(pd.read_csv(table), side=0, cache=pathlib.Path(cache), threads=1)
"""


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "images").mkdir()
    paths = [tmp_path / "images" / f"{number}.png" for number in range(COUNT)]
    for number, path in enumerate(paths):
        path.write_bytes(encode(picture(5 + number % 7, 9)))
    return pd.DataFrame({"id": [path.stem for path in paths], "path": [str(p) for p in paths]})


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every image that is decoded."""
    found: list[int] = []

    def counted(data: bytes, side: int) -> np.ndarray:
        found.append(1)
        return decode(data, side)

    monkeypatch.setattr(store_writer, "decode", counted)
    return found


def contents(store: Store) -> list[bytes]:
    return [(store.folder / name).read_bytes() for name in (PIXELS, SHAPES)]


def killed(table: pd.DataFrame, folder: Path, name: str, after: int) -> Path:
    """Fill a store in a process that dies; return what it left."""
    table.to_csv(folder / "table.csv")
    words = [str(folder / "table.csv"), str(folder), name, str(after)]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list((folder / "stores").glob("[!.]*")) == [], "taken for whole"
    (part,) = (folder / "stores").glob(".*.part")
    return part


@pytest.mark.parametrize(
    ("name", "after", "least", "most"),
    [
        ("decode", 55, 40, 80),  # within a task; of up to three before it the pixels may wait
        ("fsync", 0, 100, 100),  # nothing noted
        ("fsync", 6, 40, 40),  # written, and not noted
        ("replace", 0, 0, 0),  # whole, but for its name
    ],
)
def test_after_a_kill_only_the_rest_is_decoded_and_the_bytes_are_the_same(
    name: str,
    after: int,
    least: int,
    most: int,
    table: pd.DataFrame,
    tmp_path: Path,
    decoded: list[int],
) -> None:
    undisturbed = open_store(table, side=0, cache=tmp_path / "other")
    decoded.clear()
    killed(table, tmp_path, name, after)
    assert contents(open_store(table, side=0, cache=tmp_path)) == contents(undisturbed)
    assert least <= len(decoded) <= most
    assert [path.name for path in (tmp_path / "stores").iterdir() if path.is_dir()] == [
        undisturbed.folder.name
    ]


def test_what_was_not_noted_whole_is_made_again(
    table: pd.DataFrame, tmp_path: Path, decoded: list[int]
) -> None:
    whole = contents(open_store(table, side=0, cache=tmp_path / "other"))
    part = killed(table, tmp_path, "fsync", 6)  # 60 rows are noted, 70 are written
    pixels, shapes = ((part / name).read_bytes() for name in (PIXELS, SHAPES))
    noted = 3 * int(read_shapes(part).prod(axis=1).sum())
    for spoilt_pixels, spoilt_shapes, rows in (
        (pixels, shapes + b"half a row", 60),
        (pixels, shapes[:-1], 59),
        (pixels[:noted] + bytes(999), shapes + bytes(160), 60),  # as a power cut may leave them
        (pixels[: noted - 1], shapes, 59),
        (b"", shapes, 0),
    ):
        part.mkdir(exist_ok=True)
        (part / PIXELS).write_bytes(spoilt_pixels)
        (part / SHAPES).write_bytes(spoilt_shapes)
        decoded.clear()
        store = open_store(table, side=0, cache=tmp_path)
        assert contents(store) == whole
        assert len(decoded) == COUNT - rows
        shutil.rmtree(store.folder)


def test_an_interruption_keeps_what_is_done_and_a_bad_file_does_not(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(store_writer, "decode", interrupted)
        open_store(table, side=0, cache=tmp_path)
    assert len([*(tmp_path / "stores").glob(".*.part")]) == 1
    Path(table["path"][99]).write_bytes(b"no image")
    with pytest.raises(ValueError, match="1 of 100 images cannot be used"):
        open_store(table, side=0, cache=tmp_path / "bad")
    assert [*(tmp_path / "bad/stores").glob(".*.part")] == []
