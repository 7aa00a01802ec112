"""Kaggle's wire protocol as far as the loopback host speaks it: refusals, times, pages, ranges."""

import base64
import hashlib
import json
import re
import unicodedata
from pathlib import Path

SHORTEST_TITLE, LONGEST_TITLE = 5, 50  # characters of a kernel's; a longer one is answered with 500
LONGEST_PAUSE_S = 120.0  # where a server asks for more, a call ends with the hour


def slug_of(title: str) -> str:
    """The slug that belongs to a title: lower case, with dashes between what it is made of."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def notebook_code(text: str) -> str | None:
    """The code of a notebook's cells in order, as a kernel runs it; None: it is no notebook that has a kernel."""
    try:
        found = json.loads(text)
        assert found["metadata"]["kernelspec"]["name"]
        cells = [each["source"] for each in found["cells"] if each["cell_type"] == "code"]
    except (ValueError, TypeError, LookupError, AssertionError):
        return None
    return "\n\n".join("".join(each) for each in cells) + "\n"  # a source may be a list of lines


def md5_of(path: Path) -> str:
    """A file's MD5 as the header `x-goog-hash: md5=` states it: base64."""
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()


ABSENT = (403, 404)  # what the site answers for what is not there, and for what is another's


NO_SUCH_CALL = (404, 501)
