import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from toy_host import SERVICE, call, place, send, upload

from common.kaggle.client.child_process import ask
from common.kaggle.server.host import Host, Hosted


def test_it_listens_on_loopback_alone(host: Host) -> None:
    assert host._server.server_address[0] == "127.0.0.1"


def test_a_call_without_the_key_is_refused_in_the_real_shape(host: Host) -> None:
    for header in ("", "Basic eW91Ong=", "Bearer x", "Basic é"):
        response, data = send(
            host, "POST", f"/api/v1/{SERVICE}/GetCompetition", b"{}", Authorization=header
        )
        assert response.status == 401
        assert json.loads(data)["error"]["status"] == "UNAUTHENTICATED"


def test_it_speaks_for_no_other_site(host: Host) -> None:
    response, _ = send(host, "GET", "http://example.com/")
    assert response.status == 403
    response, _ = send(host, "CONNECT", "api.kaggle.com:443")
    assert response.status == 501


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/../../etc/passwd",
        "/storage/petals/0/file/sample.csv",
        "/storage/petals/0/bundle/archive.zip",
        "/storage/nothing/0/file/sample.csv",
        "/storage/petals/0/file/../../../etc/passwd",
    ],
)
def test_it_serves_nothing_that_it_did_not_sign(host: Host, target: str) -> None:
    response, data = send(host, "GET", target)
    assert response.status in (403, 404)
    assert json.loads(data)["error"]["code"] == response.status


@pytest.mark.parametrize("name", ["../host/submissions.json", "/etc/passwd", "", "link.csv"])
def test_only_the_competitions_own_files_have_an_address(host: Host, name: str) -> None:
    status, answer = call(host, "DownloadDataFile", competitionName="petals", fileName=name)
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


