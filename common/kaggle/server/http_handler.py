"""HTTP of the loopback host: calls, uploads, downloads with ranges, and the faults made on purpose."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from common.kaggle.protocol import md5_of
from common.kaggle.server.competition_api import Raw, Redirect, Service
from common.kaggle.server.competition_files import CompetitionFiles, etag
from common.kaggle.server.faults import Fault, Faults
from common.kaggle.server.kernel_files import OUTPUT, KernelOutputs
from common.kaggle.server.submissions import SubmissionStore
from common.kaggle.server.wire import RefusedError, authorised, byte_range, content_range

RPC = "/api/v1/"
LARGEST_REQUEST = 8 << 20  # bytes of a call's JSON; a kernel's source is the largest, escaped


class Handler(BaseHTTPRequestHandler):
    """One connection. The class attributes are set by the host on a subclass of its own."""

    service: ClassVar[Service]
    files: ClassVar[Mapping[str, CompetitionFiles]]
    submissions: ClassVar[SubmissionStore]
    outputs: ClassVar[KernelOutputs]
    account: ClassVar[tuple[str, str]]
    faults: ClassVar[Faults]
    closing: ClassVar[threading.Event]

    protocol_version = "HTTP/1.1"
    server_version = "loopback"
    sys_version = ""
    timeout = 60  # s a connection may stay silent
    disable_nagle_algorithm = True  # an answer's body follows its head at once, not 40 ms later

    def handle(self) -> None:
        """Requests until the connection ends; a client may go away between two of them."""
        with suppress(ConnectionResetError):
            super().handle()

    def do_POST(self) -> None:
        """A call."""
        self._answered(lambda path: path.removeprefix(RPC).rsplit("/", 1)[-1], self._call)

    def do_PUT(self) -> None:
        """The bytes of a submission, or of a dataset's file."""
        self._answered(lambda _: "PUT", self._take)

    def do_GET(self) -> None:
        """The bytes of a download."""
        self._answered(lambda _: "GET", self._give)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answered(self, name: Callable[[str], str], serve: Callable[[str], None]) -> None:
        """Serve one request; refusals become answers, injected faults are triggered."""
        self._fault: Fault | None = None
        try:
            target = urlsplit(self.path)
            if target.netloc and target.hostname not in ("localhost", "127.0.0.1"):
                raise RefusedError(
                    403, f"This host speaks for localhost only, not {target.hostname}"
                )
            fault = self.faults.take(name(target.path), ranged="Range" in self.headers)
            if fault:
                self._meet(fault)
            self._fault = fault
            serve(target.path)
        except RefusedError as refusal:
            # What was not read of the request would be taken for the next one.
            self.close_connection = True
            headers = {"Content-Type": "text/html" if refusal.page else "application/json"}
            if refusal.retry_after:
                headers["Retry-After"] = str(refusal.retry_after)
            self._send(refusal.code, refusal.body(), headers)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _meet(self, fault: Fault) -> None:
        """What a fault does before the call is done, if it is to be done at all."""
        self.closing.wait(fault.slow_s)
        if (fault.status or fault.page) and fault.cut_at is None:
            code, wait = fault.status or 200, fault.retry_after
            raise RefusedError(code, fault.message, retry_after=wait, page=fault.page)
        if fault.silent and fault.cut_at is None:
            self.closing.wait()
            raise ConnectionResetError

    def _call(self, path: str) -> None:
        name = path.removeprefix(RPC)
        length = self._length()
        if length > LARGEST_REQUEST:
            raise RefusedError(413, f"A call holds at most {LARGEST_REQUEST} bytes")
        text = self.rfile.read(length)
        header = self.headers.get("Authorization", "")
        if self.service.needs_account(name) and not authorised(header, *self.account):
            raise RefusedError(401, "Unauthenticated")
        try:
            request = json.loads(text or b"{}")
        except ValueError as error:
            raise RefusedError(400, "The request is not JSON") from error
        if not path.startswith(RPC) or not isinstance(request, dict):
            raise RefusedError(404, "No such call")
        try:
            answer = self.service.answer(name, request)
        except (TypeError, ValueError) as error:
            raise RefusedError(400, "A field of the request has the wrong type") from error
        if isinstance(answer, Redirect):
            self._send(302, b"", {"Location": answer.address})
            return
        if isinstance(answer, Raw):
            self._send(200, answer.data, {"Content-Type": "application/octet-stream"})
            return
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _take(self, path: str) -> None:
        token = path.removeprefix("/upload/")
        length = self._length()
        first: int | None = 0
        if "Content-Range" in self.headers:
            first, _ = content_range(self.headers["Content-Range"])
        cut = self._fault.cut_at if self._fault else None
        if self._fault and cut is not None:
            self.submissions.uploads.receive(token, first, self.rfile, min(length, cut))
            if self._fault.status:
                self.rfile.read(max(length - cut, 0))  # or the answer would not be read
                raise RefusedError(self._fault.status, self._fault.message)
            raise ConnectionResetError
        present = self.submissions.uploads.receive(token, first, self.rfile, length)
        if present is None:
            self._send(200, b"", {})
        else:
            self.close_connection = True  # bytes that came out of order were not read
            self._send(308, b"", {"Range": f"bytes=0-{present - 1}"} if present else {})

    def _give(self, path: str) -> None:
        file, md5 = self._stored(path)
        size, validator = file.stat().st_size, etag(file)
        modified = formatdate(file.stat().st_mtime, usegmt=True)
        unchanged = self.headers.get("If-Range") in (None, validator, modified)
        wanted = byte_range(self.headers.get("Range", ""), size) if unchanged else None
        first, last = wanted or (0, size - 1)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(last - first + 1),
            "Last-Modified": modified,
            "ETag": validator,
            "x-goog-hash": f"md5={md5}",
            "Accept-Ranges": "bytes",
        }
        if wanted:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._send(206 if wanted else 200, (file, first, last - first + 1), headers)

    def _stored(self, path: str) -> tuple[Path, str]:
        """The file at an address, and its MD5."""
        parts = path.split("/", 5)  # '', storage, slug, signature, kind, the rest
        files = self.files.get(parts[2]) if len(parts) == 6 and parts[1] == "storage" else None
        if files is not None:
            file = files.found(*parts[3:])
            return file, files.md5(file)
        if path.startswith(OUTPUT):
            file = self.outputs.found(path)
            return file, md5_of(file)
        raise RefusedError(404, "Not found")

    def _length(self) -> int:
        text = self.headers.get("Content-Length", "")
        if not text.isdigit():
            raise RefusedError(411, "Content-Length is missing")
        return int(text)

    def _send(
        self, code: int, body: bytes | tuple[Path, int, int], headers: Mapping[str, str]
    ) -> None:
        """Answer with bytes, or (file, first byte, count); not at all when the answer is lost."""
        if self._fault and self._fault.loses_answer:
            self.close_connection = True
            return
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if isinstance(body, bytes):
            self.wfile.write(body)
            return
        self._send_file(*body)

    def _send_file(self, path: Path, first: int, count: int) -> None:
        with path.open("rb") as file:
            file.seek(first)
            while count and (data := file.read(min(1 << 20, count))):
                sent = self._fault.spoilt(data, first) if self._fault else data
                self.wfile.write(sent)
                if len(sent) < len(data):
                    if self._fault and self._fault.silent:
                        self.closing.wait()
                    raise ConnectionResetError
                first += len(data)
                count -= len(data)
