"""The host over time: pages, the deadline, faults on request, closing."""

import base64
import socket
from contextlib import suppress
from pathlib import Path

from toy_host import SERVICE, call, handed_in, place, score, send

from common.kaggle.server.host import Fault, Host, Hosted


def test_submissions_come_in_pages_in_the_order_asked_for(tmp_path: Path, files: Path) -> None:
    hosted = Hosted(
        slug="petals", title="P", files=files, score=score, metric="accuracy", daily_limit=9
    )
    with Host([hosted], folder=tmp_path / "host") as host:
        handed_in(host, b"0.25", b"bad", b"0.75", b"0.50")
        order = {"competitionName": "petals", "sortBy": "SUBMISSION_SORT_BY_PUBLIC_SCORE"}
        _, first = call(host, "ListSubmissions", **order, pageSize=2)
        _, second = call(host, "ListSubmissions", **order, pageToken=first["nextPageToken"])
        _, good = call(
            host, "ListSubmissions", competitionName="petals", group="SUBMISSION_GROUP_SUCCESSFUL"
        )
    scores = [row["publicScore"] for row in first["submissions"] + second["submissions"]]
    assert scores == ["0.75000", "0.50000", "0.25000", ""]
    assert [row["publicScore"] for row in good["submissions"]] == ["0.50000", "0.75000", "0.25000"]


def test_private_scores_and_the_final_board_are_told_after_the_deadline(
    tmp_path: Path, files: Path
) -> None:
    now = [1_000_000.0]
    hosted = Hosted(
        slug="petals",
        title="P",
        files=files,
        score=score,
        metric="accuracy",
        deadline=2_000_000.0,
        hide_private=True,
        board=[("ann", 0.7, 0.6), ("ben", 0.8, 0.2)],
    )

    def told(host: Host) -> tuple[str, list[tuple[str, str]]]:
        _, listed = call(host, "ListSubmissions", competitionName="petals")
        _, board = call(host, "GetLeaderboard", competitionName="petals")
        rows = [(row["teamName"], row["score"]) for row in board["submissions"]]
        return listed["submissions"][0]["privateScore"], rows

    with Host([hosted], folder=tmp_path / "host", clock=lambda: now[0]) as host:
        handed_in(host, b"0.75")
        assert told(host) == ("", [("ben", "0.80000"), ("you", "0.75000"), ("ann", "0.70000")])
        now[0] = 3_000_000.0
        expected = [("ann", "0.60000"), ("you", "0.37500"), ("ben", "0.20000")]
        assert told(host) == ("0.37500", expected)


def test_a_fault_happens_as_often_as_was_asked_and_says_when_to_come_back(host: Host) -> None:
    host.faults.add(Fault(method="GetCompetition", status=429, retry_after=7, times=2))
    basic = base64.b64encode(f"you:{host.environment['KAGGLE_KEY']}".encode()).decode()
    seen = []
    for _ in range(3):
        response, _ = send(
            host,
            "POST",
            f"/api/v1/{SERVICE}/GetCompetition",
            b'{"competitionName": "petals"}',
            Authorization=f"Basic {basic}",
        )
        seen.append((response.status, response.headers["Retry-After"]))
    assert seen == [(429, "7"), (429, "7"), (200, None)]


def test_a_host_that_is_closed_lets_go_of_those_it_kept_waiting(
    tmp_path: Path, files: Path
) -> None:
    hosted = Hosted(slug="petals", title="P", files=files, score=score, metric="accuracy")
    with Host([hosted], folder=tmp_path / "host") as host:
        host.faults.add(Fault(method="GET", silent=True))
        target = place(host)
        waiting = socket.create_connection(("127.0.0.1", host.port), timeout=10)
        waiting.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    with waiting, suppress(ConnectionResetError):
        assert waiting.recv(10) == b""
