"""What a killed unpacking has left is never taken for whole: the next call begins anew."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_files import content, encode, picture, sevened, zipped

from common.data.archives.open_data import open_folder

FILES = {"void.png": b"", "labels.csv": b"id,label\n" * 50} | {
    f"train/{number}.png": encode(picture()) for number in range(20)
}
# Dies after so many files or images, or when all are written and the folder is to be renamed.
KILLED = """
import os, pathlib, signal, sys
from common.data.archives import writer
from common.data.archives.open_data import open_folder

data, cache, packed, after = sys.argv[1:]
honest, begun = writer._exactly, []

def deadly(*args):
    begun.append(args)
    for chunk in honest(*args):
        yield chunk[: len(chunk) // 2] if len(begun) > int(after) else chunk
        if len(begun) > int(after):
            os.kill(os.getpid(), signal.SIGKILL)

writer._exactly = deadly
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
open_folder(pathlib.Path(data), pathlib.Path(cache), packed=packed == "True")
"""


@pytest.mark.parametrize("packed", [False, True], ids=["files", "packs"])
@pytest.mark.parametrize(("pack", "after"), [(zipped, 7), (sevened, 1000)])
def test_a_killed_unpacking_is_not_taken_for_whole_and_leaves_nothing(
    pack: Callable[[Path, dict[str, bytes]], Path],
    after: int,
    packed: bool,
    data: Path,
    cache: Path,
) -> None:
    pack(data / f"all.{'zip' if pack is zipped else '7z'}", FILES)
    words = [str(data), str(cache), str(packed), str(after)]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False)
    assert done.returncode == -signal.SIGKILL
    unpacked = cache / "unpacked"
    assert [path for path in unpacked.glob("[!.]*") if path.is_dir()] == []
    assert any(path.is_dir() for path in unpacked.glob(".*"))
    folder = open_folder(data, cache, packed=packed)
    assert content(folder) == FILES
    assert [path for path in unpacked.iterdir() if path.is_dir()] == [folder]
