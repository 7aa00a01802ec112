"""Small scripts as sessions, and what they said."""

import json
import textwrap
from pathlib import Path
from typing import Any

from common.kaggle.session import Session


def toy_session(folder: Path, text: str, **fields: Any) -> Session:
    """A session of a script in a folder, with a little competition as its input."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "sample_submission.csv").write_text("id,label\n1,a\n")
    (folder / "script.py").write_text(textwrap.dedent(text))
    own = {"inputs": {"competitions/roses": data}, "seconds": 60.0}
    places = {name: folder / name for name in ("working", "log")}
    return Session(script=folder / "script.py", **places, **(own | fields))


def logged(session: Session) -> list[dict[str, Any]]:
    """The whole lines of a session's log."""
    lines = session.log.read_text(encoding="utf-8").split("\n")[:-1] if session.log.exists() else []
    return [json.loads(line) for line in lines]


def told(session: Session) -> str:
    """What a session's script has written to stdout."""
    return "".join(line["data"] for line in logged(session) if line["stream_name"] == "stdout")
