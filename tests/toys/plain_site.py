"""A second Kaggle, written from the protocol alone: it shares no code with the kit's own host."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Site:
    """What it holds, and its manners.

    Attributes:
        lost: methods whose next answer is lost, once for each time they are named.
        late_s: until a submission or a version is listed.
        counts: does it tell limits? "late": as late as the list.
        tidy: what it makes of a description.
        versions: does it name the versions of kernels?
        board: a function from a page's token to its rows and the next token.
    """

    lost: list[str] = field(default_factory=list)
    late_s: float = 0.0
    counts: bool | str = True
    tidy: Callable[[str], str] = str
    versions: bool = True
    board: Callable[[str], tuple[list[dict[str, Any]], str]] = lambda _: ([], "")
    submitted: list[dict[str, Any]] = field(default_factory=list)
    pushed: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def listed(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["at"] + self.late_s <= time.time()]

    def answer(self, method: str, ask: dict[str, Any]) -> dict[str, Any] | None:
        """None: no such call, or nothing of that name."""
        if method == "StartSubmissionUpload":
            return {"token": "t", "createUrl": f"http://localhost/upload/{self.port}"}
        if method in ("CreateSubmission", "CreateCodeSubmission"):
            text = self.tidy(ask["submissionDescription"])
            self.submitted.append(
                {"at": time.time(), "ref": 700 + len(self.submitted), "description": text}
            )
            return {"message": "ok", "ref": self.submitted[-1]["ref"]}
        facts = {"date": "2026-11-27T10:00:00Z", "status": "COMPLETE", "publicScore": "0.5"}
        if method == "GetSubmission":
            rows = [row for row in self.listed(self.submitted) if row["ref"] == ask["ref"]]
            return facts | rows[0] if rows else None
        if method == "ListSubmissions":
            rows = self.listed(self.submitted)[::-1] if int(ask.get("page") or 1) == 1 else []
            return {"submissions": [facts | row for row in rows]}
        if method == "GetSubmissionLimits" and self.counts:
            made = len(self.listed(self.submitted) if self.counts == "late" else self.submitted)
            return {"numToday": made, "numAllowedNow": 50 - made}
        if method == "GetCompetition":
            return {"title": "Petals", "userHasEntered": True}
        if method == "GetLeaderboard":
            rows, token = self.board(ask.get("pageToken", ""))
            return {"submissions": rows, "nextPageToken": token}
        return self.about_kernels(method, ask)

    def about_kernels(self, method: str, ask: dict[str, Any]) -> dict[str, Any] | None:
        if method == "SaveKernel":
            self.pushed.append({"at": time.time(), "text": ask["text"], "wire": ask})
            numbered = {"versionNumber": len(self.pushed)} if self.versions else {}
            return {"ref": f"/code/{ask['slug']}", **numbered}
        shown = self.listed(self.pushed)
        if method == "GetKernel" and shown:
            named = {"currentVersionNumber": len(shown)} if self.versions else {}
            wire = {
                name: v for name, v in shown[-1]["wire"].items() if name.endswith("DataSources")
            }
            return {
                "metadata": {"slug": "s", **wire, **named},
                "blob": {"source": shown[-1]["text"]},
            }
        if method == "GetKernelSessionStatus":
            number = int(ask.get("versionLabel", "v0")[1:])
            return {"status": "COMPLETE"} if number <= len(shown) else None
        return None


@contextmanager
def serving(site: Site, home: Path) -> Iterator[dict[str, str]]:
    """The environment that leads the official client to the site."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            method = self.path.rpartition("/")[2]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = site.answer(method, json.loads(body or b"{}"))
            if method in site.lost:
                site.lost.remove(method)
                self.close_connection = True
                return
            self.told(404 if found is None else 200, found or {})

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.told(200, {})

        def told(self, code: int, found: dict[str, Any]) -> None:
            text = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    site.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    proxy = f"http://127.0.0.1:{site.port}"
    for name in ("config", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    try:
        yield {
            "http_proxy": proxy,
            "HTTP_PROXY": proxy,
            "no_proxy": "127.0.0.1",
            "NO_PROXY": "127.0.0.1",
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "KIT_LOOPBACK_ONLY": "1",
            "HOME": str(home),
            "KAGGLE_CONFIG_DIR": str(home / "config"),
            "TMPDIR": str(home / "tmp"),
            "KAGGLE_USERNAME": "you",
            "KAGGLE_KEY": "0123456789",
        }
    finally:
        server.shutdown()
        server.server_close()