def test_a_link_out_of_the_folder_is_not_served(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("private", encoding="utf-8")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link.csv").symlink_to(outside)
    hosted = Hosted(
        slug="petals",
        title="P",
        files=tmp_path / "files",
        score=lambda _: (0, 0),
        metric="accuracy",
    )
    with Host([hosted], folder=tmp_path / "host") as host:
        assert call(host, "ListDataFiles", competitionName="petals")[1]["files"] == []


def test_a_file_is_served_whole_and_in_ranges(host: Host, files: Path) -> None:
    target = place(host, fileName="train/a b.png")
    wanted = (files / "train" / "a b.png").read_bytes()
    response, data = send(host, "GET", target)
    assert data == wanted
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Last-Modified"].endswith("GMT")
    etag = response.headers["ETag"]

    response, data = send(host, "GET", target, Range="bytes=100-199", If_Range=etag)
    assert (response.status, data) == (206, wanted[100:200])
    assert response.headers["Content-Range"] == f"bytes 100-199/{len(wanted)}"

    response, data = send(host, "GET", target, Range="bytes=100-", If_Range='"older"')
    assert (response.status, data) == (200, wanted)

    response, _ = send(host, "GET", target, Range=f"bytes={len(wanted)}-")
    assert response.status == 416


def test_files_are_listed_in_pages(host: Host) -> None:
    _, first = call(host, "ListDataFiles", competitionName="petals", pageSize=1)
    _, second = call(
        host,
        "ListDataFiles",
        competitionName="petals",
        pageSize=1,
        pageToken=first["nextPageToken"],
    )
    names = [file["name"] for file in first["files"] + second["files"]]
    assert names == ["sample.csv", "train/a b.png"]
    assert "nextPageToken" not in second
    listed = ask({"operation": "files", "slug": "petals"}, environment=host.environment)
    assert [file["name"] for file in listed] == names


def test_an_upload_is_resumed_where_it_was_cut(host: Host) -> None:
    target = upload(host, 4)
    response, _ = send(host, "PUT", target, b"", Content_Range="bytes */4")
    assert (response.status, response.headers["Range"]) == (308, None)

    with socket.create_connection(("127.0.0.1", host.port), timeout=10) as cut:
        cut.sendall(f"PUT {target} HTTP/1.1\r\nContent-Length: 4\r\n\r\n0.".encode())
        cut.shutdown(socket.SHUT_WR)
        cut.recv(1000)
    response, _ = send(host, "PUT", target, b"", Content_Range="bytes */4")
    assert (response.status, response.headers["Range"]) == (308, "bytes=0-1")

    response, _ = send(host, "PUT", target, b"25", Content_Range="bytes 2-3/4")
    assert response.status == 200
    token = target.rsplit("/", 1)[-1]
    status, answer = call(host, "CreateSubmission", competitionName="petals", blobFileTokens=token)
    assert status == 200
    host._submissions.close()
    assert call(host, "GetSubmission", ref=answer["ref"])[1]["publicScore"] == "0.25000"


def test_more_bytes_than_announced_are_refused(host: Host) -> None:
    assert send(host, "PUT", upload(host, 4), b"12345")[0].status == 400
    assert send(host, "PUT", "/upload/unknown", b"1234")[0].status == 404


def test_a_submission_without_its_file_is_refused(host: Host) -> None:
    token = upload(host, 4).rsplit("/", 1)[-1]
    status, answer = call(host, "CreateSubmission", competitionName="petals", blobFileTokens=token)
    assert (status, answer["error"]["message"]) == (400, "The submission file was not uploaded")


def test_oversized_and_senseless_calls_are_refused(host: Host) -> None:
    bearer = f"Bearer {host.environment['KAGGLE_KEY']}"
    target = f"/api/v1/{SERVICE}/GetSubmission"
    bodies: Mapping[bytes, int] = {b"{": 400, b"[]": 404, b'{"ref": "x"}': 400, b'{"ref": 1}': 404}
    for body, code in bodies.items():
        assert send(host, "POST", target, body, Authorization=bearer)[0].status == code
    response, _ = send(host, "POST", target, b"", Content_Length=str(1 << 30), Authorization=bearer)
    assert response.status == 413


def test_the_leaderboard_shows_the_best_score_and_a_reopened_host_remembers(
    host: Host, tmp_path: Path
) -> None:
    for text in (b"0.25", b"0.75"):
        target = upload(host, 4)
        send(host, "PUT", target, text)
        call(
            host,
            "CreateSubmission",
            competitionName="petals",
            blobFileTokens=target.rsplit("/", 1)[-1],
        )
    host._submissions.close()
    _, board = call(host, "GetLeaderboard", competitionName="petals")
    assert [row["score"] for row in board["submissions"]] == ["0.75000"]

    hosted = host._competitions["petals"]
    with Host([hosted], folder=tmp_path / "host") as reopened:
        _, limits = call(reopened, "GetSubmissionLimits", competitionName="petals")
    assert (limits["numToday"], limits["numAllowedNow"]) == (2, 0)


def test_a_scorer_that_breaks_leaves_an_error_and_not_a_pending_row(tmp_path: Path) -> None:
    def broken(path: Path) -> tuple[float, float]:
        raise KeyError(path.name)

    (tmp_path / "files").mkdir()
    hosted = Hosted(
        slug="petals", title="P", files=tmp_path / "files", score=broken, metric="accuracy"
    )
    with Host([hosted], folder=tmp_path / "host") as host:
        target = upload(host, 1)
        send(host, "PUT", target, b"1")
        token = target.rsplit("/", 1)[-1]
        _, answer = call(host, "CreateSubmission", competitionName="petals", blobFileTokens=token)
        host._submissions.close()
        found = call(host, "GetSubmission", ref=answer["ref"])[1]
    assert found["status"] == "ERROR"
    assert found["errorDescription"].startswith("Evaluation Exception: KeyError")


def test_its_environment_removes_what_would_sign_in_as_another(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "somebody-else")
    monkeypatch.setenv("KAGGLE_TOKEN", "somebody-else")
    monkeypatch.setenv("no_proxy", "localhost")
    whoami = ask({"operation": "whoami"}, environment=host.environment)
    assert whoami == {"username": "you", "method": "LEGACY_API_KEY"}
