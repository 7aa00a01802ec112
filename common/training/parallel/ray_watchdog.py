"""A program: once its stdin is closed, end the processes that hold files of a folder, and remove it.

`python -I -S ray_watchdog.py FOLDER`; FOLDER is Ray's. The stdin is closed when its parent is done, or
dies: of Ray's own processes some live on for a minute after that.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

TRIES, PAUSE_S = 50, 0.1


def main() -> None:
    """Wait, end and remove."""
    folder, own = sys.argv[1], {os.getpid(), os.getppid()}
    while os.read(0, 1):
        pass
    for _ in range(TRIES):
        left = [each for each in _processes() - own if _holds(each, folder)]
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        if not left:
            break
        time.sleep(PAUSE_S)
    shutil.rmtree(folder, ignore_errors=True)


def _processes() -> set[int]:
    return {int(each.name) for each in Path("/proc").glob("[0-9]*")}


def _holds(process: int, folder: str) -> bool:
    """Has the process a file of the folder open?"""
    try:
        open_files = Path(f"/proc/{process}/fd").iterdir()
        return any(str(each.readlink()).startswith(f"{folder}/") for each in open_files)
    except OSError:  # it has ended meanwhile, or is another account's
        return False


if __name__ == "__main__":
    main()
