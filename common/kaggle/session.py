"""A kernel's session as a value: what a pushed script runs with, and how it ended.

The loopback host and a dry run describe one alike; who runs it is handed to them as a function.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run of a script on a machine like Kaggle's.

    Attributes:
        script: the file that was pushed; of a notebook (.ipynb) the code cells are run in order.
        inputs: folders by their place below `/kaggle/input`, read-only there:
            "competitions/<slug>", "datasets/<owner>/<slug>", or "<slug>" in the older layout.
        working: becomes `/kaggle/working`, the current folder; what is in it at the end is output.
        log: a file of JSON lines, `stream_name`, `time` (s since the start), `data`, appended while
            it runs.
        internet: may it reach anything at all?
        seconds: after which it is killed.
        memory_mb: of anonymous memory, all its processes together, beyond which it is killed.
        variables: environment variables beside those that Kaggle sets.
        stop: set by another thread to end it early.
    """

    script: Path
    inputs: Mapping[str, Path]
    working: Path
    log: Path
    internet: bool = False
    seconds: float = 12 * 3600.0
    memory_mb: int = 30_000
    variables: Mapping[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Ending:
    """How a session ended: `status` is COMPLETE, ERROR or CANCEL_ACKNOWLEDGED; `failure` says why.

    `limit` names the one that ended it, "time" or "memory"; else it is empty.
    """

    status: str
    failure: str = ""
    limit: str = ""


RunKernel = Callable[[Session], Ending]
