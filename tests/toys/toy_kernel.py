"""A machine for kernels without walls: the script as a plain process in its working folder."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from common.kaggle.client.kernels import Kernel
from common.kaggle.session import Ending, Session
from common.storage import write_text

TITLE = "Petals by the number"


def kernel(text: str, **facts: object) -> Kernel:
    """A kernel of that script under the toy title."""
    given = {"slug": "petals-by-the-number", "title": TITLE, "competitions": ("petals",), **facts}
    return Kernel(text=text, **given)  # type: ignore[arg-type]


def run_kernel(session: Session) -> Ending:
    """Run it until it ends, its time is over, or it is stopped; INPUTS are the mounted folders."""
    begun = time.monotonic()
    inputs = json.dumps({place: str(folder) for place, folder in session.inputs.items()})
    variables = {**os.environ, "INPUTS": inputs, "INTERNET": str(session.internet)}
    variables |= session.variables
    printed = session.log.with_suffix(".txt")
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(session.script)],
            cwd=session.working,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=variables,
        )
        while process.poll() is None:
            _log(printed, session.log)
            if session.stop.wait(0.02) or time.monotonic() - begun > session.seconds:
                process.kill()
    _log(printed, session.log)
    if session.stop.is_set():
        return Ending("CANCEL_ACKNOWLEDGED")
    if time.monotonic() - begun > session.seconds:
        return Ending("ERROR", f"Your notebook exceeded {session.seconds:.0f} seconds", "time")
    return (
        Ending("ERROR", "Your notebook threw an exception")
        if process.returncode
        else Ending("COMPLETE")
    )


def _log(printed: Path, log: Path) -> None:
    lines = printed.read_text(encoding="utf-8").splitlines(keepends=True)
    pieces = [{"stream_name": "stdout", "time": 0.5, "data": line} for line in lines]
    write_text(log, "".join(json.dumps(piece) + "\n" for piece in pieces))
