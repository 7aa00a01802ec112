"""The leaderboard, for `common.kaggle.remote`: read page by page through the official client."""

from collections.abc import Mapping
from typing import Any

PAGES = 25  # of 200 teams; an end if a server repeats itself


def leaderboard(api: Any, request: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows, best first. (The client's own call keeps the next page's token to itself.)"""
    from kagglesdk.competitions.types.competition_api_service import ApiGetLeaderboardRequest

    wire = ApiGetLeaderboardRequest()
    wire.competition_name, wire.page_size = request["slug"], 200
    found: list[dict[str, str]] = []
    with api.build_kaggle_client() as client:
        for _ in range(PAGES):
            page = client.competitions.competition_api_client.get_leaderboard(wire)
            found += [_plain(row) for row in page.submissions or []]
            wire.page_token = page.next_page_token
            if not page.next_page_token:
                break
    return found


def _plain(row: Any) -> dict[str, str]:
    return {
        "team": row.team_name or "",
        "score": row.score or "",
        "date": row.submission_date.isoformat() if row.submission_date else "",
    }
