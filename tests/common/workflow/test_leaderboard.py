"""A board of any length and any manners: every team once, and no number that was not read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from plain_site import Site, serving

from common.kaggle.child import main
from common.kaggle.child.failure import OperationError
from common.kaggle.child.pages import BARREN, all_of, listed
from common.verbs import leaderboard
from common.workflow.submitting.local_kaggle import environment_set

Rows = list[dict[str, Any]]


def teams(count: int) -> Rows:
    return [
        {"teamId": 1 + n, "teamName": f"team {n}", "score": f"{0.99999 - n * 1e-4:.5f}"}
        for n in range(count)
    ]


def in_pages(rows: Rows, size: int = 200) -> Callable[[str], tuple[Rows, str]]:
    def page(token: str) -> tuple[Rows, str]:
        start = int(token or 0)
        return rows[start : start + size], str(start + size) if start + size < len(rows) else ""

    return page


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that serves a board to the official client in this process."""

    def ask(request: Any, **_: object) -> Any:
        return main.answer(request)["result"]

    monkeypatch.setattr("common.kaggle.client.retry.ask", ask)
    site = Site()
    with serving(site, tmp_path / "home") as environment, environment_set(environment):
        yield site


def shown(toy: Any, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    capsys.readouterr()
    return leaderboard.run(toy()), capsys.readouterr().err


def entered(site: Site, score: str) -> None:
    """A submission of ours, which is scored."""
    own = {"at": 0.0, "ref": 5, "description": "", "publicScore": score, "teamName": "ours"}
    site.submitted.append(own)


def test_a_board_is_read_to_its_end_however_long_it_is(
    site: Site, toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.board = in_pages(teams(5001))
    entered(site, "0.10000")
    found, said = shown(toy, capsys)
    assert (found["teams"], found["whole"], found["place"]) == (5001, True, 5002)
    assert "accuracy, 5,001 teams on the board" in said
    assert "(ref 5) would have place 5,002 of 5,002: it is not on the board" in said


def test_a_board_beyond_what_one_call_reads_is_gone_on_with(
    site: Site, toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.board = in_pages(teams(1100), size=10)
    found, said = shown(toy, capsys)
    assert (found["teams"], found["whole"]) == (1100, True)
    assert "1,000 teams so far" in said


@pytest.mark.parametrize(
    ("board", "count", "whole"),
    [
        (lambda _: (teams(200), "200"), 200, False),  # the same page, by the same token
        (lambda token: (teams(200), f"{token}x"), 200, False),  # … and a new token each time
        (lambda token: (teams(200) if not token else [], f"{token}x"), 200, False),
        (lambda token: ([], "b") if token == "a" else (teams(3), "" if token else "a"), 3, True),
        (
            lambda token: (
                teams(400)[200 * (token > "a") :][:200],
                {"": "a", "a": "b"}.get(token, ""),
            ),
            400,
            True,
        ),  # one page twice, and the rest
        (lambda _: ([], ""), 0, True),
    ],
    ids=["repeated", "repeated, new tokens", "empty for ever", "empty between", "twice", "empty"],
)
def test_no_team_is_there_twice_and_what_was_not_read_is_said(
    site: Site,
    toy: Any,
    capsys: pytest.CaptureFixture[str],
    board: Callable[[str], tuple[Rows, str]],
    count: int,
    whole: bool,
) -> None:
    site.board = board
    found, said = shown(toy, capsys)
    names = [row["team"] for row in found["rows"]]
    assert len(names) == len(set(names)) == count
    assert found["whole"] is whole
    assert ("at least" in said) is not whole


def test_a_score_below_a_board_that_does_not_end_has_at_least_that_place(
    site: Site, toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.board = lambda _: (teams(200), "200")
    entered(site, "0.10000")
    _, said = shown(toy, capsys)
    assert "would have at least place 201 of at least 201: it is not on what was read" in said


def test_ones_own_row_among_equal_scores_has_its_place(
    site: Site, toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = teams(4)
    for row in rows[1:]:
        row["score"] = "0.90000"
    rows[2]["teamName"] = "ours"
    site.board = in_pages(rows)
    entered(site, "0.90000")
    found, said = shown(toy, capsys)
    assert (found["listed"], found["place"]) == (True, 2)
    site.submitted.clear()
    entered(site, "0.99950")  # after the deadline: better, and not on the board
    _, said = shown(toy, capsys)
    assert "would have place 2 of 4: the board has 0.90000 of your team, at place 3" in said


def test_any_list_that_is_read_page_by_page_says_whether_it_has_an_end() -> None:
    pages = {"": ({"a": 1}, "1"), "1": ({}, "2"), "2": ({"a": 1, "b": 2}, "")}
    assert listed(pages.__getitem__) == ({"a": 1, "b": 2}, "", True)
    assert listed(pages.__getitem__, most=2) == ({"a": 1}, "2", False)
    asked: list[str] = []

    def endless(token: str) -> tuple[dict[str, int], str]:
        asked.append(token)
        return {"a": 1}, f"{token}x"

    with pytest.raises(OperationError, match="a list of files that repeats itself, or has no end"):
        all_of(endless, "files")
    assert len(asked) == 1 + BARREN
