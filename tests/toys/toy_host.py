"""Raw calls to a loopback Kaggle, past the client."""

import base64
import json
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from common.kaggle.server.host import Host

SERVICE = "competitions.CompetitionApiService"


def score(path: Path) -> tuple[float, float]:
    """The number in the file, and half of it; ValueError for a word."""
    value = float(path.read_text(encoding="utf-8"))
    return value, value / 2


def send(
    host: Host, method: str, target: str, body: bytes = b"", **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", host.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, body, named)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response, data


def call(host: Host, method: str, /, **request: Any) -> tuple[int, dict[str, Any]]:
    basic = base64.b64encode(f"you:{host.environment['KAGGLE_KEY']}".encode()).decode()
    response, data = send(
        host,
        "POST",
        f"http://localhost/api/v1/{SERVICE}/{method}",
        json.dumps(request).encode(),
        Authorization=f"Basic {basic}",
    )
    return response.status, json.loads(data) if data else dict(response.getheaders())


def place(host: Host, **request: str) -> str:
    """Where the bytes of a download lie."""
    method = "DownloadDataFile" if "fileName" in request else "DownloadDataFiles"
    status, headers = call(host, method, competitionName="petals", **request)
    assert status == 302
    return str(headers["Location"])


def upload(host: Host, length: int) -> str:
    _, answer = call(
        host,
        "StartSubmissionUpload",
        competitionName="petals",
        fileName="s.csv",
        contentLength=length,
        lastModifiedEpochSeconds=1,
    )
    return str(answer["createUrl"])


def handed_in(host: Host, *texts: bytes) -> None:
    for text in texts:
        target = upload(host, len(text))
        send(host, "PUT", target, text)
        token = target.rsplit("/", 1)[-1]
        call(host, "CreateSubmission", competitionName="petals", blobFileTokens=token)
    host._submissions.close()
