"""Lists and their rows as plain JSON, from an authenticated client that is handed in."""

from collections.abc import Mapping
from typing import Any

PAGES = 20  # of a list; enough for every list the kit reads, and an end if a server repeats itself

Request = Mapping[str, Any]


def files(api: Any, request: Request) -> list[dict[str, Any]]:
    """Every file of a competition: name and bytes."""
    found: dict[str, dict[str, Any]] = {}
    token: str | None = None
    for _ in range(PAGES):
        page = api.competition_list_files(request["slug"], page_token=token, page_size=200)
        found |= {file.name: {"name": file.name, "bytes": file.total_bytes} for file in page.files}
        token = page.next_page_token
        if not token:
            break
    return list(found.values())


def submissions(api: Any, request: Request) -> list[dict[str, Any]]:
    """The team's submissions, newest first, the first `pages` pages of them."""
    found: dict[int, dict[str, Any]] = {}
    for number in range(1, min(request.get("pages", PAGES), PAGES) + 1):
        page = api.competition_submissions(request["slug"], page_number=number, page_size=100)
        new = {item.ref: plain_submission(item) for item in page or [] if item.ref not in found}
        if not new:  # a page past the end is empty, or the last one again
            break
        found |= new
    return list(found.values())


def plain_submission(item: Any) -> dict[str, Any]:
    """A submission as plain JSON; scores are text, empty where there is none."""
    return {
        "ref": item.ref,
        "status": item.status.name,
        "public": item.public_score or "",
        "private": item.private_score or "",
        "error": item.error_description or "",
        "description": item.description or "",
        "date": item.date.isoformat() if item.date else "",
        "file": item.file_name or "",
    }


def known(api: Any, request: Request) -> list[str]:
    """Slugs that resemble one: found by it, by its parts, among the entered and the general."""
    slug = request["slug"]
    asked: list[dict[str, Any]] = [{"search": slug}]
    asked += [{"search": word} for word in slug.split("-")[:3] if word != slug]
    asked += [{"group": "entered", "page_size": 100}, {"page_size": 100}]
    found: dict[str, None] = {}
    for words in asked:
        for row in api.competitions_list(**words).competitions:
            found[(row.ref or "").rstrip("/").rsplit("/", 1)[-1]] = None
        if slug in found:
            break
    return [name for name in found if name]
