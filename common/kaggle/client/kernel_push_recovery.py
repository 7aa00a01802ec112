"""Find the kernel version that a push made whose answer was lost, or that an interrupted call made."""

import html
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.kaggle.client.errors import SITE, KaggleError
from common.kaggle.client.send_once import UnseenError, UnsureError
from common.kaggle.client.waiting import listed_s, rest, silence_s
from common.kaggle.protocol import notebook_code
from common.progress import say

Kernel = Mapping[str, Any]  # as the operation `kernel` tells of one


def arrived(
    text: str, sources: Mapping[str, Sequence[str]], before: Kernel, now: Kernel
) -> dict[str, Any] | None:
    """The answer that was lost, made up of what is there now; None when nothing new is.

    Args:
        text, sources: what was pushed.
        before: the kernel as it was then; its `version` counts, and its `text` where it is known.

    Raises:
        UnseenError: what is there may be what was pushed, or not.
        KaggleError: the installed client cannot tell versions.
    """
    if now["version"] is None:
        raise KaggleError(
            "the installed kaggle package cannot tell versions; pip install -U kaggle"
        )
    newer = now["version"] > (before["version"] or 0)
    if newer and not now["text"]:
        raise UnseenError(f"version {now['version']} is there, and Kaggle does not show its script")
    if _plain(now["text"]) != _plain(text):
        return None
    if not newer:
        if not now["version"]:
            raise UnseenError("the script there is this one, but Kaggle names no version of it")
        return None
    name = f"{now['owner']}/{now['slug']}"
    say(f"it arrived: version {now['version']} of {name}")
    invalid = {
        kind: [each for each in named if _last(each) not in map(_last, now["sources"][kind])]
        for kind, named in sources.items()
    }
    return {"ref": name, "url": "", "version": now["version"], "error": "", "invalid": invalid}


def find_earlier_push(
    look: Callable[[], Kernel],
    judge: Callable[[Kernel], dict[str, Any] | None],
    sent: float,
    *,
    insist: bool,
) -> tuple[dict[str, Any] | None, Kernel]:
    """What a call before this one has pushed, and the kernel as it is by now.

    Args:
        look: asks for the kernel.
        judge: `arrived` of what it tells.
        sent: when that call began to push, in seconds since the epoch; Kaggle may have been at
            work on it still when it ended, and lists lag: it is searched for until that is long ago.
        insist: where nobody can tell, take it for not pushed.

    Raises:
        UnsureError: nobody can tell.
    """
    while True:
        now, doubt, found = look(), "", None
        try:
            found = judge(now)
        except UnseenError as unseen:
            doubt = str(unseen)
        left = sent + max(2 * silence_s(), listed_s()) - time.time()
        if found is not None or left <= 0:
            break
        said = "it was pushed by a call that was cut off; it is not in the list of versions yet"
        rest(said, min(left, 5), "looking again")
    if doubt and not insist:
        name = f"{now['owner']}/{now['slug']}"
        raise UnsureError(
            f"pushing {name}: a call that was cut off has sent it, and {doubt}: cannot tell whether "
            f"it arrived, and nothing was sent again; look at {SITE}/code/{name}: the same command "
            "looks once more first, and with --again it pushes it if it is not there"
        )
    return found, now


def _plain(text: str) -> str:
    """A script, or a notebook's code, without what a site may change of it: white space and escapes."""
    plain = html.unescape(text)
    code = notebook_code(text) or notebook_code(plain) or plain
    return "".join(html.unescape(code).split())


def _last(source: str) -> str:
    """A slug without its owner, or without what else some lists write before it."""
    return source.rpartition("/")[2].lower()
