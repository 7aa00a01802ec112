"""A competition's slug, from whatever people paste for it: an address of its pages, a command."""

import re
import shlex
from urllib.parse import urlsplit

from common.errors import KitError

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
HOSTS = ("kaggle.com", "www.kaggle.com", "m.kaggle.com", "inclass.kaggle.com")
BEFORE = ("c", "competitions")  # what stands before the slug in the address of a competition's page
KINDS = {
    "code": "a notebook's page",
    "kernels": "a notebook's page",
    "notebooks": "a notebook's page",
    "datasets": "a dataset's page",
    "models": "a model's page",
    "discussions": "a discussion",
    "t": "an invitation's link",
    "": "the site's front page",
    **dict.fromkeys(BEFORE, "the list of all competitions"),
}
CALLED = "`kit new SLUG` or `kit SLUG check` takes https://www.kaggle.com/competitions/SLUG and its pages"


def is_address(text: str) -> bool:
    """Is it more than a name: a page's address, or the official client's command?"""
    return re.search(r"[/\s:.]", text.strip()) is not None


def slug_in(text: str) -> str:
    """The slug that a text names, spelled as it stands there.

    Args:
        text: a slug; the address of a competition's page, new or old (`/c/`), of any of its tabs,
            with or without `https://www.`; or a command `kaggle competitions … -c SLUG`.

    Raises:
        KitError: it is the address of something else, or no slug.
    """
    words = text.strip().lstrip("!%$ ").split()
    if words[:1] == ["kaggle"]:
        return _checked(_of_command(words, text), text)
    plain = text.strip().strip("<>()[]\"'`,").rstrip(".")
    if not is_address(plain):
        return _checked(plain, text)
    if len(words) != 1:
        raise KitError(f"{text!r} is no slug and no address: {CALLED}")
    return _checked(_of_page(plain, text), text)


def _of_command(words: list[str], text: str) -> str:
    try:
        words = shlex.split(" ".join(words))
    except ValueError:
        words = []
    if words[1:2] and words[1] in BEFORE:
        for at, word in enumerate(words):
            if word in ("-c", "--competition") and at + 1 < len(words):
                return words[at + 1]
            if word.startswith("--competition="):
                return word.partition("=")[2]
        if len(words) > 3 and not words[3].startswith("-"):
            return words[3]
    raise KitError(f"{text!r} names no competition (-c SLUG): {CALLED}")


def _of_page(plain: str, text: str) -> str:
    """The slug in an address, with its host or from its path on."""
    bare = re.match(r"/*(?:c|competitions)/", plain, re.IGNORECASE)
    whole = plain if re.match(r"[A-Za-z][\w+.-]*://|//", plain) else f"//{plain}"
    try:
        parts = urlsplit(f"//{HOSTS[0]}/{plain.lstrip('/')}" if bare else whole)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        raise KitError(f"{text!r} is no address: {CALLED}") from None
    if host not in HOSTS or parts.scheme.lower() not in ("", "http", "https"):
        raise KitError(f"{text!r} is no page of www.kaggle.com: {CALLED}")
    steps = [step for step in parts.path.split("/") if step]
    if len(steps) > 1 and steps[0].lower() in BEFORE:
        return steps[1]
    other = "a person's page" if len(steps) == 1 else "a notebook's page or a dataset's"
    kind = KINDS.get(steps[0].lower() if steps else "", other)
    raise KitError(f"{text!r} is {kind}, not a competition: {CALLED}")


def _checked(slug: str, text: str) -> str:
    if not SLUG.fullmatch(slug):
        raise KitError(
            f"{text!r} is no slug: it is the word behind /competitions/ in the competition's address, "
            "of letters, digits and dashes"
        )
    return slug
